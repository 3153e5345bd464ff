"""A transaction of Plaid's as one line of COPY text. The sign is turned here, once."""

import datetime as dt
import re
from decimal import Decimal

import msgspec
from uuid_utils import uuid7

from webapp.money import round_iso, round_unofficial
from webapp.plaid.decode import (
    Counterparty,
    Location,
    PaymentMeta,
    Transaction,
    without_nul,
)
from webapp.plaid.errors import PlaidError
from webapp.plaid.odd import LONGEST_ID

# The temporary table's columns, in the order of `line`.
COLUMNS = {
    "seq": "bigint",
    "id": "uuid",
    "plaid_account_id": "text",
    "plaid_transaction_id": "text",
    "pending_transaction_id": "text",
    "date": "date",
    "authorized_date": "date",
    "authorized_at": "timestamptz",
    "amount": "numeric",
    "currency": "text",
    "plaid_amount": "numeric",
    "pending": "boolean",
    "name": "text",
    "merchant_name": "text",
    "merchant_entity_id": "text",
    "original_description": "text",
    "category_primary": "text",
    "category_detailed": "text",
    "category_confidence": "text",
    "category_version": "text",
    "payment_channel": "text",
    "check_number": "text",
    "bank_facts": "jsonb",
}
NULL = "\\N"
# COPY's own signs; PostgreSQL's text cannot hold NUL
_ESCAPES = {
    ord("\\"): "\\\\", ord("\t"): "\\t", ord("\n"): "\\n", ord("\r"): "\\r",
    0: "\N{REPLACEMENT CHARACTER}",
}  # fmt: skip
_ESCAPED = re.compile(r"\\(.)")
_MEANT = {"t": "\t", "n": "\n", "r": "\r"}
NO_CURRENCY = "XXX"  # ISO 4217's code for none
MOST = Decimal(10) ** 18  # what NUMERIC(28,10) holds
LEAST_PLACE = -16_384  # NUMERIC without a scale holds fewer places than that
SANE_YEARS = range(1900, 2101)
MOST_INDEXED = 400  # characters in the texts that one index holds together
_NO_LOCATION, _NO_META = Location(), PaymentMeta()


class Unstorable(Exception):
    """A row that no column can hold; `code` is one of plaid.odd.REASONS."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class BankFacts(msgspec.Struct, omit_defaults=True):
    location: Location | None = None
    payment_meta: PaymentMeta | None = None
    counterparties: list[Counterparty] | None = None


_encode = msgspec.json.Encoder().encode


def owner_amount(plaid_amount: Decimal, iso: str | None) -> Decimal:
    """Plaid's amount from the owner's view: positive = money in, in minor units.

    Raises PlaidError UNREADABLE.
    """
    turned = plaid_amount.copy_negate() if plaid_amount else Decimal(0)
    return in_minor_units(turned, iso)


def in_minor_units(amount: Decimal, iso: str | None) -> Decimal:
    """Rounded as the ledger holds it, in Plaid's or the owner's sign.

    Raises PlaidError UNREADABLE for an amount that no ledger can hold.
    """
    exponent = amount.as_tuple().exponent
    if isinstance(exponent, int) and amount.adjusted() < 18 and exponent > LEAST_PLACE:
        rounded = round_iso(amount, iso) if iso else round_unofficial(amount)
        if abs(rounded) < MOST:
            return rounded
    raise PlaidError("UNREADABLE", f"an amount of {str(amount)[:40]} is absurd")


def line(t: Transaction, seq: int) -> tuple[str, bool]:
    """The row as COPY text, and whether money came in.

    Raises Unstorable.
    """
    iso = t.iso_currency_code
    category = t.personal_finance_category
    seen_at = t.authorized_datetime
    _check(t)
    try:
        amount = owner_amount(t.amount, iso)
    except PlaidError:
        raise Unstorable("BAD_AMOUNT") from None
    return "\t".join((
        str(seq),
        str(uuid7()),
        _text(t.account_id),
        _text(t.transaction_id),
        _text(t.pending_transaction_id),
        t.date.isoformat(),
        t.authorized_date.isoformat() if t.authorized_date else NULL,
        seen_at.isoformat() if seen_at and _is_sane(seen_at) else NULL,
        str(amount),
        _text(iso or t.unofficial_currency_code or NO_CURRENCY),
        str(t.amount),
        "t" if t.pending else "f",
        _text(t.name or t.merchant_name or t.original_description or ""),
        _text(t.merchant_name),
        _text(t.merchant_entity_id),
        _text(t.original_description),
        _text(category.primary if category else None),
        _text(category.detailed if category else None),
        _text(category.confidence_level if category else None),
        _text(category.version if category else None),
        _text(t.payment_channel),
        _text(t.check_number),
        _facts(t),
    )) + "\n", amount > 0  # fmt: skip


def values_of(line: str) -> list[str | None]:
    """What COPY would read from the line, column by column."""
    return [
        None if text == NULL else _ESCAPED.sub(lambda m: _MEANT.get(m[1], m[1]), text)
        for text in line.removesuffix("\n").split("\t")
    ]


def _check(t: Transaction) -> None:
    """What PostgreSQL would refuse, and with it the whole run. Raises Unstorable."""
    if t.date.year not in SANE_YEARS:
        raise Unstorable("BAD_DATE")
    if not 0 < len(t.transaction_id) <= LONGEST_ID:
        raise Unstorable("NO_ID")
    category = t.personal_finance_category
    indexed = t.iso_currency_code or t.unofficial_currency_code or ""
    if category:
        indexed += category.primary + category.detailed
    if len(indexed) + len(t.pending_transaction_id or "") > MOST_INDEXED:
        raise Unstorable("UNREADABLE")


def _is_sane(instant: dt.datetime) -> bool:
    return instant.tzinfo is not None and instant.year in SANE_YEARS


def _text(value: str | None) -> str:
    if value is None:
        return NULL
    # six times faster than translate, and nearly every text is plain
    if value.isprintable() and "\\" not in value:
        return value
    return value.translate(_ESCAPES)


def _facts(t: Transaction) -> str:
    facts = BankFacts(
        None if t.location == _NO_LOCATION else t.location,
        None if t.payment_meta == _NO_META else t.payment_meta,
        t.counterparties or None,
    )
    return without_nul(_encode(facts)).decode().replace("\\", "\\\\")
