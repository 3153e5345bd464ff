"""The record of a run in `sync_runs`: that it began, how far it is, how it ended.

Plain SQL: through the ORM each of these would cost ten times the computing. Callers
commit.
"""

import uuid
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from webapp.plaid.errors import PlaidError
from webapp.sync.fetch import Fetched
from webapp.sync.schedule import Claim


class Written(NamedTuple):
    """Rows that an apply made, changed and buried."""

    added: int = 0
    modified: int = 0
    removed: int = 0


# What still runs was left behind by a process that died: the claim proves it. As with
# the claim, this commit does not wait for the disk.
BEGIN = text("""
    WITH left_behind AS (
        UPDATE sync_runs SET status = 'superseded', finished_at = now()
        WHERE user_id = :user_id AND plaid_item_id = :item AND status = 'running')
    INSERT INTO sync_runs (user_id, id, plaid_item_id, cursor_before)
    VALUES (:user_id, :run, :item, :cursor)
    RETURNING set_config('synchronous_commit', 'off', true)
""")
TELL = text("""
    UPDATE sync_runs SET pages = :pages, rows_fetched = :rows_fetched
    WHERE user_id = :user_id AND id = :run
""")
SUCCEED = text("""
    UPDATE sync_runs
    SET status = 'succeeded', finished_at = clock_timestamp(), pages = :pages,
        rows_fetched = :rows_fetched, added = :added, modified = :modified,
        removed = :removed, quarantined = :quarantined, income_count = :income_count,
        expense_count = :expense_count, fetch_ms = :fetch_ms, write_ms = :write_ms,
        cursor_after = :cursor, request_id = :request_id
    WHERE user_id = :user_id AND id = :run
""")
FAIL = text("""
    UPDATE sync_runs
    SET status = 'failed', finished_at = clock_timestamp(), error_code = :code,
        error_message = :message, request_id = :request_id
    WHERE user_id = :user_id AND id = :run
""")
SUPERSEDE = text("""
    UPDATE sync_runs SET status = 'superseded', finished_at = clock_timestamp()
    WHERE user_id = :user_id AND id = :run
""")


def begin(session: Session, held: Claim) -> uuid.UUID:
    run_id = uuid7()
    values = _of(held, run_id) | {"item": held.id, "cursor": held.cursor}
    session.execute(BEGIN, values)
    return run_id


def tell(session: Session, held: Claim, run_id: uuid.UUID, fetched: Fetched) -> None:
    far = {"pages": fetched.pages, "rows_fetched": fetched.rows}
    session.execute(TELL, _of(held, run_id) | far)


def succeed(
    session: Session,
    held: Claim,
    run_id: uuid.UUID,
    fetched: Fetched,
    written: Written,
    write_ms: int,
) -> None:
    done = {
        "pages": fetched.pages,
        "rows_fetched": fetched.rows,
        "quarantined": fetched.odd_count,
        "income_count": fetched.income_count,
        "expense_count": fetched.expense_count,
        "fetch_ms": round(fetched.seconds * 1000),
        "write_ms": write_ms,
        "cursor": fetched.cursor or held.cursor,
        "request_id": fetched.request_id,
    }
    session.execute(SUCCEED, _of(held, run_id) | written._asdict() | done)


def fail(session: Session, held: Claim, run_id: uuid.UUID, error: PlaidError) -> None:
    why = {
        "code": error.code,
        "message": error.display_message or error.message,
        "request_id": error.request_id,
    }
    session.execute(FAIL, _of(held, run_id) | why)


def supersede(session: Session, held: Claim, run_id: uuid.UUID) -> None:
    session.execute(SUPERSEDE, _of(held, run_id))


def _of(held: Claim, run_id: uuid.UUID) -> dict[str, object]:
    return {"user_id": held.user_id, "run": run_id}
