"""What the passing of time does to an item."""

from datetime import datetime, timedelta

from . import opening
from .bank import Bank
from .item import Item, find_item, save_item
from .webhook import tell_changes, tell_error, tell_expiration

_NOTICE = timedelta(days=7)


def age(bank: Bank, item: Item) -> Item:
    """Let new days happen to an item, and its login or its consent run out.

    A bank that asks for the login again brings nothing new until it is repaired.
    """
    now = bank.clock.now()
    today = now.date()
    behind = bank.settings.grow and item.grown_on < today.isoformat()
    expired = any(
        end is not None and now >= end
        for end in (item.login_expires_at, item.consent_expires_at)
    )
    consent = item.consent_expires_at
    soon = consent is not None and now >= consent - _NOTICE and not item.expiration_told
    if item.error_code is not None or not (behind or expired or soon):
        return item
    with bank.store.writing() as connection:
        item = find_item(connection, item_id=item.item_id) or item
        if item.removed or item.error_code is not None:
            return item
        if behind:
            changes = opening.grow(bank, connection, item, today)
            tell_changes(bank, connection, item, changes)
        if soon:
            item.expiration_told = True
            tell_expiration(connection, item)
        if expired:
            item.error_code = "ITEM_LOGIN_REQUIRED"
            item.login_expires_at = None
            item.last_failure_at = now
            tell_error(connection, item, item.error_code)
        save_item(connection, item)
    return item


def login_expiry(bank: Bank) -> datetime | None:
    """When a login made now runs out, where that is switched on."""
    settings = bank.settings
    if not settings.login_expires:
        return None
    return bank.clock.now() + timedelta(days=settings.login_lasts_days)
