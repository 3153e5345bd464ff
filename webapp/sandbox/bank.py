"""The bank as one thing: its store, clock, settings, counters and switches."""

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from .calls import Calls
from .clock import Clock
from .errors import PlaidError
from .faults import Faults
from .item import Item, find_item, save_item
from .limits import Limits
from .mischief import Mischiefs
from .settings import Settings, load_settings
from .store import Store


@dataclass
class Bank:
    store: Store
    clock: Clock
    settings: Settings
    started_with: Settings
    calls: Calls
    faults: Faults
    limits: Limits
    mischief: Mischiefs
    cursor_key: bytes

    @contextmanager
    def editing(self, item_id: str) -> Iterator[tuple[sqlite3.Connection, Item]]:
        """An item that nobody else changes meanwhile; it is saved at the end."""
        with self.store.writing() as connection:
            item = find_item(connection, item_id=item_id)
            if item is None or item.removed:
                raise PlaidError("ITEM_NOT_FOUND")
            yield connection, item
            save_item(connection, item)


def open_bank(directory: Path, behaviour: dict[str, Any]) -> Bank:
    """The bank whose state lies in `directory`, new or as it was left.

    `behaviour` overrides kept settings, and is what a reset comes back to.
    """
    store = Store(directory)
    return Bank(
        store=store,
        clock=Clock(store),
        settings=replace(load_settings(store), **behaviour),
        started_with=Settings(**behaviour),
        calls=Calls(),
        faults=Faults(),
        limits=Limits(),
        mischief=Mischiefs(),
        cursor_key=_cursor_key(store),
    )


def _cursor_key(store: Store) -> bytes:
    known = store.setting("cursor_key")
    if known is None:
        known = secrets.token_hex(32)
        store.set_setting("cursor_key", known)
    return bytes.fromhex(known)
