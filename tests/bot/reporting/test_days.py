"""Days and weeks as people name them: in the policy's zone, whole, and without a gap when the clocks change."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.reporting.days import Span, SpanError, asked_for, days, week_before, week_name

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def asked(window: str | None = None, first: str | None = None, end: str | None = None) -> Span:
    return asked_for(window, first, end, now=NOW, tz=BERLIN)


def test_without_options_it_is_the_last_seven_days() -> None:
    assert asked() == asked("7d") == Span(NOW - timedelta(days=7), NOW)
    assert asked("36h") == Span(NOW - timedelta(hours=36), NOW)


def test_days_are_the_policys_from_the_first_on_and_before_the_other() -> None:
    span = asked(first="2026-11-09", end="2026-11-16")
    assert span == Span(datetime(2026, 11, 8, 23, tzinfo=UTC), datetime(2026, 11, 15, 23, tzinfo=UTC))
    assert asked(first="2026-11-16").until == NOW


@pytest.mark.parametrize(
    ("options", "name", "words"),
    [
        (("7",), "window", "7d"),
        (("",), "window", "7d"),
        (("0d",), "window", "7d"),
        (("-1d",), "window", "7d"),
        (("7d", "2026-11-09", None), "window", "one or the other"),
        (("7d", None, "2026-11-16"), "window", "one or the other"),
        ((None, None, "2026-11-16"), "to", "needs from"),
        ((None, "2026-11-16", "2026-11-16"), "from", "before"),
        ((None, "2026-11-21", None), "from", "before now"),
        ((None, "16.11.2026", None), "from", "2026-11-09"),
        ((None, "2026-02-30", None), "from", "2026-11-09"),
        ((None, "0001-01-01", None), "from", "2026-11-09"),
        ((None, "2026-11-09", "9999-12-31T23:59:59-10:00"), "to", "2026-11-09"),
        ((None, "", ""), "from", "2026-11-09"),
    ],
)
def test_what_names_no_time_is_told_with_what_to_write(options: tuple[str | None, ...], name: str, words: str) -> None:
    with pytest.raises(SpanError, match=words) as told:
        asked(*options)
    assert told.value.name == name


@pytest.mark.parametrize("first", ["2026-11-09T08:00:00Z", "2026-11-09T09:00+01:00", "2026-11-09T09:00 01:00"])
def test_a_time_may_stand_for_a_day(first: str) -> None:
    assert asked(first=first, end="2026-11-16T10:00").since == datetime(2026, 11, 9, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("period", "monday", "week"),
    [
        ("2026-W47", date(2026, 11, 9), "2026-W46"),
        ("2027-W01", date(2026, 12, 28), "2026-W53"),
        ("2026-W01", date(2025, 12, 22), "2025-W52"),
    ],
)
def test_a_tick_is_about_the_last_whole_week_before_its_own(period: str, monday: date, week: str) -> None:
    assert week_before(period) == monday
    assert week_name(monday) == week


@pytest.mark.parametrize(("monday", "hours"), [((2026, 3, 23), 167), ((2026, 10, 19), 169), ((2026, 11, 9), 168)])
def test_a_week_has_the_hours_that_it_has(monday: tuple[int, int, int], hours: int) -> None:
    first = date(*monday)
    span = days(first, first + timedelta(weeks=1), BERLIN)
    assert span.until - span.since == timedelta(hours=hours)


@given(st.dates(date(1990, 1, 1), date(2035, 1, 1)), st.sampled_from(["Europe/Berlin", "America/Havana", "UTC"]))
def test_weeks_leave_nothing_out_and_count_nothing_twice(day: date, zone: str) -> None:
    week = timedelta(weeks=1)
    first, second = (days(day + n * week, day + (n + 1) * week, ZoneInfo(zone)) for n in range(2))
    assert first.until == second.since
    assert first.since.astimezone(ZoneInfo(zone)).date() == day
