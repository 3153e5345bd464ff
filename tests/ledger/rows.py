"""Rows in bulk: a random ledger has hundreds, and each statement costs a round trip."""

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

from flask import Flask
from sqlalchemy import insert
from uuid_utils.compat import uuid7

from tests.factories import make_account, make_item, make_user
from webapp.extensions import db
from webapp.models import BankAccount, Transaction, User

DAY = dt.date(2026, 11, 10)


def make_person(app: Flask, **overrides: Any) -> User:
    """Somebody who never signs in: no password to hash."""
    return make_user(app, password_hash="!", **overrides)


def open_account(app: Flask, **overrides: Any) -> BankAccount:
    """An account of a person of its own."""
    return make_account(app, make_item(app, make_person(app)), **overrides)


def row(
    account: BankAccount, amount: str | Decimal, **overrides: Any
) -> dict[str, Any]:
    values = {
        "user_id": account.user_id,
        "id": uuid7(),
        "bank_account_id": account.id,
        "plaid_transaction_id": str(uuid.uuid4()),
        "date": DAY,
        "amount": Decimal(amount),
        "plaid_amount": -Decimal(amount),
        "currency": account.currency,
        "name": "A shop",
        "pending": False,
        "category_primary": None,
        "category_detailed": None,
        "user_category": None,
        "excluded": False,
        "removed_at": None,
    }
    assert overrides.keys() <= values.keys()
    return values | overrides


def add(app: Flask, *rows: dict[str, Any]) -> None:
    with app.app_context():
        if rows:
            db.session.execute(insert(Transaction), list(rows))
        db.session.commit()
