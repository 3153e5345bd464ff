"""A bank that is linked already, linked once more: the person says what is meant.

Before the exchange the public token waits, encrypted. After it the new item waits, on
no page and unread; if nobody says a word, a job removes it.
"""

import uuid

from sqlalchemy import update
from sqlalchemy.orm import Session

from webapp.jobs import queue
from webapp.jobs.queue import Held
from webapp.jobs.run import Meanwhile
from webapp.linking import sessions
from webapp.linking.duplicates import Twin
from webapp.linking.removal import disconnect
from webapp.models import ItemState, LinkStatus, PlaidItem, PlaidLinkSession
from webapp.sync.run import Tools

UNCHOSEN = "link_choice"
SETTLED = (LinkStatus.LINKED, LinkStatus.DUPLICATE)


def hold_item(
    tools: Tools, attempt: PlaidLinkSession, item: uuid.UUID, twin: Twin
) -> None:
    """The new item is not read until the person has spoken. The caller commits."""
    _set_state(tools.session, attempt.user_id, item, ItemState.REMOVING)
    sessions.hold(tools, attempt, twin, exchanged=item)
    args = {"user": str(attempt.user_id), "session": str(attempt.id)}
    queue.put(
        tools.session,
        UNCHOSEN,
        str(attempt.id),
        args,
        user_id=attempt.user_id,
        delay=sessions.TIME_TO_CHOOSE,
    )


def stop_waiting(session: Session, attempt: PlaidLinkSession) -> None:
    """The person has spoken. The caller commits."""
    queue.withdraw(session, UNCHOSEN, str(attempt.id))


def refuse(tools: Tools, attempt: PlaidLinkSession) -> None:
    """Not a second login: what is new goes, at Plaid as well. The caller commits."""
    if item := attempt.exchanged_item_id:
        _set_state(tools.session, attempt.user_id, item, ItemState.FIRST_SYNC)
        disconnect(tools, attempt.user_id, item, keep_history=False)
    sessions.end(tools.session, attempt, LinkStatus.DUPLICATE)


def accept(tools: Tools, attempt: PlaidLinkSession) -> uuid.UUID | None:
    """A second login: the item that waited, to be read now. The caller commits.

    None where nothing was exchanged yet.
    """
    item = attempt.exchanged_item_id
    if item is None:
        return None
    _set_state(tools.session, attempt.user_id, item, ItemState.FIRST_SYNC)
    sessions.end(tools.session, attempt, LinkStatus.LINKED, item=item)
    return item


def _set_state(
    session: Session, user_id: uuid.UUID, item: uuid.UUID, state: ItemState
) -> None:
    session.execute(
        update(PlaidItem)
        .where(PlaidItem.user_id == user_id, PlaidItem.id == item)
        .values(state=state)
    )


def drop_unchosen(tools: Tools, held: Held, meanwhile: Meanwhile) -> None:
    """The job: nobody said that it is a second login, or whoever heard it died."""
    key = uuid.UUID(held.args["user"]), uuid.UUID(held.args["session"])
    attempt = tools.session.get(PlaidLinkSession, key, with_for_update=True)
    if attempt is not None and attempt.status not in SETTLED:
        refuse(tools, attempt)
