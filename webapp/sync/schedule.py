"""The item's row as queue: ask, claim, renew, finish, wait, fail.

Every instant is by the database's clock. A claim hands out a lease and a fencing token;
whoever writes later must still hold that token. Callers commit.
"""

import datetime as dt
import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from webapp.jobs import lease
from webapp.jobs.lease import LEASE as LEASE
from webapp.jobs.lease import LeaseLost as LeaseLost
from webapp.models.plaid_item import ItemState
from webapp.plaid.errors import Kind, PlaidError

POLL = dt.timedelta(hours=6)  # with no webhook at all, every bank is asked this often
# consecutive failures after which a bank that only stumbled counts as broken
PATIENCE = 3


@dataclass(frozen=True)
class Claim:
    """An item to work on, for as long as the lease lives."""

    user_id: uuid.UUID
    id: uuid.UUID
    item_id: str
    institution_id: str | None
    access_token: bytes
    cursor: str | None
    state: str
    attempts: int
    created_at: dt.datetime
    lease_token: uuid.UUID

    @property
    def key(self) -> dict[str, object]:
        return {"user_id": self.user_id, "id": self.id, "token": self.lease_token}


ASK = text("""
    UPDATE plaid_items
    SET req_seq = req_seq + 1,
        not_before = CASE WHEN :by_person AND last_error_code NOT LIKE '%LIMIT%'
                          THEN NULL ELSE not_before END,
        next_at = least(next_at, greatest(now(),
            CASE WHEN :by_person AND last_error_code NOT LIKE '%LIMIT%'
                 THEN now() ELSE not_before END))
    WHERE user_id = :user_id AND id = :id AND state NOT IN ('removing', 'removed')
""")


def ask(
    session: Session, user_id: uuid.UUID, id: uuid.UUID, *, by_person: bool = False
) -> bool:
    """Want a sync of this item soon. Any number of asks make one run.

    A person's own wish overrides the back-off after an error, but not a rate limit;
    so does a login repaired at the bank. An item that needs a login is woken.
    False where there is no such item of this user.
    """
    values = {"user_id": user_id, "id": id, "by_person": by_person}
    return lease.count(session, ASK, values) == 1


CLAIM = """
    UPDATE plaid_items
    SET lease_until = now() + :lease, lease_token = :token,
        attempts = attempts + 1, seen_seq = req_seq
    WHERE (user_id, id) = (
        SELECT user_id, id FROM plaid_items
        WHERE {due} AND (lease_until IS NULL OR lease_until < now())
        ORDER BY next_at FOR UPDATE SKIP LOCKED LIMIT 1)
    RETURNING user_id, id, item_id, institution_id, access_token, cursor, state,
              attempts, created_at, lease_token
"""
# A resting item is served once for each ask, and again after a run that died; its
# failure lays it to rest. The first condition is that of the index.
DUE = """
    next_at <= now() AND state NOT IN ('revoked', 'removed') AND state <> 'removing'
    AND (state <> 'login_required' OR req_seq > seen_seq OR lease_token IS NOT NULL)
"""
CLAIM_DUE = text(CLAIM.format(due=DUE))
THIS = "user_id = :user_id AND id = :id AND state NOT IN ('removing', 'removed')"
CLAIM_ONE = text(CLAIM.format(due=THIS))


def claim(session: Session) -> Claim | None:
    """The item that is due the longest and that nobody holds."""
    return _claim(session, CLAIM_DUE, {})


def claim_one(session: Session, user_id: uuid.UUID, id: uuid.UUID) -> Claim | None:
    """This item, due or not; None while somebody holds it, or when it is unlinked."""
    return _claim(session, CLAIM_ONE, {"user_id": user_id, "id": id})


def _claim(session: Session, statement: Any, values: dict[str, Any]) -> Claim | None:
    values |= {"lease": LEASE, "token": uuid.uuid4()}
    row = session.execute(statement, values).mappings().one_or_none()
    return Claim(**row) if row else None


RENEW = text("""
    UPDATE plaid_items SET lease_until = now() + :lease
    WHERE user_id = :user_id AND id = :id AND lease_token = :token
""")


def renew(session: Session, held: Claim) -> None:
    """Raises LeaseLost."""
    _fenced(session, RENEW, held, {"lease": LEASE})


TAKE_TURN = text("""
    SELECT pg_try_advisory_xact_lock(:key) FROM plaid_items
    WHERE user_id = :user_id AND id = :id AND lease_token = :token
      AND state NOT IN ('removing', 'removed')
""")


def take_turn(session: Session, held: Claim) -> None:
    """A plain read of the fence before a big write; two of an item never overlap.

    Raises LeaseLost.
    """
    key = int.from_bytes(held.id.bytes[8:], signed=True)
    if not session.execute(TAKE_TURN, held.key | {"key": key}).scalar():
        raise LeaseLost


FINISH = text("""
    UPDATE plaid_items
    SET cursor = :cursor, update_status = :update_status,
        bank_updated_at = coalesce(:bank_updated_at, bank_updated_at),
        bank_failed_at = coalesce(:bank_failed_at, bank_failed_at),
        consent_expires_at = :consent_expires_at,
        state = :state, done_seq = seen_seq, attempts = 0,
        lease_until = NULL, lease_token = NULL, not_before = NULL,
        last_synced_at = now(), last_error_code = NULL, last_error_message = NULL,
        last_request_id = :request_id,
        notice_of = CASE WHEN :state <> 'healthy' THEN notice_of END,
        next_at = CASE WHEN req_seq > seen_seq THEN now() ELSE now() + :pause END
    WHERE user_id = :user_id AND id = :id AND lease_token = :token
      AND state NOT IN ('removing', 'removed')
""")


def finish(session: Session, held: Claim, values: dict[str, object]) -> None:
    """The last statement of an apply: it alone locks the row. Raises LeaseLost."""
    _fenced(session, FINISH, held, values)


WAIT = text("""
    UPDATE plaid_items
    SET update_status = :update_status, attempts = 0, lease_until = NULL,
        lease_token = NULL, last_request_id = :request_id,
        -- it answers: nobody has to sign in
        state = CASE state WHEN 'login_required' THEN 'first_sync' ELSE state END,
        next_at = CASE WHEN req_seq > seen_seq THEN now() ELSE now() + :pause END
    WHERE user_id = :user_id AND id = :id AND lease_token = :token
""")


def wait(session: Session, held: Claim, values: dict[str, object]) -> None:
    """The bank has nothing ready yet: come back after `pause`. Raises LeaseLost."""
    _fenced(session, WAIT, held, values)


FAIL = text("""
    UPDATE plaid_items
    SET state = :state, last_error_code = :code, last_error_message = :message,
        last_request_id = :request_id, lease_until = NULL, lease_token = NULL,
        not_before = now() + :pause, next_at = now() + :pause
    WHERE user_id = :user_id AND id = :id AND lease_token = :token
""")


def fail(session: Session, held: Claim, error: PlaidError) -> None:
    """Record what went wrong and back off. Raises LeaseLost."""
    values = {
        "state": state_after(error, held),
        "code": error.code,
        "message": error.display_message or error.message,
        "request_id": error.request_id,
        "pause": backoff(error.kind, held.attempts),
    }
    _fenced(session, FAIL, held, values)


RELEASE = text("""
    UPDATE plaid_items
    SET lease_until = NULL, lease_token = NULL, next_at = now(),
        attempts = greatest(attempts - 1, 0), seen_seq = done_seq
    WHERE user_id = :user_id AND id = :id AND lease_token = :token
""")


def release(session: Session, held: Claim) -> None:
    """Give the item back untouched, for the next worker. Raises LeaseLost."""
    _fenced(session, RELEASE, held, {})


def state_after(error: PlaidError, held: Claim) -> str:
    """The state an error leaves the item in."""
    settled = {
        Kind.USER: ItemState.LOGIN_REQUIRED,
        Kind.DEAD: ItemState.REVOKED,
        Kind.INSTITUTION: ItemState.INSTITUTION_DOWN,
        Kind.OURS: ItemState.ERROR,
    }
    if error.kind in settled:
        return settled[error.kind]
    return ItemState.ERROR if held.attempts >= PATIENCE else held.state


def backoff(kind: Kind, attempts: int) -> dt.timedelta:
    """With full jitter; after a rate limit a minute at least."""
    least = dt.timedelta(minutes=1 if kind is Kind.WAIT else 0)
    return least + lease.backoff(attempts)


def poll_pause() -> dt.timedelta:
    """Until the next look without any ask: 5 to 6 hours, so that banks do not march."""
    return POLL * random.uniform(5 / 6, 1)  # noqa: S311 - spreads load, hides nothing


def _fenced(
    session: Session, statement: Any, held: Claim, values: Mapping[str, object]
) -> None:
    lease.fenced(session, statement, {**held.key, **values})
