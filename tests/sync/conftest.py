"""A person with one bank, for tests that commit for real."""

import pytest
from flask import Flask

from tests import factories
from tests.bank import Bank
from tests.sync.linked import link
from webapp.models import PlaidItem, User
from webapp.sync import incoming


@pytest.fixture
def owner(app: Flask) -> User:
    return factories.make_user(app, password_hash="nobody signs in with this")


@pytest.fixture
def item(app: Flask, bank: Bank, owner: User) -> PlaidItem:
    """Linked a moment ago: two accounts, no rows, never synced."""
    return link(app, bank, owner)


@pytest.fixture(params=["few", "copied"])
def both_ways(request, monkeypatch) -> None:
    """A delta as values, and the same as a temporary table."""
    if request.param == "copied":
        monkeypatch.setattr(incoming, "FEW", 0)
