"""user_every_category: one row for each detailed category there is."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from ..event import Event
from ..merchants import OTHER, Merchant
from ..taxonomy import PRIMARY_OF
from .world import Account, World

_DAYS = 60
_INWARD = ("INCOME", "TRANSFER_IN", "LOAN_DISBURSEMENTS")
_LEVELS = ("VERY_HIGH", "HIGH", "MEDIUM", "LOW", "UNKNOWN")


def world(created_on: date) -> World:
    account = Account(
        name="Sampler Checking",
        type="depository",
        subtype="checking",
        mask="0128",
        current=Decimal("1280.00"),
        available=Decimal("1280.00"),
    )

    def events(first: date, last: date) -> Iterator[Event]:
        for number, (detailed, primary) in enumerate(PRIMARY_OF.items()):
            on = created_on - timedelta(days=number % _DAYS)
            if first <= on <= last:
                yield _event(number, on, detailed, primary in _INWARD)

    return World((account,), events)


def _event(number: int, on: date, detailed: str, inward: bool) -> Event:
    """Confidence goes round; an unknown one has no merchant."""
    level = _LEVELS[number % len(_LEVELS)]
    name = detailed.replace("_", " ").title()
    amount = Decimal(100 + number).scaleb(-1)
    merchant = Merchant(f"{name} Co", detailed, OTHER, confidence=level)
    return Event(
        0,
        on,
        on,
        -amount if inward else amount,
        name,
        f"{detailed}|{level}",
        None if level == "UNKNOWN" else merchant,
        OTHER,
        original=name.upper(),
    )
