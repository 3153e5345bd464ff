"""A page of which some rows cannot be read: the others are, and these are kept as sent.

The strict decoding comes first and is the only one that a plain page meets.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct

from webapp.plaid.decode import (
    NO_STATUS,
    ODD,
    Answer,
    RemovedTransaction,
    SyncPage,
    Transaction,
    decode,
    without_nul,
)
from webapp.plaid.errors import PlaidError

LONGEST_ID = 255  # an index of PostgreSQL's holds no text of any length
# Why a row cannot be stored: the code, and the sentence for people.
REASONS = {
    "NO_ID": "The bank gave the row no usable id.",
    "BAD_AMOUNT": "The amount is missing or no amount that a ledger can hold.",
    "BAD_DATE": "The date is missing or absurd.",
    "UNKNOWN_ACCOUNT": "The row names no account that the bank lists.",
    "UNREADABLE": "A part of the row has a form that Plaid does not document.",
}
_BLAMED = {
    "transaction_id": "NO_ID",
    "amount": "BAD_AMOUNT",
    "date": "BAD_DATE",
    "account_id": "UNKNOWN_ACCOUNT",
}
# msgspec names the member in two ways: "... `amount`" and "... at `$.amount`"
_MEMBER = re.compile(r"required field `(\w+)`$|at `\$\.(\w+)")
# Every escape of a JSON text, pairs of surrogates as one
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F]..)|.)", re.DOTALL
)


class OddRow(Struct):
    """A row that cannot be stored, in the bank's own words; `seq` orders a run's."""

    code: str
    plaid_transaction_id: str | None
    raw: str
    seq: int = 0


@dataclass(frozen=True)
class Page:
    """What the bank said, in its order."""

    added: Sequence[Transaction | OddRow]
    modified: Sequence[Transaction | OddRow]
    removed: Sequence[RemovedTransaction | OddRow]
    next_cursor: str
    has_more: bool
    status: str
    request_id: str


class _RawPage(Answer, kw_only=True):
    added: list[Raw]
    modified: list[Raw]
    removed: list[Raw]
    next_cursor: str
    has_more: bool
    transactions_update_status: str = NO_STATUS


class _Id(Struct):
    transaction_id: str | None = None


T = TypeVar("T")


def read_page(body: bytes) -> Page:
    """The page; rows that are not as documented are OddRows in their places.

    Raises PlaidError UNREADABLE where it is no page at all.
    """
    try:
        page = decode(body, SyncPage)
    except PlaidError:
        return _read_row_by_row(_mended(body))
    return _page(page, page.added, page.modified, page.removed)


def _read_row_by_row(body: bytes) -> Page:
    page = decode(body, _RawPage)
    return _page(
        page,
        _rows(page.added, Transaction),
        _rows(page.modified, Transaction),
        _rows(page.removed, RemovedTransaction),
    )


def _page(
    said: SyncPage | _RawPage,
    added: Sequence[Transaction | OddRow],
    modified: Sequence[Transaction | OddRow],
    removed: Sequence[RemovedTransaction | OddRow],
) -> Page:
    return Page(
        added, modified, removed, said.next_cursor, said.has_more,
        said.transactions_update_status, said.request_id,
    )  # fmt: skip


def _rows(raws: list[Raw], into: type[T]) -> list[T | OddRow]:
    decoder = msgspec.json.Decoder(into)
    rows: list[T | OddRow] = []
    for raw in raws:
        try:
            rows.append(decoder.decode(raw))
        except ODD as error:
            rows.append(odd_row(_code(str(error)), bytes(raw)))
    return rows


def _code(message: str) -> str:
    found = _MEMBER.search(message)
    return _BLAMED.get(found[1] or found[2], "UNREADABLE") if found else "UNREADABLE"


def odd_row(code: str, raw: bytes) -> OddRow:
    try:
        id = msgspec.json.decode(raw, type=_Id).transaction_id
    except ODD:
        id = None
    known = id if id and len(id) <= LONGEST_ID else None
    return OddRow(code, known, raw.decode())


def _mended(body: bytes) -> bytes:
    """UTF-8 for certain, and no half of a surrogate pair: U+FFFD in their places."""
    text = body.decode(errors="replace").encode()
    return _ESCAPE.sub(lambda m: rb"\ufffd" if m[1] else m[0], without_nul(text))
