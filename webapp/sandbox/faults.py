"""Fault switches: what goes wrong, where, and for how many of the next calls."""

import threading
from typing import Annotated, Any

import msgspec
from msgspec import Meta

Seconds = Annotated[float, Meta(ge=0)]
Count = Annotated[int, Meta(ge=0)]
Times = Annotated[int, Meta(ge=1)]
Status = Annotated[int, Meta(ge=200, le=599)]
HeaderText = Annotated[str, Meta(pattern=r"\A[\x20-\x7e]*\Z")]


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One switch. Without endpoint or item_id it is for all; times null is for ever.

    `skip` lets that many matching calls pass first. What it does: wait `latency`
    seconds, then either answer `status` with `body` (text) or `error_code`, or give the
    real answer damaged by one of truncate (bytes kept), empty, reset, drip (seconds
    between chunks), set (top-level fields replaced), rows (fields of each transaction
    replaced), drop (top-level fields left out), twice (each transaction comes two
    times), pad (so many blanks at the end) or endless (has_more stays true).
    """

    id: int = 0
    endpoint: str | None = None
    item_id: str | None = None
    times: Times | None = 1
    skip: Count = 0
    latency: Seconds = 0
    status: Status | None = None
    body: str | None = None
    content_type: HeaderText = "application/json"
    headers: dict[HeaderText, HeaderText] = {}
    error_code: str | None = None
    error_message: str | None = None
    truncate: Count | None = None
    empty: bool = False
    reset: bool = False
    drip: Seconds | None = None
    set: dict[str, Any] = {}
    rows: dict[str, Any] = {}
    drop: list[str] = []
    twice: bool = False
    pad: Count = 0
    endless: bool = False
    mutate: bool = False

    @property
    def replaces(self) -> bool:
        """Whether the real answer is never made."""
        return bool(self.error_code or self.status) or self.body is not None

    def matches(self, endpoint: str, item_id: str | None) -> bool:
        if self.endpoint and self.endpoint != endpoint:
            return False
        return not self.item_id or self.item_id == item_id


class Faults:
    """The switches that are on, oldest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._last_id = 0

    def add(self, fault: Fault) -> Fault:
        with self._lock:
            self._last_id += 1
            fault.id = self._last_id
            self._faults.append(fault)
        return fault

    def list(self) -> list[Fault]:
        with self._lock:
            return list(self._faults)

    def clear(self, fault_id: int | None = None) -> None:
        with self._lock:
            if fault_id is None:
                self._faults.clear()
            self._faults = [one for one in self._faults if one.id != fault_id]

    def take(self, endpoint: str, item_id: str | None) -> Fault | None:
        """The first switch for this call; it counts the call."""
        if not self._faults:
            return None
        with self._lock:
            for fault in self._faults:
                if not fault.matches(endpoint, item_id):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._faults.remove(fault)
                return fault
        return None
