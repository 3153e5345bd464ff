"""Webhooks: what each says, and which follow from what happened."""

import json
import sqlite3
import time
from typing import Any, NamedTuple

from .bank import Bank
from .clock import iso
from .errors import PlaidError
from .item import Item

ENVIRONMENT = "sandbox"


class Changes(NamedTuple):
    """What an update brought to an item."""

    added: int = 0
    modified: int = 0
    removed: tuple[str, ...] = ()

    @property
    def any(self) -> bool:
        return bool(self.added or self.modified or self.removed)


def send(
    connection: sqlite3.Connection,
    item: Item,
    kind: str,
    code: str,
    url: str | None = None,
    **more: Any,
) -> bool:
    """Put a webhook into the outbox, with what caused it; False without an address."""
    url = item.webhook if url is None else url
    if not url:
        return False
    payload = {
        **more,
        "environment": ENVIRONMENT,
        "item_id": item.item_id,
        "webhook_code": code,
        "webhook_type": kind,
    }
    # Plaid indents by two; receivers must hash the bytes as they come.
    body = json.dumps(payload, indent=2, sort_keys=True).encode()
    now = time.time()
    connection.execute(
        "INSERT INTO webhooks (item, code, url, body, due_at, first_at, status)"
        " VALUES (?, ?, ?, ?, ?, ?, 'waiting')",
        (item.number, code, url, body, now, now),
    )
    return True


def tell_changes(
    bank: Bank, connection: sqlite3.Connection, item: Item, changes: Changes
) -> None:
    """The webhooks of an update, for clients of sync and for those of get."""
    if not changes.any or not item.has_transactions:
        return
    if changes.added:
        send(
            connection,
            item,
            "TRANSACTIONS",
            "DEFAULT_UPDATE",
            error=None,
            new_transactions=changes.added,
        )
    if changes.removed:
        send(
            connection,
            item,
            "TRANSACTIONS",
            "TRANSACTIONS_REMOVED",
            error=None,
            removed_transactions=list(changes.removed),
        )
    tell_sync(bank, connection, item)
    if item.recurring_armed and changes.added:
        tell_recurring(connection, item)


def tell_sync(bank: Bank, connection: sqlite3.Connection, item: Item) -> bool:
    """Only after the first call of sync, which asks for it."""
    if not item.sync_armed:
        return False
    now = bank.clock.now()
    return send(
        connection,
        item,
        "TRANSACTIONS",
        "SYNC_UPDATES_AVAILABLE",
        historical_update_complete=now >= item.historical_at,
        initial_update_complete=now >= item.initial_at,
    )


def tell_progress(bank: Bank, connection: sqlite3.Connection, item: Item) -> bool:
    """The first month, then the whole history, have arrived; whether that was news."""
    now = bank.clock.now()
    news = False
    if not item.initial_told and now >= item.initial_at:
        item.initial_told = news = True
        _tell_update(connection, item, "INITIAL_UPDATE", item.initial_seq)
        if now < item.historical_at:
            tell_sync(bank, connection, item)
    if not item.historical_told and now >= item.historical_at:
        item.historical_told = news = True
        _tell_update(connection, item, "HISTORICAL_UPDATE", None)
        tell_sync(bank, connection, item)
        if item.recurring_armed or "recurring_transactions" in item.products:
            tell_recurring(connection, item)
    return news


def _tell_update(
    connection: sqlite3.Connection, item: Item, code: str, until: int | None
) -> None:
    count = connection.execute(
        "SELECT count(*) FROM transactions WHERE item = ? AND NOT removed AND seq <= ?",
        (item.number, until if until is not None else 2**62),
    ).fetchone()[0]
    send(connection, item, "TRANSACTIONS", code, error=None, new_transactions=count)


def tell_recurring(connection: sqlite3.Connection, item: Item) -> bool:
    rows = connection.execute(
        "SELECT account_id FROM accounts WHERE item = ?", (item.number,)
    )
    return send(
        connection,
        item,
        "TRANSACTIONS",
        "RECURRING_TRANSACTIONS_UPDATE",
        account_ids=[row["account_id"] for row in rows],
    )


def tell_error(connection: sqlite3.Connection, item: Item, code: str) -> bool:
    """ITEM:ERROR; the error has a status and no request_id."""
    error = PlaidError(code).body(None)
    return send(connection, item, "ITEM", "ERROR", error=error)


def tell_expiration(connection: sqlite3.Connection, item: Item) -> bool:
    expires = item.consent_expires_at
    return send(
        connection,
        item,
        "ITEM",
        "PENDING_EXPIRATION",
        consent_expiration_time=iso(expires) if expires else None,
    )
