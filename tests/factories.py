"""Rows for tests: plain functions with keyword overrides."""

import datetime as dt
import itertools
import re
import uuid
from decimal import Decimal
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from uuid_utils.compat import uuid7

from webapp.crypto import Place
from webapp.extensions import db
from webapp.models import BankAccount, PlaidItem, Transaction, User

PASSWORD = "a long walk by the sea"
_numbers = itertools.count(1)


def save(app: Flask, row: Any) -> Any:
    """Committed and loaded, usable without a session."""
    with app.app_context():
        db.session.add(row)
        db.session.commit()
        db.session.refresh(row)
        db.session.expunge(row)
    return row


def make_user(app: Flask, **overrides: Any) -> User:
    from webapp.auth.passwords import hash_password

    values = {
        "email": f"user{next(_numbers)}@example.com",
        "password_hash": hash_password(PASSWORD),
        "time_zone": "UTC",
    }
    return save(app, User(**values | overrides))


def make_item(app: Flask, user: User, **overrides: Any) -> PlaidItem:
    row_id = uuid7()
    token = overrides.pop("token", f"access-sandbox-{row_id}")
    place = Place("plaid_items", row_id, "access_token")
    values = {
        "user_id": user.id,
        "id": row_id,
        "item_id": f"item-{next(_numbers)}",
        "institution_name": "First Platypus Bank",
        "access_token": app.extensions["vault"].encrypt(token, place),
        "state": "healthy",
        "last_synced_at": dt.datetime.now(dt.UTC),
        "seen_seq": 1,
        "done_seq": 1,
    }
    return save(app, PlaidItem(**values | overrides))


def make_account(app: Flask, item: PlaidItem, **overrides: Any) -> BankAccount:
    values = {
        "user_id": item.user_id,
        "plaid_item_id": item.id,
        "plaid_account_id": f"account-{next(_numbers)}",
        "name": "Checking",
        "mask": "0000",
        "type": "depository",
        "subtype": "checking",
        "currency": "USD",
        "current_balance": Decimal("110"),
        "available_balance": Decimal("100"),
    }
    return save(app, BankAccount(**values | overrides))


def make_transaction(
    app: Flask, account: BankAccount, amount: str | Decimal, **overrides: Any
) -> Transaction:
    """`amount` from the owner's view: positive = money in."""
    category = overrides.pop("category", None)
    values = {
        "user_id": account.user_id,
        "bank_account_id": account.id,
        "plaid_transaction_id": f"transaction-{uuid.uuid4()}",
        "date": dt.date(2026, 11, 10),
        "amount": Decimal(amount),
        "plaid_amount": -Decimal(amount),
        "currency": account.currency,
        "name": "A shop",
        "category_detailed": category,
        "category_primary": overrides.pop("primary", _primary(category)),
        "bank_facts": {},
    }
    return save(app, Transaction(**values | overrides))


PRIMARIES = (
    "LOAN_PAYMENTS LOAN_DISBURSEMENTS TRANSFER_IN TRANSFER_OUT INCOME BANK_FEES "
    "ENTERTAINMENT FOOD_AND_DRINK GENERAL_MERCHANDISE RENT_AND_UTILITIES TRAVEL "
    "TRANSPORTATION MEDICAL GENERAL_SERVICES"
).split()


def _primary(detailed: str | None) -> str | None:
    return next((p for p in PRIMARIES if detailed and detailed.startswith(p)), None)


def csrf_token(page: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert found, "no form with a CSRF token on the page"
    return found.group(1)


def signed_in(app: Flask, user: User) -> FlaskClient:
    """A browser in which the user has signed in through the login form."""
    client = app.test_client()
    page = client.get("/login").text
    answer = client.post(
        "/login",
        data={
            "csrf_token": csrf_token(page),
            "email": user.email,
            "password": PASSWORD,
        },
    )
    assert answer.status_code == 303, answer.text
    return client
