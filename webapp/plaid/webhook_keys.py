"""Plaid's keys for webhooks by kid, kept in memory and fetched seldom.

Anybody can send a kid of their own making. So kids that Plaid does not know are
remembered for a while, and there are five look-ups a minute whatever comes in.
"""

import base64
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from webapp.plaid.decode import WebhookKey, WebhookKeyAnswer
from webapp.plaid.errors import PlaidError
from webapp.plaid.webhook import Refused

FETCHES = 5
A_MINUTE = 60.0
UNKNOWN_FOR = 300.0  # seconds
PATIENCE = 2.0  # seconds that a request waits while another one fetches
UNKNOWN = "INVALID_WEBHOOK_VERIFICATION_KEY_ID"


class Unavailable(Exception):
    """Nobody could say whether the key is Plaid's: our fault, so come again later."""


@dataclass(frozen=True)
class Key:
    public: ec.EllipticCurvePublicKey
    expired_at: int | None


class WebhookKeys:
    """One a process, used by all its threads."""

    def __init__(
        self,
        get: Callable[[str], WebhookKeyAnswer],
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._get, self._clock, self._wall_clock = get, clock, wall_clock
        self._lock = threading.Lock()
        self._known: dict[str, Key] = {}
        self._unknown: dict[str, float] = {}  # kid -> when it may be asked for again
        self._fetched: deque[float] = deque(maxlen=FETCHES)

    def find(self, kid: str) -> ec.EllipticCurvePublicKey:
        """Raises Refused for a key that Plaid does not know or that has expired.

        Raises Unavailable where that cannot be said now.
        """
        key = self._known.get(kid) or self._learn(kid)
        if key.expired_at is not None and key.expired_at <= self._wall_clock():
            raise Refused("expired key")
        return key.public

    def _learn(self, kid: str) -> Key:
        if self._is_unknown(kid):
            raise Refused("unknown key")
        if not self._lock.acquire(timeout=PATIENCE):
            raise Unavailable("another request waits for Plaid")
        try:
            if kid in self._known:
                return self._known[kid]
            if self._is_unknown(kid):
                raise Refused("unknown key")
            key = self._fetch(kid)
            self._look_again(kid)
            return key
        finally:
            self._lock.release()

    def _is_unknown(self, kid: str) -> bool:
        return self._unknown.get(kid, 0.0) > self._clock()

    def _fetch(self, kid: str) -> Key:
        if not self._may_fetch():
            raise Unavailable(f"{FETCHES} keys were fetched within a minute")
        self._fetched.append(self._clock())
        try:
            key = _usable(self._get(kid).key)
        except PlaidError as error:
            if error.code != UNKNOWN:
                raise Unavailable(f"no key: {error.code}") from None
            now = self._clock()
            self._unknown = {k: t for k, t in self._unknown.items() if t > now}
            self._unknown[kid] = now + UNKNOWN_FOR
            raise Refused("unknown key") from None
        self._known[kid] = key
        return key

    def _may_fetch(self) -> bool:
        full = len(self._fetched) == FETCHES
        return not full or self._clock() - self._fetched[0] >= A_MINUTE

    def _look_again(self, new: str) -> None:
        """A new key means that the ones before may have expired."""
        for kid, key in list(self._known.items()):
            if kid != new and key.expired_at is None and self._may_fetch():
                try:
                    self._fetch(kid)
                except Refused:
                    del self._known[kid]
                except Unavailable:
                    return


def _usable(key: WebhookKey) -> Key:
    """Raises PlaidError for what is no key for ES256."""
    try:
        if (key.kty, key.crv, key.alg) != ("EC", "P-256", "ES256"):
            raise ValueError(f"{key.kty} {key.crv} {key.alg}")
        x, y = (int.from_bytes(_decoded(one)) for one in (key.x, key.y))
        numbers = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1())
        return Key(numbers.public_key(), key.expired_at)
    except ValueError as error:
        raise PlaidError("UNREADABLE", f"no key for ES256: {error}") from None


def _decoded(coordinate: str) -> bytes:
    return base64.urlsafe_b64decode(coordinate + "=" * (-len(coordinate) % 4))
