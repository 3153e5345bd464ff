"""What was made of a pending row goes on with the posted one, which has another id."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from webapp.sync.columns import NEWS, NEWS_OF_POSTING, USERS, listed, quoted, touched
from webapp.sync.incoming import Incoming, statement

# Up to so many rows are looked up one by one: else every row that posts would cost a
# look at all rows that the user has (200 ms where they are 200,000).
LOOKED_UP = 1000

# created_at = now(): only rows made by this very transaction
CARRY = f"""
    WITH {{incoming}}carried AS (
        UPDATE transactions AS posted
        SET ({listed(USERS)}) = ROW({listed(USERS, "was.")})
        FROM transactions AS was
        WHERE posted.user_id = :user_id AND posted.sync_run_id = :run
          AND posted.created_at = now() AND posted.pending_transaction_id IS NOT NULL
          {{among}}
          AND was.user_id = :user_id
          AND was.plaid_transaction_id = posted.pending_transaction_id
          AND {touched("was")}
        RETURNING posted.id, to_jsonb(was) AS was, to_jsonb(posted) AS became)
    -- where the posted row differs from the pending one, the bank changed something
    INSERT INTO transaction_changes
        (user_id, id, transaction_id, sync_run_id, was, became, asks_user)
    SELECT :user_id, gen_random_uuid(), carried.id, :run, differing.was,
           differing.became,
           jsonb_exists_any(differing.was, ARRAY[{quoted(NEWS_OF_POSTING)}])
    FROM carried
    CROSS JOIN LATERAL (
        SELECT jsonb_object_agg(key, old.value), jsonb_object_agg(key, new.value)
        FROM jsonb_each(carried.was) AS old
        JOIN jsonb_each(carried.became) AS new USING (key)
        WHERE key IN ('plaid_transaction_id', {quoted(NEWS)})
          AND old.value <> new.value
    ) AS differing (was, became)
"""
# an array, for of a new temporary table PostgreSQL expects more rows than it has
AMONG = """AND posted.plaid_transaction_id = ANY (ARRAY(
              SELECT plaid_transaction_id FROM incoming))"""
# The posted row came a run before this removal, and meanwhile the person worked on the
# pending one: where the posted one has nothing, it takes that.
_BOTH = ", ".join(
    "posted.excluded OR was.excluded"
    if name == "excluded"
    else f"coalesce(posted.{name}, was.{name})"
    for name in USERS
)
CARRY_LATE = text(f"""
    UPDATE transactions AS posted
    SET ({listed(USERS)}) = ROW({_BOTH})
    FROM transactions AS was
    WHERE was.user_id = :user_id AND was.plaid_transaction_id = ANY (:ids)
      AND was.removed_at = now() AND {touched("was")}
      AND posted.user_id = :user_id
      AND posted.pending_transaction_id = was.plaid_transaction_id
      AND ({listed(USERS, "posted.")}) IS DISTINCT FROM ({_BOTH})
""")


def carry(
    session: Session, values: dict[str, object], rows: Incoming, lines: int
) -> None:
    """To the rows that this very transaction made out of the `lines` incoming ones."""
    is_short = lines <= LOOKED_UP
    sql = CARRY.format(
        incoming=rows.ids if is_short else "", among=AMONG if is_short else ""
    )
    session.execute(statement(sql), values | (rows.values if is_short else {}))


def carry_late(session: Session, user_id: object, removed: list[str]) -> None:
    """From rows buried by this transaction to those posted before it."""
    session.execute(CARRY_LATE, {"user_id": user_id, "ids": removed})
