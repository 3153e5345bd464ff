"""Is this webhook Plaid's own? ES256 over the raw body, checked with nothing else.

The header Plaid-Verification is a JSON web token. Its key comes from `keys`, by kid;
whatever else its head offers (jwk, jku, another algorithm) is never looked at.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from msgspec import Struct

OLDEST = 300  # seconds since it was signed
FUTURE = 60  # seconds that our clock may be behind Plaid's
LONGEST_TOKEN = 4096
COORDINATE = 32  # bytes of P-256

_PART = re.compile(r"[A-Za-z0-9_-]+")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Refused(Exception):
    """Not signed by Plaid, or not for this body, or not now. The text says which."""


class Head(Struct):
    alg: str
    kid: str
    crit: Any = None  # "refuse me unless you know these": we know none


class Claims(Struct):
    iat: int
    request_body_sha256: str


T = TypeVar("T")
FindKey = Callable[[str], ec.EllipticCurvePublicKey]


def verify(raw_body: bytes, header: str, keys: FindKey, now: float) -> None:
    """Raises Refused, and what `keys` raises for a kid; `now` is in seconds since 1970.

    `raw_body` are the bytes as they came: Plaid signs its own indentation.
    """
    parts = header.split(".")
    if len(header) > LONGEST_TOKEN or len(parts) != 3:
        raise Refused("no signature" if not header else "not a token")
    head, signature = _read(parts[0], Head), _bytes(parts[2])
    if head.alg != "ES256" or head.crit is not None:
        raise Refused("not ES256")
    if not _UUID.fullmatch(head.kid):
        raise Refused("kid is no UUID")
    if len(signature) != 2 * COORDINATE:
        raise Refused("signature of another length")
    signed = f"{parts[0]}.{parts[1]}".encode()
    r, s = (int.from_bytes(half) for half in _halves(signature))
    try:
        keys(head.kid).verify(
            encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256())
        )
    except InvalidSignature:
        raise Refused("signature of another key") from None
    _check(_read(parts[1], Claims), raw_body, now)


def _check(claims: Claims, raw_body: bytes, now: float) -> None:
    if now - claims.iat > OLDEST:
        raise Refused("too old")
    if claims.iat - now > FUTURE:
        raise Refused("from the future")
    digest = hashlib.sha256(raw_body).hexdigest()
    told = claims.request_body_sha256.encode(errors="replace")
    if not hmac.compare_digest(digest.encode(), told):
        raise Refused("another body")


def _halves(signature: bytes) -> tuple[bytes, bytes]:
    return signature[:COORDINATE], signature[COORDINATE:]


def _read(part: str, into: type[T]) -> T:
    try:
        return msgspec.json.decode(_bytes(part), type=into)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused("not a token") from None


def _bytes(part: str) -> bytes:
    """base64url without padding, and nothing else."""
    if not _PART.fullmatch(part) or len(part) % 4 == 1:
        raise Refused("not a token")
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
