"""A page of which some rows cannot be read: the others are, and these are kept as sent.

The strict decoding comes first and is the only one that a plain page meets.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from msgspec import Raw, Struct

from webapp.plaid.decode import (
    NO_STATUS,
    ODD,
    Answer,
    PageHead,
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
    "PART_DROPPED": "The row is stored without a part that Plaid does not document so.",
}
_BLAMED = {
    "transaction_id": "NO_ID",
    "amount": "BAD_AMOUNT",
    "date": "BAD_DATE",
    "account_id": "UNKNOWN_ACCOUNT",
}
# A row is worth keeping without these; nobody could add it up without the others, and
# a pending row without its posted one would cost what the user made of it.
_OPTIONAL = {
    "authorized_date", "authorized_datetime", "name", "merchant_name",
    "merchant_entity_id", "original_description", "payment_channel", "check_number",
}  # fmt: skip
# msgspec names the member in two ways: "... `amount`" and "... at `$.amount`"
_MEMBER = re.compile(r"required field `(\w+)`$|at `\$\.(\w+)")
# Every escape of a JSON text, pairs of surrogates as one
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F]..)|.)", re.DOTALL
)


class OddRow(Struct):
    """A row that cannot be stored, in the bank's own words; `seq` orders a run's.

    With `plaid_account_id` it waits for that account alone, and `raw` has its columns.
    """

    code: str
    plaid_transaction_id: str | None
    raw: str
    seq: int = 0
    plaid_account_id: str | None = None


@dataclass(frozen=True)
class Partial:
    """A row to be stored without a part that is odd; `whole` has it."""

    row: Transaction
    whole: OddRow


Row = Transaction | Partial | OddRow


@dataclass(frozen=True)
class Page:
    """What the bank said, in its order."""

    added: Sequence[Row]
    modified: Sequence[Row]
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


_decode_head = msgspec.json.Decoder(PageHead).decode
_decode_row = msgspec.json.Decoder(Transaction).decode
_encode = msgspec.json.Encoder().encode


def read_head(body: bytes) -> PageHead:
    """What the call for the next page needs. Raises PlaidError UNREADABLE."""
    try:
        return _decode_head(body)
    except ODD as error:
        raise PlaidError("UNREADABLE", str(error)[:200]) from None


def read_page(body: bytes) -> Page:
    """The page; rows that are not as documented are OddRows in their places.

    Raises PlaidError UNREADABLE where it is no page at all.
    """
    try:
        page = decode(body, SyncPage)
    except PlaidError:
        return _read_row_by_row(mended(body))
    return _page(page, page.added, page.modified, page.removed)


def _read_row_by_row(body: bytes) -> Page:
    page = decode(body, _RawPage)
    return _page(
        page,
        [_row(bytes(raw)) for raw in page.added],
        [_row(bytes(raw)) for raw in page.modified],
        [_removed(bytes(raw)) for raw in page.removed],
    )


def _page(
    said: SyncPage | _RawPage,
    added: Sequence[Row],
    modified: Sequence[Row],
    removed: Sequence[RemovedTransaction | OddRow],
) -> Page:
    return Page(
        added, modified, removed, said.next_cursor, said.has_more,
        said.transactions_update_status, said.request_id,
    )  # fmt: skip


def _row(raw: bytes) -> Row:
    left = raw
    for _ in range(len(_OPTIONAL) + 1):
        try:
            row = _decode_row(left)
        except ODD as error:
            member = _blamed(error)
            if member not in _OPTIONAL:
                return odd_row(_BLAMED.get(member, "UNREADABLE"), raw)
            members = msgspec.json.decode(left, type=dict[str, Raw])
            del members[member]
            left = _encode(members)
        else:
            return row if left is raw else Partial(row, odd_row("PART_DROPPED", raw))
    raise AssertionError("each round leaves out a member")


def _removed(raw: bytes) -> RemovedTransaction | OddRow:
    try:
        return msgspec.json.decode(raw, type=RemovedTransaction)
    except ODD as error:
        return odd_row(_BLAMED.get(_blamed(error), "UNREADABLE"), raw)


def _blamed(error: Exception) -> str:
    """The member that is odd, or nothing."""
    found = _MEMBER.search(str(error))
    return found[1] or found[2] if found else ""


def odd_row(code: str, raw: bytes) -> OddRow:
    try:
        id = msgspec.json.decode(raw, type=_Id).transaction_id
    except ODD:
        id = None
    known = id if id and len(id) <= LONGEST_ID else None
    return OddRow(code, known, raw.decode(errors="replace"))


def mended(body: bytes) -> bytes:
    """UTF-8 for certain, and no half of a surrogate pair: U+FFFD in their places."""
    text = body.decode(errors="replace").encode()
    return _ESCAPE.sub(lambda m: rb"\ufffd" if m[1] else m[0], without_nul(text))
