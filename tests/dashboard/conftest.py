"""Alice without the cost of a password: a browser that is signed in already."""

import datetime as dt

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.ledger.rows import make_person
from webapp.models import User


def browser_of(app: Flask, user: User) -> FlaskClient:
    client = app.test_client()
    with client.session_transaction() as session:
        session["_user_id"] = str(user.id)
        session["_fresh"] = True
        session["signed_in_at"] = int(dt.datetime.now(dt.UTC).timestamp())
        session.permanent = True
    return client


@pytest.fixture
def alice(app: Flask) -> User:
    return make_person(app, email="alice@example.com", first_name="Alice")


@pytest.fixture
def bob(app: Flask) -> User:
    return make_person(app, email="bob@example.com", first_name="Bob")


@pytest.fixture
def alice_client(app: Flask, alice: User) -> FlaskClient:
    return browser_of(app, alice)


@pytest.fixture
def bob_client(app: Flask, bob: User) -> FlaskClient:
    return browser_of(app, bob)
