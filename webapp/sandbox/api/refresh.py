"""/transactions/refresh: ask the bank for news now."""

import sqlite3
from decimal import Decimal
from typing import Any

from .. import edits, log
from ..account import list_accounts
from ..bank import Bank
from ..endpoint import Request, endpoint
from ..item import Item
from ..opening import book
from ..pending import list_pending, post
from ..transaction import parse
from ..webhook import Changes, tell_changes
from ..worlds.dynamic import fresh

_NEW = 3


@endpoint("/transactions/refresh", item=True, healthy=True, product="transactions")
def refresh(request: Request) -> dict[str, Any]:
    """What there is comes by webhook; new days have been looked at already."""
    bank = request.bank
    with bank.editing(request.item.item_id) as (connection, item):
        item.last_success_at = bank.clock.now()
        if item.username == "user_transactions_dynamic":
            tell_changes(bank, connection, item, stir(bank, connection, item))
    return {}


def stir(bank: Bank, connection: sqlite3.Connection, item: Item) -> Changes:
    """All pending rows post, one older amount grows by 1.00, new pending rows come."""
    today = bank.clock.today()
    held = list_accounts(connection, item, everything=True)
    gone = list_pending(connection, item)
    for row in gone:
        post(connection, row, held, today)
    changed = _raise_one(connection, item)
    item.refreshes += 1
    events = fresh(today, _NEW, item.refreshes)
    entries = [log.Entry(held[one.account], one, True) for one in events]
    log.append(connection, item, entries)
    book(connection, entries)
    ids = tuple(row["transaction_id"] for row in gone)
    return Changes(len(entries) + len(ids), changed, ids)


def _raise_one(connection: sqlite3.Connection, item: Item) -> int:
    row = connection.execute(
        "SELECT * FROM transactions WHERE item = ? AND NOT removed"
        " AND posts_on IS NULL ORDER BY seq LIMIT 1",
        (item.number,),
    ).fetchone()
    if row is None:
        return 0
    amount = Decimal(parse(row["body"])["amount"]) + Decimal("1.00")
    edits.change(connection, item, row, {"amount": amount})
    return 1
