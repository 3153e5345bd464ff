"""Totals, charts and left-out groups of random ledgers, against plain Python sums."""

import datetime as dt
import uuid
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, text

from tests.factories import make_account, make_item
from tests.ledger.rows import add, make_person, open_account, row
from webapp.extensions import db
from webapp.ledger.cash_flow import cash_flow
from webapp.ledger.totals import CurrencyTotals, totals
from webapp.models import BankAccount, Transaction
from webapp.money import minor_digits
from webapp.period import Period

TOO_SLOW = HealthCheck.too_slow
TODAY = dt.date(2026, 3, 31)
NOW = dt.datetime(2026, 3, 31, tzinfo=dt.UTC)
CURRENCIES = ["USD", "USD", "JPY", "KWD", "BTC"]
CATEGORIES: list[tuple[str | None, str | None]] = [
    (None, None),
    ("FOOD_AND_DRINK", "FOOD_AND_DRINK_COFFEE"),
    ("FOOD_AND_DRINK", "FOOD_AND_DRINK_GROCERIES"),
    ("SPACE_TRAVEL", "SPACE_TRAVEL_MOON"),
    ("INCOME", "INCOME_SALARY"),
    ("TRANSFER_IN", "TRANSFER_IN_SAVINGS"),
    ("TRANSFER_IN", "TRANSFER_IN_DEPOSIT"),
    ("TRANSFER_OUT", "TRANSFER_OUT_WITHDRAWAL"),
    ("TRANSFER_OUT", "TRANSFER_OUT_TRANSFER_OUT_FROM_APPS"),
    ("LOAN_DISBURSEMENTS", "LOAN_DISBURSEMENTS_AUTO"),
    ("LOAN_PAYMENTS", "LOAN_PAYMENTS_CREDIT_CARD_PAYMENT"),
    ("LOAN_PAYMENTS", "LOAN_PAYMENTS_CAR_PAYMENT"),
]
CHOSEN = [None, None, None, "MEDICAL", "INCOME_SALARY", "TRANSFER_OUT", "BEEKEEPING"]
PARENTS = {"INCOME_SALARY": "INCOME"}


@dataclass(frozen=True)
class Made:
    """One random row."""

    account: int
    units: int  # of the currency's minor unit
    days: int  # before today
    category: tuple[str | None, str | None]
    chosen: str | None
    pending: bool
    excluded: bool
    removed: bool


rare = st.sampled_from([False, False, False, True])
made = st.builds(
    Made, st.integers(0, 4), st.integers(-500, 500), st.integers(-2, 400),
    st.sampled_from(CATEGORIES), st.sampled_from(CHOSEN), rare, rare, rare,
)  # fmt: skip
customs = st.tuples(st.integers(0, 400), st.integers(0, 120)).map(
    lambda pair: Period(
        "custom",
        TODAY - dt.timedelta(days=pair[0]),
        TODAY - dt.timedelta(days=pair[0] - pair[1] - 1),
    )
)
periods = customs | st.sampled_from(
    [Period.named(name, TODAY) for name in ("this-month", "last-30-days",
     "last-90-days", "last-365-days")]
)  # fmt: skip


def flow_of(r: dict[str, Any], hidden: bool) -> tuple[str, str | None]:
    """The rules once more, in Python: (flow, category)."""
    primary, detailed = r["category_primary"], r["category_detailed"]
    if r["user_category"]:
        detailed = r["user_category"]
        primary = PARENTS.get(detailed, detailed)
    by_sign = "income" if r["amount"] > 0 else "spending"
    if r["excluded"] or hidden:
        return "excluded", primary
    if detailed == "LOAN_PAYMENTS_CREDIT_CARD_PAYMENT":
        return "card_payment", primary
    if primary == "LOAN_PAYMENTS":
        return "spending", primary
    if detailed == "TRANSFER_OUT_WITHDRAWAL" or str(detailed).endswith("_FROM_APPS"):
        return by_sign, primary
    if detailed == "TRANSFER_IN_DEPOSIT" or primary == "INCOME":
        return "income", primary
    if primary in ("TRANSFER_IN", "TRANSFER_OUT", "LOAN_DISBURSEMENTS"):
        return "transfer", primary
    if r["amount"] <= 0:
        return "spending", primary
    return ("refund" if primary else "income"), primary


@dataclass
class Sums:
    """What a plain loop makes of the rows of one currency in one span of days."""

    income: Decimal = Decimal(0)
    spending: Decimal = Decimal(0)
    pending_in: Decimal = Decimal(0)
    pending_out: Decimal = Decimal(0)
    pending: int = 0
    posted: int = 0
    left_out: Decimal = Decimal(0)
    left_out_rows: int = 0


def recomputed(
    rows: list[dict[str, Any]], accounts: list[BankAccount], period: Period
) -> tuple[dict[str, Sums], dict[str, dict[str | None, Decimal]]]:
    hidden = {a.id for a in accounts if a.hidden_at}
    sums: dict[str, Sums] = defaultdict(Sums)
    spent: dict[str, dict[str | None, Decimal]] = defaultdict(dict)
    for r in rows:
        if r["removed_at"] or not period.start <= r["date"] < period.end:
            continue
        found, amount = sums[r["currency"]], r["amount"]
        flow, category = flow_of(r, r["bank_account_id"] in hidden)
        if r["pending"]:
            found.pending += 1
            found.pending_in += max(amount, 0)
            found.pending_out -= min(amount, 0)
            continue
        found.posted += 1
        if flow == "income":
            found.income += amount
        elif flow in ("spending", "refund"):
            found.spending -= amount
            of_currency = spent[r["currency"]]
            of_currency[category] = of_currency.get(category, Decimal(0)) - amount
        else:
            found.left_out += amount
            found.left_out_rows += 1
    return dict(sums), spent


def check(found: CurrencyTotals, now: Sums, before: Sums | None) -> None:
    assert found.income.amount == now.income
    assert found.spending.amount == now.spending
    assert found.net.amount == now.income - now.spending
    assert found.pending.count == now.pending
    assert found.pending.money_in == now.pending_in
    assert found.pending.money_out == now.pending_out
    assert sum(line.amount for line in found.left_out) == now.left_out
    assert sum(line.count for line in found.left_out) == now.left_out_rows
    if before is None or not before.posted:
        assert found.income.previous is found.spending.previous is None
    else:
        assert found.income.previous == before.income
        assert found.spending.previous == before.spending
        assert found.net.previous == before.income - before.spending


@pytest.fixture
def accounts(app: Flask) -> list[BankAccount]:
    """One of each currency, two in dollars of which one is hidden."""
    item = make_item(app, make_person(app))
    return [
        make_account(app, item, currency=code, hidden_at=NOW if n == 1 else None)
        for n, code in enumerate(CURRENCIES)
    ]


def test_every_figure_equals_the_plain_sum(
    app: Flask, accounts: list[BankAccount]
) -> None:
    foreign = open_account(app)
    add(app, row(foreign, "-1", date=TODAY), row(foreign, "9", date=TODAY))

    @settings(max_examples=150, deadline=None, suppress_health_check=[TOO_SLOW])
    @given(st.lists(made, max_size=40), periods)
    def for_any(rows: list[Made], period: Period) -> None:
        stored = [as_row(one, accounts[one.account]) for one in rows]
        replace_rows(app, accounts[0].user_id, stored)
        check_all(app, accounts, stored, period)

    for_any()


def replace_rows(app: Flask, user_id: uuid.UUID, rows: list[dict[str, Any]]) -> None:
    with app.app_context():
        mine = delete(Transaction).where(Transaction.user_id == user_id)
        db.session.execute(mine)
        db.session.commit()
    add(app, *rows)


def check_all(
    app: Flask,
    accounts: list[BankAccount],
    stored: list[dict[str, Any]],
    period: Period,
) -> None:
    user_id = accounts[0].user_id
    expected, spent = recomputed(stored, accounts, period)
    before, _ = recomputed(stored, accounts, period.previous)
    with app.app_context():
        found = totals(db.session(), user_id, period)
        flows = cash_flow(db.session(), user_id, period, "en_US")
        plain = plain_sums(user_id, period)

    assert {one.currency for one in found} == set(expected)
    for one in found:
        check(one, expected[one.currency], before.get(one.currency))
        # categories add up to spending
        lines = {line.primary: line.amount for line in one.categories}
        assert lines == spent.get(one.currency, {})
        assert sum(lines.values()) == one.spending.amount
        # the points of the chart add up to the totals
        points = flows[one.currency].points if one.currency in flows else []
        assert sum(point.income for point in points) == one.income.amount
        assert sum(point.spending for point in points) == one.spending.amount
        # counted, pending and left out are all there is
        counted = one.income.amount - one.spending.amount
        waiting = one.pending.money_in - one.pending.money_out
        left_out = sum(line.amount for line in one.left_out)
        assert counted + waiting + left_out == plain[one.currency]


def as_row(one: Made, account: BankAccount) -> dict[str, Any]:
    primary, detailed = one.category
    return row(
        account,
        Decimal(one.units).scaleb(-minor_digits(account.currency)),
        date=TODAY - dt.timedelta(days=one.days),
        category_primary=primary,
        category_detailed=detailed,
        user_category=one.chosen,
        pending=one.pending,
        excluded=one.excluded,
        removed_at=NOW if one.removed else None,
    )


def plain_sums(user_id: Any, period: Period) -> dict[str, Decimal]:
    rows = db.session.execute(
        text("""
            SELECT currency, sum(amount) FROM transactions
            WHERE user_id = :user_id AND date >= :start AND date < :end
              AND removed_at IS NULL
            GROUP BY 1
        """),
        {"user_id": user_id, "start": period.start, "end": period.end},
    )
    return dict(tuple(found) for found in rows)
