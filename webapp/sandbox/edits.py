"""Changes that a bank makes to its own books: the world edited from outside."""

import sqlite3
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from . import log, transaction
from .account import HeldAccount, list_accounts, save_account
from .bank import Bank
from .categorise import categorise
from .errors import PlaidError
from .event import Event
from .item import Item
from .opening import book


def touch(bank: Bank, item_id: str) -> None:
    """The smallest mutation: one row comes again."""
    with bank.editing(item_id) as (connection, item):
        repeat(connection, item, 1)


def repeat(connection: sqlite3.Connection, item: Item, count: int) -> int:
    """Write the newest transactions again, unchanged; how many there were."""
    rows = connection.execute(
        "SELECT * FROM transactions WHERE item = ? AND NOT removed"
        " ORDER BY seq DESC LIMIT ?",
        (item.number, count),
    ).fetchall()
    for row in rows:
        log.rewrite(connection, row, transaction.parse(row["body"]))
    return len(rows)


def find_row(
    connection: sqlite3.Connection, item: Item, transaction_id: str
) -> sqlite3.Row:
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM transactions WHERE item = ? AND transaction_id = ?"
        " AND NOT removed",
        (item.number, transaction_id),
    ).fetchone()
    if row is None:
        raise PlaidError("INVALID_FIELD", "no such transaction")
    return row


def change(
    connection: sqlite3.Connection,
    item: Item,
    row: sqlite3.Row,
    fields: dict[str, Any],
) -> None:
    """Replace members of a transaction; amounts have Plaid's sign."""
    known = transaction.parse(row["body"])
    before = Decimal(known["amount"])
    known.update(fields)
    known["amount"] = Decimal(str(known["amount"]))
    log.rewrite(connection, row, known)
    _book(connection, item, row, known["amount"] - before)


def move(
    connection: sqlite3.Connection, item: Item, row: sqlite3.Row, account_id: str
) -> sqlite3.Row:
    """The bank booked it on the wrong account of the item; the row as it is then."""
    account = _target(list_accounts(connection, item, everything=True), account_id)
    known = transaction.parse(row["body"]) | {"account_id": account_id}
    _book(connection, item, row, -Decimal(known["amount"]))
    log.rewrite(connection, row, known)
    log.assign(connection, known["transaction_id"], account)
    moved = find_row(connection, item, known["transaction_id"])
    _book(connection, item, moved, Decimal(known["amount"]))
    return moved


def remove(connection: sqlite3.Connection, item: Item, row: sqlite3.Row) -> None:
    """A transaction vanishes, and with it what it did to the balance."""
    log.remove(connection, row["seq"])
    amount = Decimal(transaction.parse(row["body"])["amount"])
    _book(connection, item, row, -amount)


def _book(
    connection: sqlite3.Connection, item: Item, row: sqlite3.Row, amount: Decimal
) -> None:
    held = list_accounts(connection, item, everything=True)
    account = next(one for one in held if one.number == row["account"])
    account.account.move(amount if row["posts_on"] is None else Decimal(0), amount)
    save_account(connection, account)


def add(
    bank: Bank,
    connection: sqlite3.Connection,
    item: Item,
    rows: Iterable[dict[str, Any]],
) -> list[str]:
    """Transactions given as in /sandbox/transactions/create; their ids."""
    held = list_accounts(connection, item, everything=True)
    today = bank.clock.today()
    entries = [_entry(held, row, today) for row in rows]
    ids = log.append(connection, item, entries)
    book(connection, entries)
    return ids


def _entry(held: list[HeldAccount], row: dict[str, Any], today: date) -> log.Entry:
    account = _target(held, row.get("account_id"))
    amount = Decimal(row["amount"])
    category, merchant, channel = categorise(row["description"], amount)
    posts_on = date.fromisoformat(row["date_posted"])
    event = Event(
        account=0,
        on=date.fromisoformat(row["date_transacted"]),
        posts_on=posts_on,
        amount=amount,
        name=row["description"],
        category=category,
        merchant=merchant,
        channel=channel,
        currency=row.get("iso_currency_code") or account.account.currency,
        unofficial=account.account.unofficial and not row.get("iso_currency_code"),
        original=row["description"],
    )
    came_from = row.get("pending_transaction_id")
    return log.Entry(account, event, posts_on > today, came_from)


def _target(held: list[HeldAccount], account_id: str | None) -> HeldAccount:
    """The account asked for, else the first checking account, else the first."""
    if account_id:
        found = [one for one in held if one.account_id == account_id]
        if not found:
            raise PlaidError("INVALID_ACCOUNT_ID")
        return found[0]
    checking = [one for one in held if one.account.subtype == "checking"]
    return (checking or held)[0]
