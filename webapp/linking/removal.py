"""Disconnecting a bank: here at once, at Plaid by a job that lasts until it works.

The job holds the token, so that it needs neither the bank's row nor its owner's.
"""

import logging
import uuid

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from webapp.crypto import DecryptionError
from webapp.extensions import TAKE_YOUR_TIME
from webapp.jobs import queue
from webapp.jobs.queue import Held
from webapp.jobs.run import JobFailed, Meanwhile
from webapp.models import BankAccount, ItemState, PlaidItem
from webapp.plaid.errors import Kind, PlaidError
from webapp.sync import notice
from webapp.sync.fetch import begin, result
from webapp.sync.run import Tools, token_place

log = logging.getLogger(__name__)

AT_PLAID, ERASURE = "item_removal", "item_erasure"
WIPED = b""


def disconnect(
    tools: Tools, user_id: uuid.UUID, item: uuid.UUID, *, keep_history: bool
) -> bool:
    """End the connection. The caller commits. False where this user has none to end.

    Whatever holds a token has one, also a second login that waits for its owner's word.
    From the commit on no page shows it as linked and a sync under way loses its fence,
    so nothing that it read comes back. Without its history it is on no page at all, and
    a job erases the rows.
    """
    found = tools.session.execute(
        select(PlaidItem.item_id, PlaidItem.access_token)
        .where(PlaidItem.user_id == user_id, PlaidItem.id == item)
        .where(PlaidItem.access_token != WIPED)
        .with_for_update(key_share=True)  # a long merge holds the row's key
    ).one_or_none()
    if found is None:
        return False
    _put_removal(tools, user_id, item, found.item_id, found.access_token)
    queue.withdraw(tools.session, notice.KIND, str(item))
    gone = update(PlaidItem).where(PlaidItem.user_id == user_id, PlaidItem.id == item)
    values = {
        "state": ItemState.REMOVED if keep_history else ItemState.REMOVING,
        "access_token": WIPED,
        "removed_at": func.now(),
        "lease_until": None,
        "lease_token": None,
    }
    tools.session.execute(gone.values(values))
    if not keep_history:
        _put_erasure(tools.session, user_id, item)
    return True


def _put_removal(
    tools: Tools, user_id: uuid.UUID, item: uuid.UUID, item_id: str, token: bytes
) -> None:
    args = {"item_id": item_id, "user": str(user_id), "item": str(item)}
    try:
        secret = tools.vault.decrypt(token, token_place(item))
    except DecryptionError as error:
        # its key may come back: the job keeps the value as it is
        log.error("The token of item %s cannot be read: %s", item_id, error)
        args["sealed_for"] = "plaid_items"
        put = queue.put(tools.session, AT_PLAID, item_id, args, user_id=user_id)
        queue.seal(tools.session, put, token)
        return
    queue.put(
        tools.session,
        AT_PLAID,
        item_id,
        args,
        user_id=user_id,
        sealed_with=tools.vault,
        secret=secret,
    )


def remove_unowned(
    tools: Tools, user_id: uuid.UUID, item_id: str, access_token: str
) -> None:
    """A login whose owner left while Plaid gave its token. The caller commits."""
    args = {"item_id": item_id, "user": str(user_id), "item": str(uuid7())}
    queue.put(
        tools.session,
        AT_PLAID,
        item_id,
        args,
        sealed_with=tools.vault,
        secret=access_token,
    )


def _put_erasure(session: Session, user_id: uuid.UUID, item: uuid.UUID) -> None:
    args = {"user": str(user_id), "item": str(item)}
    queue.put(session, ERASURE, str(item), args, user_id=user_id)


def erase(session: Session, user_id: uuid.UUID, item: uuid.UUID) -> bool:
    """Have the kept history of a disconnected bank erased. The caller commits.

    It is on no page from then on. False where there is none of this user.
    """
    marked = session.execute(
        update(PlaidItem)
        .where(PlaidItem.user_id == user_id, PlaidItem.id == item)
        .where(PlaidItem.state == ItemState.REMOVED)
        .values(state=ItemState.REMOVING)
        .returning(PlaidItem.id)
    )
    if marked.scalar_one_or_none() is None:
        return False
    _put_erasure(session, user_id, item)
    return True


# The jobs


def remove_at_plaid(tools: Tools, held: Held, meanwhile: Meanwhile) -> None:
    """Raises JobFailed. Gone already is as good as removed."""
    user_id, item = _key(held)
    close_accounts(tools.session, user_id, item)
    meanwhile()
    is_moved = "sealed_for" not in held.args
    place = queue.secret_place(held.id) if is_moved else token_place(item)
    try:
        token = tools.vault.decrypt(held.secret or WIPED, place)
    except DecryptionError:
        raise JobFailed("OUR_KEY") from None
    try:
        result(begin(tools.plaid.item_remove, token), meanwhile)
    except PlaidError as error:
        if error.kind is not Kind.DEAD:
            raise JobFailed(f"{error.code}, request {error.request_id}") from None
    log.info("Removed item %s", held.args["item_id"])


def close_accounts(session: Session, user_id: uuid.UUID, item: uuid.UUID) -> None:
    """By the job, for a sync under way may hold these rows until it knows better."""
    session.execute(
        update(BankAccount)
        .where(BankAccount.user_id == user_id, BankAccount.plaid_item_id == item)
        .where(BankAccount.closed_at.is_(None))
        .values(closed_at=func.now())
    )


def erase_rows(tools: Tools, held: Held, meanwhile: Meanwhile) -> None:
    """Everything that hangs on the bank goes with it."""
    tools.session.execute(TAKE_YOUR_TIME)
    user_id, item = _key(held)
    tools.session.execute(
        delete(PlaidItem).where(
            PlaidItem.user_id == user_id,
            PlaidItem.id == item,
            PlaidItem.state == ItemState.REMOVING,
        )
    )


def _key(held: Held) -> tuple[uuid.UUID, uuid.UUID]:
    return uuid.UUID(held.args["user"]), uuid.UUID(held.args["item"])
