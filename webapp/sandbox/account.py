"""The accounts of an item, as they are kept and as Plaid shows them."""

import sqlite3
from typing import Any

import msgspec

from .item import Item
from .worlds import Account

_encoder = msgspec.json.Encoder(decimal_format="string")
_decoder = msgspec.json.Decoder(Account)


class HeldAccount(msgspec.Struct):
    """An account with the ids under which this item knows it."""

    number: int
    account_id: str
    account: Account


def add_account(
    connection: sqlite3.Connection, item: Item, account_id: str, account: Account
) -> HeldAccount:
    cursor = connection.execute(
        "INSERT INTO accounts (item, account_id, state) VALUES (?, ?, ?)",
        (item.number, account_id, _encoder.encode(account)),
    )
    return HeldAccount(cursor.lastrowid or 0, account_id, account)


def save_account(connection: sqlite3.Connection, held: HeldAccount) -> None:
    connection.execute(
        "UPDATE accounts SET state = ? WHERE number = ?",
        (_encoder.encode(held.account), held.number),
    )


def list_accounts(
    connection: sqlite3.Connection, item: Item, *, everything: bool = False
) -> list[HeldAccount]:
    """The accounts that the person shares, or all that the login has."""
    rows = connection.execute(
        "SELECT number, account_id, state FROM accounts WHERE item = ? ORDER BY number",
        (item.number,),
    )
    held = [
        HeldAccount(row["number"], row["account_id"], _decoder.decode(row["state"]))
        for row in rows
    ]
    if everything:
        return held
    return [one for one in held if one.account.shared and not one.account.revoked]


def account_json(held: HeldAccount) -> dict[str, Any]:
    account = held.account
    iso_code = None if account.unofficial else account.currency
    body: dict[str, Any] = {
        "account_id": held.account_id,
        "balances": {
            "available": account.available,
            "current": account.current,
            "iso_currency_code": iso_code,
            "limit": account.limit,
            "unofficial_currency_code": account.currency
            if account.unofficial
            else None,
        },
        "holder_category": account.holder_category,
        "mask": account.mask,
        "name": account.name,
        "official_name": account.official_name,
        "subtype": account.subtype,
        "type": account.type,
    }
    if account.persistent_account_id:
        body["persistent_account_id"] = account.persistent_account_id
    if account.verification_status:
        body["verification_status"] = account.verification_status
    return body
