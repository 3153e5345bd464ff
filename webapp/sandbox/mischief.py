"""What goes wrong with webhooks on purpose: lost, held, sent twice, badly signed."""

import threading

import msgspec

KINDS = ("lose", "hold", "duplicate", "forge")


class Mischief(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One switch for the next `times` webhooks, or for those of one code.

    `forgery` says what forge spoils: signature, hash, age, kid or algorithm.
    """

    kind: str
    code: str | None = None
    times: int = 1
    forgery: str | None = None


class Mischiefs:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._switches: list[Mischief] = []

    def add(self, mischief: Mischief) -> None:
        with self._lock:
            self._switches.append(mischief)

    def clear(self) -> None:
        with self._lock:
            self._switches.clear()

    def list(self) -> list[Mischief]:
        with self._lock:
            return list(self._switches)

    def take(self, code: str) -> Mischief | None:
        """The first switch for a webhook of this code; it counts it."""
        with self._lock:
            for one in self._switches:
                if one.code in (None, code):
                    one.times -= 1
                    if one.times <= 0:
                        self._switches.remove(one)
                    return one
        return None
