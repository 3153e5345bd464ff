"""What a failure does to an item: its state, and when it is asked again."""

import datetime as dt
import random

from sqlalchemy import text
from sqlalchemy.orm import Session

from webapp.jobs import lease
from webapp.models.plaid_item import ItemState
from webapp.plaid.errors import Kind, PlaidError
from webapp.sync import breaker
from webapp.sync.claim import Claim

# consecutive failures after which a bank that only stumbled counts as broken
PATIENCE = 3
# and after which one that fails while others work is put into quarantine
POISON = 5
QUARANTINE = dt.timedelta(days=1)  # until the next probe
# Until the clock's next look at what rests: until somebody asks.
NEVER = dt.timedelta(days=3650)
FINAL = (Kind.USER, Kind.DEAD, Kind.UNSUPPORTED)


def outcome(session: Session, held: Claim, error: PlaidError) -> dict[str, object]:
    """What `schedule.fail` writes. Counts the failure for its breaker, too.

    Where Plaid or the bank is down for all, or our own limit said no, the item keeps
    its state and its count of failures.
    """
    is_excused = breaker.failed(session, held, error) or error.code == "OUR_LIMIT"
    state = state_after(error, held)
    pause = backoff(error.kind, held.attempts)
    if is_excused:
        pause = backoff(error.kind, 1)
        if error.kind is not Kind.INSTITUTION:
            state = held.state
    elif _is_poison(session, held, error):
        state = ItemState.QUARANTINED
        pause = QUARANTINE * random.uniform(0.9, 1)  # noqa: S311 - spreads load
    return {
        "state": state,
        "attempts": held.attempts - is_excused,
        "code": error.code,
        "message": error.display_message or error.message,
        "request_id": error.request_id,
        "pause": pause,
        "rests": error.kind in FINAL,
        "never": NEVER,
    }


OTHERS_WORK = text("""
    SELECT EXISTS (
        SELECT FROM plaid_items WHERE last_synced_at > (
            SELECT failing_since FROM plaid_items
            WHERE user_id = :user_id AND id = :id AND lease_token = :token))
""")


def _is_poison(session: Session, held: Claim, error: PlaidError) -> bool:
    """It fails again and again while others work. Alone, it may be the world."""
    if held.attempts < POISON or error.kind not in (Kind.RETRY, Kind.OURS):
        return False
    return bool(session.execute(OTHERS_WORK, held.key).scalar_one())


def state_after(error: PlaidError, held: Claim) -> str:
    """The state an error leaves the item in."""
    settled = {
        Kind.USER: ItemState.LOGIN_REQUIRED,
        Kind.DEAD: ItemState.REVOKED,
        Kind.INSTITUTION: ItemState.INSTITUTION_DOWN,
        Kind.UNSUPPORTED: ItemState.ERROR,
        Kind.OURS: ItemState.ERROR,
    }
    if error.kind in settled:
        return settled[error.kind]
    return ItemState.ERROR if held.attempts >= PATIENCE else held.state


def backoff(kind: Kind, attempts: int) -> dt.timedelta:
    """With full jitter; after a rate limit a minute at least."""
    least = dt.timedelta(minutes=1 if kind is Kind.WAIT else 0)
    return least + lease.backoff(attempts)
