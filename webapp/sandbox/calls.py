"""A counter of every call, with its time, so that tests can assert rates."""

import threading
from collections import Counter, deque
from typing import Any, NamedTuple

_KEPT = 20_000


class Call(NamedTuple):
    """One answered call; `at` is real time in seconds since 1970."""

    at: float
    endpoint: str
    item_id: str | None
    status: int
    error_code: str | None
    milliseconds: float


class Calls:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: deque[Call] = deque(maxlen=_KEPT)
        self._counts: Counter[str] = Counter()

    def add(self, call: Call) -> None:
        with self._lock:
            self._calls.append(call)
            self._counts[call.endpoint] += 1

    def clear(self) -> None:
        with self._lock:
            self._calls.clear()
            self._counts.clear()

    def report(self, endpoint: str | None, item_id: str | None) -> dict[str, Any]:
        with self._lock:
            calls = list(self._calls)
            counts = dict(self._counts)
        if endpoint:
            calls = [call for call in calls if call.endpoint == endpoint]
        if item_id:
            calls = [call for call in calls if call.item_id == item_id]
        return {"counts": counts, "calls": [call._asdict() for call in calls]}
