"""What a webhook says. Only who and what must be readable; the rest may be odd."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Struct

from webapp.plaid.decode import decode

LONGEST = 255
TRANSACTIONS = (
    "SYNC_UPDATES_AVAILABLE INITIAL_UPDATE HISTORICAL_UPDATE DEFAULT_UPDATE "
    "TRANSACTIONS_REMOVED RECURRING_TRANSACTIONS_UPDATE"
)
ITEM = (
    "ERROR LOGIN_REPAIRED PENDING_DISCONNECT PENDING_EXPIRATION NEW_ACCOUNTS_AVAILABLE "
    "USER_PERMISSION_REVOKED USER_ACCOUNT_REVOKED WEBHOOK_UPDATE_ACKNOWLEDGED"
)
KNOWN = {("TRANSACTIONS", code) for code in TRANSACTIONS.split()} | {
    ("ITEM", code) for code in ITEM.split()
}


class Body(Struct):
    """As it comes. `Any`, because an odd member must not lose the webhook."""

    webhook_type: str
    webhook_code: str
    item_id: str | None = None
    error: Any = None
    reason: Any = None
    consent_expiration_time: Any = None
    disconnect_time: Any = None
    account_id: Any = None


@dataclass(frozen=True)
class Webhook:
    """`item_id` is None for what concerns no single item."""

    item_id: str | None
    webhook_type: str
    webhook_code: str
    error_code: str | None
    reason: str | None
    expires_at: dt.datetime | None
    account_id: str | None = None

    @property
    def name(self) -> str:
        return f"{self.webhook_type}:{self.webhook_code}"

    @property
    def is_known(self) -> bool:
        return (self.webhook_type, self.webhook_code) in KNOWN


def read(raw_body: bytes) -> Webhook:
    """Raises PlaidError UNREADABLE."""
    body = decode(raw_body, Body)
    error = body.error if isinstance(body.error, dict) else {}
    return Webhook(
        body.item_id,
        body.webhook_type[:LONGEST],
        body.webhook_code[:LONGEST],
        _text(error.get("error_code")),
        _text(body.reason),
        _instant(body.consent_expiration_time) or _instant(body.disconnect_time),
        _text(body.account_id),
    )


def _text(value: Any) -> str | None:
    return value[:LONGEST] if isinstance(value, str) else None


def _instant(value: Any) -> dt.datetime | None:
    """None for what is no instant with a zone."""
    try:
        found = msgspec.convert(value, dt.datetime)
    except msgspec.ValidationError:
        return None
    return found if found.tzinfo else None
