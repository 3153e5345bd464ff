"""Pending transactions: they post under another id, sometimes with another amount."""

import sqlite3
from datetime import date
from decimal import Decimal
from typing import Any

from . import log, transaction
from .account import HeldAccount, save_account
from .ids import opaque_id
from .item import Item


def list_pending(connection: sqlite3.Connection, item: Item) -> list[sqlite3.Row]:
    return connection.execute(
        "SELECT * FROM transactions WHERE item = ? AND posts_on IS NOT NULL"
        " ORDER BY posts_on, seq",
        (item.number,),
    ).fetchall()


def post_due(
    connection: sqlite3.Connection, item: Item, held: list[HeldAccount], today: date
) -> list[str]:
    """Post what was to post by now; the ids that are gone."""
    due = [
        row
        for row in list_pending(connection, item)
        if row["posts_on"] <= today.isoformat()
    ]
    for row in due:
        post(connection, row, held, date.fromisoformat(row["posts_on"]))
    return [row["transaction_id"] for row in due]


def post(
    connection: sqlite3.Connection,
    row: sqlite3.Row,
    held: list[HeldAccount],
    on: date,
    amount: Decimal | None = None,
) -> str:
    """The pending one is removed, a posted one added; the new id.

    `amount` has Plaid's sign; by default the one foreseen when it was made.
    """
    fields = transaction.parse(row["body"])
    before = Decimal(fields["amount"])
    if amount is None:
        amount = Decimal(row["posted_amount"] or before)
    log.remove(connection, row["seq"])
    new_id = opaque_id()
    fields.update(
        amount=amount,
        date=on.isoformat(),
        pending=False,
        pending_transaction_id=fields["transaction_id"],
        running_balance=None,
        transaction_id=new_id,
    )
    insert(connection, row, fields)
    account = next(one for one in held if one.number == row["account"])
    account.account.move(amount, amount - before)
    save_account(connection, account)
    return new_id


def insert(
    connection: sqlite3.Connection, row: sqlite3.Row, fields: dict[str, Any]
) -> None:
    """A new posted transaction that takes over what `row` knows of the old one."""
    seq = log.next_seq(connection)
    connection.execute(
        "INSERT INTO transactions (seq, created, item, account, transaction_id,"
        " posted_on, category, original, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            seq,
            seq,
            row["item"],
            row["account"],
            fields["transaction_id"],
            fields["date"],
            row["category"],
            row["original"],
            transaction.dump(fields),
        ),
    )
