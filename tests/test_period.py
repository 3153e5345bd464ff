"""Spans of days: names, half-open ends, the user's own midnight, bad input."""

import datetime as dt
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.models import User
from webapp.period import DAYS, EARLIEST, NAMES, Period, PeriodError

TODAY = dt.date(2026, 11, 22)
days = st.dates(EARLIEST, dt.date(2200, 12, 31))
day = dt.date.fromisoformat


def span(period: Period) -> tuple[str, str]:
    return period.start.isoformat(), period.end.isoformat()


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("this-month", "2026-11-01"),
        ("last-30-days", "2026-10-24"),
        ("last-90-days", "2026-08-25"),
        ("last-365-days", "2025-11-23"),
    ],
)
def test_named_periods_end_after_today(name: str, start: str) -> None:
    period = Period.from_args({"period": name}, TODAY)
    assert span(period) == (start, "2026-11-23")
    assert period.last_day == TODAY
    assert period.days == DAYS.get(name, 22)


@pytest.mark.parametrize("args", [{}, {"period": ""}, {"period": "for-ever"}])
def test_unknown_name_means_this_month(args: dict[str, str]) -> None:
    assert Period.from_args(args, TODAY) == Period.named("this-month", TODAY)


def test_last_day_of_a_custom_range_is_in_it() -> None:
    args = {"period": "custom", "from": "2026-02-27", "to": " 2026-03-01 "}
    period = Period.from_args(args, TODAY)
    assert span(period) == ("2026-02-27", "2026-03-02")
    assert period.days == 3


def test_custom_range_of_one_day() -> None:
    args = {"period": "custom", "from": "2024-02-29", "to": "2024-02-29"}
    assert Period.from_args(args, TODAY).days == 1


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        ("", "2026-01-01", "from"),
        ("2026-01-01", "", "to"),
        ("2026-02-29", "2026-03-01", "from"),
        ("2026-01-01", "2026-04-31", "to"),
        ("01/02/2026", "2026-03-01", "from"),
        ("2026-01-01", "tomorrow", "to"),
        ("2026-03-02", "2026-03-01", "to"),
        ("1989-12-31", "2026-03-01", "from"),
        ("2026-01-01", "2201-01-01", "to"),
        ("-9999-01-01", "2026-01-01", "from"),
        ("2026-01-01", "2026-01-0\N{ARABIC-INDIC DIGIT ONE}", "to"),
        ("2026-01-01\0", "2026-01-02", "from"),
        ("20260101", "2026-01-02", "from"),
        ("2026-W01-1", "2026-01-02", "from"),
    ],
)
def test_bad_custom_range_names_its_field(start: str, end: str, field: str) -> None:
    with pytest.raises(PeriodError) as caught:
        Period.from_args({"period": "custom", "from": start, "to": end}, TODAY)
    assert caught.value.field == field
    assert caught.value.entered == {"from": start, "to": end}
    assert str(caught.value).endswith((".", "2200."))


def test_range_without_dates_names_the_first() -> None:
    with pytest.raises(PeriodError) as caught:
        Period.from_args({"period": "custom"}, TODAY)
    assert caught.value.field == "from"
    assert caught.value.entered == {"from": "", "to": ""}


nearly_days = st.text("0129-W/T \0é", max_size=11)


@given(nearly_days, nearly_days)
def test_any_text_is_a_period_or_a_named_error(start: str, end: str) -> None:
    args = {"period": "custom", "from": start, "to": end}
    try:
        period = Period.from_args(args, TODAY)
    except PeriodError:
        return
    assert period.start < period.end
    assert period.args == {name: text.strip() for name, text in args.items()}


@given(days, days)
def test_custom_args_lead_back(one: dt.date, other: dt.date) -> None:
    first, last = sorted([one, other])
    args = {"period": "custom", "from": str(first), "to": str(last)}
    period = Period.from_args(args, TODAY)
    assert period.args == args
    assert Period.from_args(period.args, TODAY) == period


@given(st.sampled_from(sorted(set(NAMES) - {"custom"})), days)
def test_named_args_lead_back(name: str, today: dt.date) -> None:
    period = Period.named(name, today)
    assert Period.from_args(period.args, today) == period
    assert period.last_day == today


@given(st.sampled_from(sorted(set(NAMES) - {"custom"})), days)
def test_period_before_touches_or_precedes_and_is_no_longer(
    name: str, today: dt.date
) -> None:
    period = Period.named(name, today)
    before = period.previous
    assert before.start < before.end <= period.start
    assert before.days <= period.days
    if name != "this-month":
        assert before.end == period.start
        assert before.days == period.days


@pytest.mark.parametrize(
    ("today", "before"),
    [
        ("2026-11-22", ("2026-10-01", "2026-10-23")),
        ("2026-01-31", ("2025-12-01", "2026-01-01")),
        # a shorter month before ends with itself, leap year or not
        ("2026-03-31", ("2026-02-01", "2026-03-01")),
        ("2026-03-29", ("2026-02-01", "2026-03-01")),
        ("2024-03-29", ("2024-02-01", "2024-03-01")),
        ("2024-03-28", ("2024-02-01", "2024-02-29")),
        ("2026-05-31", ("2026-04-01", "2026-05-01")),
        ("2026-12-01", ("2026-11-01", "2026-11-02")),
    ],
)
def test_month_so_far_compares_with_the_same_days(
    today: str, before: tuple[str, str]
) -> None:
    assert span(Period.named("this-month", day(today)).previous) == before


def test_year_across_a_leap_day() -> None:
    assert Period.named("last-365-days", day("2024-12-31")).start == day("2024-01-02")


def test_longest_range_has_a_period_before() -> None:
    args = {"period": "custom", "from": "1990-01-01", "to": "2200-12-31"}
    assert Period.from_args(args, TODAY).previous.end == day("1990-01-01")


# (zone, an instant just before the person's midnight, the day that ends there)
MIDNIGHTS = [
    ("UTC", "2026-11-22T00:00Z", "2026-11-21"),
    # Auckland: +12, +13 from 27 September, +12 again from 4 April
    ("Pacific/Auckland", "2026-09-26T12:00Z", "2026-09-26"),
    ("Pacific/Auckland", "2026-09-27T11:00Z", "2026-09-27"),
    ("Pacific/Auckland", "2027-04-03T11:00Z", "2027-04-03"),
    ("Pacific/Auckland", "2027-04-04T12:00Z", "2027-04-04"),
    # St John's: -3:30, -2:30 from 8 March to 1 November
    ("America/St_Johns", "2026-03-08T03:30Z", "2026-03-07"),
    ("America/St_Johns", "2026-03-09T02:30Z", "2026-03-08"),
    ("America/St_Johns", "2026-11-01T02:30Z", "2026-10-31"),
    ("America/St_Johns", "2026-11-02T03:30Z", "2026-11-01"),
    ("Pacific/Kiritimati", "2026-12-31T10:00Z", "2026-12-31"),
    ("Pacific/Pago_Pago", "2027-01-01T11:00Z", "2026-12-31"),
]


@pytest.mark.parametrize(("zone", "midnight", "ending"), MIDNIGHTS)
def test_day_changes_at_the_persons_midnight(
    zone: str, midnight: str, ending: str
) -> None:
    user = User(time_zone=zone)
    at = dt.datetime.fromisoformat(midnight)
    assert user.today(at - dt.timedelta(microseconds=1)) == day(ending)
    assert user.today(at) == day(ending) + dt.timedelta(days=1)


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/St_Johns"])
def test_no_day_of_a_year_is_skipped_or_repeated(zone: str) -> None:
    user = User(time_zone=zone)
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    half_hours = [start + dt.timedelta(minutes=30 * n) for n in range(48 * 400)]
    seen = [user.today(instant) for instant in half_hours]
    steps = {b - a for a, b in itertools.pairwise(seen)}
    assert steps == {dt.timedelta(0), dt.timedelta(days=1)}
