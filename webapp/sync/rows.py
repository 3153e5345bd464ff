"""A transaction of Plaid's as one line of COPY text. The sign is turned here, once."""

import datetime as dt
from decimal import Decimal

import msgspec
from msgspec import Raw
from uuid_utils import uuid7

from webapp.money import round_iso, round_unofficial
from webapp.plaid.decode import Transaction
from webapp.plaid.errors import PlaidError
from webapp.plaid.odd import LONGEST_ID
from webapp.sync.copy_text import NULL, escaped
from webapp.sync.parts import category, facts

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
NO_CURRENCY = "XXX"  # ISO 4217's code for none
MOST = Decimal(10) ** 18  # what NUMERIC(28,10) holds
LONGEST_AMOUNT = 1000  # digits; NUMERIC without a scale holds 16,383 places
SANE_YEARS = range(1900, 2101)
LONGEST_CURRENCY = 100  # characters that an index holds


class Unstorable(Exception):
    """A row that no column can hold; `code` is one of plaid.odd.REASONS."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


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
    if (
        amount.is_finite()
        and -LONGEST_AMOUNT < amount.adjusted() < 18
        and len(str(amount)) < LONGEST_AMOUNT
    ):
        rounded = round_iso(amount, iso) if iso else round_unofficial(amount)
        if abs(rounded) < MOST:
            return rounded
    raise PlaidError("UNREADABLE", f"an amount of {str(amount)[:40]} is absurd")


def line(t: Transaction, seq: int) -> tuple[str, bool]:
    """The row as COPY text, and whether money came in.

    Raises Unstorable, and OddPart for what the row can do without.
    """
    iso = t.iso_currency_code
    seen_at = t.authorized_datetime
    _check(t)
    try:
        amount = owner_amount(t.amount, iso)
    except PlaidError:
        raise Unstorable("BAD_AMOUNT") from None
    return "\t".join((
        str(seq),
        str(uuid7()),
        escaped(t.account_id),
        escaped(t.transaction_id),
        escaped(t.pending_transaction_id),
        t.date.isoformat(),
        t.authorized_date.isoformat() if t.authorized_date else NULL,
        seen_at.isoformat() if seen_at and _is_sane(seen_at) else NULL,
        str(amount),
        escaped(iso or t.unofficial_currency_code or NO_CURRENCY),
        str(t.amount),
        "t" if t.pending else "f",
        escaped(t.name or t.merchant_name or t.original_description or ""),
        escaped(t.merchant_name),
        escaped(t.merchant_entity_id),
        escaped(t.original_description),
        category(t.personal_finance_category),
        escaped(t.payment_channel),
        escaped(t.check_number),
        facts(t.location, t.payment_meta, t.counterparties),
    )) + "\n", amount > 0  # fmt: skip


def line_again(columns: str) -> tuple[str, bool]:
    """The same from its columns as JSON. It comes before all events of its run."""
    known = msgspec.json.decode(columns, type=dict[str, Raw]) | {"seq": Raw(b"0")}
    texts = [_text_of(bytes(known.get(name, b"null"))) for name in COLUMNS]
    return "\t".join(texts) + "\n", Decimal(bytes(known["amount"]).decode()) > 0


def _text_of(value: bytes) -> str:
    if value == b"null":
        return NULL
    is_string = value.startswith(b'"')
    return escaped(msgspec.json.decode(value) if is_string else value.decode())


def _check(t: Transaction) -> None:
    """What PostgreSQL would refuse, and with it the whole run. Raises Unstorable."""
    if t.date.year not in SANE_YEARS:
        raise Unstorable("BAD_DATE")
    if not 0 < len(t.transaction_id) <= LONGEST_ID:
        raise Unstorable("NO_ID")
    currency = t.iso_currency_code or t.unofficial_currency_code or ""
    if len(currency) > LONGEST_CURRENCY:
        raise Unstorable("UNREADABLE")
    if t.pending_transaction_id and len(t.pending_transaction_id) > LONGEST_ID:
        raise Unstorable("UNREADABLE")


def _is_sane(instant: dt.datetime) -> bool:
    return instant.tzinfo is not None and instant.year in SANE_YEARS
