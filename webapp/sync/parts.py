"""What Plaid may say beside the amount: category, place, payment, counterparties.

Few of these differ from those of the rows before, so each is read once and kept as the
COPY text that it becomes. An odd one is for the caller to leave out.
"""

from typing import Any

import msgspec
from msgspec import Raw

from webapp.plaid.decode import (
    NOTHING,
    ODD,
    Category,
    Counterparty,
    Location,
    PaymentMeta,
    without_nul,
)
from webapp.plaid.odd import mended
from webapp.sync.copy_text import NULL, escaped

MOST_KEPT = 1024  # texts of one kind
LONGEST_KEPT = 4096  # bytes
LONGEST_CATEGORY = 300  # characters: an index holds it
SAYS_NOTHING = (b"{}", b"[]", b"null")
_encode = msgspec.json.Encoder().encode


class OddPart(Exception):
    """The part called `name` has a form that Plaid does not document."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class _Texts(dict[bytes, str]):
    """The part's JSON and what it becomes. Raises OddPart."""

    def __init__(self, name: str, kind: Any) -> None:
        super().__init__()
        self.name, self.decoder = name, msgspec.json.Decoder(kind)
        self.nothing = NOTHING  # as the bank last put it

    def of(self, raw: Raw) -> str:
        if raw == self.nothing:
            return ""
        text = self[bytes(raw)]
        if not text:
            self.nothing = Raw(bytes(raw))
        return text

    def __missing__(self, raw: bytes) -> str:
        text = self.text(self.decoded(raw))
        if len(raw) <= LONGEST_KEPT:
            if len(self) >= MOST_KEPT:
                self.clear()
            self[raw] = text
        return text

    def decoded(self, raw: bytes) -> Any:
        try:
            return self.decoder.decode(without_nul(raw))
        except ODD:
            pass
        try:
            return self.decoder.decode(mended(raw))
        except ODD:
            raise OddPart(self.name) from None

    def text(self, part: Any) -> str:
        """A member of a JSON object; empty where it says nothing."""
        said = _encode(part)
        if said in SAYS_NOTHING:
            return ""
        return f'"{self.name}":{said.decode()}'.replace("\\", "\\\\")


class _Categories(_Texts):
    def text(self, part: Category | None) -> str:
        """Four columns."""
        if part is None:
            return "\t".join([NULL] * 4)
        if len(part.primary) + len(part.detailed) > LONGEST_CATEGORY:
            raise OddPart(self.name)
        columns = (part.primary, part.detailed, part.confidence_level, part.version)
        return "\t".join(map(escaped, columns))


_categories = _Categories("personal_finance_category", Category | None)
_places = _Texts("location", Location | None)
_payments = _Texts("payment_meta", PaymentMeta | None)
_counterparties = _Texts("counterparties", list[Counterparty] | None)


def category(raw: Raw) -> str:
    """The category's four columns. Raises OddPart."""
    return _categories[bytes(raw)]


def facts(location: Raw, payment_meta: Raw, counterparties: Raw) -> str:
    """The column `bank_facts`. Raises OddPart."""
    said = (
        _places.of(location),
        _payments.of(payment_meta),
        _counterparties.of(counterparties),
    )
    return "{" + ",".join(filter(None, said)) + "}"
