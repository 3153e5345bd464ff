"""An item: one login at one bank, and where its history stands."""

import sqlite3
from datetime import datetime
from typing import Any

import msgspec

from .clock import iso
from .errors import PlaidError
from .institutions import Institution, find_institution

_encoder = msgspec.json.Encoder()


class Item(msgspec.Struct, kw_only=True):
    """What is kept of an item beside its accounts and transactions."""

    number: int = 0
    item_id: str
    access_token: str | None = None
    institution_id: str
    username: str
    password: str
    products: list[str]
    webhook: str = ""
    days_requested: int = 90
    days_given: bool = True
    created_at: datetime
    grown_on: str
    initial_at: datetime
    historical_at: datetime
    initial_seq: int = 0
    initial_told: bool = False
    historical_told: bool = False
    sync_armed: bool = False
    recurring_armed: bool = False
    error_code: str | None = None
    auth_method: str | None = None
    consent_expires_at: datetime | None = None
    expiration_told: bool = False
    login_expires_at: datetime | None = None
    accounts_changed: bool = False
    refreshes: int = 0
    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None
    last_webhook_at: datetime | None = None
    last_webhook_code: str | None = None
    removed: bool = False

    @property
    def institution(self) -> Institution:
        return find_institution(self.institution_id)

    @property
    def has_transactions(self) -> bool:
        return "transactions" in self.products

    @property
    def watched(self) -> bool:
        told = self.historical_told and self.initial_told
        linked = self.has_transactions and self.access_token is not None
        return linked and not (told or self.removed)

    def error(self) -> dict[str, Any] | None:
        if self.error_code is None:
            return None
        body = PlaidError(self.error_code).body("")
        del body["request_id"]
        return body


_item_decoder = msgspec.json.Decoder(Item)


def load_item(connection: sqlite3.Connection, number: int) -> Item | None:
    row = connection.execute(
        "SELECT number, state FROM items WHERE number = ?", (number,)
    ).fetchone()
    return _read(row) if row else None


def find_item(
    connection: sqlite3.Connection, *, access_token: str = "", item_id: str = ""
) -> Item | None:
    row = connection.execute(
        "SELECT number, state FROM items WHERE access_token = ? OR item_id = ?",
        (access_token, item_id),
    ).fetchone()
    return _read(row) if row else None


def list_items(connection: sqlite3.Connection) -> list[Item]:
    rows = connection.execute("SELECT number, state FROM items ORDER BY number")
    return [item for row in rows if not (item := _read(row)).removed]


def list_watched(connection: sqlite3.Connection) -> list[Item]:
    """Items whose first history has not been announced yet."""
    rows = connection.execute("SELECT number, state FROM items WHERE watched")
    return [_read(row) for row in rows]


def _read(row: sqlite3.Row) -> Item:
    item = _item_decoder.decode(row["state"])
    item.number = row["number"]
    return item


def save_item(connection: sqlite3.Connection, item: Item) -> None:
    """Insert or update; a new item gets its number here."""
    state = _encoder.encode(item)
    if item.number:
        connection.execute(
            "UPDATE items SET access_token = ?, watched = ?, state = ?"
            " WHERE number = ?",
            (item.access_token, item.watched, state, item.number),
        )
        return
    cursor = connection.execute(
        "INSERT INTO items (item_id, access_token, state) VALUES (?, ?, ?)",
        (item.item_id, item.access_token, state),
    )
    item.number = cursor.lastrowid or 0


def item_json(item: Item) -> dict[str, Any]:
    """The Item object that most answers carry."""
    consent = item.consent_expires_at
    offered = item.institution.products
    return {
        "auth_method": item.auth_method,
        "available_products": [p for p in offered if p not in item.products],
        "billed_products": item.products,
        "consent_expiration_time": iso(consent) if consent else None,
        "error": item.error(),
        "institution_id": item.institution_id,
        "institution_name": item.institution.name,
        "item_id": item.item_id,
        "products": item.products,
        "update_type": "background",
        "webhook": item.webhook,
    }
