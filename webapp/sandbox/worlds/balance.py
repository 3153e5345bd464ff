"""Balances of a world with a history: they follow from what happened."""

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from decimal import Decimal

from ..event import Event
from .world import Account

HISTORY_DAYS = 730
_FLOOR = Decimal("640.18")


def opened(
    accounts: tuple[Account, ...],
    events: Callable[[date, date], Iterable[Event]],
    today: date,
) -> tuple[Account, ...]:
    """Give each account the balance of two years of events.

    A depository account opens with what keeps it above a small floor all the time, a
    card with what keeps its debt from turning into a credit.
    """
    totals = [Decimal(0)] * len(accounts)
    highest = [Decimal(0)] * len(accounts)
    lowest = [Decimal(0)] * len(accounts)
    pending = [Decimal(0)] * len(accounts)
    start = today - timedelta(days=HISTORY_DAYS)
    for event in events(start, today):
        if event.posts_on > today:
            pending[event.account] += event.amount
            continue
        totals[event.account] += event.posted_amount or event.amount
        highest[event.account] = max(highest[event.account], totals[event.account])
        lowest[event.account] = min(lowest[event.account], totals[event.account])
    for account, total, high, low, waiting in zip(
        accounts, totals, highest, lowest, pending, strict=True
    ):
        if account.type == "depository":
            account.current = _FLOOR + high - total
            account.available = account.current - waiting
        else:
            account.current = total - low
            account.available = (account.limit or 0) - account.current - waiting
    return accounts
