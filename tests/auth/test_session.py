"""How long somebody stays signed in, and what happens then."""

import datetime as dt
import uuid
from http.cookies import Morsel, SimpleCookie
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import TimestampSigner
from werkzeug.test import TestResponse

from config import load
from tests.auth.conftest import make_app
from tests.auth.forms import log_in, who
from tests.factories import csrf_token
from webapp.app import create_app
from webapp.auth import known_browser, login
from webapp.extensions import db
from webapp.models import User

HTMX = {"HX-Request": "true"}


def cookies(answer: TestResponse) -> dict[str, Morsel]:
    jar: SimpleCookie = SimpleCookie()
    for line in answer.headers.getlist("Set-Cookie"):
        jar.load(line)
    return dict(jar)


def age(app: Flask, client: FlaskClient, minutes: int) -> None:
    """Makes the browser's session cookie as if it had been given `minutes` ago."""

    class Earlier(TimestampSigner):
        def get_timestamp(self) -> int:
            return super().get_timestamp() - minutes * 60

    with client.session_transaction() as session:
        content = dict(session)
    serializer = app.session_interface.get_signing_serializer(app)
    serializer.signer = Earlier
    client.set_cookie(app.config["SESSION_COOKIE_NAME"], serializer.dumps(content))


def sign_in_since(client: FlaskClient, hours: float) -> None:
    with client.session_transaction() as session:
        since = dt.datetime.now(dt.UTC) - dt.timedelta(hours=hours)
        session["signed_in_at"] = int(since.timestamp())


def next_of(answer: TestResponse) -> str | None:
    """What the way to the login page carries as `next`."""
    target = urlsplit(answer.headers.get("HX-Redirect") or answer.location)
    assert target.path == "/login"
    return parse_qs(target.query).get("next", [None])[0]


def test_cookie_flags(client: FlaskClient, alice: User) -> None:
    found = cookies(log_in(client, alice.email))
    assert set(found) == {"__Host-session", "__Host-known"}
    for cookie in found.values():
        assert cookie["secure"] is True
        assert cookie["httponly"] is True
        assert cookie["samesite"] == "Lax"
        assert cookie["path"] == "/"
        assert cookie["domain"] == ""


def test_cookies_over_plain_http_carry_no_prefix(
    settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    address = {"PUBLIC_URL": "http://nas.example.com:8000"}
    plain = make_app(settings | address, tmp_path_factory)
    answer = plain.response_class()
    with plain.test_request_context():
        known_browser.remember(answer, "alice@example.com")
    assert answer.headers["Set-Cookie"].startswith("known=")
    assert "Secure" not in answer.headers["Set-Cookie"]


def test_session_from_before_the_login_does_not_survive(
    client: FlaskClient, alice: User
) -> None:
    client.get("/login")
    with client.session_transaction() as session:
        session["planted"] = "by somebody else"
        token = session["csrf_token"]
    log_in(client, alice.email)
    with client.session_transaction() as session:
        assert "planted" not in session
        assert session.get("csrf_token") != token


def test_logout_leaves_nothing_of_the_session(alice_client: FlaskClient) -> None:
    token = csrf_token(alice_client.get("/probe").text)
    with alice_client.session_transaction() as session:
        session["planted"] = 1
    alice_client.post("/logout", data={"csrf_token": token})
    with alice_client.session_transaction() as session:
        assert set(session) == {"_flashes"}


def test_idle_limit(app: Flask, alice_client: FlaskClient, alice: User) -> None:
    age(app, alice_client, minutes=29)
    assert who(alice_client) == alice.email
    age(app, alice_client, minutes=31)
    assert who(alice_client) is None


def test_every_request_renews_the_idle_limit(
    app: Flask, alice_client: FlaskClient, alice: User
) -> None:
    for _ in range(3):
        age(app, alice_client, minutes=20)
        assert who(alice_client) == alice.email


def test_absolute_limit(alice_client: FlaskClient, alice: User) -> None:
    sign_in_since(alice_client, hours=11.9)
    assert who(alice_client) == alice.email
    sign_in_since(alice_client, hours=12.1)
    assert who(alice_client) is None


def test_session_without_its_beginning_is_over(alice_client: FlaskClient) -> None:
    with alice_client.session_transaction() as session:
        del session["signed_in_at"]
    assert who(alice_client) is None


def test_absolute_limit_to_the_second(app: Flask) -> None:
    start = dt.datetime(2026, 11, 22, 8, tzinfo=dt.UTC)
    end = start + dt.timedelta(hours=12)
    with app.app_context():
        assert not login.is_over(
            int(start.timestamp()), end - dt.timedelta(microseconds=1)
        )
        assert login.is_over(int(start.timestamp()), end)


@pytest.mark.parametrize("user_id", ["", "1", "not-a-uuid", "0" * 32])
def test_malformed_or_unknown_user_id_is_nobody(
    alice_client: FlaskClient, user_id: str
) -> None:
    with alice_client.session_transaction() as session:
        session["_user_id"] = user_id
    assert who(alice_client) is None


def test_deactivated_user_is_out_at_once(
    app: Flask, alice_client: FlaskClient, alice: User
) -> None:
    with app.app_context():
        db.session.get_one(User, alice.id).is_active = False
        db.session.commit()
    assert who(alice_client) is None


def test_deleted_user_is_out_at_once(
    app: Flask, alice_client: FlaskClient, alice: User
) -> None:
    with app.app_context():
        db.session.delete(db.session.get_one(User, alice.id))
        db.session.commit()
    assert who(alice_client) is None


def test_anonymous_is_sent_to_the_login_page_and_back(client: FlaskClient) -> None:
    answer = client.get("/probe?page=2&q=a%20b")
    assert answer.status_code == 303
    assert next_of(answer) == "/probe?page=2&q=a%20b"


def test_login_page_says_why_it_appears(client: FlaskClient) -> None:
    page = client.get("/probe", follow_redirects=True).text
    assert "Log in to go on where you were." in page
    assert "Log in to go on where you were." not in client.get("/login").text


def test_expiry_on_an_htmx_request_moves_the_whole_page(
    app: Flask, alice_client: FlaskClient
) -> None:
    age(app, alice_client, minutes=31)
    headers = HTMX | {"Referer": "http://localhost/accounts?page=2"}
    answer = alice_client.get("/probe", headers=headers)
    assert answer.status_code == 200
    assert answer.data == b""
    assert next_of(answer) == "/accounts?page=2"


def test_expired_form_comes_back_to_its_page(
    app: Flask, alice_client: FlaskClient
) -> None:
    token = csrf_token(alice_client.get("/probe").text)
    sign_in_since(alice_client, hours=13)
    answer = alice_client.post(
        "/probe",
        data={"csrf_token": token},
        headers={"Referer": "http://localhost/settings"},
    )
    assert answer.status_code == 303
    assert next_of(answer) == "/settings"


@pytest.mark.parametrize(
    "referrer", ["https://evil.example/settings", "http://localhost//evil", "", "::"]
)
def test_foreign_referrer_is_not_a_way_back(client: FlaskClient, referrer: str) -> None:
    answer = client.get("/probe", headers=HTMX | {"Referer": referrer})
    assert next_of(answer) is None


def test_boosted_request_is_redirected_like_a_page(client: FlaskClient) -> None:
    answer = client.get("/probe", headers=HTMX | {"HX-Boosted": "true"})
    assert answer.status_code == 303
    assert next_of(answer) == "/probe"


def test_signed_in_person_sees_503_while_the_database_is_away(
    settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    away = {"DATABASE_URL": "postgresql://app@127.0.0.1:1/none"}
    root = tmp_path_factory.mktemp("root")
    client = create_app(load(settings | away, root)).test_client()
    token = csrf_token(client.get("/login").text)
    data = {"csrf_token": token, "email": "alice@example.com", "password": "x"}
    assert client.post("/login", data=data).status_code == 503
    with client.session_transaction() as session:
        session["_user_id"] = "01890000-0000-7000-8000-000000000000"
    sign_in_since(client, hours=0)
    answer = client.get("/login")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"


def test_part_that_posts_after_the_session_ended_goes_to_the_login(
    client: FlaskClient,
) -> None:
    answer = client.post(f"/accounts/{uuid.uuid4()}/syncs", headers=HTMX)
    assert answer.headers["HX-Redirect"].startswith("/login")
