import threading

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from tests.auth.forms import (
    field_errors,
    kept_value,
    log_in,
    register,
    who,
)
from tests.factories import PASSWORD, csrf_token
from webapp.auth.accounts import find
from webapp.auth.passwords import verify
from webapp.auth.zones import zone_or_utc
from webapp.extensions import db
from webapp.models import User


def stored(app: Flask, email: str) -> User | None:
    with app.app_context():
        user = find(email)
        if user:
            db.session.expunge(user)
    return user


def test_register_makes_the_account_and_signs_in(
    app: Flask, client: FlaskClient
) -> None:
    answer = register(client)
    assert (answer.status_code, answer.location) == (303, "/")
    assert who(client) == "carol@example.com"
    carol = stored(app, "carol@example.com")
    assert carol is not None
    assert (carol.first_name, carol.last_name) == ("Carol", "Jones")
    assert carol.time_zone == "Europe/Berlin"
    assert carol.last_login_at is not None
    assert not carol.is_admin
    assert carol.password_hash.startswith("$argon2id$v=19$m=47104,t=1,p=1$")
    assert verify(carol.password_hash, PASSWORD)


def test_register_goes_on_to_the_page_asked_for(client: FlaskClient) -> None:
    assert register(client, path="/register?next=/accounts").location == "/accounts"


def test_address_is_kept_in_one_spelling(app: Flask, client: FlaskClient) -> None:
    register(client, email=" Carol.Jones@EXAMPLE.com ")
    assert who(client) == "carol.jones@example.com"
    assert log_in(app.test_client(), "CAROL.JONES@example.com").status_code == 303


def test_international_address(client: FlaskClient) -> None:
    register(client, email="Zoë@xn--exmple-cua.com")
    assert who(client) == "zoë@exämple.com"


@pytest.mark.parametrize("email", ["alice@example.com", "Alice@Example.com"])
def test_taken_address_is_said_beside_the_field(
    client: FlaskClient, alice: User, email: str
) -> None:
    answer = register(client, email=email)
    assert answer.status_code == 422
    assert "has an account already" in field_errors(answer, "email")
    assert who(client) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", ""),
        ("email", "carol"),
        ("email", "carol@localhost"),
        ("email", "nul\0@example.com"),
        ("email", "carol@example.com\nBcc: all@example.com"),
        ("email", "x" * 300 + "@example.com"),
        ("password", ""),
        ("password", "elevenchars"),
        ("password", "x y" * 43),
        ("password", "carol@example.com"),
        ("password", "SmartBudget2026"),
        ("password", "123456789012"),
        ("first_name", "x" * 101),
        ("first_name", "nul\0"),
        ("last_name", "line\nfeed"),
    ],
)
def test_wrong_input_is_named_and_the_rest_is_kept(
    app: Flask, client: FlaskClient, field: str, value: str
) -> None:
    answer = register(client, **{field: value})
    assert answer.status_code == 422
    assert field_errors(answer, field)
    others = {"email", "password", "first_name", "last_name"} - {field}
    assert not any(field_errors(answer, other) for other in others)
    assert kept_value(answer, "time_zone") == "Europe/Berlin"
    for other in others - {"password"}:
        assert kept_value(answer, other)
    assert not kept_value(answer, "password")
    assert PASSWORD not in answer.text
    assert stored(app, "carol@example.com") is None


@pytest.mark.parametrize("length", [12, 128])
def test_password_counts_code_points_and_stays_as_it_is(
    app: Flask, client: FlaskClient, length: int
) -> None:
    password = (" 🌊é\u0301" * 40)[: length - 1] + " "
    assert len(password) == length
    assert register(client, password=password).status_code == 303
    carol = stored(app, "carol@example.com")
    assert carol is not None
    assert verify(carol.password_hash, password)
    assert not verify(carol.password_hash, password.strip())


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("America/New_York", "America/New_York"),
        ("Asia/Calcutta", "Asia/Calcutta"),
        ("UTC", "UTC"),
        ("Mars/Olympus", "UTC"),
        ("America", "UTC"),
        ("../../etc/passwd", "UTC"),
        ("localtime", "UTC"),
        ("posix/Europe/Berlin", "UTC"),
        ("right/UTC", "UTC"),
        ("Europe/" + "x" * 5000, "UTC"),
        ("zone.tab", "UTC"),
        ("/etc/localtime", "UTC"),
        ("UTC\0", "UTC"),
        ("", "UTC"),
        (None, "UTC"),
    ],
)
def test_time_zone_of_the_browser(sent: str | None, kept: str) -> None:
    assert zone_or_utc(sent) == kept


def test_names_and_time_zone_are_optional(app: Flask, client: FlaskClient) -> None:
    answer = register(client, first_name="", last_name="", time_zone="Mars/Olympus")
    assert answer.status_code == 303
    carol = stored(app, "carol@example.com")
    assert carol is not None
    assert carol.time_zone == "UTC"


def test_nobody_registers_as_admin(app: Flask, client: FlaskClient) -> None:
    register(client, is_admin="y", is_active="", id="1", setup_token="x")
    carol = stored(app, "carol@example.com")
    assert carol is not None
    assert not carol.is_admin
    assert carol.is_active


def test_page_loads_its_script_with_the_nonce(client: FlaskClient) -> None:
    answer = client.get("/register")
    nonce = answer.headers["Content-Security-Policy"].split("'nonce-")[1].split("'")[0]
    script = answer.text.split("js/timezone.js")[0].rsplit("<script", 1)[1]
    assert f'nonce="{nonce}"' in script


def test_form_without_csrf_token_is_refused(app: Flask, client: FlaskClient) -> None:
    data = {"email": "carol@example.com", "password": PASSWORD}
    assert client.post("/register", data=data).status_code == 400
    assert stored(app, "carol@example.com") is None


def test_page_and_fragment_hold_the_same_form(client: FlaskClient) -> None:
    fragment = client.get("/register", headers={"HX-Request": "true"}).text
    assert "<html" not in fragment
    assert 'id="register-form"' in fragment
    assert 'id="register-form"' in client.get("/register").text


def test_closed_registration(app: Flask, client: FlaskClient) -> None:
    token = csrf_token(client.get("/login").text)
    app.config["REGISTRATION"] = "closed"
    try:
        page = client.get("/register")
        answer = client.post("/register", data={"csrf_token": token})
        login = client.get("/login")
    finally:
        app.config["REGISTRATION"] = "open"
    assert page.status_code == 200
    assert "Registration is closed" in page.text
    assert answer.status_code == 403
    assert "Registration is closed" in answer.text
    assert "/register" not in login.text
    assert "/register" in client.get("/login").text


@pytest.mark.commits
def test_same_address_registered_twice_at_once(app: Flask) -> None:
    clients = [app.test_client() for _ in range(3)]
    for client in clients:
        client.get("/register")
    ready = threading.Barrier(len(clients))
    answers = []

    def go(client: FlaskClient) -> None:
        ready.wait()
        answers.append(register(client))

    threads = [threading.Thread(target=go, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answer.status_code for answer in answers) == [303, 422, 422]
    for answer in answers:
        if answer.status_code == 422:
            assert "has an account already" in field_errors(answer, "email")
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(User)) == 1
    assert sum(who(client) is not None for client in clients) == 1
