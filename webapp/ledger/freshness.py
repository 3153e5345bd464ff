"""How complete the figures are: the oldest word of any linked bank decides."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from webapp.ledger.banks import Bank


@dataclass(frozen=True)
class Freshness:
    """The day to which the figures are complete; None while a bank was never read."""

    complete_to: dt.date | None
    current: int
    total: int
    oldest_name: str | None
    coming: int = 0  # banks whose older history is still to come
    reading: str | None = None  # a bank that is read for the first time just now
    twice: str | None = None  # a bank whose kept and new history both count


def freshness(banks: Sequence[Bank], zone: dt.tzinfo) -> Freshness:
    """Of the linked banks; the day is that of `zone`."""
    ages = [(bank.updated_at, bank.name) for bank in banks if bank.updated_at]
    oldest, name = min(ages) if ages else (None, None)
    known = oldest is not None and len(ages) == len(banks)
    behind = [bank.name for bank in banks if not bank.is_current]
    new = [bank.name for bank in banks if bank.is_syncing and not bank.synced_at]
    return Freshness(
        complete_to=oldest.astimezone(zone).date() if oldest and known else None,
        current=len(banks) - len(behind),
        total=len(banks),
        oldest_name=name if name in behind else next(iter(behind), None),
        coming=sum(not bank.has_history for bank in banks if bank.synced_at),
        reading=next(iter(new), None),
        twice=next((bank.name for bank in banks if bank.counts_twice), None),
    )
