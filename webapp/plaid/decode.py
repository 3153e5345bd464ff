"""Plaid's JSON as typed structs, straight from the bytes; money as exact Decimals.

plaid-python's own models cost 2.5 ms a transaction and make floats of amounts
(`make bench` shows both); these cost microseconds. Amounts keep Plaid's sign here:
positive = money out of the account.
"""

import datetime as dt
import re
from decimal import Decimal
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct

from webapp.plaid.errors import PlaidError

NO_STATUS = "TRANSACTIONS_UPDATE_STATUS_UNKNOWN"


class Answer(Struct, kw_only=True):
    request_id: str


class LinkToken(Answer):
    link_token: str
    expiration: str


class PublicToken(Answer):
    public_token: str


class Exchange(Answer):
    access_token: str
    item_id: str


class ErrorBody(Struct):
    """Plaid's error: the body of a refusal, or what is wrong with an item."""

    error_code: str
    error_message: str | None = None
    error_type: str | None = None
    display_message: str | None = None
    request_id: str | None = None


class Item(Struct):
    item_id: str
    institution_id: str | None = None
    institution_name: str | None = None
    error: ErrorBody | None = None
    consent_expiration_time: dt.datetime | None = None
    webhook: str | None = None


class Updates(Struct):
    last_successful_update: dt.datetime | None = None
    last_failed_update: dt.datetime | None = None


class ItemStatus(Struct):
    transactions: Updates | None = None


class ItemAnswer(Answer):
    item: Item
    status: ItemStatus | None = None


class Balances(Struct):
    available: Decimal | None = None
    current: Decimal | None = None
    limit: Decimal | None = None
    iso_currency_code: str | None = None
    unofficial_currency_code: str | None = None


class Account(Struct):
    account_id: str
    name: str
    type: str
    balances: Balances
    official_name: str | None = None
    mask: str | None = None
    subtype: str | None = None
    persistent_account_id: str | None = None


class AccountsAnswer(Answer):
    accounts: list[Account]
    item: Item


class Institution(Struct):
    institution_id: str
    name: str
    oauth: bool = False
    logo: str | None = None
    primary_color: str | None = None
    url: str | None = None


class InstitutionAnswer(Answer):
    institution: Institution


class WebhookKey(Struct):
    alg: str
    crv: str
    kty: str
    x: str
    y: str
    expired_at: int | None = None


class WebhookKeyAnswer(Answer):
    key: WebhookKey


# gc=False below: no row refers to itself, and the collector need not look at thousands


class Category(Struct, gc=False):
    primary: str
    detailed: str
    confidence_level: str | None = None
    version: str | None = None


class Location(Struct, omit_defaults=True, gc=False):
    address: str | None = None
    city: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country: str | None = None
    lat: float | None = None
    lon: float | None = None
    store_number: str | None = None


class PaymentMeta(Struct, omit_defaults=True, gc=False):
    reference_number: str | None = None
    ppd_id: str | None = None
    payee: str | None = None
    by_order_of: str | None = None
    payer: str | None = None
    payment_method: str | None = None
    payment_processor: str | None = None
    reason: str | None = None


class Counterparty(Struct, omit_defaults=True, gc=False):
    name: str
    type: str
    entity_id: str | None = None
    website: str | None = None
    logo_url: str | None = None
    confidence_level: str | None = None
    phone_number: str | None = None


NOTHING = Raw(b"null")


class Transaction(Struct, gc=False):
    """`amount` positive = money out. What is Raw is read by sync.parts."""

    transaction_id: str
    account_id: str
    amount: Decimal
    date: dt.date
    iso_currency_code: str | None = None
    unofficial_currency_code: str | None = None
    pending: bool = False
    pending_transaction_id: str | None = None
    authorized_date: dt.date | None = None
    authorized_datetime: dt.datetime | None = None
    name: str | None = None
    merchant_name: str | None = None
    merchant_entity_id: str | None = None
    original_description: str | None = None
    payment_channel: str | None = None
    check_number: str | None = None
    personal_finance_category: Raw = NOTHING  # Category | None
    location: Raw = NOTHING  # Location | None
    payment_meta: Raw = NOTHING  # PaymentMeta | None
    counterparties: Raw = NOTHING  # list[Counterparty] | None


class RemovedTransaction(Struct, gc=False):
    transaction_id: str


class PageHead(Struct):
    """All that the call for the next page needs: an eighth of a page's decoding."""

    next_cursor: str
    has_more: bool


class SyncPage(Answer, kw_only=True):
    added: list[Transaction]
    modified: list[Transaction]
    removed: list[RemovedTransaction]
    next_cursor: str
    has_more: bool
    transactions_update_status: str = NO_STATUS


T = TypeVar("T")
ODD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
# PostgreSQL's text cannot hold NUL; an even number of backslashes before it is not ours
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
_decoders: dict[type, msgspec.json.Decoder] = {}  # type: ignore[type-arg]


def decode(body: bytes, into: type[T]) -> T:
    """The answer as `into`. Raises PlaidError UNREADABLE."""
    if into not in _decoders:
        _decoders[into] = msgspec.json.Decoder(into)
    try:
        return _decoders[into].decode(without_nul(body))
    except ODD as error:
        raise PlaidError("UNREADABLE", str(error)[:200]) from None


def without_nul(body: bytes) -> bytes:
    """The JSON with every NUL in its strings as U+FFFD."""
    return _NUL.sub(rb"\1\\ufffd", body) if b"\\u0000" in body else body


def decode_error(body: bytes, http_status: int) -> PlaidError:
    """Plaid's error body; whatever else a proxy sends becomes UNREADABLE."""
    try:
        parsed = msgspec.json.decode(without_nul(body), type=ErrorBody)
    except ODD:
        text = f"answer {http_status} without Plaid's error body"
        code = "RATE_LIMIT" if http_status == 429 else "UNREADABLE"
        return PlaidError(code, text, http_status=http_status)
    return PlaidError(
        parsed.error_code,
        parsed.error_message or "",
        parsed.request_id,
        error_type=parsed.error_type,
        display_message=parsed.display_message,
        http_status=http_status,
    )
