"""The item's row as queue: ask, claim, renew, finish, wait, fail.

Every instant is by the database's clock. A claim hands out a lease and a fencing token;
whoever writes later must still hold that token. Callers commit.
"""

import datetime as dt
import random
import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from webapp.jobs import lease as leases
from webapp.jobs.lease import LEASE, LeaseLost
from webapp.plaid.errors import PlaidError
from webapp.sync import breaker, failure
from webapp.sync.claim import Claim

__all__ = ["LEASE", "Claim", "LeaseLost"]

CHANNEL = "sync_due"  # of PostgreSQL's NOTIFY
POLL = dt.timedelta(hours=6)  # with no webhook at all, every bank is asked this often

# One NOTIFY, and only where the item becomes due by this ask: each of them takes a lock
# at commit, and hundreds of webhooks for one item are one piece of news.
ASK_FOR = """
    WITH asked AS (
        UPDATE plaid_items AS i
        SET req_seq = i.req_seq + 1,
            not_before = CASE WHEN {overrides} THEN NULL ELSE i.not_before END,
            next_at = least(i.next_at, greatest(now(),
                CASE WHEN NOT {overrides} THEN i.not_before END)),
            attempts = CASE WHEN {frees} THEN 0 ELSE i.attempts END,
            state = CASE WHEN {frees} THEN 'error' ELSE i.state END
        FROM (SELECT next_at FROM plaid_items WHERE user_id = :user_id AND id = :id)
            AS before
        WHERE i.user_id = :user_id AND i.id = :id
          AND i.state NOT IN ('removing', 'removed')
        RETURNING i.next_at <= now() AND before.next_at > now() AS is_news)
    SELECT CASE WHEN is_news THEN pg_notify(:channel, '') END FROM asked
"""
ASK = text(
    ASK_FOR.format(
        overrides="(:by_person AND (i.last_error_code LIKE '%LIMIT%') IS NOT TRUE)",
        frees="(:by_person AND i.state = 'quarantined')",
    )
)


def ask(
    session: Session, user_id: uuid.UUID, id: uuid.UUID, *, by_person: bool = False
) -> bool:
    """Want a sync of this item soon. Any number of asks make one run.

    A person's own wish, or a login repaired at the bank, overrides the back-off after
    an error and frees from quarantine; neither a rate limit nor an open breaker yields
    to it. An item that rests is woken, and so is an idle worker, at the commit.
    False where there is no such item of this user.
    """
    values = {"user_id": user_id, "id": id, "by_person": by_person, "channel": CHANNEL}
    return leases.count(session, ASK, values) == 1


# The commit of a claim does not wait for the disk. A server that crashes in that moment
# forgets it: the item is due again, and the fence refuses whoever held it.
CLAIM = """
    UPDATE plaid_items AS i
    SET lease_until = now() + :lease, lease_token = :token,
        attempts = attempts + 1, seen_seq = req_seq
    WHERE (user_id, id) = (
        SELECT user_id, id FROM plaid_items
        WHERE {due} AND (lease_until IS NULL OR lease_until < now())
        ORDER BY next_at FOR UPDATE SKIP LOCKED LIMIT 1)
    RETURNING user_id, id, item_id, institution_id, access_token, cursor, state,
              attempts, created_at, lease_token,
              EXISTS (SELECT FROM breakers
                      WHERE name IN (:plaid, i.institution_id)) AS is_watched,
              set_config('synchronous_commit', 'off', true) AS lazily
"""
# A resting item is served once for each ask, and again after a run that died; its
# failure lays it to rest. The first condition is that of the index.
DUE = """
    state NOT IN ('removing', 'removed') AND next_at <= now()
    AND (state NOT IN ('login_required', 'revoked')
         OR req_seq > seen_seq OR lease_token IS NOT NULL)
"""
OPEN = "SELECT FROM breakers WHERE opened_at IS NOT NULL AND name = {}"
# Apart, so that each is a look at a key; together they would make PostgreSQL sort all
# that is due before it takes the first.
PLAID_IS_UP = "NOT EXISTS (" + OPEN.format(":plaid") + ")"
BANK_IS_UP = "NOT EXISTS (" + OPEN.format("institution_id") + ")"
CLAIM_DUE = text(CLAIM.format(due=f"{DUE} AND {PLAID_IS_UP} AND {BANK_IS_UP}"))
CLAIM_PROBE = {
    True: text(CLAIM.format(due=f"{DUE} AND {BANK_IS_UP}")),  # of Plaid
    False: text(CLAIM.format(due=f"{DUE} AND institution_id = :name")),
}
THIS = "user_id = :user_id AND id = :id AND state NOT IN ('removing', 'removed')"
CLAIM_ONE = text(CLAIM.format(due=THIS))


def claim(session: Session, lease: dt.timedelta = LEASE) -> Claim | None:
    """The item that is due the longest, that nobody holds and no breaker stops."""
    return _claim(session, CLAIM_DUE, {}, lease)


def claim_probe(session: Session, lease: dt.timedelta = LEASE) -> Claim | None:
    """An item to try an open breaker with, where it is time for that."""
    for name in breaker.probes_due(session):
        statement = CLAIM_PROBE[name == breaker.PLAID]
        held = _claim(session, statement, {"name": name}, lease)
        if held is not None:
            breaker.probed(session, name)
            return held
    return None


def claim_one(
    session: Session, user_id: uuid.UUID, id: uuid.UUID, lease: dt.timedelta = LEASE
) -> Claim | None:
    """This item, due or not, also past a breaker.

    None while somebody holds it, or when it is unlinked.
    """
    return _claim(session, CLAIM_ONE, {"user_id": user_id, "id": id}, lease)


def _claim(
    session: Session, statement: Any, values: dict[str, Any], lease: dt.timedelta
) -> Claim | None:
    values |= {"lease": lease, "token": uuid.uuid4(), "plaid": breaker.PLAID}
    row = session.execute(statement, values).mappings().one_or_none()
    if row is None:
        return None
    found = {name: value for name, value in row.items() if name != "lazily"}
    return Claim(**found, lease=lease)


RENEW = text("""
    UPDATE plaid_items SET lease_until = now() + :lease
    WHERE user_id = :user_id AND id = :id AND lease_token = :token
""")


def renew(session: Session, held: Claim) -> None:
    """Raises LeaseLost."""
    _fenced(session, RENEW, held, {"lease": held.lease})


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
        last_synced_at = now(), failing_since = NULL,
        last_error_code = NULL, last_error_message = NULL,
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
        lease_token = NULL, last_request_id = :request_id, failing_since = NULL,
        -- it answers: nobody has to sign in, nothing is down
        state = CASE WHEN state IN ('login_required', 'revoked', 'institution_down',
                                    'error', 'quarantined')
                     THEN 'first_sync' ELSE state END,
        next_at = CASE WHEN req_seq > seen_seq THEN now() ELSE now() + :pause END
    WHERE user_id = :user_id AND id = :id AND lease_token = :token
""")


def wait(session: Session, held: Claim, values: dict[str, object]) -> None:
    """The bank has nothing ready yet: come back after `pause`. Raises LeaseLost."""
    _fenced(session, WAIT, held, values)


FAIL = text("""
    UPDATE plaid_items
    SET state = :state, attempts = :attempts, last_error_code = :code,
        last_error_message = :message, last_request_id = :request_id,
        failing_since = coalesce(failing_since, now()),
        lease_until = NULL, lease_token = NULL,
        not_before = now() + :pause,
        next_at = now() + CASE WHEN :rests THEN :never ELSE :pause END
    WHERE user_id = :user_id AND id = :id AND lease_token = :token
""")


def fail(session: Session, held: Claim, error: PlaidError) -> str:
    """Record what went wrong and back off; the item's state. Raises LeaseLost."""
    outcome = failure.outcome(session, held, error)
    _fenced(session, FAIL, held, outcome)
    return str(outcome["state"])


RELEASE = text("""
    UPDATE plaid_items
    SET lease_until = NULL, lease_token = NULL, next_at = now(),
        attempts = greatest(attempts - 1, 0), seen_seq = done_seq
    WHERE user_id = :user_id AND id = :id AND lease_token = :token
""")


def release(session: Session, held: Claim) -> None:
    """Give the item back untouched, for the next worker. Raises LeaseLost."""
    _fenced(session, RELEASE, held, {})


def poll_pause() -> dt.timedelta:
    """Until the next look without any ask: 5 to 6 hours, so that banks do not march."""
    return POLL * random.uniform(5 / 6, 1)  # noqa: S311 - spreads load, hides nothing


def _fenced(
    session: Session, statement: Any, held: Claim, values: Mapping[str, object]
) -> None:
    leases.fenced(session, statement, {**held.key, **values})
