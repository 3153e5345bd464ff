"""A person leaves: gone from every page at once, at Plaid and here by jobs."""

import uuid

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

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
    items = select(PlaidItem.id).where(PlaidItem.user_id == user_id)
    for item in session.scalars(items).all():
        disconnect(tools, user_id, item, keep_history=False)
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


def erase_account(session: Session, held: Held, meanwhile: Meanwhile) -> None:
    """The user who left, and everything that names them."""
    session.execute(TAKE_YOUR_TIME)
    gone = delete(User).where(User.id == uuid.UUID(held.args["user"]))
    session.execute(gone.where(User.is_active.is_(False)))
