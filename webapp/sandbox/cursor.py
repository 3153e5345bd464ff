"""Cursors of /transactions/sync: signed places in an item's change log."""

import base64
import hashlib
import hmac
import struct
from typing import NamedTuple

from .errors import PlaidError

_LAYOUT = struct.Struct(">BQQQQQ")
_MAC_BYTES = 12


class Place(NamedTuple):
    """A place in the log of one item, seen through one account filter.

    Inside a loop of pages, `version` is the newest change when the loop began and
    `origin` where it began. Between loops version is 0 and origin equals position.
    """

    item: int
    account: int
    position: int
    origin: int
    version: int

    @property
    def in_loop(self) -> bool:
        return self.version > 0


def start(item: int, account: int) -> Place:
    return Place(item, account, 0, 0, 0)


def encode(place: Place, key: bytes) -> str:
    packed = _LAYOUT.pack(1, *place)
    return base64.b64encode(packed + _mac(packed, key)).decode()


def decode(text: str, item: int, account: int, key: bytes) -> Place:
    """PlaidError INVALID_FIELD for anything but a cursor of this item and filter."""
    if text == "":
        return start(item, account)
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise _invalid() from None
    if len(raw) != _LAYOUT.size + _MAC_BYTES:
        raise _invalid()
    place = Place(*_LAYOUT.unpack_from(raw)[1:])
    if not hmac.compare_digest(encode(place, key), text):
        raise _invalid()
    if place.item != item or place.account != account:
        raise PlaidError(
            "INVALID_FIELD", "cursor not associated with access_token or account_id"
        )
    return place


def _mac(packed: bytes, key: bytes) -> bytes:
    return hmac.digest(key, packed, hashlib.sha256)[:_MAC_BYTES]


def _invalid() -> PlaidError:
    return PlaidError("INVALID_FIELD", "cursor is not a valid cursor")
