"""user_demo_main: the bank where a salary arrives and the bills are paid."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from ..event import Event, purchase
from ..merchants import CAFES, GROCERS, NOWHERE, ONLINE, OTHER, UTILITIES, Merchant
from . import demo_card
from .balance import opened
from .demo_card import between, dice, settles
from .world import Account, World

CHECKING, SAVINGS = 0, 1
_RAISE = Decimal("1.04")
_FIRST_YEAR = 2024


def _who(
    name: str, category: str, text: str, kind: str = "merchant", channel: str = OTHER
) -> Merchant:
    return Merchant(name, category, channel, text, kind=kind, place=NOWHERE)


_EMPLOYER = _who(
    "Northwind Robotics", "INCOME_SALARY", "NORTHWIND ROBOT PAYROLL", "income_source"
)
_LANDLORD = _who(
    "Harbor Property Management", "RENT_AND_UTILITIES_RENT", "HARBOR PROP WEB PMTS"
)
_LENDER = _who(
    "EdLoan Servicing",
    "LOAN_PAYMENTS_STUDENT_LOAN_PAYMENT",
    "EDLOAN STUDENT LN PYMT",
    "financial_institution",
)
_INSURER = _who(
    "Shoreline Mutual", "GENERAL_SERVICES_INSURANCE", "SHORELINE MUT INS PREM"
)
_CHARITY = _who(
    "Bay Food Bank", "GOVERNMENT_AND_NON_PROFIT_DONATIONS", "BAY FOOD BANK DON"
)
_PAYSWIFT_IN = _who(
    "Payswift", "TRANSFER_IN_TRANSFER_IN_FROM_APPS", "PAYSWIFT CASHOUT", "payment_app"
)
_PAYSWIFT_OUT = _who(
    "Payswift",
    "TRANSFER_OUT_TRANSFER_OUT_FROM_APPS",
    "PAYSWIFT PAYMENT",
    "payment_app",
    ONLINE,
)
_COURIER = _who("Dashbox", "INCOME_GIG_ECONOMY", "DASHBOX COURIER PAY", "income_source")
_TREASURY = _who(
    "US Treasury", "INCOME_TAX_REFUND", "IRS TREAS 310 TAX REF", "income_source"
)
_SITTER = "GENERAL_SERVICES_CHILDCARE|MEDIUM"


def world(created_on: date) -> World:
    accounts = (
        Account(
            name="Everyday Checking",
            official_name="First Platypus Everyday Checking",
            type="depository",
            subtype="checking",
            mask="4821",
            current=Decimal(0),
        ),
        Account(
            name="Rainy Day Savings",
            official_name="First Platypus High Yield Savings",
            type="depository",
            subtype="savings",
            mask="9034",
            current=Decimal(0),
        ),
    )
    return World(opened(accounts, events, created_on), events, grows=True)


def events(first: date, last: date) -> Iterator[Event]:
    day = first
    while day <= last:
        yield from _income(day)
        yield from _bills(day)
        yield from _own_transfers(day)
        yield from _spending(day)
        yield from _bank(day)
        day += timedelta(days=1)


def _grown(base: str, day: date) -> Decimal:
    """An amount that is raised by four per cent every January."""
    grown = Decimal(base) * _RAISE ** (day.year - _FIRST_YEAR)
    return grown.quantize(Decimal("0.01"))


def is_payday(day: date) -> bool:
    """Every other Friday."""
    return day.toordinal() % 14 == 5


def _ach(who: Merchant, day: date, amount: Decimal) -> Event:
    return purchase(who, CHECKING, day, day, amount)


def _income(day: date) -> Iterator[Event]:
    if is_payday(day):
        yield _ach(_EMPLOYER, day, -_grown("2618.40", day))
    if (day.month, day.day) == (4, 9):
        refund = between(640, 1380, dice("tax", day.year))
        yield _ach(_TREASURY, day, -refund)
    random = dice("gig", day)
    if day.weekday() == 6 and random.random() < 0.25:
        yield _ach(_COURIER, day, -between(42, 118, random))


def _bills(day: date) -> Iterator[Event]:
    if day.day == 1:
        yield _ach(_LANDLORD, day, _grown("1725.00", day))
    for utility, on in zip(UTILITIES, (6, 19, 9, 23), strict=True):
        if day.day == on:
            season = abs(day.month - 7) / 6 if "Power" in utility.name else 0.5
            amount = utility.low + (utility.high - utility.low) * season
            yield _ach(utility, day, Decimal(str(amount)).quantize(Decimal("0.01")))
    if day.day == 18:
        yield _ach(_LENDER, day, Decimal("214.60"))
    if day.day == 26:
        yield _ach(_INSURER, day, _grown("88.75", day))
    if day.day == 2 and day.month % 3 == 0:
        yield _ach(_CHARITY, day, Decimal("40.00"))


def _own_transfers(day: date) -> Iterator[Event]:
    """Both sides of what moves to savings, and one side of what leaves the bank."""
    if is_payday(day - timedelta(days=3)):
        yield from _transfer(CHECKING, SAVINGS, day, Decimal("300.00"))
    if day.day == 27 and day.month in (2, 5, 9):
        yield from _transfer(SAVINGS, CHECKING, day, Decimal("450.00"))
    due = demo_card.payment_due(day)
    if due is not None:
        category = "LOAN_PAYMENTS_CREDIT_CARD_PAYMENT|VERY_HIGH"
        name = "GINGHAM CARD AUTOPAY 7716"
        yield Event(
            CHECKING, day, day, due, name, category, reference=f"{day:%y%m%d}7716"
        )
    euro = demo_card.top_up(day)
    if euro is not None:
        category = "TRANSFER_OUT_ACCOUNT_TRANSFER|HIGH"
        amount = (euro * Decimal("1.09")).quantize(Decimal("0.01"))
        yield Event(
            CHECKING, day, day, amount, "Transfer to Gingham EUR 5508", category
        )


def _transfer(source: int, target: int, day: date, amount: Decimal) -> Iterator[Event]:
    names = ("Everyday Checking ...4821", "Rainy Day Savings ...9034")
    reference = f"{day:%Y%m%d}{source}{target}"
    out, into = "TRANSFER_OUT_SAVINGS|HIGH", "TRANSFER_IN_SAVINGS|HIGH"
    if source == SAVINGS:
        out, into = (
            "TRANSFER_OUT_ACCOUNT_TRANSFER|HIGH",
            "TRANSFER_IN_ACCOUNT_TRANSFER|HIGH",
        )
    yield Event(
        source,
        day,
        day,
        amount,
        f"Transfer to {names[target]}",
        out,
        reference=reference,
    )
    yield Event(
        target,
        day,
        day,
        -amount,
        f"Transfer from {names[source]}",
        into,
        reference=reference,
    )


def _spending(day: date) -> Iterator[Event]:
    random = dice("main", day)
    if random.random() < 0.22:
        shop = random.choice(GROCERS[:3])
        amount = between(shop.low, shop.high, random)
        yield purchase(shop, CHECKING, day, settles(day, random), amount)
    if random.random() < 0.12:
        cafe = random.choice(CAFES)
        amount = between(cafe.low, cafe.high, random)
        yield purchase(cafe, CHECKING, day, settles(day, random), amount)
    if random.random() < 0.05:
        who, sign = random.choice(((_PAYSWIFT_OUT, 1), (_PAYSWIFT_IN, -1)))
        yield _ach(who, day, sign * between(12, 64, random))
    if day.day in (7, 22):
        cash = Decimal(random.choice((40, 60, 80, 100)))
        name = "ATM WITHDRAWAL 004412 OAKLAND CA"
        category = "TRANSFER_OUT_WITHDRAWAL|VERY_HIGH"
        yield Event(CHECKING, day, day, cash, name, category)
        if random.random() < 0.3:
            category = "BANK_FEES_ATM_FEES|VERY_HIGH"
            fee = Decimal("3.50")
            yield Event(CHECKING, day, day, fee, "NON-NETWORK ATM FEE", category)
    if day.day == 16 and day.month % 2 == 0:
        number = str(1040 + (day.year - _FIRST_YEAR) * 6 + day.month // 2)
        posts_on = day + timedelta(days=2)
        yield Event(
            CHECKING,
            day,
            posts_on,
            Decimal("120.00"),
            f"CHECK {number}",
            _SITTER,
            check_number=number,
        )


def _bank(day: date) -> Iterator[Event]:
    if (day + timedelta(days=1)).day == 1:
        category = "INCOME_INTEREST_EARNED|VERY_HIGH"
        interest = between(14, 23, dice("interest", day))
        yield Event(SAVINGS, day, day, -interest, "INTEREST PAYMENT", category)
    if day.day == 28 and dice("fee", day).random() < 0.15:
        category = "BANK_FEES_OTHER_BANK_FEES|HIGH"
        fee = Decimal("12.00")
        yield Event(CHECKING, day, day, fee, "MONTHLY SERVICE FEE", category)
