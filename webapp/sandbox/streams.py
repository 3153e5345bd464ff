"""Recurring streams: payments of one kind that come at regular intervals."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import median
from typing import Any, NamedTuple

from .ids import stable_id

# name, days between payments, how far they may stray
_RHYTHMS = (
    ("WEEKLY", 7, 1),
    ("BIWEEKLY", 14, 2),
    ("SEMI_MONTHLY", 15, 2),
    ("MONTHLY", 30, 4),
    ("ANNUALLY", 365, 10),
)
_CENT = Decimal("0.01")


class Row(NamedTuple):
    """What a stream needs of a transaction; amount has Plaid's sign."""

    account_id: str
    transaction_id: str
    on: date
    amount: Decimal
    name: str
    merchant_name: str | None
    iso: str | None
    unofficial: str | None
    category: str

    @classmethod
    def read(cls, fields: dict[str, Any], category: str) -> "Row":
        return cls(
            fields["account_id"],
            fields["transaction_id"],
            date.fromisoformat(fields["date"]),
            Decimal(fields["amount"]),
            fields["name"],
            fields["merchant_name"],
            fields["iso_currency_code"],
            fields["unofficial_currency_code"],
            category,
        )


def find_streams(rows: Iterable[Row], today: date) -> list[dict[str, Any]]:
    """Streams of at least three payments, as JSON with the category still a code."""
    groups: dict[tuple[str, str, bool], list[Row]] = defaultdict(list)
    for row in rows:
        who = row.merchant_name or row.name
        groups[row.account_id, who, row.amount < 0].append(row)
    streams = []
    for group in groups.values():
        group.sort(key=lambda row: row.on)
        rhythm = _rhythm(group)
        if rhythm is not None:
            streams.append(_stream(group, *rhythm, today))
    return streams


def _rhythm(group: list[Row]) -> tuple[str, int] | None:
    gaps = [(after.on - before.on).days for before, after in pairwise(group)]
    if len(gaps) < 2:
        return None
    middle = median(gaps)
    for name, days, stray in _RHYTHMS:
        if abs(middle - days) > stray:
            continue
        regular = sum(abs(gap - middle) <= stray + 1 for gap in gaps)
        return (name, days) if regular >= 0.8 * len(gaps) else None
    return None


def _stream(group: list[Row], frequency: str, days: int, today: date) -> dict[str, Any]:
    first, last = group[0], group[-1]
    active = (today - last.on).days <= days * 2
    total = sum((row.amount for row in group), Decimal(0))
    status = "MATURE" if active else "TOMBSTONED"
    return {
        "account_id": last.account_id,
        "average_amount": _amount(last, (total / len(group)).quantize(_CENT)),
        "category": [],
        "category_id": "",
        "description": last.name,
        "first_date": first.on.isoformat(),
        "frequency": frequency,
        "is_active": active,
        "is_user_modified": False,
        "last_amount": _amount(last, last.amount),
        "last_date": last.on.isoformat(),
        "merchant_name": last.merchant_name or "",
        "personal_finance_category": last.category,
        "predicted_next_date": (last.on + timedelta(days=days)).isoformat()
        if active
        else None,
        "status": status,
        "stream_id": stable_id(f"{first.transaction_id} {frequency}"),
        "transaction_ids": [row.transaction_id for row in group],
    }


def _amount(row: Row, amount: Decimal) -> dict[str, Any]:
    return {
        "amount": amount,
        "iso_currency_code": row.iso,
        "unofficial_currency_code": row.unofficial,
    }
