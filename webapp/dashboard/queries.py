"""What the dashboard shows, in five statements."""

import datetime as dt
import itertools
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal

from babel.dates import format_interval
from sqlalchemy import text
from sqlalchemy.orm import Session

from webapp.ledger.bank_changes import count_bank_changes
from webapp.ledger.banks import Bank, list_banks, list_kept
from webapp.ledger.cash_flow import CashFlow, cash_flow
from webapp.ledger.freshness import Freshness, freshness
from webapp.ledger.net_worth import NetWorth
from webapp.ledger.net_worth import net_worth as sum_net_worth
from webapp.ledger.totals import CurrencyTotals, totals
from webapp.period import Period, PeriodError

RECENT = 15
# What a row is when it is neither plain income nor plain spending.
FLOW_LABELS = {
    "transfer": "Transfer",
    "card_payment": "Card payment",
    "refund": "Refund",
    "excluded": "Left out",
}


@dataclass(frozen=True)
class Line:
    """A recent transaction; `amount` positive = money in."""

    id: uuid.UUID
    date: dt.date
    name: str
    account_name: str
    category_label: str
    amount: Decimal
    currency: str
    pending: bool
    flow: str

    @property
    def merchant_initials(self) -> str:
        words = [word for word in self.name.split() if word[0].isalnum()]
        return "".join(word[0] for word in words[:2]).upper() or "?"

    @property
    def flow_label(self) -> str | None:
        return FLOW_LABELS.get(self.flow)


@dataclass(frozen=True)
class DayGroup:
    day: dt.date
    rows: list[Line]

    @property
    def total_by_currency(self) -> list[tuple[str, Decimal]]:
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for row in self.rows:
            sums[row.currency] += row.amount
        return sorted(sums.items())


@dataclass(frozen=True)
class Board:
    currencies: list[CurrencyTotals]
    cash_flow: dict[str, CashFlow]  # by currency
    banks: list[Bank]
    recent: list[DayGroup]
    net_worth: list[NetWorth]
    freshness: Freshness
    bank_changes: int = 0  # rows with a decision to take
    is_empty: bool = False  # no bank was ever linked

    @property
    def is_syncing(self) -> bool:
        return any(bank.is_syncing for bank in self.banks)

    @property
    def syncing_words(self) -> str:
        busy = [bank for bank in self.banks if bank.is_syncing]
        total = len(self.banks)
        banks = "bank" if total == 1 else "banks"
        done = f"{total - len(busy)} of {total} {banks} done"
        return f"{done}. {busy[0].progress_words}."


@dataclass(frozen=True)
class ShownPeriod:
    """A period in the person's words."""

    name: str
    start: dt.date
    last_day: dt.date
    label: str
    previous_label: str
    args: dict[str, str] = field(default_factory=dict)  # the query string of this view


RECENT_ROWS = text("""
    SELECT t.id, t.date, coalesce(t.user_name, t.merchant_name, t.name) AS name,
           coalesce(a.user_name, a.name) AS account_name,
           coalesce(c.label, p.label, 'Uncategorised') AS category_label,
           t.amount, t.currency, t.pending, l.flow
    FROM (SELECT * FROM ledger WHERE user_id = :user_id
          ORDER BY date DESC, id DESC LIMIT :limit) l
    JOIN transactions t ON t.user_id = l.user_id AND t.id = l.id
    JOIN bank_accounts a ON a.user_id = t.user_id AND a.id = t.bank_account_id
    LEFT JOIN categories c ON c.code = l.category_detailed
    LEFT JOIN categories p ON p.code = l.category_primary
    ORDER BY t.date DESC, t.id DESC
""")


def board(
    session: Session,
    user_id: uuid.UUID,
    period: Period,
    now: dt.datetime,
    zone: dt.tzinfo,
    locale: str,
) -> Board:
    """The dashboard of `period`. `now` is an aware instant, `zone` the user's."""
    banks = list_banks(session, user_id, now)
    if not banks and not list_kept(session, user_id):
        return Board([], {}, [], [], [], freshness([], zone), is_empty=True)
    return Board(
        currencies=totals(session, user_id, period),
        cash_flow=cash_flow(session, user_id, period, locale),
        banks=banks,
        recent=_recent(session, user_id),
        net_worth=sum_net_worth(banks),
        freshness=freshness(banks, zone),
        bank_changes=count_bank_changes(session, user_id),
    )


def _recent(session: Session, user_id: uuid.UUID) -> list[DayGroup]:
    rows = session.execute(RECENT_ROWS, {"user_id": user_id, "limit": RECENT})
    lines = [Line(**row) for row in rows.mappings()]
    days = itertools.groupby(lines, key=lambda line: line.date)
    return [DayGroup(day, list(members)) for day, members in days]


def shown(period: Period, locale: str, error: PeriodError | None) -> ShownPeriod:
    """With an error, `period` stands in for what was asked for and keeps being it."""
    asked = {"period": "custom", **error.entered} if error else period.args
    return ShownPeriod(
        period.name,
        period.start,
        period.last_day,
        _words(period, locale),
        _words(period.previous, locale),
        asked,
    )


def _words(period: Period, locale: str) -> str:
    """'Nov 1 – 22, 2026', as the locale writes a span of days."""
    return str(format_interval(period.start, period.last_day, "yMMMd", locale=locale))
