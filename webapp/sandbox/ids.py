"""Identifiers in the shapes that Plaid gives them."""

import base64
import hashlib
import secrets
import uuid

_LETTERS = str.maketrans("+/=", "aZq")


def opaque_id() -> str:
    """A new id of 37 letters and digits, as items, accounts and transactions have."""
    return base64.b64encode(secrets.token_bytes(28)).decode().translate(_LETTERS)[:37]


def stable_id(text: str) -> str:
    """The same 37 letters for the same text: merchants keep theirs for ever."""
    digest = hashlib.blake2b(text.encode(), digest_size=28).digest()
    return base64.b64encode(digest).decode().translate(_LETTERS)[:37]


def request_id() -> str:
    return base64.b64encode(secrets.token_bytes(12)).decode().translate(_LETTERS)[:15]


def token(kind: str) -> str:
    """`kind`-sandbox-<uuid>, where kind is access, public or link."""
    return f"{kind}-sandbox-{uuid.uuid4()}"
