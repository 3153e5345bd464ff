"""A person leaves: gone from every page at once, at Plaid and here by jobs."""

import uuid

from sqlalchemy import delete, select, update

from webapp.extensions import TAKE_YOUR_TIME
from webapp.jobs import queue
from webapp.jobs.queue import Held
from webapp.jobs.run import Meanwhile
from webapp.linking.removal import AT_PLAID, disconnect
from webapp.models import Job, PlaidItem, User
from webapp.sync.run import Tools

ERASURE = "account_erasure"


def delete_account(tools: Tools, user_id: uuid.UUID) -> None:
    """End it, in one transaction; the caller commits.

    Nobody can sign in as this user from then on, nothing in the row says who it was,
    and the address is free. Every sync loses its item. What is left are the jobs that
    end the connections at Plaid, which need no user, and one that erases the rows: of
    200,000 transactions that takes longer than anybody waits for a page.
    """
    session = tools.session
    _disconnect_all(tools, user_id)
    session.execute(delete(Job).where(Job.user_id == user_id, Job.kind != AT_PLAID))
    session.execute(
        update(User)
        .where(User.id == user_id)
        .values(
            is_active=False,
            is_admin=False,
            email=f"{user_id}@left.invalid",
            password_hash="",
            first_name="",
            last_name="",
        )
    )
    queue.put(session, ERASURE, str(user_id), {"user": str(user_id)})


def erase_account(tools: Tools, held: Held, meanwhile: Meanwhile) -> None:
    """The user who left, and everything that names them.

    A bank that was being linked while they left has its token since, and ends here.
    """
    session, user_id = tools.session, uuid.UUID(held.args["user"])
    session.execute(TAKE_YOUR_TIME)
    left = select(User.id).where(User.id == user_id, User.is_active.is_(False))
    if session.execute(left.with_for_update()).scalar_one_or_none() is None:
        return
    _disconnect_all(tools, user_id)
    session.execute(delete(User).where(User.id == user_id))


def _disconnect_all(tools: Tools, user_id: uuid.UUID) -> None:
    items = select(PlaidItem.id).where(PlaidItem.user_id == user_id)
    for item in tools.session.scalars(items.order_by(PlaidItem.id)).all():
        disconnect(tools, user_id, item, keep_history=False)
