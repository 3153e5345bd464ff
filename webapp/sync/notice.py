"""One notice when a bank needs its owner, in the transaction that sets its state."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from webapp.jobs import queue
from webapp.models import ItemState
from webapp.sync.schedule import Claim

KIND = "bank_notice"
NEEDS_OWNER = (ItemState.LOGIN_REQUIRED, ItemState.EXPIRING, ItemState.REVOKED)
TRIES = 12  # half a day, with the back-off of jobs

# Once for each trouble. Whoever was only warned hears once more when it has ended.
NOTE = text("""
    UPDATE plaid_items SET notice_of = state
    WHERE user_id = :user_id AND id = :id AND state = ANY(:needs_owner)
      AND (notice_of IS NULL OR (notice_of = 'expiring' AND state <> 'expiring'))
    RETURNING id
""")


def put(session: Session, held: Claim, state: str) -> None:
    """Want the owner told, where the state that the run leaves behind needs one."""
    if state not in NEEDS_OWNER:
        return
    key = {"user_id": held.user_id, "id": held.id}
    values = {**key, "needs_owner": list(NEEDS_OWNER)}
    if session.execute(NOTE, values).scalar_one_or_none() is not None:
        item = str(held.id)
        args = {"item": item}
        queue.put(session, KIND, item, args, user_id=held.user_id, max_attempts=TRIES)
