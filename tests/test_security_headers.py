"""Headers of every answer: content policy, caching, cookies."""

import datetime as dt
import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from uuid_utils.compat import uuid7

from config import load
from tests.dashboard.conftest import browser_of
from tests.factories import save
from tests.ledger.rows import make_person
from webapp.app import create_app
from webapp.linking import sessions
from webapp.models import PlaidLinkSession, User
from webapp.security import LINK_PAGES, content_policy


def policy(header: str) -> dict[str, str]:
    """The rules by name."""
    found = (rule.partition(" ") for rule in header.split("; "))
    return {name: value for name, _, value in found}


@pytest.fixture
def person(app: Flask) -> User:
    return make_person(app)


@pytest.fixture
def browser(app: Flask, person: User) -> FlaskClient:
    return browser_of(app, person)


@pytest.mark.parametrize(
    "path",
    ["/", "/login", "/register", "/accounts/", "/accounts/link", "/no-such", "/healthz",
     "/readyz", "/?period=custom", "/accounts", "/static/css/app.css",
     "/static/no-such.css", "/logout"],
)  # fmt: skip
def test_every_answer_is_strict(
    client: FlaskClient, browser: FlaskClient, path: str
) -> None:
    for visitor in (client, browser):
        answer = visitor.get(path)
        rules = policy(answer.headers["Content-Security-Policy"])
        assert rules["default-src"] == "'none'"
        assert re.fullmatch(r"'nonce-[\w-]{20,}'", rules["script-src"])
        assert rules["style-src"] == rules["connect-src"] == "'self'"
        assert rules["form-action"] == "'self'"
        assert rules["frame-ancestors"] == rules["object-src"] == "'none'"
        assert rules["base-uri"] == "'none'"
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        answer.close()


def test_form_without_token_is_strict_too(client: FlaskClient) -> None:
    answer = client.post("/logout")
    assert answer.status_code == 400
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_nonce_is_in_the_page_and_new_each_time(browser: FlaskClient) -> None:
    seen = set()
    for _ in range(3):
        answer = browser.get("/")
        nonce = policy(answer.headers["Content-Security-Policy"])["script-src"][7:-1]
        scripts = re.findall(r"<script nonce=\"([^\"]*)\"", answer.text)
        assert set(scripts) == {nonce}
        seen.add(nonce)
    assert len(seen) == 3


def test_only_the_page_that_opens_link_may_load_its_script(app: Flask) -> None:
    assert {"accounts.link_session", "accounts.link_return"} == LINK_PAGES
    with app.test_request_context():
        ordinary, link = policy(content_policy(False)), policy(content_policy(True))
        script = app.config["PLAID_LINK_SCRIPT_URL"]
        host = app.config["PLAID_HOST"]
    assert script not in str(ordinary)
    assert link["script-src"].endswith(f" {script}")
    assert link["frame-src"] == script.split("/link/")[0]
    assert link["connect-src"] == f"'self' {host}"
    kept = ("default-src", "form-action", "frame-ancestors", "base-uri", "object-src")
    assert {name: link[name] for name in kept} == {
        name: ordinary[name] for name in kept
    }


def make_attempt(app: Flask, user: User) -> PlaidLinkSession:
    row_id = uuid7()
    token = app.extensions["vault"].encrypt("link-sandbox-1", sessions.place(row_id))
    expires_at = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    values = {"user_id": user.id, "id": row_id, "link_token": token}
    return save(app, PlaidLinkSession(**values, expires_at=expires_at))


def test_exceptions_hold_on_the_link_page_and_not_on_its_errors(
    app: Flask, person: User, browser: FlaskClient
) -> None:
    url = f"/accounts/link/{make_attempt(app, person).id}"
    page = browser.get(url)
    assert page.status_code == 200
    rules = policy(page.headers["Content-Security-Policy"])
    assert app.config["PLAID_LINK_SCRIPT_URL"] in rules["script-src"]
    assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin-allow-popups"
    assert page.headers["Cache-Control"] == "no-store"
    stranger = browser_of(app, make_person(app)).get(url)
    assert stranger.status_code == 404
    rules = policy(stranger.headers["Content-Security-Policy"])
    assert "frame-src" not in rules
    assert "http" not in rules["script-src"]
    assert stranger.headers["Cross-Origin-Opener-Policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/", "/login", "/accounts/", "/no-such", "/healthz"])
def test_answers_with_data_are_stored_nowhere(
    client: FlaskClient, browser: FlaskClient, path: str
) -> None:
    for visitor in (client, browser):
        assert visitor.get(path).headers["Cache-Control"] == "no-store"


FOR_EVER = "public, max-age=31536000, immutable"


def test_files_named_by_their_content_are_kept_for_ever(client: FlaskClient) -> None:
    page = client.get("/login").text
    files = re.findall(r'(?:src|href)="(/static/[^"#]+)', page)
    assert len(files) > 3
    for url in set(files):
        answer = client.get(url)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == FOR_EVER, url
        assert "Set-Cookie" not in answer.headers
        answer.close()


@pytest.mark.parametrize("query", ["", "?v=", "?v=old", "?w=1"])
def test_files_by_another_name_are_not(client: FlaskClient, query: str) -> None:
    """A server of the release before must not fill caches with its own file."""
    answer = client.get(f"/static/css/app.css{query}")
    assert answer.status_code == 200
    assert "immutable" not in answer.headers["Cache-Control"]
    answer.close()


def test_missing_file_is_not_missing_for_ever(client: FlaskClient) -> None:
    answer = client.get("/static/css/new.css?v=hash")
    assert answer.status_code == 404
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["../config.py", "%2e%2e/config.py", "..%5cconfig.py"])
def test_static_serves_nothing_else(client: FlaskClient, path: str) -> None:
    assert client.get(f"/static/{path}").status_code == 404


def cookie_of(app: Flask) -> str:
    client = app.test_client()
    client.get("/login")
    return (
        client.get("/login").headers.get("Set-Cookie")
        or app.test_client().get("/login").headers["Set-Cookie"]
    )


def test_cookie_is_bound_to_this_host_and_hidden_from_scripts(app: Flask) -> None:
    cookie = cookie_of(app)
    assert cookie.startswith("__Host-session=")
    for flag in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax"):
        assert flag in cookie.split("; ")
    assert "Domain" not in cookie


def test_cookie_without_https_is_kept_by_the_browser(
    settings: dict[str, str], tmp_path: Path
) -> None:
    plain = settings | {"PUBLIC_URL": "http://192.168.1.2:8000"}
    cookie = cookie_of(create_app(load(plain, tmp_path)))
    assert cookie.startswith("session=")
    assert "Secure" not in cookie
    assert "HttpOnly" in cookie


def test_signed_in_cookie_ends_by_itself(app: Flask) -> None:
    user = make_person(app)
    client = browser_of(app, user)
    cookie = client.get("/").headers["Set-Cookie"]
    assert "Expires=" in cookie


def test_https_is_remembered_only_where_it_is_used(
    client: FlaskClient, settings: dict[str, str], tmp_path: Path
) -> None:
    assert "Strict-Transport-Security" not in client.get("/healthz").headers
    secure = settings | {"PUBLIC_URL": "https://money.example.com"}
    answer = create_app(load(secure, tmp_path)).test_client().get("/healthz")
    assert "max-age=31536000" in answer.headers["Strict-Transport-Security"]
