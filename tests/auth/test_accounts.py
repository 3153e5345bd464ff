import pytest
from flask import Flask

from tests.factories import PASSWORD
from webapp.auth import accounts
from webapp.extensions import db
from webapp.models import User


def test_register_leaves_the_commit_to_its_caller(app: Flask) -> None:
    with app.app_context():
        accounts.register(email="carol@example.com", password=PASSWORD)
        db.session.rollback()
        assert accounts.find("carol@example.com") is None


def test_register_of_a_taken_address_leaves_the_transaction_usable(
    app: Flask, alice: User
) -> None:
    with app.app_context():
        bank_clerk = accounts.register(email="carol@example.com", password=PASSWORD)
        with pytest.raises(accounts.AddressTaken):
            accounts.register(email="ALICE@example.com", password=PASSWORD)
        db.session.commit()
        assert accounts.find("carol@example.com") == bank_clerk


def test_register_without_an_address(app: Flask) -> None:
    with app.app_context(), pytest.raises(ValueError, match="not an e-mail address"):
        accounts.register(email="carol", password=PASSWORD)


def test_make_admin(app: Flask, alice: User, bob: User) -> None:
    with app.app_context():
        accounts.make_admin(" ALICE@example.com")
        db.session.commit()
    with app.app_context():
        assert db.session.get_one(User, alice.id).is_admin
        assert not db.session.get_one(User, bob.id).is_admin


@pytest.mark.parametrize("email", ["nobody@example.com", "no address"])
def test_make_admin_of_nobody(app: Flask, email: str) -> None:
    with app.app_context(), pytest.raises(accounts.UnknownAddress):
        accounts.make_admin(email)
