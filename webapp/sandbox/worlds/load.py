"""user_load_<n>: exactly n rows over the days requested, made fast."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from ..event import Event, purchase
from ..merchants import EVERYDAY, OTHER, SUBSCRIPTIONS, UTILITIES, Merchant
from .world import Account, World

MOST = 1_000_000
_MERCHANTS = EVERYDAY + SUBSCRIPTIONS + UTILITIES
_EMPLOYER = Merchant("Northwind Robotics", "INCOME_SALARY", OTHER, kind="income_source")


def _accounts() -> tuple[Account, ...]:
    return (
        Account(
            name="Load Checking",
            type="depository",
            subtype="checking",
            mask="4001",
            current=Decimal("5210.44"),
            available=Decimal("5210.44"),
        ),
        Account(
            name="Load Credit Card",
            type="credit",
            subtype="credit card",
            mask="4002",
            current=Decimal("812.10"),
            available=Decimal("9187.90"),
            limit=Decimal(10000),
        ),
    )


def world(count: int, created_on: date, days: int) -> World:
    """`count` rows, the last of `days` days being the day of linking."""

    def events(first: date, last: date) -> Iterator[Event]:
        start = created_on - timedelta(days=days - 1)
        low = max(0, (first - start).days)
        high = min(days - 1, (last - start).days)
        for index in range(low, high + 1):
            day = start + timedelta(days=index)
            rows = count * (index + 1) // days - count * index // days
            yield from _day(day, rows)

    return World(_accounts(), events)


def _day(day: date, rows: int) -> Iterator[Event]:
    random = Random(f"load {day}").random  # noqa: S311
    before = day - timedelta(days=1)
    for row in range(rows):
        if row % 72 == 1:
            cents = 180_000 + int(random() * 60_000)
            amount = Decimal(-cents).scaleb(-2)
            yield purchase(_EMPLOYER, 0, before, day, amount)
            continue
        merchant = _MERCHANTS[int(random() * len(_MERCHANTS))]
        low = merchant.low
        cents = int((low + (merchant.high - low) * random()) * 100)
        yield purchase(merchant, row & 1, before, day, Decimal(cents).scaleb(-2))
