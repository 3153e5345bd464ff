"""A span of days [start, end) in the user's time zone, as the query string names it."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

DAYS = {"last-30-days": 30, "last-90-days": 90, "last-365-days": 365}
NAMES = {
    "this-month": "This month",
    "last-30-days": "Last 30 days",
    "last-90-days": "Last 90 days",
    "last-365-days": "Last 365 days",
    "custom": "Custom",
}
DEFAULT = "this-month"
EARLIEST = dt.date(1990, 1, 1)
ONE_DAY = dt.timedelta(days=1)


class PeriodError(ValueError):
    """A custom range that cannot be read; `.field` is 'from' or 'to'.

    `.entered` is what stood in both, for the form to show again.
    """

    def __init__(self, field: str, message: str, args: Mapping[str, str]) -> None:
        super().__init__(message)
        self.field = field
        self.entered = {name: args.get(name, "") for name in ("from", "to")}


@dataclass(frozen=True)
class Period:
    """Half-open: `start` is in it, `end` is not. `today` is the user's."""

    name: str
    start: dt.date
    end: dt.date

    @classmethod
    def named(cls, name: str, today: dt.date) -> "Period":
        """A preset by name, up to and including `today`."""
        if name == "this-month":
            return cls(name, today.replace(day=1), today + ONE_DAY)
        end = today + ONE_DAY
        return cls(name, end - dt.timedelta(days=DAYS[name]), end)

    @classmethod
    def from_args(cls, args: Mapping[str, str], today: dt.date) -> "Period":
        """From ?period=NAME, or ?period=custom&from=YYYY-MM-DD&to=YYYY-MM-DD.

        The day `to` is in the period.

        Raises PeriodError for a custom range that cannot be read; an unknown name
        means the default.
        """
        name = args.get("period", DEFAULT)
        if name != "custom":
            return cls.named(name if name in NAMES else DEFAULT, today)
        start = _day(args, "from")
        last = _day(args, "to")
        if start > last:
            raise PeriodError("to", "The last day is before the first one.", args)
        return cls("custom", start, last + ONE_DAY)

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    @property
    def last_day(self) -> dt.date:
        return self.end - ONE_DAY

    @property
    def previous(self) -> "Period":
        """What it is compared with.

        A month so far: the same days of the month before. Else: as many days before.
        """
        if self.name == "this-month":
            start = (self.start - ONE_DAY).replace(day=1)
            end = min(start + dt.timedelta(days=self.days), self.start)
            return Period("previous", start, end)
        start = max(self.start - dt.timedelta(days=self.days), dt.date.min)
        return Period("previous", start, self.start)

    @property
    def args(self) -> dict[str, str]:
        """The query string that leads back here."""
        if self.name != "custom":
            return {"period": self.name}
        return {
            "period": "custom",
            "from": self.start.isoformat(),
            "to": self.last_day.isoformat(),
        }


def _day(args: Mapping[str, str], field: str) -> dt.date:
    text = args.get(field, "").strip()
    if not text:
        raise PeriodError(field, "Choose a day.", args)
    day: dt.date | None
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:  # Python reads 2026-W01-1, too
        raise PeriodError(field, "Write the day as YYYY-MM-DD.", args)
    if not EARLIEST <= day <= dt.date(2200, 12, 31):
        raise PeriodError(field, f"Choose a day from {EARLIEST:%Y} to 2200.", args)
    return day
