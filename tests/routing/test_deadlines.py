from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.deadlines import deadline
from routing.fields import WEEKDAYS
from routing.policy_sections import BusinessHours

BERLIN = ZoneInfo("Europe/Berlin")


def open_on(days: tuple[str, ...], opens: str, closes: str) -> BusinessHours:
    return BusinessHours.model_validate({"days": days, "from": opens, "to": closes})


OFFICE = open_on(WEEKDAYS[:5], "09:00", "18:00")
NIGHT = open_on(("sun",), "00:30", "06:30")


def at(text: str) -> datetime:
    """Local time in Berlin."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("created", "hours", "due"),
    [
        ("2026-11-18 10:00", 4, "2026-11-18 14:00"),
        ("2026-11-18 16:00", 4, "2026-11-19 11:00"),
        ("2026-11-18 16:00", 2, "2026-11-18 18:00"),  # the closing instant still counts
        ("2026-11-18 18:00", 1, "2026-11-19 10:00"),
        ("2026-11-18 03:00", 1, "2026-11-18 10:00"),
        ("2026-11-20 17:00", 2, "2026-11-23 10:00"),  # over the weekend
        ("2026-11-21 12:00", 9, "2026-11-23 18:00"),
        ("2026-03-27 17:00", 2, "2026-03-30 10:00"),  # the clock changes in between
    ],
)
def test_only_business_hours_count(created: str, hours: int, due: str) -> None:
    assert deadline(at(created), timedelta(hours=hours), OFFICE, BERLIN) == at(due)


@pytest.mark.parametrize(
    ("created", "due"),
    [
        ("2026-03-29 00:30", "2026-03-29 05:30"),  # 02:00 to 03:00 does not exist
        ("2026-10-25 00:30", "2026-10-25 03:30"),  # 02:00 to 03:00 happens twice
        ("2026-11-15 00:30", "2026-11-15 04:30"),
    ],
)
def test_time_between_is_real_elapsed_time(created: str, due: str) -> None:
    assert deadline(at(created), timedelta(hours=4), NIGHT, BERLIN) == at(due)


def test_without_business_hours_time_just_passes() -> None:
    due = deadline(at("2026-10-25 01:30"), timedelta(hours=4), None, BERLIN)
    assert due == datetime(2026, 10, 25, 3, 30, tzinfo=UTC)
    assert due.tzinfo is UTC


ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kolkata", "UTC"]
_moments = st.integers(0, 3 * 365 * 24 * 60).map(lambda m: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=m))
_windows = st.lists(st.integers(0, 24 * 60 - 1), min_size=2, max_size=2, unique=True).map(sorted)


@st.composite
def business_hours(draw: st.DrawFn) -> BusinessHours:
    opens, closes = (f"{minute // 60:02}:{minute % 60:02}" for minute in draw(_windows))
    days = draw(st.lists(st.sampled_from(WEEKDAYS), min_size=1, unique=True))
    return open_on(tuple(days), opens, closes)


def is_open(moment: datetime, hours: BusinessHours, zone: ZoneInfo) -> bool:
    local = moment.astimezone(zone)
    return WEEKDAYS[local.weekday()] in hours.days and hours.opens <= local.time() < hours.closes


@settings(max_examples=60, deadline=None)
@given(
    _moments,
    st.integers(1, 600),
    business_hours(),
    st.sampled_from(ZONES).map(ZoneInfo),
)
def test_open_minutes_before_the_deadline_are_the_sla(
    created: datetime, minutes: int, hours: BusinessHours, zone: ZoneInfo
) -> None:
    """An oracle that walks minute by minute, away from the nights on which opening times are skipped or repeated."""
    due = deadline(created, timedelta(minutes=minutes), hours, zone)
    walked, counted = created, 0
    while counted < minutes and walked - created < timedelta(days=15):
        counted += is_open(walked, hours, zone)
        walked += timedelta(minutes=1)
    if counted == minutes and not clock_changes(created, due, zone):
        assert due == walked


def clock_changes(start: datetime, end: datetime, zone: ZoneInfo) -> bool:
    days = range((end - start).days + 3)
    return len({(start + timedelta(days=day - 1)).astimezone(zone).utcoffset() for day in days}) > 1


@settings(max_examples=60, deadline=None)
@given(
    _moments,
    st.timedeltas(timedelta(seconds=1), timedelta(days=3)),
    st.timedeltas(timedelta(0), timedelta(days=2)),
    business_hours(),
    st.sampled_from(ZONES).map(ZoneInfo),
)
def test_later_or_longer_is_never_due_earlier(
    created: datetime, sla: timedelta, more: timedelta, hours: BusinessHours, zone: ZoneInfo
) -> None:
    due = deadline(created, sla, hours, zone)
    assert due >= created + sla
    assert deadline(created + more, sla, hours, zone) >= due
    assert deadline(created, sla + more, hours, zone) >= due


def test_the_longest_sla_in_the_smallest_window_stays_within_the_calendar() -> None:
    smallest = open_on(("mon",), "09:00", "09:01")
    assert deadline(at("2026-11-18 10:00"), timedelta(days=90), smallest, BERLIN).year > 4000
