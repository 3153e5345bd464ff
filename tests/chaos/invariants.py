"""What must hold of a database at any moment, and against the bank once it is quiet.

Each function is one invariant of RELIABILITY 4.4 and returns what breaks it, a line
each. `check_all` reads everything in one snapshot, so workers may run meanwhile. The
connection must see every user's rows.
"""

import datetime as dt
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Engine, text

from tests.bank import Bank
from tests.chaos.history import Books, Fact, Refused, fact
from tests.chaos.invariants_alone import (
    ALONE,
    OVERDUE,
    UserData,
    lines,
    made_by_users,
    no_item_is_stuck,
    user_data_is_kept,
)

__all__ = ["check_all", "made_by_users"]


@dataclass
class Item:
    """An item of ours beside the same item at the bank, both as they are now."""

    id: Any
    item_id: str
    state: str
    cursor: str | None
    at_bank: dict[str, Any] | None
    theirs: dict[str, Fact] = field(default_factory=dict)
    ours: dict[str, Fact] = field(default_factory=dict)
    odd: set[str] = field(default_factory=set)

    @property
    def is_comparable(self) -> bool:
        """False where the bank gives no rows: a login is due, or it is unlinked."""
        if self.state in ("removing", "removed", "revoked") or self.at_bank is None:
            return False
        return self.at_bank["error_code"] is None

    @property
    def shared(self) -> set[str]:
        accounts = self.at_bank["accounts"] if self.at_bank else []
        return {a["account_id"] for a in accounts if a["shared"] and not a["revoked"]}


def check_all(
    engine: Engine,
    bank: Bank,
    *,
    settled: bool | Container[str] = True,
    before: UserData | None = None,
    overdue: dt.timedelta = OVERDUE,
) -> list[str]:
    """Everything that is broken; none is the wanted answer.

    `settled`: all asks are served and the bank is quiet, so the ledger must equal it;
    or the ids that Plaid gave the items of which that is true. I3 is checked of all
    and needs a quiet bank, too. `before` is a `made_by_users` after
    which no user edited. `overdue`: how late an item may be (R6).
    """
    books = Books(bank.port)
    try:
        with engine.connect() as connection:
            connection.execution_options(isolation_level="REPEATABLE READ")
            found = [
                line for check in ALONE for line in check(connection)
            ] + no_item_is_stuck(connection, overdue)
            if before is not None:
                found += user_data_is_kept(connection, before)
            items = read_items(connection, books)
            if settled is True:
                found += pending_gave_way(connection, items)
        for item in items:
            found += log_is_folded(item, books)
            if settled is True or (settled and item.item_id in settled):
                found += ledger_is_the_bank(item) + sums_agree(item)
    finally:
        books.close()
    return found


ROWS = text("""
    SELECT t.plaid_transaction_id, a.plaid_account_id, t.date, t.amount,
           t.plaid_amount, t.currency, t.pending
    FROM transactions t
    JOIN bank_accounts a ON a.user_id = t.user_id AND a.id = t.bank_account_id
    WHERE t.removed_at IS NULL AND a.plaid_item_id = :id
      AND NOT EXISTS ( -- history of an earlier login, older than this one's
          SELECT FROM adopted_transactions j WHERE j.user_id = t.user_id
          AND j.transaction_id = t.id AND j.role = 'kept')
""")
ODD = text("""
    SELECT plaid_transaction_id FROM quarantined_transactions
    WHERE plaid_item_id = :id AND resolved_at IS NULL
      AND plaid_transaction_id IS NOT NULL
""")


def read_items(connection: Connection, books: Books) -> list[Item]:
    known = books.items()
    items = []
    for row in connection.execute(
        text("SELECT id, item_id, state, cursor FROM plaid_items ORDER BY id")
    ):
        item = Item(*row, known.get(row.item_id))
        if item.is_comparable:
            rows = connection.execute(ROWS, {"id": item.id})
            item.ours = {one[0]: Fact(*one[1:]) for one in rows}
            item.odd = set(connection.execute(ODD, {"id": item.id}).scalars())
            told = books.transactions(item.item_id)
            item.theirs = {
                id: fact(one)
                for id, one in told.items()
                if one["account_id"] in item.shared
            }
        items.append(item)
    return items


def ledger_is_the_bank(item: Item) -> list[str]:
    """I2: nothing is missing, nothing is too much, nothing differs (R1).

    Of accounts that are not shared any more the last rows stay, and an odd row may be
    missing for as long as it is in the quarantine.
    """
    if not item.is_comparable:
        return []
    if item.cursor is None:
        return [f"I2 {item.item_id} was never synced: it is {item.state}"]
    return differences("I2", item, item.ours, item.odd)


def log_is_folded(item: Item, books: Books) -> list[str]:
    """I3: the rows are the bank's log up to the saved cursor (R2).

    The log after that cursor, folded onto the rows, must give what the bank has now:
    so it holds in the middle of everything, also right after a crash. A cursor set
    back to nothing claims nothing.
    """
    if not item.is_comparable or item.at_bank is None or item.cursor is None:
        return []
    try:
        later = books.since(item.at_bank["access_token"], item.cursor)
    except Refused as error:
        return [f"I3 {item.item_id}: the bank refuses the saved cursor: {error}"]
    folded = {id: one for id, one in item.ours.items() if id not in later}
    folded |= {id: fact(one) for id, one in later.items() if one is not None}
    return differences("I3", item, folded, item.odd - later.keys())


def differences(
    name: str, item: Item, ours: Mapping[str, Fact], odd: set[str]
) -> list[str]:
    ours = {id: one for id, one in ours.items() if one.account_id in item.shared}
    theirs = item.theirs
    found = [f"{id} is missing" for id in theirs.keys() - ours.keys() - odd]
    found += [f"{id} is too much" for id in ours.keys() - theirs.keys()]
    found += [
        f"{id} is {ours[id]}, at the bank {theirs[id]}"
        for id in (ours.keys() & theirs.keys()) - odd
        if ours[id] != theirs[id]
    ]
    return [f"{name} {item.item_id}: {line}" for line in found]


def sums_agree(item: Item) -> list[str]:
    """I5: each account's sum of live rows is the bank's, to the last digit."""
    if not item.is_comparable or item.odd:
        return []
    ours, theirs = _sums(item.ours), _sums(item.theirs)
    return [
        f"I5 {item.item_id}: account {account} {currency} is {ours.get(key, 0)},"
        f" at the bank {theirs.get(key, 0)}"
        for key in ours.keys() | theirs.keys()
        for account, currency in [key]
        if account in item.shared and ours.get(key, 0) != theirs.get(key, 0)
    ]


def _sums(rows: Mapping[str, Fact]) -> dict[tuple[str, str], Decimal]:
    sums: dict[tuple[str, str], Decimal] = {}
    for one in rows.values():
        key = (one.account_id, one.currency)
        sums[key] = sums.get(key, Decimal(0)) + one.amount
    return sums


def pending_gave_way(connection: Connection, items: list[Item]) -> list[str]:
    """I6: no pending row stands beside the posted one that took its place.

    Where the bank itself still has both, a later answer of its removes the pending one.
    """
    at_bank = [id for item in items for id in item.theirs]
    return lines(
        connection,
        """SELECT 'I6 ' || p.plaid_transaction_id || ' is live beside '
                  || t.plaid_transaction_id
           FROM transactions t
           JOIN transactions p ON p.user_id = t.user_id
            AND p.plaid_transaction_id = t.pending_transaction_id
           WHERE t.removed_at IS NULL AND p.removed_at IS NULL
             AND p.plaid_transaction_id <> ALL (:at_bank)""",
        at_bank=at_bank,
    )
