"""Jobs as a queue: put, claim, renew, finish, fail, give back, try again.

Every instant is by the database's clock. A claim hands out a lease and a fencing token;
whoever writes later must still hold that token. Callers commit.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from webapp.crypto import Place, Vault
from webapp.jobs.lease import LEASE, LONGEST_BACKOFF, backoff, count, fenced
from webapp.models import Job

NOW = dt.timedelta(0)


@dataclass(frozen=True)
class Held:
    """A job to do, for as long as the lease lives."""

    id: uuid.UUID
    kind: str
    key: str
    user_id: uuid.UUID | None
    args: Mapping[str, str]
    secret: bytes | None
    req_seq: int
    attempts: int
    max_attempts: int | None
    lease_token: uuid.UUID

    @property
    def fence(self) -> dict[str, object]:
        return {"id": self.id, "token": self.lease_token}

    @property
    def is_last_try(self) -> bool:
        return self.max_attempts is not None and self.attempts >= self.max_attempts


def secret_place(job: uuid.UUID) -> Place:
    return Place("jobs", job, "secret")


PUT = text("""
    INSERT INTO jobs (id, kind, key, user_id, args, secret, max_attempts, run_at)
    VALUES (:id, :kind, :key, :user_id, :args, :secret, :max_attempts, now() + :delay)
    ON CONFLICT (kind, key) WHERE dead_at IS NULL DO UPDATE
    SET req_seq = jobs.req_seq + 1, args = excluded.args,
        run_at = CASE WHEN jobs.attempts = 0 THEN least(jobs.run_at, excluded.run_at)
                      ELSE jobs.run_at END
    RETURNING id
""").bindparams(bindparam("args", type_=JSONB))


def put(
    session: Session,
    kind: str,
    key: str,
    args: Mapping[str, str],
    *,
    user_id: uuid.UUID | None = None,
    sealed_with: Vault | None = None,
    secret: str | None = None,
    max_attempts: int | None = None,
    delay: dt.timedelta = NOW,
) -> uuid.UUID:
    """Want this done, in the caller's transaction. The id of the job.

    `key` names what it is about: while one of its kind and key waits, no second one is
    made; one that is being done is done once more afterwards. Neither defeats the
    back-off of a job that failed. `args` are ids, never anything secret: what is secret
    is the one `secret`, which `sealed_with` encrypts for this very row.
    """
    id = uuid7()
    sealed = None
    if secret is not None and sealed_with is not None:
        sealed = sealed_with.encrypt(secret, secret_place(id))
    values = {
        "id": id,
        "kind": kind,
        "key": key,
        "user_id": user_id,
        "args": dict(args),
        "secret": sealed,
        "max_attempts": max_attempts,
        "delay": delay,
    }
    made: uuid.UUID = session.execute(PUT, values).scalar_one()
    return made


def seal(session: Session, id: uuid.UUID, stored: bytes) -> None:
    """The secret as somebody else encrypted it, for a place that the handler knows."""
    session.execute(update(Job).where(Job.id == id).values(secret=stored))


# The next try is set before this one begins: a job that kills its worker backs off too.
CLAIM = text("""
    UPDATE jobs
    SET lease_until = now() + :lease, lease_token = :token, attempts = attempts + 1,
        run_at = now() + least(:lease * power(2, least(attempts, 12)), :longest)
    WHERE id = (
        SELECT id FROM jobs
        WHERE run_at <= now() AND dead_at IS NULL
          AND (lease_until IS NULL OR lease_until < now())
        ORDER BY run_at FOR UPDATE SKIP LOCKED LIMIT 1)
    RETURNING id, kind, key, user_id, args, secret, req_seq, attempts, max_attempts,
              lease_token
""")


def claim(session: Session) -> Held | None:
    """The job that is due the longest and that nobody holds."""
    values = {
        "lease": LEASE,
        "token": uuid.uuid4(),
        "longest": dt.timedelta(seconds=LONGEST_BACKOFF),
    }
    row = session.execute(CLAIM, values).mappings().one_or_none()
    return Held(**row) if row else None


RENEW = text("""
    UPDATE jobs SET lease_until = now() + :lease WHERE id = :id AND lease_token = :token
""")


def renew(session: Session, held: Held) -> None:
    """Raises LeaseLost."""
    fenced(session, RENEW, {**held.fence, "lease": LEASE})


DONE = text("""
    DELETE FROM jobs WHERE id = :id AND lease_token = :token AND req_seq = :seen
""")
ONCE_MORE = text("""
    UPDATE jobs
    SET run_at = now(), attempts = 0, last_error = NULL, lease_until = NULL,
        lease_token = NULL
    WHERE id = :id AND lease_token = :token
""")


def finish(session: Session, held: Held) -> None:
    """It is done, and gone; put again meanwhile, it is due anew. Raises LeaseLost."""
    if not count(session, DONE, {**held.fence, "seen": held.req_seq}):
        fenced(session, ONCE_MORE, held.fence)


FAIL = text("""
    UPDATE jobs
    SET last_error = :error, lease_until = NULL, lease_token = NULL,
        run_at = now() + :pause, dead_at = CASE WHEN :is_dead THEN now() END
    WHERE id = :id AND lease_token = :token
""")


def fail(session: Session, held: Held, error: str, *, final: bool = False) -> None:
    """Record why and back off, or give up after the last try. Raises LeaseLost."""
    values = {
        "error": error,
        "pause": backoff(held.attempts),
        "is_dead": final or held.is_last_try,
    }
    fenced(session, FAIL, {**held.fence, **values})


RELEASE = text("""
    UPDATE jobs
    SET lease_until = NULL, lease_token = NULL, run_at = now(), attempts = attempts - 1
    WHERE id = :id AND lease_token = :token
""")


def release(session: Session, held: Held) -> None:
    """Give the job back untouched, for the next worker. Raises LeaseLost."""
    fenced(session, RELEASE, held.fence)


RETRY = text("""
    UPDATE jobs AS j SET run_at = now(), attempts = 0, dead_at = NULL
    WHERE id = :id AND NOT EXISTS (
        SELECT 1 FROM jobs o WHERE o.kind = j.kind AND o.key = j.key
        AND o.id <> j.id AND o.dead_at IS NULL)
""")


def retry(session: Session, id: uuid.UUID) -> bool:
    """Do it now, also if it was given up. False where there is no such job, or where
    another one does the same already."""
    return count(session, RETRY, {"id": id}) == 1


def list_jobs(session: Session) -> Sequence[Job]:
    """All jobs there are, the oldest first."""
    return session.scalars(select(Job).order_by(Job.created_at, Job.id)).all()


def withdraw(session: Session, kind: str, key: str) -> None:
    """What is no longer wanted. One that is being done loses its fence."""
    session.execute(delete(Job).where(Job.kind == kind, Job.key == key))
