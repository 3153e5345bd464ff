"""The end of Link: choosing accounts, and the item that comes of it."""

import sqlite3
from datetime import timedelta
from typing import Any

from .. import log, opening
from ..account import HeldAccount, list_accounts, save_account
from ..ageing import login_expiry
from ..errors import PlaidError
from ..item import Item
from ..products import CONSENT_DAYS, EXPIRING_COUNTRIES
from ..tokens import issue_public_token
from ..worlds import Account, open_world
from . import panes
from .events import success_metadata
from .walk import Walk


def _offered(walk: Walk) -> list[tuple[int, Account]]:
    """The accounts that may be shared, with their index among all of the login."""
    item = walk.item
    if item is not None:
        held = list_accounts(walk.bank.store.connection, item, everything=True)
        accounts = [one.account for one in held]
    else:
        days = walk.link.days_requested or 90
        session = walk.session
        world = open_world(
            session.username, session.password, walk.bank.clock.today(), days
        )
        accounts = list(world.accounts)
    filters = walk.link.account_filters
    return [
        (index, account)
        for index, account in enumerate(accounts)
        if not account.revoked and _passes(account, filters)
    ]


def _passes(account: Account, filters: dict[str, Any]) -> bool:
    if not filters:
        return True
    subtypes = filters.get(account.type, {}).get("account_subtypes", [])
    return "all" in subtypes or account.subtype in subtypes


def choose(walk: Walk, error: str | None = None) -> dict[str, Any]:
    """The account pane; update mode without account selection goes on to the end."""
    offered = _offered(walk)
    if not offered:
        raise PlaidError("NO_ACCOUNTS")
    item = walk.item
    if item is not None and not walk.link.account_selection:
        return complete(walk, {"values": [i for i, one in offered if one.shared]})
    ticked = {i for i, one in offered if item is None or one.shared}
    return walk.show(panes.accounts(walk.institution, offered, ticked, error))


def complete(walk: Walk, given: dict[str, Any]) -> dict[str, Any]:
    values = given.get("values")
    allowed = {index for index, _ in _offered(walk)}
    listed = values if isinstance(values, list) else []
    chosen = [one for one in listed if isinstance(one, int) and one in allowed]
    if not chosen:
        return choose(walk, "Choose at least one account.")
    session, bank = walk.session, walk.bank
    old = walk.item
    item = _open(walk, chosen) if old is None else _mend(walk, old, chosen)
    session.public_token = issue_public_token(bank, item)
    held = list_accounts(bank.store.connection, item)
    session.success = {
        "metadata": success_metadata(session, held),
        "public_token": session.public_token,
    }
    session.finished_at = bank.clock.now()
    walk.emit("HANDOFF")
    return walk.show(panes.done(walk.link, walk.institution))


def _open(walk: Walk, chosen: list[int]) -> Item:
    link, session, bank = walk.link, walk.session, walk.bank
    item = opening.open_item(
        bank,
        institution_id=walk.institution.institution_id,
        username=session.username,
        password=session.password,
        products=link.products,
        webhook=link.webhook,
        days_requested=link.days_requested,
        chosen=chosen,
    )
    with bank.editing(item.item_id) as (_, editable):
        editable.login_expires_at = login_expiry(bank)
        _consent(walk, editable)
    return editable


def _consent(walk: Walk, item: Item) -> None:
    """Banks outside the US and Canada ask for consent again after half a year."""
    expires = set(walk.institution.countries) & EXPIRING_COUNTRIES
    if expires or item.consent_expires_at is not None:
        now = walk.bank.clock.now()
        item.consent_expires_at = now + timedelta(days=CONSENT_DAYS)


def _mend(walk: Walk, old: Item, chosen: list[int]) -> Item:
    """Update mode: the error is gone, consent is fresh, accounts are as chosen."""
    bank = walk.bank
    with bank.editing(old.item_id) as (connection, item):
        item.error_code = None
        item.last_success_at = bank.clock.now()
        item.password = walk.session.password
        item.expiration_told = False
        item.login_expires_at = login_expiry(bank)
        _consent(walk, item)
        held = list_accounts(connection, item, everything=True)
        if walk.link.account_selection:
            item.accounts_changed = False
            _share(connection, held, chosen)
    return item


def _share(
    connection: sqlite3.Connection, held: list[HeldAccount], chosen: list[int]
) -> None:
    """Share the chosen accounts only; what is newly shared appears as added."""
    for index, one in enumerate(held):
        was, one.account.shared = one.account.shared, index in chosen
        save_account(connection, one)
        if one.account.shared and not was:
            log.bring_back(connection, one)
