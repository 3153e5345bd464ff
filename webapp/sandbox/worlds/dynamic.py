"""user_transactions_dynamic: a month of rows, some pending, that grows on refresh."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from ..event import Event, purchase
from ..merchants import EVERYDAY, OTHER, Merchant
from .demo_card import between, dice
from .world import Account, World

DAYS = 29
_EMPLOYER = Merchant("Gusto", "INCOME_SALARY", OTHER, kind="income_source")


def accounts() -> tuple[Account, ...]:
    return (
        Account(
            name="Plaid Checking",
            official_name="Plaid Gold Standard 0% Interest Checking",
            type="depository",
            subtype="checking",
            mask="0000",
            current=Decimal("3218.40"),
            available=Decimal("3105.12"),
        ),
        Account(
            name="Plaid Credit Card",
            official_name="Plaid Diamond 12.5% APR Interest Credit Card",
            type="credit",
            subtype="credit card",
            mask="3333",
            current=Decimal("611.75"),
            available=Decimal("1388.25"),
            limit=Decimal(2000),
        ),
    )


def world(created_on: date) -> World:
    def events(first: date, last: date) -> Iterator[Event]:
        start = created_on - timedelta(days=DAYS - 1)
        day = max(first, start)
        while day <= min(last, created_on):
            yield from _day(day)
            day += timedelta(days=1)

    return World(accounts(), events)


def _day(day: date) -> Iterator[Event]:
    random = dice("dynamic", day)
    for turn in range(3 + day.day % 2):
        merchant = random.choice(EVERYDAY)
        amount = between(merchant.low, merchant.high, random)
        posts_on = day + timedelta(days=random.randrange(4))
        yield purchase(merchant, turn % 2, day, posts_on, amount)
    if day.toordinal() % 14 == 5:
        yield purchase(_EMPLOYER, 0, day, day, Decimal("-1840.00"))


def fresh(on: date, count: int, turn: int) -> list[Event]:
    """New pending purchases of a refresh; they post with the next one."""
    random = dice("refresh", on, turn)
    found = []
    for number in range(count):
        merchant = random.choice(EVERYDAY)
        amount = between(merchant.low, merchant.high, random)
        posts_on = on + timedelta(days=2)
        found.append(purchase(merchant, number % 2, on, posts_on, amount))
    return found
