"""Made-up figures in the very classes that the pages get: some ordinary, some nasty."""

import datetime as dt
import uuid
from decimal import Decimal

from webapp.dashboard.queries import Board, DayGroup, Line, ShownPeriod
from webapp.ledger.banks import AccountLine, Bank, BankTrouble, KeptBank
from webapp.ledger.cash_flow import CashFlow, Point
from webapp.ledger.freshness import Freshness
from webapp.ledger.net_worth import NetWorth
from webapp.ledger.totals import (
    CategoryLine,
    CurrencyTotals,
    Figure,
    LeftOut,
    Pending,
)
from webapp.period import NAMES

TODAY = dt.date(2026, 11, 22)
NASTY = '"><script>alert(1)</script>{{ 7*7 }}'
LONG = "Landesbausparkasse of Northern Somewhere and Affiliates Incorporated"
PERIODS = list(NAMES.items())
SPENT = {
    "Rent and utilities": "1850.00",
    "Food and drink": "812.46",
    "General merchandise": "493.18",
    "Transportation": "301.77",
    "Loan payments": "250.00",
    "Entertainment": "118.40",
    "Personal care": "64.20",
    "Medical": "45.00",
    "Travel": "39.99",
    NASTY: "12.00",
    "Government and non-profit": "8.00",
    "Refunded more than spent": "-31.00",
}


def period(name: str) -> ShownPeriod:
    label = "Nov 1 – 22, 2026"
    return ShownPeriod(name, TODAY.replace(day=1), TODAY, label, "Oct 1 – 22, 2026")


def figure(amount: str, previous: str | None) -> Figure:
    return Figure(Decimal(amount), None if previous is None else Decimal(previous))


def categories(factor: int) -> list[CategoryLine]:
    whole = sum(Decimal(amount) for amount in SPENT.values())
    return [
        CategoryLine(
            primary=label.upper(),
            label=label,
            colour_index=index,
            amount=Decimal(amount) * factor,
            previous=Decimal(0),
            count=3,
            share=max(Decimal(amount) / whole, Decimal(0)),
        )
        for index, (label, amount) in enumerate(SPENT.items())
    ]


def cash_flow() -> CashFlow:
    points = []
    for number in range(TODAY.day):
        income = Decimal(3200 if number in (0, 14) else 0)
        spending = Decimal(number * 37 % 190) + Decimal("0.35")
        spending += 1850 if number == 2 else 0
        day = TODAY.replace(day=number + 1)
        points.append(Point(day, f"Nov {day.day}", income, spending))
    return CashFlow("day", points)


def currency(code: str, factor: int, net: str, income: Figure) -> CurrencyTotals:
    return CurrencyTotals(
        currency=code,
        income=income,
        spending=figure(f"{3995 * factor}.00", f"{4210 * factor}.55"),
        net=figure(net, "2039.45"),
        categories=categories(factor),
        pending=Pending(3, Decimal(0), Decimal("84.19")),
        left_out=[
            LeftOut("transfer", "Transfers between accounts", 4, Decimal(-900)),
            LeftOut("card_payment", "Card payments", 2, Decimal("1204.11")),
        ],
    )


DOLLARS = currency("USD", 1, "2405.00", figure("6400.00", "6250.00"))
EUROS = currency("EUR", 97, "-381243.07", figure("0.00", None))


def account(name: str, mask: str | None, kind: str, balance: str | None) -> AccountLine:
    amount = None if balance is None else Decimal(balance)
    return AccountLine(
        id=uuid.uuid5(uuid.NAMESPACE_OID, name),
        name=name,
        mask=mask,
        type=kind,
        subtype={"credit": "credit card", "depository": "checking"}[kind],
        balance=amount,
        available=None if amount is None else amount - 10,
        currency="USD",
        is_hidden=False,
    )


def bank(name: str = "First Platypus Bank", **changes: object) -> Bank:
    now = dt.datetime.now(dt.UTC)
    usual: dict[str, object] = {
        "id": uuid.uuid5(uuid.NAMESPACE_OID, name),
        "name": name,
        "logo": None,
        "primary_color": None,
        "state": "healthy",
        "sentence": "Up to date.",
        "action": "sync",
        "button": "Sync now",
        "ends_at": None,
        "is_current": True,
        "is_syncing": False,
        "progress_words": "1,240 transactions read so far",
        "synced_at": now - dt.timedelta(minutes=12),
        "updated_at": now - dt.timedelta(hours=3),
        "failed_at": None,
        "has_history": True,
        "error": None,
        "accounts": [
            account("Plaid Checking", "0000", "depository", "4310.52"),
            account("Plaid Savings", "1111", "depository", "18210.00"),
            account("Plaid Credit Card", "3333", "credit", "-410.17"),
            account("An account the bank says nothing of", "4", "depository", None),
        ],
    }
    return Bank(**(usual | changes))  # type: ignore[arg-type]


TROUBLE = BankTrouble("ITEM_LOGIN_REQUIRED", "Please sign in again.", "kq2hD9xYzAb")
BROKEN = bank(
    LONG,
    state="login_required",
    sentence="Your bank wants you to log in again. Until then nothing new comes in.",
    action="repair",
    button="Log in again",
    failed_at=dt.datetime.now(dt.UTC) - dt.timedelta(hours=1),
    is_current=False,
    error=TROUBLE,
    accounts=[account("Everyday " + LONG, None, "depository", "-12.00")],
)
ENDING = bank(
    "Houndstooth Bank",
    state="expiring",
    sentence="Your bank's permission runs out soon. Renew it to go on.",
    action="repair",
    button="Renew",
    ends_at=dt.datetime.now(dt.UTC) + dt.timedelta(days=6),
)
KEPT = [
    KeptBank(uuid.UUID(int=9), name, None, at, at, 1240)
    for name in ("Tattersall Credit Union", LONG)
    for at in [dt.datetime.now(dt.UTC) - dt.timedelta(days=40)]
]
WORKING = bank(
    "Tartan Bank",
    state="first_sync",
    sentence="Reading your history for the first time.",
    is_current=False,
    is_syncing=True,
    synced_at=None,
    accounts=[],
)


def line(days_ago: int, name: str, amount: str, **changes: object) -> Line:
    usual: dict[str, object] = {
        "id": uuid.uuid5(uuid.NAMESPACE_OID, name),
        "date": TODAY - dt.timedelta(days=days_ago),
        "name": name,
        "account_name": "Plaid Checking",
        "category_label": "Food and drink",
        "amount": Decimal(amount),
        "currency": "USD",
        "pending": False,
        "flow": "spending",
    }
    return Line(**(usual | changes))  # type: ignore[arg-type]


RECENT = [
    [
        line(0, "Blue Bottle Coffee", "-5.60", pending=True),
        line(0, "A merchant whose name goes on for ever", "-92.00", account_name=LONG),
    ],
    [
        line(1, "Acme Payroll", "3200.00", category_label="Income", flow="income"),
        line(1, NASTY, "-11.00", category_label=NASTY),
        line(1, "Café Sperl", "-12.50", currency="EUR"),
        line(1, "To savings", "-300.00", flow="transfer"),
    ],
    [line(6, "A very large purchase", "-1234567.89")],
]


def board(*currencies: CurrencyTotals, **changes: object) -> Board:
    usual: dict[str, object] = {
        "currencies": list(currencies),
        "cash_flow": {"USD": cash_flow(), "EUR": cash_flow()},
        "banks": [bank(), BROKEN],
        "recent": [DayGroup(lines[0].date, lines) for lines in RECENT],
        "net_worth": [NetWorth("USD", Decimal("22520.52"), Decimal("-422.17"))],
        "freshness": Freshness(TODAY - dt.timedelta(days=10), 1, 2, LONG),
    }
    return Board(**(usual | changes))  # type: ignore[arg-type]


DEBT = NetWorth("EUR", Decimal(0), Decimal("-880.10"))
BOARDS = {
    "ordinary": board(DOLLARS),
    "two": board(
        DOLLARS,
        EUROS,
        net_worth=[*board().net_worth, DEBT],
        cash_flow={"USD": cash_flow()},
    ),
    "empty": board(banks=[], is_empty=True),
    "disconnected": board(
        DOLLARS, banks=[], net_worth=[], freshness=Freshness(None, 0, 0, None)
    ),
    "quiet": board(recent=[], banks=[bank()], freshness=Freshness(TODAY, 1, 1, None)),
    "syncing": board(DOLLARS, banks=[WORKING, bank()], recent=[]),
}
