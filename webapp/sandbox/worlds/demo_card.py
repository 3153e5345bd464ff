"""user_demo_card: a credit card, and an account in euro for the trips."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from random import Random

from ..event import Event, purchase
from ..merchants import (
    ABROAD,
    CAFES,
    ERRANDS,
    GROCERS,
    RESTAURANTS,
    SHOPS,
    SUBSCRIPTIONS,
    TRAVEL,
    Merchant,
)
from .balance import opened
from .world import Account, World

CARD, EURO = 0, 1
_CENT = Decimal("0.01")
# month, city, first day, nights
_TRIPS = ((3, "Lisboa", 9, 6), (6, "Berlin", 17, 5), (10, "Roma", 4, 7))
_HABITS: tuple[tuple[tuple[Merchant, ...], float], ...] = (
    (GROCERS, 0.32),
    (CAFES, 0.55),
    (RESTAURANTS, 0.20),
    (SHOPS, 0.14),
    (ERRANDS, 0.38),
)


def dice(*words: object) -> Random:
    """The same throws for the same words, on every machine."""
    return Random(" ".join(map(str, words)))  # noqa: S311


def between(low: float, high: float, random: Random) -> Decimal:
    return Decimal(str(random.uniform(low, high))).quantize(_CENT)


def settles(on: date, random: Random) -> date:
    """The day on which a purchase posts: cards take one to three days."""
    return on + timedelta(days=random.choices((0, 1, 2, 3), (1, 3, 4, 3))[0])


def world(created_on: date) -> World:
    accounts = (
        Account(
            name="Gingham Rewards Card",
            official_name="Gingham Rewards Visa Signature",
            type="credit",
            subtype="credit card",
            mask="7716",
            current=Decimal(0),
            available=Decimal(12000),
            limit=Decimal(12000),
        ),
        Account(
            name="Travel Euro Account",
            official_name="Gingham Multi-Currency Account EUR",
            type="depository",
            subtype="checking",
            mask="5508",
            current=Decimal(0),
            available=Decimal(0),
            currency="EUR",
        ),
    )
    return World(opened(accounts, events, created_on), events, grows=True)


def events(first: date, last: date) -> Iterator[Event]:
    day = first
    while day <= last:
        yield from _everyday(day)
        yield from _refunds(day)
        yield from _fixed(day)
        yield from _abroad(day)
        yield from _payment(day)
        day += timedelta(days=1)


@lru_cache(maxsize=2048)
def _everyday(day: date) -> tuple[Event, ...]:
    random = dice("card", day)
    found = []
    for merchants, chance in _HABITS:
        weekend = 1.3 if day.weekday() >= 5 else 1.0
        if random.random() < chance * weekend:
            found.append(_buy(random.choice(merchants), day, random))
    return tuple(found)


def _buy(merchant: Merchant, day: date, random: Random) -> Event:
    amount = between(merchant.low, merchant.high, random)
    posts_on = settles(day, random)
    posted: Decimal | None = None
    if merchant in RESTAURANTS:
        posted = (amount * Decimal("1.18")).quantize(_CENT)
    elif merchant.name == "Fuelway":
        amount, posted = Decimal("1.00"), amount
    return purchase(merchant, CARD, day, posts_on, amount, posted_amount=posted)


def _refunds(day: date) -> Iterator[Event]:
    """One shop purchase in five comes back nine days later."""
    for event in _everyday(day - timedelta(days=9)):
        merchant = event.merchant
        if merchant in SHOPS and dice("refund", event.on).random() < 0.2:
            posts_on = day + timedelta(days=1)
            yield purchase(merchant, CARD, day, posts_on, -event.amount)


def _fixed(day: date) -> Iterator[Event]:
    for merchant, on in zip(SUBSCRIPTIONS, (3, 8, 11, 15, 21), strict=True):
        if day.day == on:
            amount = Decimal(str(merchant.low)).quantize(_CENT)
            if merchant.name == "Streamly" and day >= date(2026, 4, 1):
                amount = Decimal("17.99")
            yield purchase(merchant, CARD, day, day + timedelta(days=1), amount)
    if (day.month, day.day) == (2, 18):
        category = "BANK_FEES_OTHER_BANK_FEES|HIGH"
        yield Event(CARD, day, day, Decimal("95.00"), "ANNUAL MEMBERSHIP FEE", category)
    for month, city, start, nights in _TRIPS:
        trip = date(day.year, month, start)
        random = dice("trip", city, day.year)
        if (trip - day).days == 45:
            flight = between(380, 640, random)
            yield purchase(TRAVEL[0], CARD, day, day + timedelta(days=2), flight)
        if (trip - day).days == 20 and city == "Lisboa":
            hotel = between(200, 380, random)
            yield purchase(TRAVEL[1], CARD, day, day + timedelta(days=1), hotel)
        if (day - trip).days == nights + 1:
            category = "BANK_FEES_FOREIGN_TRANSACTION_FEES|HIGH"
            fee = between(2, 7, random)
            yield Event(CARD, day, day, fee, "FOREIGN TRANSACTION FEE", category)


def top_up(day: date) -> Decimal | None:
    """Euro bought three days before a trip, which the main bank pays in dollars."""
    for month, city, start, _ in _TRIPS:
        if (date(day.year, month, start) - day).days == 3:
            return Decimal(dice("top up", city, day.year).randrange(700, 1100, 50))
    return None


def _abroad(day: date) -> Iterator[Event]:
    euro = top_up(day)
    if euro is not None:
        category = "TRANSFER_IN_ACCOUNT_TRANSFER|HIGH"
        name = "Transfer from Everyday Checking"
        yield Event(EURO, day, day, -euro, name, category, currency="EUR")
    for month, city, start, nights in _TRIPS:
        first = date(day.year, month, start)
        if not 0 <= (day - first).days <= nights:
            continue
        random = dice("abroad", day)
        lodging = next(m for m in ABROAD[city] if m.category == "TRAVEL_LODGING")
        if day == first:
            bill = between(180, 320, random)
            posts_on = day + timedelta(days=1)
            yield purchase(lodging, EURO, day, posts_on, bill, "EUR")
        for merchant in ABROAD[city]:
            if merchant is not lodging and random.random() < 0.75:
                amount = between(merchant.low, merchant.high, random)
                posts_on = day + timedelta(days=1)
                yield purchase(merchant, EURO, day, posts_on, amount, "EUR")


@lru_cache(maxsize=256)
def statement(year: int, month: int) -> Decimal:
    """What a month's purchases less refunds come to: due on the 12th of the next."""
    day, total = date(year, month, 1), Decimal(0)
    while day.month == month:
        for source in (_everyday(day), _refunds(day), _fixed(day)):
            for event in source:
                if event.account == CARD:
                    total += event.posted_amount or event.amount
        day += timedelta(days=1)
    return total


def payment_due(day: date) -> Decimal | None:
    """The card payment that leaves the main bank on this day."""
    if day.day != 12:
        return None
    before = day.replace(day=1) - timedelta(days=1)
    total = statement(before.year, before.month)
    return total if total > 0 else None


def _payment(day: date) -> Iterator[Event]:
    """It arrives at the card one to three days after it left."""
    sent = day.replace(day=12)
    delay = 1 + dice("payment", sent).randrange(3)
    amount = payment_due(sent)
    if amount is not None and (day - sent).days == delay:
        category = "LOAN_PAYMENTS_CREDIT_CARD_PAYMENT|VERY_HIGH"
        name = "PAYMENT RECEIVED - THANK YOU"
        yield Event(CARD, day, day, -amount, name, category)
