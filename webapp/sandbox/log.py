"""The change log of an item: what /transactions/sync reads and every edit writes."""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from . import transaction
from .account import HeldAccount
from .cursor import Place
from .errors import PlaidError
from .event import Event
from .ids import opaque_id
from .item import Item

_INSERT = (
    "INSERT INTO transactions (seq, created, item, account, transaction_id, posted_on,"
    " posts_on, category, original, posted_amount, body)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


class Entry(NamedTuple):
    """An event on its way into the log."""

    account: HeldAccount
    event: Event
    pending: bool
    pending_transaction_id: str | None = None


class Page(NamedTuple):
    """One answer of /transactions/sync; added and modified are JSON, row by row."""

    added: list[bytes]
    modified: list[bytes]
    removed: list[dict[str, str]]
    next: Place
    has_more: bool


def next_seq(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT max(seq) FROM transactions").fetchone()
    return (row[0] or 0) + 1


def append(
    connection: sqlite3.Connection, item: Item, entries: Iterable[Entry]
) -> list[str]:
    """Add transactions; their new ids."""
    ids: list[str] = []
    connection.executemany(_INSERT, _rows(next_seq(connection), item, entries, ids))
    return ids


def _rows(
    seq: int, item: Item, entries: Iterable[Entry], ids: list[str]
) -> Iterator[tuple[Any, ...]]:
    for held, event, pending, pending_id in entries:
        new_id = opaque_id()
        ids.append(new_id)
        yield (
            seq,
            seq,
            item.number,
            held.number,
            new_id,
            (event.on if pending else event.posts_on).isoformat(),
            event.posts_on.isoformat() if pending else None,
            event.category,
            event.original,
            None if event.posted_amount is None else str(event.posted_amount),
            transaction.render(event, held.account_id, new_id, pending, pending_id),
        )
        seq += 1


def rewrite(
    connection: sqlite3.Connection, row: sqlite3.Row, fields: dict[str, Any]
) -> None:
    """A transaction's new version, at the end of the log."""
    connection.execute(
        "UPDATE transactions SET seq = ?, posted_on = ?, body = ? WHERE seq = ?",
        (next_seq(connection), fields["date"], transaction.dump(fields), row["seq"]),
    )


def assign(
    connection: sqlite3.Connection, transaction_id: str, account: HeldAccount
) -> None:
    connection.execute(
        "UPDATE transactions SET account = ? WHERE transaction_id = ?",
        (account.number, transaction_id),
    )


def remove(connection: sqlite3.Connection, seq: int) -> None:
    connection.execute(
        "UPDATE transactions SET seq = ?, removed = 1, posts_on = NULL WHERE seq = ?",
        (next_seq(connection), seq),
    )


def bring_back(connection: sqlite3.Connection, account: HeldAccount) -> None:
    """All that an account has is new again: it was not shared until now.

    What was removed meanwhile is told again to clients that know it from before.
    """
    rows = connection.execute(
        "SELECT seq FROM transactions WHERE account = ? ORDER BY seq",
        (account.number,),
    ).fetchall()
    seq = next_seq(connection)
    connection.executemany(
        "UPDATE transactions SET created = iif(removed, created, ?1), seq = ?1"
        " WHERE seq = ?2",
        [(seq + n, row["seq"]) for n, row in enumerate(rows)],
    )


def newest(connection: sqlite3.Connection, item: Item, limit: int | None) -> int:
    """The last change of the item that can be seen; `limit` hides what comes later."""
    row = connection.execute(
        "SELECT max(seq) FROM transactions WHERE item = ? AND seq <= ?",
        (item.number, limit if limit is not None else 2**62),
    ).fetchone()
    return row[0] or 0


def read_page(
    connection: sqlite3.Connection,
    item: Item,
    place: Place,
    accounts: list[HeldAccount],
    count: int,
    *,
    limit: int | None,
    version: str,
    original: bool,
) -> Page:
    """The next `count` changes after a place, in the order in which they happened.

    A transaction appears once, in its newest version, however often it changed. One
    that came and went since the loop began does not appear at all.
    """
    last = newest(connection, item, limit)
    if place.in_loop and place.version != last:
        raise PlaidError("TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION")
    ids = {held.number: held.account_id for held in accounts}
    marks = ",".join("?" * len(ids))
    rows = connection.execute(
        "SELECT seq, created, account, transaction_id, removed, category, original,"  # noqa: S608
        " body FROM transactions WHERE item = ? AND seq > ? AND seq <= ?"
        f" AND account IN ({marks}) AND NOT (removed AND created > ?)"
        " ORDER BY seq LIMIT ?",
        (item.number, place.position, last, *ids, place.origin, count + 1),
    ).fetchall()
    more = len(rows) > count
    page = Page([], [], [], _after(place, rows[:count], last, more), more)
    for row in rows[:count]:
        if row["removed"]:
            gone = {
                "account_id": ids[row["account"]],
                "transaction_id": row["transaction_id"],
            }
            page.removed.append(gone)
            continue
        body = finished(row, version, original)
        (page.added if row["created"] > place.origin else page.modified).append(body)
    return page


def finished(row: sqlite3.Row, version: str, original: bool) -> bytes:
    words = row["original"] or "" if original else None
    return transaction.finish(row["body"], row["category"], version, words)


def _after(place: Place, rows: list[sqlite3.Row], last: int, more: bool) -> Place:
    if more:
        return place._replace(position=rows[-1]["seq"], version=last)
    end = max(last, place.origin)
    return place._replace(position=end, origin=end, version=0)
