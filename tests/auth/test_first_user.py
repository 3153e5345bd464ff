"""A live install's first user shows that he can read the server's log."""

import logging
import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from config import load
from tests.auth.conftest import LIVE
from tests.auth.forms import field_errors, kept_value, register, who
from tests.factories import csrf_token, make_user
from webapp import embedded
from webapp.app import create_app
from webapp.auth import first_user
from webapp.extensions import db
from webapp.models import User


@pytest.fixture
def browser(live: Flask) -> FlaskClient:
    return live.test_client()


def token(app: Flask) -> str:
    with app.app_context():
        return first_user.token()


def admins(app: Flask) -> dict[str, bool]:
    with app.app_context():
        rows = db.session.execute(select(User.email, User.is_admin))
        return {row.email: row.is_admin for row in rows}


class Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += record.getMessage() + "\n"


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler = Lines()
    logger = logging.getLogger("webapp.auth.first_user")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


def test_token_makes_the_first_user_an_admin(live: Flask, browser: FlaskClient) -> None:
    assert "Setup token" in browser.get("/register").text
    answer = register(browser, setup_token=f" {token(live)} ")
    assert (answer.status_code, answer.location) == (303, "/")
    assert who(browser) == "carol@example.com"
    assert admins(live) == {"carol@example.com": True}


@pytest.mark.parametrize("given", ["", "wrong", "é", "A" * 32])
def test_wrong_token_makes_nobody(
    live: Flask, browser: FlaskClient, given: str
) -> None:
    answer = register(browser, setup_token=given)
    assert answer.status_code == 422
    assert field_errors(answer, "setup_token")
    assert kept_value(answer, "email") == "carol@example.com"
    assert admins(live) == {}


def test_first_user_of_an_open_live_install_needs_the_token_too(
    live: Flask, browser: FlaskClient
) -> None:
    live.config["REGISTRATION"] = "open"
    try:
        assert register(browser).status_code == 422
        second = live.test_client()
        register(browser, setup_token=token(live))
        assert register(second, email="dave@example.com").status_code == 303
    finally:
        live.config["REGISTRATION"] = "closed"
    assert admins(live) == {"carol@example.com": True, "dave@example.com": False}


def test_token_dies_with_the_first_user(live: Flask, browser: FlaskClient) -> None:
    csrf = csrf_token(browser.get("/register").text)
    make_user(live, password_hash="!")
    assert "Registration is closed" in browser.get("/register").text
    data = {
        "csrf_token": csrf,
        "email": "carol@example.com",
        "password": "a long walk by the sea",
        "setup_token": token(live),
    }
    assert browser.post("/register", data=data).status_code == 403
    assert "carol@example.com" not in admins(live)


def test_demo_mode_asks_for_no_token(app: Flask, client: FlaskClient) -> None:
    assert "Setup token" not in client.get("/register").text
    register(client)
    assert admins(app) == {"carol@example.com": False}


def test_login_page_shows_the_way_to_the_first_user(
    live: Flask, browser: FlaskClient
) -> None:
    assert "/register" in browser.get("/login").text
    make_user(live, password_hash="!")
    assert "/register" not in browser.get("/login").text


def test_announce_until_there_is_a_user(live: Flask, lines: Lines) -> None:
    first_user.announce(live)
    assert token(live) in lines.text
    assert "http://localhost/register" in lines.text
    lines.text = ""
    make_user(live, password_hash="!")
    first_user.announce(live)
    assert lines.text == ""


def test_announce_is_silent_in_demo_mode(app: Flask, lines: Lines) -> None:
    first_user.announce(app)
    assert lines.text == ""


def test_token_is_one_secret_per_install(
    live: Flask, settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    def other(**changed: str) -> Flask:
        root = tmp_path_factory.mktemp("root")
        return create_app(load(settings | LIVE | changed, root))

    assert token(other()) == token(live)
    assert token(other(SECRET_KEY="another-key-" * 4)) != token(live)
    assert len(token(live)) == 32


def test_announce_without_a_database(
    settings: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
    lines: Lines,
) -> None:
    away = {"DATABASE_URL": "postgresql://app@127.0.0.1:1/none"}
    root = tmp_path_factory.mktemp("root")
    first_user.announce(create_app(load(settings | LIVE | away, root)))
    assert "OperationalError" in lines.text


def test_announce_before_the_migrations(
    cluster: embedded.Cluster,
    settings: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
    lines: Lines,
) -> None:
    cluster.create_database("bare")
    bare = {"DATABASE_URL": cluster.url(embedded.APP, "bare")}
    root = tmp_path_factory.mktemp("root")
    app = create_app(load(settings | LIVE | bare, root))
    first_user.announce(app)
    with app.app_context():
        db.engine.dispose()
    assert "ProgrammingError" in lines.text


@pytest.mark.commits
def test_two_first_users_at_once(app: Flask, live_app: Flask) -> None:
    clients = [live_app.test_client() for _ in range(3)]
    for client in clients:
        client.get("/register")
    shown = token(live_app)
    ready = threading.Barrier(len(clients))
    statuses = []

    def go(number: int, client: FlaskClient) -> None:
        ready.wait()
        email = f"first{number}@example.com"
        answer = register(client, email=email, setup_token=shown)
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=go, args=each) for each in enumerate(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [303, 403, 403]
    assert list(admins(live_app).values()) == [True]
