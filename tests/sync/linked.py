"""Banks linked without a browser, and pages that the bank is told to answer."""

import datetime as dt
import json
import logging
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import msgspec
from flask import Flask
from sqlalchemy import text

from tests import factories
from tests.bank import Bank
from webapp.extensions import db
from webapp.models import PlaidItem, User
from webapp.sync import schedule
from webapp.sync.run import sync_item, token_place
from webapp.sync.schedule import Claim
from webapp.worker import tools_of

INITIAL, HISTORICAL = "INITIAL_UPDATE_COMPLETE", "HISTORICAL_UPDATE_COMPLETE"
CHECKING_AND_SAVINGS = json.dumps(
    {
        "override_accounts": [
            {"type": "depository", "subtype": subtype, "transactions": []}
            for subtype in ("checking", "savings")
        ]
    }
)
_encode = msgspec.json.Encoder(decimal_format="number").encode


def link(
    app: Flask,
    bank: Bank,
    user: User,
    username: str = "user_custom",
    password: str = CHECKING_AND_SAVINGS,
    institution_id: str = "ins_109508",
    **overrides: Any,
) -> PlaidItem:
    """An item that was never synced; by default two accounts without any row."""
    access_token, item_id = open_at_bank(bank, username, password, institution_id)
    values = {
        "state": "first_sync",
        "last_synced_at": None,
        "seen_seq": 0,
        "done_seq": 0,
        "item_id": item_id,
        "token": access_token,
    }
    return factories.make_item(app, user, **values | overrides)


def open_at_bank(
    bank: Bank, username: str, password: str, institution_id: str = "ins_109508"
) -> tuple[str, str]:
    """Access token and item id of a new login."""
    public_token = public_token_of(bank, username, password, institution_id)
    given = bank.plaid("/item/public_token/exchange", public_token=public_token)
    return given["access_token"], given["item_id"]


def public_token_of(
    bank: Bank,
    username: str = "user_good",
    password: str = "pass_good",
    institution_id: str = "ins_109508",
) -> str:
    answer = bank.plaid(
        "/sandbox/public_token/create",
        institution_id=institution_id,
        initial_products=["transactions"],
        options={
            "override_username": username,
            "override_password": password,
            "transactions": {"days_requested": 730},
        },
    )
    return str(answer["public_token"])


def token(app: Flask, item: PlaidItem) -> str:
    """The access token, as a sync reads it."""
    return app.extensions["vault"].decrypt(item.access_token, token_place(item.id))


def state_at_bank(bank: Bank, item_id: str) -> dict[str, Any]:
    """The item as the bank has it; KeyError when it has none any more."""
    known = {item["item_id"]: item for item in bank.state()["items"]}
    return known[item_id]


def account_ids(bank: Bank, item: PlaidItem) -> list[str]:
    return [a["account_id"] for a in state_at_bank(bank, item.item_id)["accounts"]]


def row(account_id: str, id: str, amount: str = "12.34", **overrides: Any) -> dict:
    """A transaction as Plaid sends it; `amount` has Plaid's sign."""
    values = {
        "account_id": account_id,
        "transaction_id": id,
        "amount": Decimal(amount),
        "date": "2026-10-05",
        "authorized_date": "2026-10-04",
        "iso_currency_code": "USD",
        "unofficial_currency_code": None,
        "pending": False,
        "pending_transaction_id": None,
        "name": f"Shop of {id}",
        "merchant_name": None,
        "payment_channel": "in store",
        "personal_finance_category": {
            "primary": "FOOD_AND_DRINK",
            "detailed": "FOOD_AND_DRINK_COFFEE",
            "confidence_level": "HIGH",
            "version": "v2",
        },
    }
    return values | overrides


def page(
    added: list[dict] = (),
    modified: list[dict] = (),
    removed: list[str] = (),
    *,
    cursor: str = "cursor-1",
    more: bool = False,
    status: str = HISTORICAL,
) -> str:
    """One answer of /transactions/sync, amounts to the digit."""
    body = {
        "accounts": [],
        "added": added,
        "modified": modified,
        "removed": [{"transaction_id": id, "account_id": ""} for id in removed],
        "next_cursor": cursor,
        "has_more": more,
        "transactions_update_status": status,
        "request_id": f"request-{cursor}",
    }
    return _encode(body).decode()


def answers(bank: Bank, *pages: str) -> None:
    """What the bank says to the next calls of /transactions/sync, one each."""
    for body in pages:
        bank.fault("/transactions/sync", status=200, body=body)


def claim(app: Flask, item: PlaidItem) -> Claim | None:
    with app.app_context():
        held = schedule.claim_one(db.session(), item.user_id, item.id)
        db.session.commit()
        return held


def run(app: Flask, held: Claim, on_progress: Callable = lambda fetched: None) -> str:
    with app.app_context():
        return sync_item(tools_of(app), held, on_progress)


def sync(app: Flask, item: PlaidItem, *pages: str, bank: Bank | None = None) -> str:
    """One run, whatever the schedule says; `pages` are what the bank answers."""
    if pages:
        assert bank is not None
        answers(bank, *pages)
    held = claim(app, item)
    assert held is not None, "somebody holds the item"
    return run(app, held)


def ask(app: Flask, item: PlaidItem, *, by_person: bool = False) -> None:
    with app.app_context():
        assert schedule.ask(db.session(), item.user_id, item.id, by_person=by_person)
        db.session.commit()


def reload(app: Flask, item: PlaidItem) -> PlaidItem:
    with app.app_context():
        found = db.session.get(PlaidItem, (item.user_id, item.id))
        assert found is not None
        db.session.expunge(found)
        return found


def exists(app: Flask, item: PlaidItem) -> bool:
    return bool(ask_db(app, "SELECT 1 FROM plaid_items WHERE id = :id", id=item.id))


def rows(app: Flask, item: PlaidItem) -> dict[str, Any]:
    """All stored rows of the item by Plaid's id, tombstones included."""
    statement = """
        SELECT t.*, t.xmin::text AS version, a.plaid_account_id
        FROM transactions t JOIN bank_accounts a
          ON a.user_id = t.user_id AND a.id = t.bank_account_id
        WHERE a.plaid_item_id = :id"""
    return {
        found.plaid_transaction_id: found
        for found in ask_db(app, statement, id=item.id)
    }


def live(app: Flask, item: PlaidItem) -> dict[str, Any]:
    return {id: row for id, row in rows(app, item).items() if row.removed_at is None}


def runs(app: Flask, item: PlaidItem) -> list[Any]:
    return ask_db(
        app,
        "SELECT * FROM sync_runs WHERE plaid_item_id = :id ORDER BY started_at, id",
        id=item.id,
    )


def ask_db(app: Flask, statement: str, **values: Any) -> list[Any]:
    with app.app_context(), db.engine.connect() as connection:
        return list(connection.execute(text(statement), values))


def change_db(app: Flask, statement: str, **values: Any) -> int:
    with app.app_context(), db.engine.begin() as connection:
        return connection.execute(text(statement), values).rowcount


def edit(app: Flask, item: PlaidItem, id: str, **values: Any) -> None:
    """What the user does to a row."""
    names = ", ".join(f"{name} = :{name}" for name in values)
    count = change_db(
        app,
        f"UPDATE transactions SET {names} WHERE user_id = :u AND"
        " plaid_transaction_id = :id",
        u=item.user_id,
        id=id,
        **values,
    )
    assert count == 1


MADE_BY_USER = {
    "user_category": "TRAVEL_FLIGHTS",
    "user_name": "My flight",
    "note": "Paid for two",
    "excluded": True,
    "reviewed_at": dt.datetime(2026, 10, 7, 9, 30, tzinfo=dt.UTC),
}


def made_by_user(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in MADE_BY_USER}


def until(true: Callable[[], Any], seconds: float = 20) -> Any:
    """Wait until it is true; what it then is."""
    ends = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < ends, "it never came true"
        time.sleep(0.02)
    return found


class Background(threading.Thread):
    """A call on a thread of its own; `result()` returns or raises what it did."""

    def __init__(self, call: Callable, *args: Any) -> None:
        super().__init__(daemon=True)
        self.call, self.args = call, args
        self.returned: Any = None
        self.raised: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self.returned = self.call(*self.args)
        except BaseException as error:
            self.raised = error

    def result(self) -> Any:
        self.join(20)
        assert not self.is_alive(), "the call did not end"
        if self.raised is not None:
            raise self.raised
        return self.returned


@contextmanager
def every_log_line():
    """Everything that any logger says, at any level, as one growing list of texts."""
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(logging.Formatter().format(record))

    root, keep = logging.getLogger(), Keep(0)
    names = ["", "webapp", "urllib3", "plaid", "sqlalchemy.engine"]
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    root.addHandler(keep)
    try:
        yield lines
    finally:
        root.removeHandler(keep)
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
