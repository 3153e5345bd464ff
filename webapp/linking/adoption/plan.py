"""The dry run: what adopting would do, in counts and in doubtful rows. Only reads."""

import datetime as dt
import hashlib
import uuid
from collections import Counter
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from webapp.linking.adoption.accounts import MatchedAccount
from webapp.linking.adoption.matching import DAYS, Pair, Row, pair_up

TOUCHED = (
    "num_nonnulls({0}.user_category, {0}.user_name, {0}.note, {0}.reviewed_at) > 0"
    " OR {0}.excluded"
)
_SIDE = """
    SELECT p.old_id AS account, t.id, t.date, t.authorized_date, t.amount, t.currency,
           t.name, t.pending, t.pending_transaction_id, {touched} AS is_touched,
           row_number() OVER (
               PARTITION BY p.old_id, t.amount, t.currency, t.date, lower(t.name),
                            t.pending
               ORDER BY ({touched}) DESC, t.authorized_date, t.created_at, t.id) AS nth
    FROM accounts p
    JOIN transactions t ON t.user_id = :user_id AND t.bank_account_id = p.{id}
    WHERE t.removed_at IS NULL
"""
# Amount, currency, date and name to the letter, one to one: two equal purchases in one
# login are two in the other.
EXACT = """
    accounts AS (
        SELECT * FROM unnest(CAST(:old AS uuid[]), CAST(:new AS uuid[]))
            AS p (old_id, new_id)),
    old AS ({old}),
    new AS ({new}),
    exact AS (
        SELECT old.account, old.id AS old_id, new.id AS new_id
        FROM old JOIN new ON new.account = old.account AND new.amount = old.amount
            AND new.currency = old.currency AND new.date = old.date
            AND lower(new.name) = lower(old.name) AND new.pending = old.pending
            AND new.nth = old.nth)
""".format(
    old=_SIDE.format(touched=TOUCHED.format("t"), id="old_id"),
    new=_SIDE.format(touched=TOUCHED.format("t"), id="new_id"),
)
COUNTS = text(f"""
    WITH {EXACT}
    SELECT p.old_id AS account, p.new_id,
           (SELECT count(*) FROM old WHERE account = p.old_id) AS old_count,
           (SELECT count(*) FROM new WHERE account = p.old_id) AS new_count,
           (SELECT min(date) FROM new WHERE account = p.old_id) AS since,
           count(e.old_id) AS exact_count,
           md5(string_agg(e.old_id::text || e.new_id::text, '' ORDER BY e.old_id))
               AS exact_hash
    FROM accounts p LEFT JOIN exact e ON e.account = p.old_id
    GROUP BY p.old_id, p.new_id ORDER BY p.old_id
""")
_LEFT = """
    SELECT s.*, was.amount AS was_amount, was.date AS was_date, was.name AS was_name
    FROM {side} s
    LEFT JOIN transactions was ON was.user_id = :user_id
                              AND was.plaid_transaction_id = s.pending_transaction_id
    WHERE NOT EXISTS (SELECT FROM exact WHERE exact.{side}_id = s.id) {and_near}
    ORDER BY s.date, s.id
"""
# an old row from before the new history has nothing to be paired with
LEFT_OLD = text(
    f"WITH {EXACT}"
    + _LEFT.format(
        side="old",
        and_near="""AND (s.pending OR s.date >= (
            SELECT min(date) - :days FROM new WHERE account = s.account))""",
    )
)
LEFT_NEW = text(f"WITH {EXACT}" + _LEFT.format(side="new", and_near=""))


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


@dataclass(frozen=True)
class Plan:
    accounts: list[AccountPlan]
    sure: list[Pair]
    doubtful: list[Pair]
    gone: list[Row]
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
    counts = {row.account: row for row in session.execute(COUNTS, values)}
    old = [_row(r) for r in session.execute(LEFT_OLD, values | {"days": DAYS})]
    new = [_row(r) for r in session.execute(LEFT_NEW, values)]
    sure, doubtful = pair_up(old, new)
    paired = {pair.old.id for pair in (*sure, *doubtful)}
    gone = [
        row
        for row in old
        if row.id not in paired and is_gone(row, counts[row.account].since)
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
    said = [f"{id}{c.new_id}{c.exact_hash}" for id, c in sorted(counts.items())]
    said += [f"{pair.old.id}{pair.new.id}" for pair in (*sure, *doubtful)]
    said += [str(row.id) for row in gone]
    agreed = hashlib.sha256("".join(said).encode()).hexdigest()
    return Plan(plans, sure, doubtful, gone, agreed)


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
