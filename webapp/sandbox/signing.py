"""Keys and signatures of webhooks: ES256 JSON web tokens, as Plaid makes them."""

import base64
import hashlib
import json
import sqlite3
import time
import uuid
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from .errors import PlaidError
from .store import Store

# The key that the vendor's own test suites ask for.
FIRST_KID = "6c5516e1-92dc-479e-a8ff-5a51992e0001"
FORGERIES = ("signature", "hash", "age", "kid", "algorithm")


def current_key(store: Store) -> sqlite3.Row:
    """The key that signs now; the first one is made when it is needed."""
    row = _newest(store)
    if row is None:
        add_key(store, FIRST_KID)
        row = _newest(store)
    if row is None:
        raise PlaidError("INTERNAL_SERVER_ERROR")
    return row


def _newest(store: Store) -> sqlite3.Row | None:
    row: sqlite3.Row | None = store.connection.execute(
        "SELECT * FROM webhook_keys WHERE expired_at IS NULL ORDER BY rowid DESC"
    ).fetchone()
    return row


def add_key(store: Store, kid: str) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with store.writing() as connection:
        connection.execute(
            "INSERT OR IGNORE INTO webhook_keys VALUES (?, ?, ?, NULL)",
            (kid, pem, int(time.time())),
        )
    return kid


def rotate(store: Store) -> str:
    """A new key signs from now on; the ones before have expired. The new kid."""
    current_key(store)
    with store.writing() as connection:
        connection.execute(
            "UPDATE webhook_keys SET expired_at = ? WHERE expired_at IS NULL",
            (int(time.time()),),
        )
        return add_key(store, str(uuid.uuid4()))


def find_key(store: Store, kid: str) -> sqlite3.Row:
    current_key(store)
    row: sqlite3.Row | None = store.connection.execute(
        "SELECT * FROM webhook_keys WHERE kid = ?", (kid,)
    ).fetchone()
    if row is None:
        raise PlaidError("INVALID_WEBHOOK_VERIFICATION_KEY_ID")
    return row


def public_key_json(row: sqlite3.Row) -> dict[str, Any]:
    numbers = _private(row).public_key().public_numbers()
    return {
        "alg": "ES256",
        "created_at": row["created_at"],
        "crv": "P-256",
        "expired_at": row["expired_at"],
        "kid": row["kid"],
        "kty": "EC",
        "use": "sig",
        "x": _base64(numbers.x.to_bytes(32, "big")),
        "y": _base64(numbers.y.to_bytes(32, "big")),
    }


def sign(store: Store, body: bytes, forgery: str | None = None) -> str:
    """The Plaid-Verification header of a body; `forgery` spoils one part of it.

    It is dated in real time whatever the bank's clock says: the receiver's is real.
    """
    row = current_key(store)
    kid = str(uuid.uuid4()) if forgery == "kid" else row["kid"]
    algorithm = "HS256" if forgery == "algorithm" else "ES256"
    digest = hashlib.sha256(body + (b" " if forgery == "hash" else b"")).hexdigest()
    issued = int(time.time()) - (3600 if forgery == "age" else 0)
    header = {"alg": algorithm, "kid": kid, "typ": "JWT"}
    claims = {"iat": issued, "request_body_sha256": digest}
    signed = f"{_part(header)}.{_part(claims)}".encode()
    message = signed + (b"x" if forgery == "signature" else b"")
    der = _private(row).sign(message, ec.ECDSA(hashes.SHA256()))
    r, s = decode_dss_signature(der)
    return f"{signed.decode()}.{_base64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _private(row: sqlite3.Row) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(row["pem"], None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise PlaidError("INTERNAL_SERVER_ERROR")
    return key


def _part(value: dict[str, Any]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
