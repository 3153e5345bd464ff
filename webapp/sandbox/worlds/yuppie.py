"""user_yuppie: the card and the euro of a traveller, and a wallet of coins."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from ..event import Event
from . import demo_card
from .demo_card import between, dice
from .world import Account, World

_WALLET, _COIN = 2, "BTC"


def world(created_on: date) -> World:
    card = demo_card.world(created_on)
    wallet = Account(
        name="Coin Wallet",
        type="depository",
        subtype="cash management",
        mask="0021",
        current=Decimal("0.0841"),
        available=Decimal("0.0841"),
        currency=_COIN,
        unofficial=True,
    )
    return World((*card.accounts, wallet), _events, grows=True)


def _events(first: date, last: date) -> Iterator[Event]:
    yield from demo_card.events(first, last)
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        day = date.fromordinal(ordinal)
        if day.day in (5, 20):
            coins = between(1, 9, dice("coins", day)) / 1000
            yield Event(
                _WALLET,
                day,
                day,
                coins if day.day == 20 else -coins,
                "Coin payment" if day.day == 20 else "Coin received",
                "TRANSFER_OUT_CRYPTO|HIGH"
                if day.day == 20
                else "TRANSFER_IN_OTHER_TRANSFER_IN|HIGH",
                currency=_COIN,
                unofficial=True,
            )
