"""Settings: mails on and off, each for themselves."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.dashboard.reading import read
from tests.factories import csrf_token
from webapp.extensions import db
from webapp.models import User


def is_on(app: Flask, user: User) -> bool:
    with app.app_context():
        return db.session.get_one(User, user.id).bank_mails


def save(client: FlaskClient, **fields: str) -> None:
    token = csrf_token(client.get("/settings/").text)
    data = {"csrf_token": token, **fields}
    answer = client.post("/settings/mails", data=data)
    assert (answer.status_code, answer.location) == (303, "/settings/")


def test_mails_are_on_until_switched_off(
    app: Flask, alice: User, bob: User, alice_client: FlaskClient
) -> None:
    box = read(alice_client.get("/settings/").text).get("bank_mails")
    assert "checked" in box.attrs
    save(alice_client)
    assert (is_on(app, alice), is_on(app, bob)) == (False, True)
    page = alice_client.get("/settings/").text
    assert "Mails are off." in page
    assert "checked" not in read(page).get("bank_mails").attrs
    save(alice_client, bank_mails="y")
    assert is_on(app, alice)


def test_every_page_leads_there(alice_client: FlaskClient) -> None:
    for path in ("/", "/accounts/", "/settings/"):
        links = read(alice_client.get(path).text).all("a", css="nav-entry")
        assert "/settings/" in [link.attrs["href"] for link in links]


def test_the_page_says_whether_mail_is_sent_at_all(
    app: Flask, alice_client: FlaskClient
) -> None:
    assert "sends no mail yet" in alice_client.get("/settings/").text
    app.extensions["post"] = object()
    try:
        assert "They go to alice@example.com" in alice_client.get("/settings/").text
    finally:
        app.extensions["post"] = None


@pytest.mark.parametrize("path", ["/settings/mails", "/settings/deletion"])
def test_a_forged_form_changes_nothing(
    app: Flask, alice: User, alice_client: FlaskClient, path: str
) -> None:
    assert alice_client.post(path, data={"password": "x"}).status_code == 400
    assert is_on(app, alice)
