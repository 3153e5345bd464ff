"""A person accepts what the bank changed, or keeps what was.

The ledger follows the bank at once; a decision concerns the person's own name and
category only (ADR 6). Callers commit.
"""

import datetime as dt
import uuid
from enum import StrEnum

from sqlalchemy import text
from sqlalchemy.orm import Session

from webapp.ledger.bank_changes import NET
from webapp.ledger.edits import LONGEST_NAME


class Decision(StrEnum):
    ACCEPT = "accepted"
    KEEP = "kept"


# Whoever comes second finds nothing open: the row lock makes him look again.
DECIDE = text(f"""
    WITH asked AS (
        UPDATE transaction_changes c SET decided_at = now(), decision = :decision
        WHERE c.user_id = :user_id AND c.asks_user AND c.decided_at IS NULL
          AND c.changed_at <= :seen_at
          AND (CAST(:only AS uuid) IS NULL OR c.transaction_id IN (
              SELECT t.id FROM transactions t
              WHERE t.user_id = :user_id AND (t.id = :only
                 OR t.plaid_transaction_id = (SELECT pending_transaction_id
                     FROM transactions WHERE user_id = :user_id AND id = :only))))
        RETURNING c.*),
    {NET},
    wanted AS (
        SELECT t.id,
               CASE WHEN NOT n.name_differs THEN t.user_name
                    WHEN :decision = 'kept' THEN coalesce(t.user_name,
                        left(coalesce((was).merchant_name, (was).name), :longest))
                    END AS user_name,
               CASE WHEN NOT n.category_differs THEN t.user_category
                    WHEN :decision = 'kept' THEN coalesce(t.user_category,
                        (SELECT code FROM categories
                         WHERE code = (was).category_detailed))
                    END AS user_category
        FROM news n JOIN transactions t ON t.user_id = :user_id AND t.id = n.id
        ORDER BY t.plaid_transaction_id FOR UPDATE OF t),
    written AS (
        UPDATE transactions t
        SET user_name = w.user_name, user_category = w.user_category
        FROM wanted w
        WHERE t.user_id = :user_id AND t.id = w.id
          AND (t.user_name, t.user_category)
              IS DISTINCT FROM (w.user_name, w.user_category))
    SELECT count(*) FROM news
""")  # noqa: S608


def decide(
    session: Session,
    user_id: uuid.UUID,
    decision: Decision,
    seen_at: dt.datetime,
    only: uuid.UUID | None = None,
) -> int:
    """Answer all that waits up to `seen_at`, or for one row. Returns how many rows.

    Accept: where the bank changed name or category, the person's own value of that
    field goes. Keep: his own stays, and where he had none, what the row was called and
    counted as until now becomes his own. A second answer finds nothing to do.
    """
    values = {
        "user_id": user_id, "decision": decision, "seen_at": seen_at, "only": only,
        "longest": LONGEST_NAME,
    }  # fmt: skip
    return int(session.execute(DECIDE, values).scalar_one())
