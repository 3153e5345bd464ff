"""Webhooks signed here, as Plaid signs them, and the fourteen ways to forge one."""

import base64
import hashlib
import hmac
import json
import time
import uuid
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from webapp.plaid.decode import WebhookKey, WebhookKeyAnswer
from webapp.plaid.errors import PlaidError
from webapp.plaid.webhook_keys import UNKNOWN

KID = "6c5516e1-92dc-479e-a8ff-5a51992e0001"
EXPIRED_KID = "6c5516e1-92dc-479e-a8ff-5a51992e0002"
KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def part(value: Any) -> str:
    return base64url(json.dumps(value).encode())


def jwk(key: ec.EllipticCurvePrivateKey = KEY) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    x, y = (base64url(n.to_bytes(32, "big")) for n in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "alg": "ES256", "x": x, "y": y}


def answer_for(
    kid: str, key: ec.EllipticCurvePrivateKey = KEY, expired_at: int | None = None
) -> WebhookKeyAnswer:
    found = WebhookKey(**jwk(key), expired_at=expired_at)
    return WebhookKeyAnswer(request_id=f"request-{kid}", key=found)


class KeyServer:
    """Answers as /webhook_verification_key/get does, and counts how often."""

    def __init__(self) -> None:
        hour_ago = int(time.time()) - 3600
        self.answers: dict[str, WebhookKeyAnswer | Exception] = {
            KID: answer_for(KID),
            EXPIRED_KID: answer_for(EXPIRED_KID, expired_at=hour_ago),
        }
        self.asked: list[str] = []

    def get(self, kid: str) -> WebhookKeyAnswer:
        self.asked.append(kid)
        found = self.answers.get(kid, PlaidError(UNKNOWN, "no such key"))
        if isinstance(found, Exception):
            raise found
        return found


def body_of(
    item_id: str | None, code: str = "SYNC_UPDATES_AVAILABLE", **more: Any
) -> bytes:
    """With Plaid's two blanks of indentation."""
    values = {"item_id": item_id, "webhook_code": code, "environment": "sandbox"}
    values["webhook_type"] = "TRANSACTIONS"
    return json.dumps(values | more, indent=2).encode()


def sign(
    body: bytes,
    *,
    key: ec.EllipticCurvePrivateKey = KEY,
    age: float = 0,
    now: float | None = None,
    digest: str | None = None,
    claims: dict[str, Any] | None = None,
    **head: Any,
) -> str:
    head = {"alg": "ES256", "typ": "JWT", "kid": KID} | head
    said = {
        "iat": int((time.time() if now is None else now) - age),
        "request_body_sha256": digest or hashlib.sha256(body).hexdigest(),
    }
    signed = f"{part(head)}.{part(said | (claims or {}))}"
    return f"{signed}.{base64url(signature(signed.encode(), key))}"


def signature(message: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def with_public_key_as_secret(body: bytes) -> str:
    """HS256: a head that is believed turns the public key into the secret."""
    pem = KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    unsigned = sign(body, alg="HS256").rsplit(".", 1)[0]
    mac = hmac.digest(pem, unsigned.encode(), "sha256")
    return f"{unsigned}.{base64url(mac)}"


def forgeries(body: bytes) -> dict[str, tuple[bytes, str]]:
    """RELIABILITY T5: body and header of each; the thousand kids are a test apart."""
    valid = sign(body)
    flat = json.dumps(json.loads(body)).encode()
    unsigned = f"{part({'alg': 'none', 'kid': KID})}.{valid.split('.')[1]}."
    stranger = {"jwk": jwk(OTHER_KEY), "jku": "https://attacker.example/keys"}
    return {
        "no header": (body, ""),
        "garbage": (body, "\u00e9 not.a.token \x7f"),
        "alg none": (body, unsigned),
        "HS256 with the public key": (body, with_public_key_as_secret(body)),
        "other P-256 key": (body, sign(body, key=OTHER_KEY)),
        "unknown kid": (body, sign(body, kid=str(uuid.uuid4()))),
        "kid that is no UUID": (body, sign(body, kid="../../etc/passwd")),
        "expired key": (body, sign(body, kid=EXPIRED_KID)),
        "6 minutes old": (body, sign(body, age=360)),
        "10 minutes ahead": (body, sign(body, age=-600)),
        "indented anew": (flat, valid),
        "one byte changed": (body[:-1] + b" ", valid),
        "header of another webhook": (body, sign(body_of("another"))),
        "jku and jwk in the head": (body, sign(body, key=OTHER_KEY, **stranger)),
    }


NAMES = list(forgeries(body_of("any")))
