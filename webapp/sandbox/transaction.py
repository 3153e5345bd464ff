"""A transaction as Plaid's JSON, rendered once and kept as bytes."""

import json
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

from .event import Event
from .merchants import NOWHERE, Merchant, Place
from .taxonomy import fragment

_NO_META = (
    '{"by_order_of":null,"payee":null,"payer":null,"payment_method":null,'
    '"payment_processor":null,"ppd_id":null,"reason":null,"reference_number":null}'
)
_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")
_TYPES = {"online": "digital", "in store": "place", "other": "special"}


@lru_cache(maxsize=4096)
def text(value: str | None) -> str:
    """A JSON string or null."""
    return "null" if value is None else json.dumps(value, ensure_ascii=False)


@lru_cache(maxsize=1024)
def _place(place: Place) -> str:
    return json.dumps(place._asdict(), separators=(",", ":"), sort_keys=True)


def _meta(event: Event) -> str:
    if event.reference is None and event.payee is None:
        return _NO_META
    meta = json.loads(_NO_META)
    meta.update(
        payee=event.payee,
        payment_method="ACH",
        payment_processor=None,
        reference_number=event.reference,
    )
    return json.dumps(meta, separators=(",", ":"))


def _who(merchant: Merchant | None) -> tuple[str, str, str, str, str]:
    if merchant is None:
        return "[]", "null", "null", "null", "null"
    return (
        merchant.counterparties,
        text(merchant.logo_url),
        text(merchant.entity_id),
        text(merchant.name),
        text(merchant.website),
    )


def number(amount: Decimal) -> str:
    """A JSON number with exactly the digits of `amount`."""
    return format(amount, "f")


def render(
    event: Event,
    account_id: str,
    transaction_id: str,
    pending: bool,
    pending_transaction_id: str | None = None,
) -> bytes:
    """The JSON without its closing brace and category: `finish` adds those.

    They differ with a request's options, everything else never does.
    """
    counterparties, logo, entity, merchant, website = _who(event.merchant)
    amount = event.amount
    if not pending and event.posted_amount is not None:
        amount = event.posted_amount
    iso, unofficial = text(event.currency), "null"
    if event.unofficial:
        iso, unofficial = unofficial, iso
    location = _place(event.place) if event.place is not NOWHERE else _NOWHERE
    day = event.on if pending else event.posts_on
    body = (
        f'{{"account_id":"{account_id}","account_owner":null,'
        f'"amount":{number(amount)},"authorized_date":"{event.on}",'
        f'"authorized_datetime":null,"category":null,"category_id":null,'
        f'"check_number":{text(event.check_number)},"counterparties":{counterparties},'
        f'"date":"{day}","datetime":null,"iso_currency_code":{iso},'
        f'"location":{location},"logo_url":{logo},"merchant_entity_id":{entity},'
        f'"merchant_name":{merchant},"name":{text(event.name)},'
        f'"payment_channel":"{event.channel}","payment_meta":{_meta(event)},'
        f'"pending":{"true" if pending else "false"},'
        f'"pending_transaction_id":{text(pending_transaction_id)},'
        f'"transaction_code":null,"transaction_id":"{transaction_id}",'
        f'"transaction_type":"{_TYPES[event.channel]}",'
        f'"unofficial_currency_code":{unofficial},"website":{website}'
    )
    # Plaid's sandbox was seen to send this key on posted rows only.
    return (body if pending else body + ',"running_balance":null').encode()


_NOWHERE = _place(NOWHERE)


def finish(
    body: bytes, category: str, version: str, original: str | None = None
) -> bytes:
    """The whole JSON of a stored body."""
    tail = b""
    if original is not None:
        tail = b',"original_description":' + text(original).encode()
    return body + fragment(version, category) + tail + b"}"


def parse(body: bytes) -> dict[str, Any]:
    """A stored body as a dict, its numbers as Decimal."""
    parsed: dict[str, Any] = _decoder.decode(body + b"}")
    return parsed


def dump(fields: dict[str, Any]) -> bytes:
    """The stored body of a dict that `parse` gave."""
    return _encoder.encode(fields)[:-1]
