"""Which leftover rows of two logins are one transaction. Pure: no database."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

DAYS = 5  # a date that moved further is another purchase
# how sure a doubtful pair is: the fewer the surer, days come on top
RENAMED, MOVED, POSTED, TIPPED = 1, 0, 10, 20

Facts = tuple[Decimal, dt.date, str]


@dataclass(frozen=True)
class Row:
    """A live transaction; `account` is the old account's id on both sides.

    `was` are amount, date and name of the pending row that it posted from, if known.
    """

    id: uuid.UUID
    account: uuid.UUID
    date: dt.date
    authorized_date: dt.date | None
    amount: Decimal  # positive = money in
    currency: str
    name: str
    pending: bool
    is_touched: bool  # the user made something of it
    was: Facts | None = None

    @property
    def called(self) -> str:
        return self.name.casefold()

    @property
    def facts(self) -> set[Facts]:
        """All that this row may have been known as while it was pending."""
        found = {(self.amount, self.date, self.called)}
        if not self.pending and self.authorized_date:
            found.add((self.amount, self.authorized_date, self.called))
        if self.was:
            amount, date, name = self.was
            found.add((amount, date, name.casefold()))
        return found


@dataclass(frozen=True)
class Pair:
    old: Row
    new: Row


def pair_up(old: Iterable[Row], new: Iterable[Row]) -> tuple[list[Pair], list[Pair]]:
    """Sure pairs and doubtful ones, each row in one pair at most.

    Sure is what was pending in one login and has posted in the other. Doubtful is the
    same amount a few days apart or under another name, or a pending row that seems to
    have posted with another amount.
    """
    left = {row.id: row for row in old}
    free = {row.id: row for row in new}
    sure = _take(left, free, _posted(left.values(), free.values()))
    return sure, _take(left, free, _likely(left.values(), free.values()))


Scored = tuple[int, Row, Row]


def _take(
    left: dict[uuid.UUID, Row], free: dict[uuid.UUID, Row], found: Iterable[Scored]
) -> list[Pair]:
    """The best first; what is paired is taken out."""
    best = sorted(found, key=lambda f: (f[0], f[1].date, f[1].id, f[2].date, f[2].id))
    pairs = []
    for _, one, other in best:
        if one.id in left and other.id in free:
            pairs.append(Pair(left.pop(one.id), free.pop(other.id)))
    return pairs


def _posted(old: Iterable[Row], new: Iterable[Row]) -> Iterator[Scored]:
    known: dict[tuple[uuid.UUID, str, Facts], list[Row]] = defaultdict(list)
    for row in new:
        for facts in row.facts:
            known[row.account, row.currency, facts].append(row)
    for row in old:
        for facts in row.facts:
            for other in known[row.account, row.currency, facts]:
                if row.pending != other.pending:
                    yield abs((row.date - other.date).days), row, other


def _likely(old: Iterable[Row], new: Iterable[Row]) -> Iterator[Scored]:
    new = list(new)
    by_amount: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    by_name: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in new:
        by_amount[row.account, row.currency, row.date, row.amount].append(row)
        by_name[row.account, row.currency, row.date, row.called].append(row)
    for row in old:
        for days in range(-DAYS, DAYS + 1):
            date = row.date + dt.timedelta(days=days)
            where = row.account, row.currency, date
            for other in by_amount[*where, row.amount]:
                score = _score(row, other, abs(days))
                if score is not None:
                    yield score, row, other
            for other in by_name[*where, row.called]:
                is_tip = row.pending != other.pending and row.amount != other.amount
                if is_tip and (row.amount > 0) == (other.amount > 0):
                    yield TIPPED + abs(days), row, other


def _score(row: Row, other: Row, days: int) -> int | None:
    """Of two rows of the same amount."""
    if row.called == other.called:
        return MOVED + days
    if days == 0:
        return RENAMED
    return POSTED + days if row.pending != other.pending else None
