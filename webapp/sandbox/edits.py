"""Changes that a bank makes to its own books: the world edited from outside."""

import sqlite3
from decimal import Decimal
from typing import Any

from . import log, transaction
from .bank import Bank
from .errors import PlaidError
from .item import Item


def touch(bank: Bank, item_id: str) -> None:
    """Write the newest transaction again, unchanged: the smallest mutation."""
    with bank.editing(item_id) as (connection, item):
        row = connection.execute(
            "SELECT * FROM transactions WHERE item = ? AND NOT removed"
            " ORDER BY seq DESC LIMIT 1",
            (item.number,),
        ).fetchone()
        if row is not None:
            log.rewrite(connection, row, transaction.parse(row["body"]))


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
    connection: sqlite3.Connection, row: sqlite3.Row, fields: dict[str, Any]
) -> None:
    """Replace members of a transaction; amounts have Plaid's sign."""
    known = transaction.parse(row["body"])
    known.update(fields)
    known["amount"] = Decimal(str(known["amount"]))
    log.rewrite(connection, row, known)
