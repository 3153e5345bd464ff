"""What was fetched becomes rows: set-based SQL in the caller's one transaction.

A sync writes only the bank's columns. Rows that did not change are not written again.
"""

import uuid
from typing import Any, cast

from psycopg2.errors import UniqueViolation
from sqlalchemy import CursorResult, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp.crypto import Vault
from webapp.sync import posting, quarantine
from webapp.sync.columns import BANK, CHANGING, NEWS, listed, quoted, touched
from webapp.sync.fetch import Fetched
from webapp.sync.incoming import Incoming, copied, few, statement
from webapp.sync.schedule import Claim

MERGE = f"""
    WITH {{incoming}}newest AS (
        SELECT DISTINCT ON (plaid_transaction_id) * FROM incoming
        ORDER BY plaid_transaction_id, seq DESC),
    merged AS (
        INSERT INTO transactions AS t
            (user_id, id, sync_run_id, bank_account_id, {listed(BANK)})
        SELECT :user_id, n.id, :run, a.id, {listed(BANK, "n.")}
        FROM newest n
        JOIN bank_accounts a ON a.user_id = :user_id AND a.plaid_item_id = :item
                            AND a.plaid_account_id = n.plaid_account_id
        ON CONFLICT (user_id, plaid_transaction_id) DO UPDATE
        SET ({listed(CHANGING)}) = ROW({listed(CHANGING, "excluded.")}),
            removed_at = NULL, changed_at = now(), sync_run_id = excluded.sync_run_id
        WHERE t.removed_at IS NOT NULL
           OR ({listed(CHANGING, "t.")})
              IS DISTINCT FROM ({listed(CHANGING, "excluded.")})
        RETURNING t.id, xmax = 0 AS is_new,
                  CASE WHEN xmax <> 0 THEN to_jsonb(t) END AS now),
    -- `transactions` is read here as it was when the statement began
    kept AS (
        INSERT INTO transaction_changes
            (user_id, id, transaction_id, sync_run_id, was, became, asks_user)
        SELECT :user_id, gen_random_uuid(), m.id, :run, differing.was,
               differing.became, {touched("t")}
               AND jsonb_exists_any(differing.was,
                                    ARRAY[{quoted([*NEWS, "removed_at"])}])
        FROM merged m
        JOIN transactions t ON t.user_id = :user_id AND t.id = m.id
        CROSS JOIN LATERAL (
            SELECT jsonb_object_agg(key, old.value), jsonb_object_agg(key, new.value)
            FROM jsonb_each(to_jsonb(t)) AS old
            JOIN jsonb_each(m.now) AS new USING (key)
            WHERE key IN ({quoted([*CHANGING, "removed_at"])})
              AND old.value <> new.value
        ) AS differing (was, became)
        WHERE NOT m.is_new)
    SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new)
    FROM merged
"""
# A run in which every row is new, as nearly all rows are once in their life: a fifth
# cheaper than the merge.
INSERT = text(f"""
    INSERT INTO transactions (user_id, id, sync_run_id, bank_account_id, {listed(BANK)})
    SELECT :user_id, n.id, :run, a.id, {listed(BANK, "n.")}
    FROM incoming n
    JOIN bank_accounts a ON a.user_id = :user_id AND a.plaid_item_id = :item
                        AND a.plaid_account_id = n.plaid_account_id
""")
BURY = f"""
    WITH {{incoming}}buried AS (
        UPDATE transactions AS t
        SET removed_at = now(), changed_at = now(), sync_run_id = :run
        FROM unnest(CAST(:ids AS text[]), CAST(:seqs AS bigint[])) AS gone (id, seq)
        WHERE t.user_id = :user_id AND t.plaid_transaction_id = gone.id
          AND t.removed_at IS NULL {{unless_added_again}}
        RETURNING t.id, {touched("t")} AS asks_user),
    kept AS (
        INSERT INTO transaction_changes
            (user_id, id, transaction_id, sync_run_id, was, became, asks_user)
        SELECT :user_id, gen_random_uuid(), buried.id, :run,
               jsonb_build_object('removed_at', NULL),
               jsonb_build_object('removed_at', now()), buried.asks_user
        FROM buried)
    SELECT count(*) FROM buried
"""
ADDED_AGAIN = """AND NOT EXISTS (SELECT FROM incoming i
    WHERE i.plaid_transaction_id = gone.id AND i.seq > gone.seq)"""


def write_transactions(
    session: Session, vault: Vault, held: Claim, run_id: uuid.UUID, fetched: Fetched
) -> tuple[int, int, int]:
    """Rows in, rows gone, odd ones to the quarantine.

    Returns how many were new, changed and removed.
    """
    values: dict[str, object] = {
        "user_id": held.user_id,
        "item": held.id,
        "run": run_id,
    }
    new = changed = 0
    rows = None
    if fetched.odd_count or fetched.partial_count:
        odd = quarantine.odd_rows(fetched)
        quarantine.hold(session, vault, held, run_id, odd)
    has_open = quarantine.bring_back(session, vault, held, fetched)
    if fetched.lines:
        rows = few(session, held, fetched)
        if rows is None:
            rows = copied(session, fetched)
            new = 0 if fetched.modified else _insert(session, values)
            if new < fetched.lines:
                quarantine.hold_strangers(session, vault, held, run_id, fetched)
        if not new:
            merge = statement(MERGE.format(incoming=rows.clause))
            new, changed = session.execute(merge, values | rows.values).one()
    if new and rows and rows.may_post:
        posting.carry(session, values, rows, fetched.lines)
    removed = bury(session, values, fetched.removed, rows)
    if has_open or fetched.odd_count or fetched.partial_count:
        quarantine.resolve(session, values, fetched.removed, rows)
    return new, changed, removed


def _insert(session: Session, values: dict[str, object]) -> int:
    """How many rows were new, or 0 where one was not and nothing is written."""
    try:
        with session.begin_nested():
            result = session.execute(INSERT, values)
    except IntegrityError as error:
        if not isinstance(error.orig, UniqueViolation):
            raise
        return 0
    return cast("CursorResult[Any]", result).rowcount


def bury(
    session: Session,
    values: dict[str, object],
    removed: dict[str, int],
    rows: Incoming | None,
) -> int:
    """Tombstones for `removed`, ids with their place in the order of events."""
    if not removed:
        return 0
    bury = BURY.format(
        incoming=rows.ids if rows else "",
        unless_added_again=ADDED_AGAIN if rows else "",
    )
    values = values | {"ids": list(removed), "seqs": list(removed.values())}
    values |= rows.values if rows else {}
    buried = int(session.execute(statement(bury), values).scalar_one())
    if buried:
        posting.carry_late(session, values["user_id"], list(removed))
    return buried
