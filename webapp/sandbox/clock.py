"""The bank's clock: real time, moved by an offset that survives restarts."""

from datetime import UTC, date, datetime, timedelta

from .store import Store

YEARS = range(2000, 2100)


class Clock:
    """Ticks as real time does; `set` only moves it, so that delays still pass."""

    def __init__(self, store: Store) -> None:
        self._store = store
        seconds = store.setting("clock_offset_seconds")
        self._offset = timedelta(seconds=float(seconds or 0))

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def today(self) -> date:
        return self.now().date()

    def set(self, now: datetime | None) -> None:
        """Move to `now`, or back to real time; ValueError for another century."""
        if now is not None and now.year not in YEARS:
            raise ValueError(f"the year must be in {YEARS.start}..{YEARS.stop - 1}")
        real = datetime.now(UTC)
        self._offset = (now - real) if now else timedelta()
        offset = self._offset.total_seconds()
        self._store.set_setting("clock_offset_seconds", str(offset))


def iso(moment: datetime) -> str:
    """2026-11-22T09:30:00Z, as Plaid writes instants."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_iso(text: str) -> datetime:
    """The instant of an ISO 8601 text; one without a zone is UTC. ValueError if bad."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
