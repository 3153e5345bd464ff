"""What people make of their rows, as a model: who wrote what, and who takes it over."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

FIELDS = ("user_category", "user_name", "note", "excluded", "reviewed_at")
NOTHING = {"user_category": None, "user_name": None, "note": None, "excluded": False,
           "reviewed_at": None}  # fmt: skip
STORED = text(f"""
    SELECT t.plaid_transaction_id, t.pending_transaction_id, t.removed_at IS NULL,
           {", ".join(f"t.{name}" for name in FIELDS)}
    FROM transactions t
    JOIN bank_accounts a ON a.user_id = t.user_id AND a.id = t.bank_account_id
    WHERE a.plaid_item_id = :item
""")


class Row(NamedTuple):
    id: str
    pending_id: str | None
    is_live: bool
    made: dict[str, Any]


def stored(connection: Connection, item: Any) -> dict[str, Row]:
    """All rows of an item by Plaid's id, tombstones included."""
    found = connection.execute(STORED, {"item": item})
    rows = (Row(*one[:3], dict(zip(FIELDS, one[3:], strict=True))) for one in found)
    return {row.id: row for row in rows}


class UserData:
    """What each stored row must have, by a dict and what happened to it."""

    def __init__(self) -> None:
        self.made: dict[str, dict[str, Any]] = {}
        self.pending_of: dict[str, str | None] = {}
        self.live: set[str] = set()

    def edit(self, id: str, **fields: Any) -> None:
        self.made[id] |= fields

    def synced(self, rows: Iterable[Row]) -> None:
        """A run came through. What is new takes over from its pending row.

        So does what was there already, where it is empty, when that one goes.
        """
        rows = list(rows)
        new = [row for row in rows if row.id not in self.made]
        gone = {row.id for row in rows if not row.is_live} & self.live
        for id, pending in self.pending_of.items():
            if pending in gone:
                mine, theirs = self.made[id], self.made[pending]
                self.made[id] = {
                    f: theirs[f] if mine[f] in (None, False) else mine[f]
                    for f in FIELDS
                }
        for row in new:
            before = self.made.get(row.pending_id or "", NOTHING)
            self.pending_of[row.id] = row.pending_id
            self.made[row.id] = dict(before)
        self.live = {row.id for row in rows if row.is_live}

    def differences(self, rows: dict[str, Row]) -> list[str]:
        return [
            f"R3 {id} must have {made}, has {rows[id].made if id in rows else 'gone'}"
            for id, made in self.made.items()
            if id not in rows or rows[id].made != made
        ]
