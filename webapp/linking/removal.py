"""Removing a bank: at Plaid first, retried until it works, then here."""

import logging
import uuid
from collections.abc import Callable

from sqlalchemy import delete, func, update
from sqlalchemy.orm import Session

from webapp.crypto import DecryptionError
from webapp.models import ItemState, PlaidItem
from webapp.models.plaid_item import UNLINKED
from webapp.plaid.errors import Kind, PlaidError
from webapp.sync import schedule
from webapp.sync.fetch import begin, result
from webapp.sync.run import Interrupted, Tools, token_place
from webapp.sync.schedule import Claim, LeaseLost

log = logging.getLogger(__name__)


def ask_removal(session: Session, user_id: uuid.UUID, item: uuid.UUID) -> bool:
    """Mark the bank for removal; the worker does it. The caller commits.

    It disappears from every page at once. A sync that is under way loses its lease.
    False where there is no such item of this user.
    """
    marked = session.execute(
        update(PlaidItem)
        .where(PlaidItem.user_id == user_id, PlaidItem.id == item)
        .where(PlaidItem.state.not_in(UNLINKED))
        .values(
            state=ItemState.REMOVING,
            next_at=func.now(),
            not_before=None,
            attempts=0,
            lease_until=None,
            lease_token=None,
        )
        .returning(PlaidItem.id)
    )
    return marked.scalar_one_or_none() is not None


def remove(
    tools: Tools, held: Claim, meanwhile: Callable[[], None] = lambda: None
) -> str:
    """End the connection at Plaid, then delete the bank with its accounts and rows.

    Commits. Returns 'removed', or 'failed' and tries again later, or 'superseded' when
    `meanwhile` raised Interrupted: Plaid knows a second removal from a first one.
    """
    try:
        token = tools.vault.decrypt(held.access_token, token_place(held.id))
    except DecryptionError as error:
        return _failed(tools, held, PlaidError("OUR_KEY", str(error)))
    tools.session.commit()
    try:
        result(begin(tools.plaid.item_remove, token), meanwhile)
    except Interrupted:
        schedule.release(tools.session, held)
        tools.session.commit()
        return "superseded"
    except PlaidError as error:
        if error.kind is not Kind.DEAD:  # gone already is as good as removed
            return _failed(tools, held, error)
    gone = tools.session.execute(
        delete(PlaidItem)
        .where(
            PlaidItem.user_id == held.user_id,
            PlaidItem.id == held.id,
            PlaidItem.lease_token == held.lease_token,
        )
        .returning(PlaidItem.id)
    ).scalar_one_or_none()
    if gone is None:
        raise LeaseLost
    tools.session.commit()
    log.info("Removed item %s", held.item_id)
    return "removed"


def _failed(tools: Tools, held: Claim, error: PlaidError) -> str:
    log.warning("Removal of item %s failed: %s", held.item_id, error.code)
    schedule.fail(tools.session, held, error)
    tools.session.commit()
    return "failed"
