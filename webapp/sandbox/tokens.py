"""Public tokens: one use within thirty minutes."""

import sqlite3
from datetime import timedelta

from .bank import Bank
from .clock import Clock, parse_iso
from .errors import PlaidError
from .ids import token
from .item import Item

_LIFE = timedelta(minutes=30)


def issue_public_token(bank: Bank, item: Item) -> str:
    public_token = token("public")
    expires_at = (bank.clock.now() + _LIFE).isoformat()
    with bank.store.writing() as connection:
        connection.execute(
            "INSERT INTO public_tokens VALUES (?, ?, ?, 0)",
            (public_token, item.number, expires_at),
        )
    return public_token


def find_public_token(
    connection: sqlite3.Connection, public_token: str, clock: Clock
) -> int:
    """The item's number; INVALID_PUBLIC_TOKEN if unknown, used or too old."""
    row = connection.execute(
        "SELECT item, expires_at, used FROM public_tokens WHERE public_token = ?",
        (public_token,),
    ).fetchone()
    if row is None:
        raise PlaidError("INVALID_PUBLIC_TOKEN")
    if row["used"]:
        raise PlaidError("INVALID_PUBLIC_TOKEN", "public token was already exchanged")
    if clock.now() > parse_iso(row["expires_at"]):
        raise PlaidError("INVALID_PUBLIC_TOKEN", "provided public token is expired")
    return int(row["item"])
