"""Two logins of one bank and their histories, as rows; adopting them without HTTP."""

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

from flask import Flask
from sqlalchemy import insert, text

from tests.factories import make_account, make_item
from tests.sync.linked import MADE_BY_USER
from webapp.extensions import db
from webapp.linking.adoption.accounts import match_accounts
from webapp.linking.adoption.adopt import adopt
from webapp.linking.adoption.plan import Plan, read_plan
from webapp.linking.adoption.undo import undo
from webapp.models import Adoption, BankAccount, PlaidItem, Transaction, User
from webapp.models.plaid_item import HISTORY_COMPLETE
from webapp.worker import tools_of

DAY = dt.date(2026, 11, 1)
PLATYPUS = {"institution_id": "ins_109508", "update_status": HISTORY_COMPLETE}
# what a sync run writes, and what an adoption may leave different: the mark of a change
UNSEEN = {"changed_at"}


def old_item(app: Flask, user: User, **overrides: Any) -> PlaidItem:
    long_ago = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    values = PLATYPUS | {"state": "removed", "created_at": long_ago}
    return make_item(app, user, **values | overrides)


def new_item(app: Flask, user: User, **overrides: Any) -> PlaidItem:
    return make_item(app, user, **PLATYPUS | overrides)


def twins(
    app: Flask, old: PlaidItem, new: PlaidItem, **overrides: Any
) -> tuple[BankAccount, BankAccount]:
    """One account as both logins know it."""
    return make_account(app, old, **overrides), make_account(app, new, **overrides)


def bought(account: BankAccount, id: str, amount: str, **overrides: Any) -> dict:
    """A row as a sync would have stored it."""
    values = {
        "user_id": account.user_id,
        "id": uuid.uuid4(),
        "bank_account_id": account.id,
        "plaid_transaction_id": id,
        "pending_transaction_id": None,
        "date": DAY,
        "authorized_date": None,
        "amount": Decimal(amount),
        "plaid_amount": -Decimal(amount),
        "currency": "USD",
        "name": "A shop",
        "pending": False,
        "bank_facts": {"location": {"city": id}},
        "removed_at": None,
        "user_category": None,
        "user_name": None,
        "note": None,
        "excluded": False,
        "reviewed_at": None,
    }
    assert overrides.keys() <= values.keys()
    return values | overrides


def store(app: Flask, *rows: dict) -> None:
    with app.app_context():
        if rows:
            db.session.execute(insert(Transaction), list(rows))
        db.session.commit()


def plan_of(app: Flask, new: PlaidItem, old: PlaidItem) -> Plan:
    with app.app_context():
        accounts = match_accounts(db.session(), new.user_id, new.id, old.id)
        return read_plan(db.session(), new.user_id, accounts)


def adopted(app: Flask, new: PlaidItem, old: PlaidItem, apart=()) -> Adoption:
    agreed = plan_of(app, new, old).agreed
    with app.app_context():
        made = adopt(tools_of(app), new.user_id, new.id, old.id, agreed, apart)
        assert made is not None
        db.session.commit()
        db.session.refresh(made)
        db.session.expunge(made)
        return made


def undone(app: Flask, made: Adoption) -> None:
    with app.app_context():
        assert undo(db.session(), made.user_id, made.id) is not None
        db.session.commit()


def everything(app: Flask, user_id: uuid.UUID) -> dict[str, dict[uuid.UUID, dict]]:
    """All rows and accounts of the user, to the last column."""
    with app.app_context():
        return {
            table: {
                row.id: {k: v for k, v in row._mapping.items() if k not in UNSEEN}
                for row in db.session.execute(
                    text(f"SELECT * FROM {table} WHERE user_id = :u"), {"u": user_id}
                )
            }
            for table in ("transactions", "bank_accounts")
        }


def by_plaid_id(app: Flask, item: PlaidItem) -> dict[str, Any]:
    """Live rows of the item by Plaid's id."""
    statement = """
        SELECT t.*, a.plaid_account_id FROM transactions t JOIN bank_accounts a
          ON a.user_id = t.user_id AND a.id = t.bank_account_id
        WHERE a.plaid_item_id = :id AND t.removed_at IS NULL"""
    with app.app_context():
        found = db.session.execute(text(statement), {"id": item.id})
        return {row.plaid_transaction_id: row for row in found}


def made_by(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in MADE_BY_USER}
