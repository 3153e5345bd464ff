"""Webhooks that can be fired by hand, and what each then says."""

import sqlite3
from datetime import timedelta
from typing import Any

from ..account import list_accounts
from ..bank import Bank
from ..clock import iso
from ..item import Item
from ..webhook import send, tell_error, tell_expiration, tell_recurring

FIREABLE = {
    "DEFAULT_UPDATE": "TRANSACTIONS",
    "RECURRING_TRANSACTIONS_UPDATE": "TRANSACTIONS",
    "SYNC_UPDATES_AVAILABLE": "TRANSACTIONS",
    "ERROR": "ITEM",
    "LOGIN_REPAIRED": "ITEM",
    "NEW_ACCOUNTS_AVAILABLE": "ITEM",
    "PENDING_DISCONNECT": "ITEM",
    "USER_ACCOUNT_REVOKED": "ITEM",
    "USER_PERMISSION_REVOKED": "ITEM",
    "AUTHORIZATION_GRANTED": "TRANSFER",
    "PRODUCT_READY": "INCOME",
    "SMS_MICRODEPOSITS_VERIFICATION": "AUTH",
}
_NOTICE = timedelta(days=7)


def fire(
    bank: Bank,
    connection: sqlite3.Connection,
    item: Item,
    code: str,
    options: dict[str, Any],
) -> bool:
    """Put a webhook of this code into the outbox."""
    now = bank.clock.now()
    if code == "ERROR":
        return tell_error(connection, item, item.error_code or "ITEM_LOGIN_REQUIRED")
    if code == "RECURRING_TRANSACTIONS_UPDATE":
        return tell_recurring(connection, item)
    if code == "PENDING_EXPIRATION":
        return tell_expiration(connection, item)
    more: dict[str, Any] = {}
    if code == "DEFAULT_UPDATE":
        more = {"error": None, "new_transactions": options.get("new_transactions", 0)}
    elif code == "SYNC_UPDATES_AVAILABLE":
        more = {
            "historical_update_complete": now >= item.historical_at,
            "initial_update_complete": now >= item.initial_at,
        }
    elif code == "PENDING_DISCONNECT":
        more = {
            "disconnect_time": iso(now + _NOTICE),
            "reason": options.get("reason", "INSTITUTION_TOKEN_EXPIRATION"),
        }
    elif code == "USER_ACCOUNT_REVOKED":
        held = list_accounts(connection, item, everything=True)
        more = {"account_id": options.get("account_id") or held[0].account_id}
    elif code in ("NEW_ACCOUNTS_AVAILABLE", "USER_PERMISSION_REVOKED"):
        more = {"error": None}
    kind = FIREABLE[code]
    return send(connection, item, kind, code, **more)
