"""The dry run: what adopting would do, in counts and in doubtful rows. Only reads."""

import datetime as dt
import hashlib
import uuid
from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from webapp.linking.adoption.accounts import MatchedAccount
from webapp.linking.adoption.matching import DAYS, Pair, Row, pair_up

TOUCHED = (
    "(num_nonnulls(t.user_category, t.user_name, t.note, t.reviewed_at) > 0"
    " OR t.excluded)"
)
# Amount, currency, date and name to the letter, one to one: two equal purchases in one
# login are two in the other. Windows instead of joins: right after a first sync the
# planner knows nothing of the new rows, and would compare each with each.
SIDES = f"""
    numbered AS (
        SELECT p.old_id AS account, t.bank_account_id = p.old_id AS is_old,
               t.id, t.date, t.authorized_date, t.amount, t.currency, t.name,
               lower(t.name) AS called, t.pending, t.pending_transaction_id,
               {TOUCHED} AS is_touched,
               min(t.date) FILTER (WHERE t.bank_account_id = p.new_id)
                   OVER (PARTITION BY p.old_id) AS since,
               row_number() OVER (
                   PARTITION BY p.old_id, t.bank_account_id, t.amount, t.currency,
                                t.date, lower(t.name), t.pending
                   ORDER BY {TOUCHED} DESC, t.authorized_date, t.created_at, t.id
               ) AS nth
        FROM unnest(CAST(:old AS uuid[]), CAST(:new AS uuid[])) AS p (old_id, new_id)
        JOIN transactions t ON t.user_id = :user_id
                           AND t.bank_account_id IN (p.old_id, p.new_id)
        WHERE t.removed_at IS NULL),
    sides AS (
        SELECT *, count(*) OVER (
            PARTITION BY account, amount, currency, date, called, pending, nth
        ) = 2 AS is_paired
        FROM numbered)
"""
COUNTS = text(f"""
    WITH {SIDES}
    SELECT account, min(since) AS since,
           count(*) FILTER (WHERE is_old) AS old_count,
           count(*) FILTER (WHERE NOT is_old) AS new_count,
           count(*) FILTER (WHERE is_old AND is_paired) AS exact_count,
           md5(string_agg(id::text, ',' ORDER BY amount, currency, date, called,
                          pending, nth, is_old) FILTER (WHERE is_paired)) AS exact_hash
    FROM sides GROUP BY account
""")
# an old row from before the new history has nothing to be paired with
LEFT = text(f"""
    WITH {SIDES}
    SELECT s.*, was.amount AS was_amount, was.date AS was_date, was.name AS was_name
    FROM sides s
    LEFT JOIN transactions was ON was.user_id = :user_id
                              AND was.plaid_transaction_id = s.pending_transaction_id
    WHERE NOT s.is_paired
      AND (NOT s.is_old OR s.pending OR s.date >= s.since - CAST(:days AS integer))
    ORDER BY s.date, s.id
""")


class Counted(NamedTuple):
    """An account's live rows in the old and the new login."""

    since: dt.date | None = None
    old_count: int = 0
    new_count: int = 0
    exact_count: int = 0
    exact_hash: str | None = None


@dataclass(frozen=True)
class AccountPlan:
    """`matched` counts the sure ones; `added` are in the new login only; `gone` the
    bank does not list any more; `older` is from before its history now."""

    account: MatchedAccount
    matched: int
    added: int
    doubtful: int
    gone: int
    older: int

    @property
    def is_busy(self) -> bool:
        """There is any transaction in it."""
        return any((self.matched, self.added, self.doubtful, self.gone, self.older))


@dataclass(frozen=True)
class Plan:
    accounts: list[AccountPlan]
    sure: list[Pair]
    doubtful: list[Pair]
    gone: list[Row]
    since: dict[uuid.UUID, dt.date | None]  # where the new history begins, by account
    agreed: str  # changes with anything that would be done

    @property
    def total(self) -> Counter[str]:
        names = ("matched", "added", "doubtful", "gone", "older")
        return Counter({n: sum(getattr(a, n) for a in self.accounts) for n in names})

    @property
    def lost_work(self) -> list[Row]:
        """Rows that leave the figures though the user worked on them."""
        return [row for row in self.gone if row.is_touched]


def values_of(user_id: uuid.UUID, accounts: list[MatchedAccount]) -> dict[str, object]:
    return {
        "user_id": user_id,
        "old": [one.old_id for one in accounts],
        "new": [one.new_id for one in accounts],
    }


def read_plan(
    session: Session, user_id: uuid.UUID, accounts: list[MatchedAccount]
) -> Plan:
    """What adopting these accounts would do now."""
    values = values_of(user_id, accounts)
    counts = {one.old_id: Counted() for one in accounts}
    counts |= {row[0]: Counted(*row[1:]) for row in session.execute(COUNTS, values)}
    left = session.execute(LEFT, values | {"days": DAYS}).all()
    old = [_row(found) for found in left if found.is_old]
    new = [_row(found) for found in left if not found.is_old]
    sure, doubtful = pair_up(old, new)
    paired = {pair.old.id for pair in (*sure, *doubtful)}
    since = {id: found.since for id, found in counts.items()}
    gone = [
        row for row in old if row.id not in paired and is_gone(row, since[row.account])
    ]
    sure_in = Counter(pair.old.account for pair in sure)
    doubtful_in = Counter(pair.old.account for pair in doubtful)
    gone_in = Counter(row.account for row in gone)
    plans = []
    for one in accounts:
        found, id = counts[one.old_id], one.old_id
        matched = found.exact_count + sure_in[id]
        plans.append(
            AccountPlan(
                account=one,
                matched=matched,
                added=found.new_count - matched - doubtful_in[id],
                doubtful=doubtful_in[id],
                gone=gone_in[id],
                older=found.old_count - matched - doubtful_in[id] - gone_in[id],
            )
        )
    said = [f"{one.old_id}{one.new_id}" for one in accounts]
    said += [f"{id}{found.exact_hash}" for id, found in sorted(counts.items())]
    said += [f"{pair.old.id}{pair.new.id}" for pair in (*sure, *doubtful)]
    said += [str(row.id) for row in gone]
    agreed = hashlib.sha256("".join(said).encode()).hexdigest()
    return Plan(plans, sure, doubtful, gone, since, agreed)


def is_gone(row: Row, since: dt.date | None) -> bool:
    """Without a partner, though the bank would list it if it were still so."""
    return row.pending or (since is not None and row.date >= since)


def _row(found) -> Row:  # type: ignore[no-untyped-def]
    was = (found.was_amount, found.was_date, found.was_name)
    return Row(
        id=found.id,
        account=found.account,
        date=found.date,
        authorized_date=found.authorized_date,
        amount=found.amount,
        currency=found.currency,
        name=found.name,
        pending=found.pending,
        is_touched=found.is_touched,
        was=was if found.was_amount is not None else None,
    )
