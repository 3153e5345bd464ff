"""Plaid's rate limits of the sandbox, per item and per client, in calls a minute."""

import threading
import time
from collections import deque

from .errors import PlaidError

_WINDOW = 60.0

# endpoint: (error code, calls per item, calls per client)
LIMITS: dict[str, tuple[str, int | None, int | None]] = {
    "/transactions/sync": ("TRANSACTIONS_SYNC_LIMIT", 50, 1000),
    "/transactions/get": ("TRANSACTIONS_LIMIT", 80, 1000),
    "/transactions/refresh": ("TRANSACTIONS_REFRESH_LIMIT", 2, 100),
    "/transactions/recurring/get": ("RATE_LIMIT", 20, 1000),
    "/accounts/get": ("ACCOUNTS_LIMIT", 100, 5000),
    "/accounts/balance/get": ("BALANCE_LIMIT", 25, 100),
    "/auth/get": ("AUTH_LIMIT", 100, 500),
    "/item/get": ("ITEM_GET_LIMIT", 40, 5000),
    "/item/remove": ("RATE_LIMIT", 100, 500),
    "/institutions/get": ("INSTITUTIONS_GET_LIMIT", None, 10),
    "/institutions/get_by_id": ("INSTITUTIONS_GET_BY_ID_LIMIT", None, 400),
    "/institutions/search": ("RATE_LIMIT", None, 400),
    "/sandbox/transactions/create": ("RATE_LIMIT", 2, 50),
}


class Limits:
    """The calls of the last minute, in real time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[tuple[str, str], deque[float]] = {}

    def check(self, endpoint: str, item_id: str | None) -> None:
        """Count a call; PlaidError of the endpoint's limit when it is one too many."""
        limit = LIMITS.get(endpoint)
        if limit is None:
            return
        code, per_item, per_client = limit
        if endpoint == "/accounts/balance/get":
            self._count(endpoint, "", per_client, "ACCOUNTS_BALANCE_GET_LIMIT")
        else:
            self._count(endpoint, "", per_client, code)
        if item_id is not None:
            self._count(endpoint, item_id, per_item, code)

    def clear(self) -> None:
        with self._lock:
            self._calls.clear()

    def _count(self, endpoint: str, who: str, most: int | None, code: str) -> None:
        if most is None:
            return
        now = time.monotonic()
        with self._lock:
            calls = self._calls.setdefault((endpoint, who), deque())
            while calls and calls[0] <= now - _WINDOW:
                calls.popleft()
            if len(calls) >= most:
                raise PlaidError(code)
            calls.append(now)
