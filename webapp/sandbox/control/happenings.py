"""What can befall an item at its bank, each with the webhook that tells of it."""

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from ..api.firing import fire
from ..bank import Bank
from ..error_codes import CODES
from ..errors import PlaidError
from ..faults import Fault
from ..item import Item
from ..products import CONSENT_DAYS
from ..webhook import tell_error, tell_expiration, tell_progress

Body = dict[str, Any]
Happening = Callable[[Bank, sqlite3.Connection, Item, Body], None]
_DATA = ("/transactions/sync", "/transactions/get", "/accounts/get")
_LIVE = ("/accounts/balance/get", "/transactions/refresh", "/auth/get")
_NOTICE_DAYS = 7


def happen(bank: Bank, connection: sqlite3.Connection, item: Item, body: Body) -> None:
    name = body.get("event")
    if not isinstance(name, str) or name not in HAPPENINGS:
        raise PlaidError(
            "INVALID_FIELD", f"event must be one of {', '.join(HAPPENINGS)}"
        )
    HAPPENINGS[name](bank, connection, item, body)


def _login_required(
    bank: Bank, connection: sqlite3.Connection, item: Item, body: Body
) -> None:
    _fail(bank, connection, item, "ITEM_LOGIN_REQUIRED")


def _error(bank: Bank, connection: sqlite3.Connection, item: Item, body: Body) -> None:
    code = body.get("code")
    if code not in CODES:
        raise PlaidError("INVALID_FIELD", "code must be an error code of Plaid's")
    _fail(bank, connection, item, str(code))


def _fail(bank: Bank, connection: sqlite3.Connection, item: Item, code: str) -> None:
    item.error_code = code
    item.last_failure_at = bank.clock.now()
    tell_error(connection, item, code)


def _login_repaired(
    bank: Bank, connection: sqlite3.Connection, item: Item, body: Body
) -> None:
    """Repaired somewhere else, in another app that uses the same bank."""
    now = bank.clock.now()
    item.error_code = None
    item.last_success_at = now
    if item.consent_expires_at is not None and item.consent_expires_at <= now:
        item.consent_expires_at = now + timedelta(days=CONSENT_DAYS)
        item.expiration_told = False
    fire(bank, connection, item, "LOGIN_REPAIRED", body)


def _bank_down(
    bank: Bank, connection: sqlite3.Connection, item: Item, body: Body
) -> None:
    """Until bank_up every call for data fails; the item itself is well."""
    code = str(body.get("code", "INSTITUTION_DOWN"))
    if code not in CODES:
        raise PlaidError("INVALID_FIELD", "code must be an error code of Plaid's")
    item.last_failure_at = bank.clock.now()
    for endpoint in (*_DATA, *_LIVE):
        fault = Fault(
            endpoint=endpoint, item_id=item.item_id, times=None, error_code=code
        )
        bank.faults.add(fault)


def _bank_up(
    bank: Bank, connection: sqlite3.Connection, item: Item, body: Body
) -> None:
    for fault in bank.faults.list():
        if fault.item_id == item.item_id and fault.times is None:
            bank.faults.clear(fault.id)


def _pending_expiration(
    bank: Bank, connection: sqlite3.Connection, item: Item, body: Body
) -> None:
    item.consent_expires_at = bank.clock.now() + _notice(body)
    item.expiration_told = True
    tell_expiration(connection, item)


def _pending_disconnect(
    bank: Bank, connection: sqlite3.Connection, item: Item, body: Body
) -> None:
    item.login_expires_at = bank.clock.now() + _notice(body)
    fire(bank, connection, item, "PENDING_DISCONNECT", body)


def _notice(body: Body) -> timedelta:
    days = body.get("days", _NOTICE_DAYS)
    if not isinstance(days, int | float) or not 0 <= days <= 3650:
        raise PlaidError("INVALID_FIELD", "days must be a number")
    return timedelta(days=days)


def _permission_revoked(
    bank: Bank, connection: sqlite3.Connection, item: Item, body: Body
) -> None:
    item.error_code = "USER_PERMISSION_REVOKED"
    fire(bank, connection, item, "USER_PERMISSION_REVOKED", body)


def _history_ready(
    bank: Bank, connection: sqlite3.Connection, item: Item, body: Body
) -> None:
    """Do not wait for the delays any longer."""
    now = bank.clock.now()
    item.initial_at = min(item.initial_at, now)
    item.historical_at = min(item.historical_at, now)
    tell_progress(bank, connection, item)


HAPPENINGS: dict[str, Happening] = {
    "login_required": _login_required,
    "login_repaired": _login_repaired,
    "bank_down": _bank_down,
    "bank_up": _bank_up,
    "pending_expiration": _pending_expiration,
    "pending_disconnect": _pending_disconnect,
    "permission_revoked": _permission_revoked,
    "error": _error,
    "history_ready": _history_ready,
}
