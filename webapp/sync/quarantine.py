"""Rows of the bank's that cannot be stored: kept encrypted until a good version comes.

Like everything of a run's, in the caller's one transaction.
"""

import hashlib
import logging
import os
import uuid
from collections.abc import Callable, Iterable, Iterator

import msgspec
from psycopg2.extras import execute_values
from sqlalchemy import select, text
from sqlalchemy.orm import Session, defer
from uuid_utils.compat import uuid7

from webapp.crypto import DecryptionError, Place, Vault
from webapp.extensions import db
from webapp.models import QuarantinedTransaction
from webapp.plaid.decode import ODD
from webapp.plaid.odd import REASONS, OddRow
from webapp.sync.fetch import Fetched
from webapp.sync.incoming import Incoming, statement
from webapp.sync.raw import cursor_of
from webapp.sync.rows import line_again
from webapp.sync.schedule import Claim

log = logging.getLogger(__name__)
BATCH = 1000  # rows at a time, so that memory stays bounded

HOLD = """
    INSERT INTO quarantined_transactions
        (user_id, id, plaid_item_id, sync_run_id, seq, plaid_transaction_id,
         plaid_account_id, code, reason, raw)
    VALUES %s
"""
TAKE_STRANGERS = text("""
    DELETE FROM incoming AS taken
    WHERE seq IN (
        SELECT i.seq FROM incoming i
        WHERE NOT EXISTS (SELECT FROM bank_accounts a
                          WHERE a.user_id = :user_id AND a.plaid_item_id = :item
                            AND a.plaid_account_id = i.plaid_account_id)
        LIMIT :batch)
    RETURNING seq, plaid_transaction_id, plaid_account_id, amount > 0 AS is_income,
              row_to_json(taken)::text AS raw
""")
# Whatever the bank said of the same id later: a good version, a removal, an odd one
RESOLVE = """
    WITH {incoming}heard (id, seq) AS (
        SELECT plaid_transaction_id, seq FROM quarantined_transactions
        WHERE user_id = :user_id AND plaid_item_id = :item AND sync_run_id = :run
        UNION ALL
        SELECT * FROM unnest(CAST(:ids AS text[]), CAST(:seqs AS bigint[]))
        {or_a_good_one})
    UPDATE quarantined_transactions AS q SET resolved_at = now()
    FROM heard
    WHERE q.user_id = :user_id AND q.plaid_item_id = :item AND q.resolved_at IS NULL
      AND q.plaid_transaction_id = heard.id
      AND (q.sync_run_id <> :run OR q.seq < heard.seq)
"""
# For the rest of the transaction. PostgreSQL takes a quarantine that has just filled
# for an empty one and compares each row with each: of 20,000 open ones a run that
# brought nothing took more than half a minute, and was given up.
HASH_JOINS = text("SELECT set_config('enable_nestloop', 'off', true)")
REPLACE = text("""
    UPDATE quarantined_transactions SET resolved_at = now()
    WHERE user_id = :user_id AND id = ANY (:ids)
""")
# `which` rows of the item's open ones, in batches
OPEN = """
    SELECT q.id, q.raw FROM quarantined_transactions q
    WHERE q.user_id = :user_id AND q.plaid_item_id = :item AND q.resolved_at IS NULL
      AND q.id > :after AND {which}
    ORDER BY q.id LIMIT :batch
"""
ACCOUNT_CAME = """EXISTS (SELECT FROM bank_accounts a
    WHERE a.user_id = q.user_id AND a.plaid_item_id = q.plaid_item_id
      AND a.plaid_account_id = q.plaid_account_id)"""
LOOK = text(f"""
    SELECT count(*) > 0 AS has_open, coalesce(bool_or({ACCOUNT_CAME}), false) AS came
    FROM quarantined_transactions q
    WHERE q.user_id = :user_id AND q.plaid_item_id = :item AND q.resolved_at IS NULL
""")  # noqa: S608 - our own words
WITHOUT_ID = "q.plaid_transaction_id IS NULL"
GOOD_ONE = "UNION ALL SELECT plaid_transaction_id, seq FROM incoming"


def raw_place(id: uuid.UUID) -> Place:
    return Place("quarantined_transactions", id, "raw")


def hold(
    session: Session, vault: Vault, held: Claim, run: uuid.UUID, rows: Iterable[OddRow]
) -> None:
    known = _known_without_id(session, vault, held)
    replaced: list[uuid.UUID] = []

    def values() -> Iterator[tuple[object, ...]]:
        for row in rows:
            if row.plaid_transaction_id is None and (old := known(row.raw)):
                replaced.append(old)
            id = uuid7()
            yield (
                str(held.user_id), str(id), str(held.id), str(run), row.seq,
                row.plaid_transaction_id, row.plaid_account_id, row.code,
                REASONS[row.code], vault.encrypt(row.raw, raw_place(id)),
            )  # fmt: skip

    with cursor_of(session) as cursor:
        execute_values(cursor, HOLD, values(), page_size=BATCH)
    if replaced:
        session.execute(REPLACE, {"user_id": held.user_id, "ids": replaced})


def _known_without_id(
    session: Session, vault: Vault, held: Claim
) -> Callable[[str], uuid.UUID | None]:
    """Finds the open row that a history told again brings once more, each only once.

    Rows without an id can be known by their words alone; of others see `resolve`.
    """
    known: dict[bytes, list[uuid.UUID]] | None = None

    def find(raw: str) -> uuid.UUID | None:
        nonlocal known
        if held.cursor is not None:
            return None
        if known is None:
            known = {}
            for id, old in _open(session, vault, held, WITHOUT_ID):
                known.setdefault(_digest(old), []).append(id)
        same = known.get(_digest(raw))
        return same.pop() if same else None

    return find


def _digest(raw: str) -> bytes:
    try:
        same = msgspec.json.encode(msgspec.json.decode(raw), order="deterministic")
    except ODD:
        same = raw.encode()
    return hashlib.sha256(same).digest()


def _open(
    session: Session, vault: Vault, held: Claim, which: str
) -> Iterator[tuple[uuid.UUID, str]]:
    """Ids and what the bank sent. A row whose key is lost stays where it is."""
    batch = text(OPEN.format(which=which))
    values = {"user_id": held.user_id, "item": held.id, "batch": BATCH}
    after = uuid.UUID(int=0)
    while found := session.execute(batch, values | {"after": after}).all():
        for row in found:
            try:
                yield row.id, vault.decrypt(row.raw, raw_place(row.id))
            except DecryptionError as error:
                log.warning("Row %s stays in quarantine: %s", row.id, error)
        after = found[-1].id


def odd_rows(fetched: Fetched) -> Iterator[OddRow]:
    decoder = msgspec.json.Decoder(OddRow)
    return (decoder.decode(line) for line in fetched.odd)


def hold_strangers(
    session: Session, vault: Vault, held: Claim, run: uuid.UUID, fetched: Fetched
) -> None:
    """Rows of an account that the bank does not list leave `incoming`."""
    values = {"user_id": held.user_id, "item": held.id, "batch": BATCH}
    while taken := session.execute(TAKE_STRANGERS, values).all():
        odd = [
            OddRow(
                "UNKNOWN_ACCOUNT",
                row.plaid_transaction_id,
                row.raw,
                row.seq,
                row.plaid_account_id,
            )
            for row in taken
        ]
        hold(session, vault, held, run, odd)
        income = sum(row.is_income for row in taken)
        fetched.income_count -= income
        fetched.expense_count -= len(taken) - income
        fetched.odd_count += len(taken)


def bring_back(session: Session, vault: Vault, held: Claim, fetched: Fetched) -> bool:
    """Rows whose account the bank lists by now come before those of the run.

    Returns whether anything is in quarantine at all.
    """
    values = {"user_id": held.user_id, "item": held.id}
    look = session.execute(LOOK, values).one()
    if look.came:
        for _, raw in _open(session, vault, held, ACCOUNT_CAME):
            row, is_income = line_again(raw)
            fetched.spool.seek(0, os.SEEK_END)
            fetched.spool.write(row.encode())
            fetched.income_count += is_income
            fetched.expense_count += not is_income
        fetched.spool.seek(0)
    return bool(look.has_open)


def resolve(
    session: Session,
    values: dict[str, object],
    removed: dict[str, int],
    rows: Incoming | None,
) -> None:
    """What was said again since is no longer open."""
    answer = RESOLVE.format(
        incoming=rows.ids if rows else "",
        or_a_good_one=GOOD_ONE if rows else "",
    )
    values = values | {"ids": list(removed), "seqs": list(removed.values())}
    values |= rows.values if rows else {}
    session.execute(HASH_JOINS)
    session.execute(statement(answer), values)


def held_rows() -> list[QuarantinedTransaction]:
    """Everybody's open ones, without what the bank sent."""
    wanted = (
        select(QuarantinedTransaction)
        .options(defer(QuarantinedTransaction.raw))
        .where(QuarantinedTransaction.resolved_at.is_(None))
        .order_by(QuarantinedTransaction.created_at, QuarantinedTransaction.id)
    )
    return list(db.session.scalars(wanted))
