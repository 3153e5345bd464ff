"""What does not work, of everybody: for whoever runs this installation.

Codes, reasons and request ids only: no amounts, nothing that a bank or a person wrote
on a transaction.
"""

from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from webapp.models import ItemState

MOST = 200
BROKEN = (ItemState.ERROR, ItemState.QUARANTINED, ItemState.INSTITUTION_DOWN)

QUARANTINED = text("""
    SELECT q.created_at, i.institution_name, u.email, q.code, q.reason, q.sync_run_id,
           r.request_id
    FROM quarantined_transactions q
    JOIN plaid_items i ON i.user_id = q.user_id AND i.id = q.plaid_item_id
    JOIN users u ON u.id = q.user_id
    LEFT JOIN sync_runs r ON r.user_id = q.user_id AND r.id = q.sync_run_id
    WHERE q.resolved_at IS NULL
    ORDER BY q.created_at DESC, q.id DESC LIMIT :most
""")
ITEMS = text("""
    SELECT i.id, i.institution_name, u.email, i.state, i.last_error_code,
           i.last_error_message, i.last_request_id, i.attempts, i.last_synced_at,
           i.next_at
    FROM plaid_items i JOIN users u ON u.id = i.user_id
    WHERE i.state = ANY (:broken)
    ORDER BY i.last_synced_at NULLS FIRST, i.id LIMIT :most
""")
BREAKERS = text("""
    SELECT b.name, n.name AS institution_name, b.failures, b.failing_since,
           b.opened_at, b.probe_at, b.error_code, b.request_id
    FROM breakers b LEFT JOIN institutions n ON n.institution_id = b.name
    WHERE b.opened_at IS NOT NULL
    ORDER BY b.opened_at, b.name LIMIT :most
""")
DEAD_JOBS = text("""
    SELECT j.id, j.kind, u.email, j.attempts, j.dead_at, j.last_error
    FROM jobs j LEFT JOIN users u ON u.id = j.user_id
    WHERE j.dead_at IS NOT NULL
    ORDER BY j.dead_at DESC, j.id LIMIT :most
""")


def list_quarantined(session: Session) -> list[Row[Any]]:
    """Rows of banks that cannot be stored, the newest first, at most MOST."""
    return list(session.execute(QUARANTINED, {"most": MOST}))


def list_broken_items(session: Session) -> list[Row[Any]]:
    """Banks that cannot be read and that no person can mend, the oldest first."""
    values = {"broken": list(BROKEN), "most": MOST}
    return list(session.execute(ITEMS, values))


def list_open_breakers(session: Session) -> list[Row[Any]]:
    """What fails for everybody and is only probed, the oldest first."""
    return list(session.execute(BREAKERS, {"most": MOST}))


def list_dead_jobs(session: Session) -> list[Row[Any]]:
    """Jobs that nobody tries any more, the newest first."""
    return list(session.execute(DEAD_JOBS, {"most": MOST}))
