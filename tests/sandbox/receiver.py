"""A receiver of webhooks: keeps what comes, answers what it is told to."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from .conftest import Bank


class Receiver:
    """`answers` are the statuses to give next; 200 when there are none.

    While `open` is not set it takes what comes and does not answer.
    """

    def __init__(self) -> None:
        self.url = ""
        self.got: list[tuple[bytes, str]] = []
        self.answers: list[int] = []
        self.retry_after: str | None = None
        self.open = threading.Event()
        self.open.set()

    def codes(self) -> list[str]:
        return [json.loads(body)["webhook_code"] for body, _ in self.got]

    def wait(self, *codes: str, seconds: float = 10) -> dict[str, Any]:
        """Wait until all of these have come; the body of the last one."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            come = self.codes()
            if all(come.count(code) >= codes.count(code) for code in codes):
                index = len(come) - 1 - come[::-1].index(codes[-1])
                return dict(json.loads(self.got[index][0]))
            time.sleep(0.02)
        raise AssertionError(f"{codes} expected, {self.codes()} came")


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.got.append((body, self.headers["Plaid-Verification"]))
            receiver.open.wait()
            status = receiver.answers.pop(0) if receiver.answers else 200
            self.send_response(status)
            if receiver.retry_after is not None:
                self.send_header("Retry-After", receiver.retry_after)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *values: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/webhook"
    yield receiver
    receiver.open.set()
    server.shutdown()
    server.server_close()
    thread.join()


def verify(bank: Bank, body: bytes, token: str) -> str:
    """Plaid's documented steps; returns "" or what is wrong."""
    head, claims, signature = token.split(".")
    header = json.loads(_decode(head))
    if header["alg"] != "ES256":
        return "algorithm"
    status, answer = bank.post("/webhook_verification_key/get", key_id=header["kid"])
    if status != 200:
        return "kid"
    key = answer["key"]
    if key["expired_at"] is not None:
        return "expired"
    numbers = [int.from_bytes(_decode(key[one])) for one in ("x", "y")]
    public = ec.EllipticCurvePublicNumbers(*numbers, ec.SECP256R1()).public_key()
    raw = _decode(signature)
    der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    try:
        public.verify(der, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return "signature"
    said = json.loads(_decode(claims))
    if abs(time.time() - said["iat"]) > 300:
        return "age"
    if said["request_body_sha256"] != hashlib.sha256(body).hexdigest():
        return "hash"
    return ""


def _decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
