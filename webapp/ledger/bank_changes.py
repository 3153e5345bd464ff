"""What the bank changed on rows a person had worked on, until he accepts or keeps it.

All open changes of a row are one question: how it was when he last had to do with it,
and how it is. A row that posted is asked about together with the pending one it was.
"""

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from webapp.ledger.versions import Difference, both, version_columns

PAGE = 20
MOST_COUNTED = 100  # a person reads "99+", and counting costs


@dataclass(frozen=True)
class BankChange(Difference):
    """A row of the person's as it was and as the bank has it now.

    `seen_at` is the newest change in it: a decision goes no further than that.
    """

    id: uuid.UUID
    seen_at: dt.datetime
    own_name: str | None
    own_category_label: str | None
    note: str | None
    excluded: bool
    can_keep: bool


OPEN = """
    SELECT c.* FROM transaction_changes c
    WHERE c.user_id = :user_id AND c.asks_user AND c.decided_at IS NULL
"""
# `asked` has the open changes. Those of a pending row count for the row it posted to.
NET = """
    ranked AS (
        SELECT coalesce(heir.id, c.transaction_id) AS row_id, c.changed_at, c.was,
               c.became, heir.id IS NOT NULL AS of_pending,
               row_number() OVER (ORDER BY c.changed_at, heir.id IS NULL,
                   c.became ->> 'removed_at' IS NOT NULL, c.id) AS place
        FROM asked c
        JOIN transactions t ON t.user_id = c.user_id AND t.id = c.transaction_id
        LEFT JOIN LATERAL (
            SELECT h.id FROM transactions h
            WHERE h.user_id = t.user_id
              AND h.pending_transaction_id = t.plaid_transaction_id
            ORDER BY h.id LIMIT 1) heir ON true),
    summed AS (
        SELECT row_id, max(changed_at) AS seen_at,
               jsonb_object_agg(key, value ORDER BY place DESC) AS was,
               jsonb_object_agg(key, became -> key ORDER BY place) AS became
        FROM ranked CROSS JOIN LATERAL jsonb_each(was)
        WHERE NOT (of_pending AND key = 'removed_at')
        GROUP BY row_id),
    -- materialized: else each column of a version would be a version made anew
    both_versions AS MATERIALIZED (
        SELECT t.id, s.seen_at, jsonb_populate_record(t, s.was) AS was,
               jsonb_populate_record(t, s.became) AS became
        FROM summed s
        JOIN transactions t ON t.user_id = :user_id AND t.id = s.row_id),
    compared AS (
        SELECT id, seen_at, was, became,
               coalesce((was).merchant_name, (was).name)
                   <> coalesce((became).merchant_name, (became).name) AS name_differs,
               ((was).category_primary, (was).category_detailed) IS DISTINCT FROM
                   ((became).category_primary, (became).category_detailed)
                   AS category_differs,
               ((was).amount, (was).currency, (was).date, (was).pending,
                (was).bank_account_id, (was).removed_at IS NULL) IS DISTINCT FROM
                   ((became).amount, (became).currency, (became).date,
                    (became).pending, (became).bank_account_id,
                    (became).removed_at IS NULL) AS facts_differ
        FROM both_versions),
    news AS (
        SELECT * FROM compared
        WHERE (name_differs OR category_differs OR facts_differ)
          AND ((was).removed_at IS NULL OR (became).removed_at IS NULL))
"""
SHOWN = """
    FROM news n
    JOIN transactions t ON t.user_id = :user_id AND t.id = n.id
    JOIN bank_accounts a ON a.user_id = t.user_id AND a.id = t.bank_account_id
    JOIN plaid_items i ON i.user_id = a.user_id AND i.id = a.plaid_item_id
                      AND i.state <> 'removing'
"""
COUNT = text(f"""
    WITH asked AS ({OPEN}), {NET}
    SELECT count(*) FROM (SELECT n.id {SHOWN} LIMIT :most) AS counted
""")  # noqa: S608 - our own words
# The page is cut first: texts are looked up for its rows only
LIST = text(f"""
    WITH asked AS ({OPEN}), {NET},
    page AS MATERIALIZED (
        SELECT n.*, t.user_name, t.user_category, t.note, t.excluded {SHOWN}
        WHERE :before_at IS NULL OR (n.seen_at, n.id)
                                    < (CAST(:before_at AS timestamptz), :before_id)
        ORDER BY n.seen_at DESC, n.id DESC LIMIT :limit)
    SELECT id, seen_at, {version_columns("was")}, {version_columns("became")},
           user_name AS own_name, note, excluded,
           (SELECT label FROM categories WHERE code = user_category)
               AS own_category_label,
           name_differs OR category_differs AND (user_category IS NOT NULL OR
               EXISTS (SELECT FROM categories WHERE code = (was).category_detailed))
               AS can_keep
    FROM page ORDER BY seen_at DESC, id DESC
""")  # noqa: S608


def count_bank_changes(session: Session, user_id: uuid.UUID) -> int:
    """How many rows wait for a decision; counted no further than MOST_COUNTED."""
    values = {"user_id": user_id, "most": MOST_COUNTED}
    return int(session.execute(COUNT, values).scalar_one())


def list_bank_changes(
    session: Session,
    user_id: uuid.UUID,
    before: tuple[dt.datetime, uuid.UUID] | None = None,
) -> tuple[list[BankChange], bool]:
    """A page of those that wait, the newest first, and whether more come after it.

    `before` are `seen_at` and id of the last one of the page before.
    """
    at, id = before or (None, None)
    values = {
        "user_id": user_id, "before_at": at,
        "before_id": id, "limit": PAGE + 1,
    }  # fmt: skip
    rows = session.execute(LIST, values).all()
    return [_change(row) for row in rows[:PAGE]], len(rows) > PAGE


def _change(row: Row) -> BankChange:  # type: ignore[type-arg]
    was, became = both(row)
    return BankChange(
        was, became, row.id, row.seen_at, row.own_name, row.own_category_label,
        row.note, row.excluded, row.can_keep,
    )  # fmt: skip
