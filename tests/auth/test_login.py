import datetime as dt
from collections.abc import Callable

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient

from tests.auth.forms import (
    field_errors,
    form_error,
    kept_value,
    log_in,
    who,
)
from tests.factories import PASSWORD, csrf_token, make_user
from webapp.auth.passwords import is_outdated
from webapp.extensions import db
from webapp.models import User

REFUSED = "E-mail or password is not right."


def reload(app: Flask, user: User) -> User:
    with app.app_context():
        found = db.session.get_one(User, user.id)
        db.session.expunge(found)
    return found


def test_login_with_the_right_password(
    app: Flask, client: FlaskClient, alice: User
) -> None:
    before = dt.datetime.now(dt.UTC)
    answer = log_in(client, alice.email)
    assert (answer.status_code, answer.location) == (303, "/")
    assert who(client) == alice.email
    assert before <= reload(app, alice).last_login_at <= dt.datetime.now(dt.UTC)


def test_each_signs_in_as_himself(
    alice_client: FlaskClient, bob_client: FlaskClient, alice: User, bob: User
) -> None:
    assert who(alice_client) == alice.email
    assert who(bob_client) == bob.email


@pytest.mark.parametrize("spelling", ["ALICE@Example.COM", "  alice@example.com "])
def test_login_with_another_spelling(
    client: FlaskClient, alice: User, spelling: str
) -> None:
    assert log_in(client, spelling).status_code == 303


def test_login_returns_to_the_page_asked_for(client: FlaskClient, alice: User) -> None:
    answer = log_in(client, alice.email, path="/login?next=/accounts%3Fpage%3D2")
    assert answer.location == "/accounts?page=2"


def test_wrong_password_keeps_the_address_and_not_the_password(
    client: FlaskClient, alice: User
) -> None:
    answer = log_in(client, alice.email, password="not-her-password")
    assert answer.status_code == 422
    assert form_error(answer) == REFUSED
    assert kept_value(answer, "email") == alice.email
    assert "not-her-password" not in answer.text
    assert who(client) is None


@pytest.mark.parametrize(
    "email",
    ["nobody@example.com", "not an address", "nul\0@example.com", "x" * 5000, "é@é.fr"],
)
def test_unknown_address_reads_like_a_wrong_password(
    client: FlaskClient, email: str
) -> None:
    answer = log_in(client, email)
    assert answer.status_code == 422
    assert form_error(answer) == REFUSED


def test_unknown_address_costs_a_hash_like_a_wrong_password(
    client: FlaskClient, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    for name in ("hash", "verify"):
        monkeypatch.setattr(PasswordHasher, name, noting(made, name))
    for email in (alice.email, "nobody@example.com"):
        assert form_error(log_in(client, email, password="not-the-password")) == REFUSED
    assert made == ["verify", "hash"]


def noting(made: list[str], name: str) -> Callable[..., object]:
    """The library's method, which leaves a note when it is called."""
    method = getattr(PasswordHasher, name)

    def noted(*given: object) -> object:
        made.append(name)
        return method(*given)

    return noted


def test_inactive_user_is_refused_like_a_wrong_password(
    app: Flask, client: FlaskClient, password_hash: str
) -> None:
    user = make_user(app, is_active=False, password_hash=password_hash)
    answer = log_in(client, user.email)
    assert answer.status_code == 422
    assert form_error(answer) == REFUSED
    assert who(client) is None


@pytest.mark.parametrize("name", ["email", "password"])
def test_missing_field_is_named(client: FlaskClient, alice: User, name: str) -> None:
    answer = log_in(client, **{"email": alice.email} | {name: ""})
    assert answer.status_code == 422
    assert field_errors(answer, name).startswith("Enter your")


def test_old_hash_is_made_new_at_login(app: Flask, client: FlaskClient) -> None:
    old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    user = make_user(app, password_hash=old)
    assert log_in(client, user.email).status_code == 303
    assert not is_outdated(reload(app, user).password_hash)


def test_damaged_hash_lets_nobody_in(app: Flask, client: FlaskClient) -> None:
    user = make_user(app, password_hash="!")
    assert log_in(client, user.email).status_code == 422


def test_form_without_csrf_token_is_refused(client: FlaskClient, alice: User) -> None:
    answer = client.post("/login", data={"email": alice.email, "password": PASSWORD})
    assert answer.status_code == 400
    assert "out of date" in answer.text
    assert who(client) is None


def test_form_of_another_session_is_refused(
    app: Flask, client: FlaskClient, alice: User
) -> None:
    data = {
        "csrf_token": csrf_token(app.test_client().get("/login").text),
        "email": alice.email,
        "password": PASSWORD,
    }
    client.get("/login")
    assert client.post("/login", data=data).status_code == 400


def test_page_and_fragment_hold_the_same_form(client: FlaskClient) -> None:
    page = client.get("/login").text
    fragment = client.get("/login", headers={"HX-Request": "true"}).text
    assert "<html" in page
    assert "<html" not in fragment
    for text in (page, fragment):
        assert 'id="login-form"' in text


def test_signed_in_person_does_not_see_the_login_page(
    alice_client: FlaskClient,
) -> None:
    assert alice_client.get("/login").location == "/"
    assert alice_client.get("/login?next=/accounts").location == "/accounts"
    assert alice_client.get("/register").location == "/"


def test_logout(alice_client: FlaskClient) -> None:
    token = csrf_token(alice_client.get("/probe").text)
    answer = alice_client.post("/logout", data={"csrf_token": token})
    assert (answer.status_code, answer.location) == (303, "/login")
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert who(alice_client) is None
    assert "You are logged out." in alice_client.get("/login").text


def test_logout_needs_a_form(alice_client: FlaskClient) -> None:
    assert alice_client.get("/logout").status_code == 405
    assert alice_client.post("/logout").status_code == 400
    assert who(alice_client)
