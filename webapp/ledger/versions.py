"""A transaction as the bank had it at some time, read from what was kept of changes."""

import datetime as dt
import uuid
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

MOST_PAST = 50


@dataclass(frozen=True)
class Version:
    """The bank's facts of a row; `amount` positive = money in."""

    name: str
    category_label: str | None
    amount: Decimal
    currency: str
    date: dt.date
    pending: bool
    account_name: str
    is_removed: bool


@dataclass(frozen=True)
class Difference:
    was: Version
    became: Version

    @property
    def is_removed(self) -> bool:
        return self.became.is_removed and not self.was.is_removed

    @property
    def is_back(self) -> bool:
        return self.was.is_removed and not self.became.is_removed

    @property
    def has_posted(self) -> bool:
        return self.was.pending and not self.became.pending

    @property
    def name_differs(self) -> bool:
        return self.was.name != self.became.name

    @property
    def category_differs(self) -> bool:
        return self.was.category_label != self.became.category_label

    @property
    def amount_differs(self) -> bool:
        was, became = self.was, self.became
        return (was.amount, was.currency) != (became.amount, became.currency)

    @property
    def date_differs(self) -> bool:
        return self.was.date != self.became.date

    @property
    def account_differs(self) -> bool:
        return self.was.account_name != self.became.account_name


@dataclass(frozen=True)
class PastChange(Difference):
    changed_at: dt.datetime
    decision: str | None  # of decisions.Decision


def version_columns(side: str) -> str:
    """SQL: the columns of a Version from `side`, a row of `transactions`."""
    return f"""
        coalesce(({side}).merchant_name, ({side}).name) AS {side}_name,
        (SELECT label FROM categories WHERE code = coalesce(
            ({side}).category_detailed, ({side}).category_primary))
            AS {side}_category_label,
        ({side}).amount AS {side}_amount, ({side}).currency AS {side}_currency,
        ({side}).date AS {side}_date, ({side}).pending AS {side}_pending,
        (SELECT coalesce(user_name, name) FROM bank_accounts
         WHERE user_id = :user_id AND id = ({side}).bank_account_id)
            AS {side}_account_name,
        ({side}).removed_at IS NOT NULL AS {side}_is_removed
    """  # noqa: S608 - our own words


def both(row: Row) -> tuple[Version, Version]:  # type: ignore[type-arg]
    """`was` and `became` of a row that has the columns of both."""
    found, names = row._mapping, Version.__dataclass_fields__
    was, became = (
        Version(**{name: found[f"{side}_{name}"] for name in names})
        for side in ("was", "became")
    )
    return was, became


# What did not change stands in neither of the two: the row as it is now fills it in
PAST = text(f"""
    WITH past AS MATERIALIZED (
        SELECT c.changed_at, c.decision, c.id,
               jsonb_populate_record(t, c.was) AS was,
               jsonb_populate_record(t, c.became) AS became
        FROM transaction_changes c
        JOIN transactions t ON t.user_id = c.user_id AND t.id = c.transaction_id
        WHERE c.user_id = :user_id AND c.transaction_id = :id
        ORDER BY c.changed_at DESC, c.id LIMIT :limit)
    SELECT changed_at, decision, {version_columns("was")}, {version_columns("became")}
    FROM past ORDER BY changed_at DESC, id
""")  # noqa: S608


def list_past_changes(
    session: Session, user_id: uuid.UUID, id: uuid.UUID
) -> list[PastChange]:
    """What the bank changed on a row since it was first stored, the newest first."""
    values = {"user_id": user_id, "id": id, "limit": MOST_PAST}
    rows = session.execute(PAST, values)
    return [PastChange(*both(row), row.changed_at, row.decision) for row in rows]
