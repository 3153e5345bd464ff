"""What was fetched becomes rows: set-based SQL in the caller's one transaction.

A sync writes only the bank's columns. Rows that did not change are not written again.
"""

import uuid
from typing import Any, cast

from psycopg2.errors import UniqueViolation
from psycopg2.extras import execute_values
from sqlalchemy import CursorResult, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp.crypto import Vault
from webapp.plaid.decode import Account
from webapp.sync import quarantine
from webapp.sync.fetch import Fetched
from webapp.sync.incoming import Incoming, copied, few, statement
from webapp.sync.raw import cursor_of
from webapp.sync.rows import COLUMNS, NO_CURRENCY, in_minor_units
from webapp.sync.schedule import Claim

# The bank's columns of `transactions` that a later version may change.
BANK = [name for name in COLUMNS if name not in ("seq", "id", "plaid_account_id")]
CHANGING = ["bank_account_id", *(n for n in BANK if n != "plaid_transaction_id")]
# The user's columns, which a posted row takes over from its pending one.
USERS = ["user_category", "user_name", "note", "excluded", "reviewed_at"]

# What a person wants to hear of when it changes on a row that he worked on (ADR 6). Of
# a posting, another day is no news.
NEWS_OF_POSTING = """
    amount currency bank_account_id name merchant_name category_primary
    category_detailed
""".split()
NEWS = [*NEWS_OF_POSTING, "date", "pending"]


def _list(names: list[str], prefix: str = "") -> str:
    return ", ".join(prefix + name for name in names)


def _quoted(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _touched(row: str) -> str:
    """True of a row on which the user did anything."""
    nothing = "(NULL, NULL, NULL, false, NULL)"
    return f"({_list(USERS, row + '.')}) IS DISTINCT FROM {nothing}"


MERGE = f"""
    WITH {{incoming}}newest AS (
        SELECT DISTINCT ON (plaid_transaction_id) * FROM incoming
        ORDER BY plaid_transaction_id, seq DESC),
    merged AS (
        INSERT INTO transactions AS t
            (user_id, id, sync_run_id, bank_account_id, {_list(BANK)})
        SELECT :user_id, n.id, :run, a.id, {_list(BANK, "n.")}
        FROM newest n
        JOIN bank_accounts a ON a.user_id = :user_id AND a.plaid_item_id = :item
                            AND a.plaid_account_id = n.plaid_account_id
        ON CONFLICT (user_id, plaid_transaction_id) DO UPDATE
        SET ({_list(CHANGING)}) = ROW({_list(CHANGING, "excluded.")}),
            removed_at = NULL, changed_at = now(), sync_run_id = excluded.sync_run_id
        WHERE t.removed_at IS NOT NULL
           OR ({_list(CHANGING, "t.")})
              IS DISTINCT FROM ({_list(CHANGING, "excluded.")})
        RETURNING t.id, xmax = 0 AS is_new,
                  CASE WHEN xmax <> 0 THEN to_jsonb(t) END AS now),
    -- `transactions` is read here as it was when the statement began
    kept AS (
        INSERT INTO transaction_changes
            (user_id, id, transaction_id, sync_run_id, was, became, asks_user)
        SELECT :user_id, gen_random_uuid(), m.id, :run, differing.was,
               differing.became, {_touched("t")}
               AND jsonb_exists_any(differing.was,
                                    ARRAY[{_quoted([*NEWS, "removed_at"])}])
        FROM merged m
        JOIN transactions t ON t.user_id = :user_id AND t.id = m.id
        CROSS JOIN LATERAL (
            SELECT jsonb_object_agg(key, old.value), jsonb_object_agg(key, new.value)
            FROM jsonb_each(to_jsonb(t)) AS old
            JOIN jsonb_each(m.now) AS new USING (key)
            WHERE key IN ({_quoted([*CHANGING, "removed_at"])})
              AND old.value <> new.value
        ) AS differing (was, became)
        WHERE NOT m.is_new)
    SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new)
    FROM merged
"""
# A run in which every row is new, as nearly all rows are once in their life: a fifth
# cheaper than the merge.
INSERT = text(f"""
    INSERT INTO transactions (user_id, id, sync_run_id, bank_account_id, {_list(BANK)})
    SELECT :user_id, n.id, :run, a.id, {_list(BANK, "n.")}
    FROM incoming n
    JOIN bank_accounts a ON a.user_id = :user_id AND a.plaid_item_id = :item
                        AND a.plaid_account_id = n.plaid_account_id
""")
# created_at = now(): only rows made by this very transaction
CARRY = text(f"""
    WITH carried AS (
        UPDATE transactions AS posted
        SET ({_list(USERS)}) = ROW({_list(USERS, "was.")})
        FROM transactions AS was
        WHERE posted.user_id = :user_id AND posted.sync_run_id = :run
          AND posted.created_at = now() AND posted.pending_transaction_id IS NOT NULL
          AND was.user_id = :user_id
          AND was.plaid_transaction_id = posted.pending_transaction_id
          AND {_touched("was")}
        RETURNING posted.id, to_jsonb(was) AS was, to_jsonb(posted) AS became)
    -- where the posted row differs from the pending one, the bank changed something
    INSERT INTO transaction_changes
        (user_id, id, transaction_id, sync_run_id, was, became, asks_user)
    SELECT :user_id, gen_random_uuid(), carried.id, :run, differing.was,
           differing.became,
           jsonb_exists_any(differing.was, ARRAY[{_quoted(NEWS_OF_POSTING)}])
    FROM carried
    CROSS JOIN LATERAL (
        SELECT jsonb_object_agg(key, old.value), jsonb_object_agg(key, new.value)
        FROM jsonb_each(carried.was) AS old
        JOIN jsonb_each(carried.became) AS new USING (key)
        WHERE key IN ('plaid_transaction_id', {_quoted(NEWS)})
          AND old.value <> new.value
    ) AS differing (was, became)
""")
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
    SET ({_list(USERS)}) = ROW({_BOTH})
    FROM transactions AS was
    WHERE was.user_id = :user_id AND was.plaid_transaction_id = ANY (:ids)
      AND was.removed_at = now() AND {_touched("was")}
      AND posted.user_id = :user_id
      AND posted.pending_transaction_id = was.plaid_transaction_id
      AND ({_list(USERS, "posted.")}) IS DISTINCT FROM ({_BOTH})
""")
BURY = f"""
    WITH {{incoming}}buried AS (
        UPDATE transactions AS t
        SET removed_at = now(), changed_at = now(), sync_run_id = :run
        FROM unnest(CAST(:ids AS text[]), CAST(:seqs AS bigint[])) AS gone (id, seq)
        WHERE t.user_id = :user_id AND t.plaid_transaction_id = gone.id
          AND t.removed_at IS NULL {{unless_added_again}}
        RETURNING t.id, {_touched("t")} AS asks_user),
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
        session.execute(CARRY, values)
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
        late = {"user_id": values["user_id"], "ids": list(removed)}
        session.execute(CARRY_LATE, late)
    return buried


ACCOUNT_COLUMNS = [
    "persistent_account_id", "name", "official_name", "mask", "type", "subtype",
    "currency", "current_balance", "available_balance", "balance_limit",
]  # fmt: skip
WRITE_ACCOUNTS = f"""
    INSERT INTO bank_accounts AS a
        (user_id, id, plaid_item_id, plaid_account_id, {_list(ACCOUNT_COLUMNS)},
         last_synced_at)
    VALUES %s
    ON CONFLICT (user_id, plaid_account_id) DO UPDATE
    SET ({_list(ACCOUNT_COLUMNS)}) = ROW({_list(ACCOUNT_COLUMNS, "excluded.")}),
        plaid_item_id = excluded.plaid_item_id, last_synced_at = now(),
        closed_at = a.revoked_at
"""
CLOSE_ACCOUNTS = text("""
    UPDATE bank_accounts SET closed_at = now()
    WHERE user_id = :user_id AND plaid_item_id = :item AND closed_at IS NULL
      AND plaid_account_id <> ALL (:ids)
""")


def write_accounts(
    session: Session,
    user_id: uuid.UUID,
    item: uuid.UUID,
    new_ids: list[uuid.UUID],
    accounts: list[Account],
) -> None:
    """The bank's list of accounts as it is now; what is not in it any more is closed.

    `new_ids` has one id for each account, used where the account is new.
    Raises PlaidError UNREADABLE for a balance that no ledger can hold.
    """
    once = {  # one statement must not write a row twice
        a.account_id: (str(user_id), str(new_id), str(item), a.account_id, *_account(a))
        for new_id, a in zip(new_ids, accounts, strict=True)
    }
    rows = list(once.values())
    if rows:
        template = "({})".format(", ".join(["%s"] * len(rows[0]) + ["now()"]))
        with cursor_of(session) as cursor:
            execute_values(cursor, WRITE_ACCOUNTS, rows, template, page_size=1000)
    ids = [a.account_id for a in accounts]
    values = {"user_id": user_id, "item": item, "ids": ids}
    session.execute(CLOSE_ACCOUNTS, values)


def _account(a: Account) -> tuple[object, ...]:
    iso = a.balances.iso_currency_code
    currency = iso or a.balances.unofficial_currency_code or NO_CURRENCY
    balances = (a.balances.current, a.balances.available, a.balances.limit)
    rounded = [None if b is None else in_minor_units(b, iso) for b in balances]
    return (
        a.persistent_account_id, a.name, a.official_name, a.mask, a.type, a.subtype,
        currency, *rounded,
    )  # fmt: skip
