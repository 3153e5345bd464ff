"""What happens on an account, before a bank turns it into a transaction."""

from datetime import date
from decimal import Decimal
from typing import NamedTuple

from .merchants import NOWHERE, OTHER, Merchant, Place


class Event(NamedTuple):
    """One purchase, payment or fee. Amounts have Plaid's sign: positive is money out.

    It is pending from `on` until `posts_on`; `posted_amount` is set where the amount
    changes on the way (a tip, fuel).
    """

    account: int
    on: date
    posts_on: date
    amount: Decimal
    name: str
    category: str
    merchant: Merchant | None = None
    channel: str = OTHER
    currency: str = "USD"
    unofficial: bool = False
    place: Place = NOWHERE
    posted_amount: Decimal | None = None
    original: str | None = None
    check_number: str | None = None
    reference: str | None = None
    payee: str | None = None


def purchase(
    merchant: Merchant,
    account: int,
    on: date,
    posts_on: date,
    amount: Decimal,
    currency: str = "USD",
    posted_amount: Decimal | None = None,
) -> Event:
    """An Event at a merchant; a negative amount is its refund."""
    return Event(
        account,
        on,
        posts_on,
        amount,
        merchant.name,
        merchant.pfc,
        merchant,
        merchant.channel,
        currency,
        place=merchant.place,
        posted_amount=posted_amount,
        original=merchant.descriptor or merchant.name,
    )
