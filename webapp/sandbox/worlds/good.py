"""user_good: fourteen accounts and the familiar sixteen rows of each thirty days."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from ..event import Event
from ..merchants import IN_STORE, ONLINE, OTHER, Merchant, Place
from .world import Account, World

_CYCLE = 30
_SF = Place(city="San Francisco", region="CA", country="US")

_ACCOUNTS = """
Plaid Checking|0000|depository/checking|100|110||Plaid Gold Standard 0% Interest Checking
Plaid Saving|1111|depository/savings|200|210||Plaid Silver Standard 0.1% Interest Saving
Plaid CD|2222|depository/cd||1000||Plaid Bronze Standard 0.2% Interest CD
Plaid Credit Card|3333|credit/credit card||410|2000|Plaid Diamond 12.5% APR Interest Credit Card
Plaid Money Market|4444|depository/money market|43200|43200||Plaid Platinum Standard 1.85% Interest Money Market
Plaid IRA|5555|investment/ira||320.76||
Plaid 401k|6666|investment/401k||23631.9805||
Plaid Student Loan|7777|loan/student||65262||
Plaid Mortgage|8888|loan/mortgage||56302.06||
Plaid HSA|9001|depository/hsa|6009|6009||Plaid Cares Health Savings Account
Plaid Cash Management|9002|depository/cash management|12060|12060||Plaid Growth Cash Management
Plaid Auto Loan|9003|loan/auto||23211.33||
Plaid Home Equity Line of Credit|9004|loan/home equity||13500.5||
Plaid Business Credit Card|9999|credit/credit card|4980|5020|10000|Plaid Platinum Small Business Credit Card
"""  # noqa: E501


def _merchant(
    name: str, category: str, website: str | None, channel: str = IN_STORE
) -> Merchant:
    place = _SF if channel == IN_STORE else Place()
    return Merchant(name, category, channel, website=website, place=place)


_UBER = _merchant("Uber", "TRANSPORTATION_TAXIS_AND_RIDE_SHARES", "uber.com", ONLINE)
_UNITED = _merchant("United Airlines", "TRAVEL_FLIGHTS", "united.com")
_MCDONALDS = _merchant("McDonald's", "FOOD_AND_DRINK_FAST_FOOD", "mcdonalds.com")
_STARBUCKS = _merchant("Starbucks", "FOOD_AND_DRINK_COFFEE", "starbucks.com")
_KFC = _merchant("KFC", "FOOD_AND_DRINK_FAST_FOOD", "kfc.com")
_SPARKFUN = _merchant("FUN", "FOOD_AND_DRINK_RESTAURANT", None)
_GYM = "PERSONAL_CARE_GYMS_AND_FITNESS_CENTERS|LOW"
_BIKES = "GENERAL_MERCHANDISE_SPORTING_GOODS|LOW"
_PAYMENT = "LOAN_PAYMENTS_CREDIT_CARD_PAYMENT|LOW"

# Days after the start of a cycle, account, statement text, amount, merchant or category
_ROWS: tuple[tuple[int, int, str, str, Merchant | str], ...] = (
    (1, 0, "SparkFun", "89.4", _SPARKFUN),
    (2, 0, "McDonald's", "12", _MCDONALDS),
    (2, 0, "Starbucks", "4.33", _STARBUCKS),
    (3, 3, "Touchstone Climbing", "78.5", _GYM),
    (4, 3, "United Airlines", "500", _UNITED),
    (4, 3, "AUTOMATIC PAYMENT - THANK", "2078.5", _PAYMENT),
    (5, 3, "KFC", "500", _KFC),
    (5, 3, "Madison Bicycle Shop", "500", _BIKES),
    (6, 2, "CD DEPOSIT .INITIAL.", "1000", "TRANSFER_OUT_SAVINGS|LOW"),
    (7, 1, "CREDIT CARD 3333 PAYMENT *//", "25", _PAYMENT),
    (
        7,
        4,
        "ACH Electronic CreditGUSTO PAY 123456",
        "5850",
        "TRANSFER_OUT_ACCOUNT_TRANSFER|LOW",
    ),
    (14, 3, "Tectra Inc", "500", "OTHER_OTHER|LOW"),
    (20, 0, "United Airlines", "-500", _UNITED),
    (23, 0, "Uber 063015 SF**POOL**", "5.4", _UBER),
    (25, 1, "INTRST PYMNT", "-4.22", "INCOME_INTEREST_EARNED|LOW"),
    (27, 0, "Uber 072515 SF**POOL**", "6.33", _UBER),
)


def accounts() -> tuple[Account, ...]:
    found = []
    for line in _ACCOUNTS.strip().splitlines():
        name, mask, kind, available, current, limit, official = line.split("|")
        account_type, subtype = kind.split("/")
        found.append(
            Account(
                name=name,
                mask=mask,
                type=account_type,
                subtype=subtype,
                available=Decimal(available) if available else None,
                current=Decimal(current),
                limit=Decimal(limit) if limit else None,
                official_name=official or None,
                holder_category="business" if "Business" in name else "personal",
            )
        )
    return tuple(found)


def world(created_on: date) -> World:
    """Cycles are counted back from the day of linking; nothing is ever pending."""

    def events(first: date, last: date) -> Iterator[Event]:
        cycles = (created_on - first).days // _CYCLE + 1
        for cycle in range(cycles, -1, -1):
            start = created_on - timedelta(days=_CYCLE * (cycle + 1) - 1)
            for days, account, name, amount, who in _ROWS:
                on = start + timedelta(days=days)
                if first <= on <= last:
                    yield _event(account, on, name, Decimal(amount), who)

    return World(accounts(), events)


def _event(
    account: int, on: date, name: str, amount: Decimal, who: Merchant | str
) -> Event:
    if isinstance(who, str):
        return Event(account, on, on, amount, name, who, channel=OTHER, original=name)
    channel, place = who.channel, who.place
    return Event(
        account, on, on, amount, name, who.pfc, who, channel, place=place, original=name
    )
