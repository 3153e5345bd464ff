"""A person leaves: every bank is disconnected at Plaid, and nothing stays here."""

import uuid

from sqlalchemy import delete, select

from webapp.linking.removal import AT_PLAID, disconnect
from webapp.models import Job, PlaidItem, User
from webapp.sync.run import Tools


def delete_account(tools: Tools, user_id: uuid.UUID) -> None:
    """The user and all that is theirs. Commits, twice.

    First every sync loses its item, so that none holds a row while the user goes. What
    is left are the jobs that end the connections at Plaid; they need no user.
    """
    session = tools.session
    items = select(PlaidItem.id).where(PlaidItem.user_id == user_id)
    for item in session.scalars(items).all():
        disconnect(tools, user_id, item, keep_history=False)
    session.commit()
    session.execute(delete(Job).where(Job.user_id == user_id, Job.kind != AT_PLAID))
    session.execute(delete(User).where(User.id == user_id))
    session.commit()
