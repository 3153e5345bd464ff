"""Income, spending and net of a period, beside the period before.

Reads the view `ledger` and adds nothing to its definition of flow. Currencies
are never added together. Spending is a positive number; refunds lower it.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from webapp.period import Period

ZERO = Decimal(0)
SPENDING = ("spending", "refund")
UNCATEGORISED = "Uncategorised"
REST_OF_PALETTE = 17  # grey, as for OTHER

# Why rows stay out of income and spending, in the person's words.
LEFT_OUT = {
    "transfer": "Transfers between accounts",
    "card_payment": "Card payments",
    "loan_disbursement": "Loans paid out to you",
    "excluded_by_user": "Left out by you",
    "hidden_account": "In hidden accounts",
}


@dataclass(frozen=True)
class Figure:
    """An amount now and in the period before; `previous` None: nothing was known."""

    amount: Decimal
    previous: Decimal | None
    more_is_good: bool = True

    @property
    def change(self) -> Decimal | None:
        return None if self.previous is None else self.amount - self.previous

    @property
    def change_percent(self) -> Decimal | None:
        """As a ratio: 0.1 is ten percent more. None where a ratio says nothing.

        That is where one of the two is not positive: a net that fell from 600 to -1200
        did not fall by 300 percent.
        """
        if self.previous is None or min(self.previous, self.amount) <= 0:
            return None
        return (self.amount - self.previous) / self.previous

    @property
    def direction(self) -> str:
        if not self.change:
            return "same"
        return "up" if self.change > 0 else "down"

    @property
    def good(self) -> bool | None:
        return None if not self.change else (self.change > 0) is self.more_is_good


@dataclass(frozen=True)
class CategoryLine:
    """Spending of one category, positive; negative where refunds outweigh it."""

    primary: str | None
    label: str
    colour_index: int
    amount: Decimal
    previous: Decimal
    count: int
    share: Decimal

    @property
    def share_words(self) -> str:
        """'12%', and '<1%' for what is there but rounds to nothing."""
        percent = round(self.share * 100)
        return "<1%" if percent == 0 and self.share > 0 else f"{percent}%"


@dataclass(frozen=True)
class Pending:
    """Rows that the bank has not posted yet; in no total. Both sums positive."""

    count: int
    money_in: Decimal
    money_out: Decimal


@dataclass(frozen=True)
class LeftOut:
    """Posted rows that are neither income nor spending, and their plain sum."""

    reason: str
    reason_label: str
    count: int
    amount: Decimal


@dataclass(frozen=True)
class CurrencyTotals:
    currency: str
    income: Figure
    spending: Figure
    net: Figure
    categories: list[CategoryLine]
    pending: Pending
    left_out: list[LeftOut]


SUMS = text("""
    SELECT l.currency, l.flow, l.reason, l.pending, l.category_primary,
           coalesce(c.label, l.category_primary) AS label, c.colour_index,
           count(*) FILTER (WHERE l.date >= :start) AS rows,
           coalesce(sum(l.amount) FILTER (WHERE l.date >= :start), 0) AS amount,
           coalesce(sum(l.amount) FILTER (WHERE l.date >= :start AND l.amount > 0), 0)
               AS amount_in,
           count(*) FILTER (WHERE l.date < :previous_end) AS previous_rows,
           coalesce(sum(l.amount) FILTER (WHERE l.date < :previous_end), 0) AS previous
    FROM ledger l
    LEFT JOIN categories c ON c.code = l.category_primary
    WHERE l.user_id = :user_id
      AND (l.date >= :start AND l.date < :end
           OR l.date >= :previous_start AND l.date < :previous_end)
    GROUP BY 1, 2, 3, 4, 5, 6, 7
""")


def totals(
    session: Session, user_id: uuid.UUID, period: Period
) -> list[CurrencyTotals]:
    """One entry for each currency with anything in the period, the busiest first."""
    before = period.previous
    values = {
        "user_id": user_id,
        "start": period.start,
        "end": period.end,
        "previous_start": before.start,
        "previous_end": before.end,
    }
    return add_up(session.execute(SUMS, values).all())


@dataclass
class _Sums:
    income: Decimal = ZERO
    spending: Decimal = ZERO
    count: int = 0

    @property
    def net(self) -> Decimal:
        return self.income - self.spending


@dataclass
class _Currency:
    now: _Sums = field(default_factory=_Sums)
    before: _Sums = field(default_factory=_Sums)
    rows: list[Row] = field(default_factory=list)  # type: ignore[type-arg]
    seen: int = 0


def add_up(groups: Iterable[Row]) -> list[CurrencyTotals]:  # type: ignore[type-arg]
    """The groups of SUMS as totals of each currency."""
    found: dict[str, _Currency] = {}
    for group in groups:
        entry = found.setdefault(group.currency, _Currency())
        entry.rows.append(group)
        entry.seen += group.rows
        if group.pending:
            continue
        _count(entry.now, group.flow, group.amount, group.rows)
        _count(entry.before, group.flow, group.previous, group.previous_rows)
    shown = {code: entry for code, entry in found.items() if entry.seen}
    order = sorted(shown, key=lambda code: (-shown[code].seen, code))
    return [_currency_totals(code, shown[code]) for code in order]


def _count(sums: _Sums, flow: str, amount: Decimal, count: int) -> None:
    if flow == "income":
        sums.income += amount
    elif flow in SPENDING:
        sums.spending -= amount
    sums.count += count


def _currency_totals(currency: str, entry: _Currency) -> CurrencyTotals:
    now, before = entry.now, entry.before
    known = before.count > 0
    return CurrencyTotals(
        currency=currency,
        income=Figure(now.income, before.income if known else None),
        spending=Figure(
            now.spending, before.spending if known else None, more_is_good=False
        ),
        net=Figure(now.net, before.net if known else None),
        categories=_categories(entry.rows),
        pending=_pending(entry.rows),
        left_out=_left_out(entry.rows),
    )


def _categories(rows: list[Row]) -> list[CategoryLine]:  # type: ignore[type-arg]
    spent = [r for r in rows if not r.pending and r.flow in SPENDING]
    keys = {r.category_primary: r for r in spent if r.rows}
    sums = {
        key: (
            -sum((r.amount for r in spent if r.category_primary == key), ZERO),
            -sum((r.previous for r in spent if r.category_primary == key), ZERO),
            sum(r.rows for r in spent if r.category_primary == key),
        )
        for key in keys
    }
    whole = sum((amount for amount, _, _ in sums.values() if amount > 0), ZERO)
    lines = [
        CategoryLine(
            primary=key,
            label=keys[key].label or UNCATEGORISED,
            colour_index=_colour(keys[key].colour_index),
            amount=amount,
            previous=previous,
            count=count,
            share=amount / whole if whole and amount > 0 else ZERO,
        )
        for key, (amount, previous, count) in sums.items()
    ]
    return sorted(lines, key=lambda line: (-line.amount, line.label))


def _colour(index: int | None) -> int:
    return REST_OF_PALETTE if index is None else index


def _pending(rows: list[Row]) -> Pending:  # type: ignore[type-arg]
    waiting = [r for r in rows if r.pending and r.rows]
    came_in = sum((r.amount_in for r in waiting), ZERO)
    return Pending(
        count=sum(r.rows for r in waiting),
        money_in=came_in,
        money_out=came_in - sum((r.amount for r in waiting), ZERO),
    )


def _left_out(rows: list[Row]) -> list[LeftOut]:  # type: ignore[type-arg]
    found = []
    for reason, label in LEFT_OUT.items():
        members = [r for r in rows if r.reason == reason and r.rows and not r.pending]
        if members:
            amount = sum((r.amount for r in members), ZERO)
            count = sum(r.rows for r in members)
            found.append(LeftOut(reason, label, count, amount))
    return found
