"""Money in and out over time, by day or by month, for the chart and its table."""

import datetime as dt
import uuid
from dataclasses import dataclass
from decimal import Decimal

from babel.dates import format_date
from sqlalchemy import text
from sqlalchemy.orm import Session

from webapp.period import ONE_DAY, Period

LONGEST_BY_DAY = 92  # days; past that, bars by day are too thin to read


@dataclass(frozen=True)
class Point:
    """A day or a month. Income and spending are positive, net is signed."""

    start: dt.date
    label: str
    income: Decimal
    spending: Decimal

    @property
    def net(self) -> Decimal:
        return self.income - self.spending


@dataclass(frozen=True)
class CashFlow:
    unit: str
    points: list[Point]


SUMS = text("""
    SELECT currency, CAST(date_trunc(:unit, date) AS date) AS start,
           coalesce(sum(amount) FILTER (WHERE flow = 'income'), 0) AS income,
           coalesce(-sum(amount) FILTER (WHERE flow <> 'income'), 0) AS spending
    FROM ledger
    WHERE user_id = :user_id AND date >= :start AND date < :end
      AND NOT pending AND flow IN ('income', 'spending', 'refund')
    GROUP BY 1, 2
""")


def cash_flow(
    session: Session, user_id: uuid.UUID, period: Period, locale: str
) -> dict[str, CashFlow]:
    """By currency. Days and months without rows are points of zero, not gaps."""
    unit = "day" if period.days <= LONGEST_BY_DAY else "month"
    values = {
        "user_id": user_id, "unit": unit, "start": period.start, "end": period.end
    }  # fmt: skip
    sums: dict[str, dict[dt.date, tuple[Decimal, Decimal]]] = {}
    for currency, start, income, spending in session.execute(SUMS, values):
        sums.setdefault(currency, {})[start] = (income, spending)
    return {
        currency: CashFlow(unit, _points(period, unit, found, locale))
        for currency, found in sums.items()
    }


def _points(
    period: Period,
    unit: str,
    found: dict[dt.date, tuple[Decimal, Decimal]],
    locale: str,
) -> list[Point]:
    nothing = (Decimal(0), Decimal(0))
    pattern = "MMM d" if unit == "day" else "MMM y"
    starts = _starts(period, unit)
    if unit == "month":  # a long custom range begins with the first row
        starts = [start for start in starts if start >= min(found)]
    return [
        Point(start, format_date(start, pattern, locale), *found.get(start, nothing))
        for start in starts
    ]


def _starts(period: Period, unit: str) -> list[dt.date]:
    start = period.start if unit == "day" else period.start.replace(day=1)
    starts = []
    while start < period.end:
        starts.append(start)
        if unit == "day":
            start += ONE_DAY
        else:
            start = (start + 31 * ONE_DAY).replace(day=1)
    return starts
