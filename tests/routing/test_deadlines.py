from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.deadlines import deadline, time_waited
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
    ("zone", "day", "due"),
    [
        ("Europe/Berlin", "2026-03-29", "05:30"),  # 02:00 to 03:00 does not exist
        ("Europe/Berlin", "2026-10-25", "03:30"),  # 02:00 to 03:00 happens twice
        ("Europe/Berlin", "2026-11-15", "04:30"),
        ("America/New_York", "2026-03-08", "05:30"),
        ("America/New_York", "2026-11-01", "03:30"),
        ("Australia/Lord_Howe", "2026-10-04", "05:00"),  # half an hour is left out
        ("Australia/Lord_Howe", "2026-04-05", "04:00"),  # and happens twice
        ("Asia/Kolkata", "2026-03-29", "04:30"),
    ],
)
def test_time_between_is_real_elapsed_time(zone: str, day: str, due: str) -> None:
    tz = ZoneInfo(zone)
    created, expected = (datetime.fromisoformat(f"{day} {clock}").replace(tzinfo=tz) for clock in ("00:30", due))
    assert deadline(created, timedelta(hours=4), NIGHT, tz) == expected.astimezone(UTC)


@pytest.mark.parametrize(
    ("sunday", "due"),
    [
        ("2026-03-29", "2026-04-05 02:00"),  # open for five hours, and the rest a week later
        ("2026-10-25", "2026-10-25 06:00"),  # open for seven
        ("2026-11-15", "2026-11-22 01:00"),
    ],
)
def test_a_window_is_open_for_as_long_as_it_really_was(sunday: str, due: str) -> None:
    assert deadline(at(f"{sunday} 00:00"), timedelta(hours=6, minutes=30), NIGHT, BERLIN) == at(due)


@pytest.mark.parametrize("created", ["2026-11-21 00:00", "2026-11-21 12:00", "2026-11-22 23:59", "2026-11-23 08:59"])
def test_nothing_falls_due_on_a_closed_day(created: str) -> None:
    for minutes in (0, 30, 540):
        due = deadline(at(created), timedelta(minutes=minutes), OFFICE, BERLIN)
        assert due == at("2026-11-23 09:00") + timedelta(minutes=minutes)


def test_without_business_hours_time_just_passes() -> None:
    due = deadline(at("2026-10-25 01:30"), timedelta(hours=4), None, BERLIN)
    assert due == datetime(2026, 10, 25, 3, 30, tzinfo=UTC)
    assert due.tzinfo is UTC


ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kolkata", "UTC"]
FIRST, DAYS = datetime(2025, 1, 1, tzinfo=UTC), 3 * 365
QUARTER = timedelta(minutes=15)


def days_of_change(zone: ZoneInfo) -> list[int]:
    offsets = [(FIRST + timedelta(days=day)).astimezone(zone).utcoffset() for day in range(DAYS)]
    return [day for day in range(1, DAYS) if offsets[day] != offsets[day - 1]]


_CHANGES = {name: days_of_change(ZoneInfo(name)) for name in ZONES}


@st.composite
def moments(draw: st.DrawFn) -> tuple[datetime, ZoneInfo]:
    """A quarter of an hour in a zone; as often as not one on which the clock is soon set forward or back."""
    name = draw(st.sampled_from(ZONES))
    days = st.integers(1, DAYS)
    if _CHANGES[name]:
        days = st.sampled_from(_CHANGES[name]) | days
    quarters = draw(days) * 96 - draw(st.integers(0, 3 * 96))
    return FIRST + quarters * QUARTER, ZoneInfo(name)


@st.composite
def business_hours(draw: st.DrawFn, edges: st.SearchStrategy[int]) -> BusinessHours:
    """`edges`: minutes of the day at which they may open and close."""
    window = sorted(draw(st.lists(edges, min_size=2, max_size=2, unique=True)))
    opens, closes = (f"{minute // 60:02}:{minute % 60:02}" for minute in window)
    days = draw(st.lists(st.sampled_from(WEEKDAYS), min_size=1, unique=True))
    return open_on(tuple(days), opens, closes)


ANY_MINUTE = st.integers(0, 24 * 60 - 1)
# Hours may be open while the clock is set, but open or close at no minute that is skipped or comes twice: what "open"
# then means is a convention, which the walk below does not know.
CLEAR_QUARTERS = st.sampled_from(range(0, 60, 15)) | st.sampled_from(range(180, 24 * 60, 15))


def is_open(moment: datetime, hours: BusinessHours, zone: ZoneInfo) -> bool:
    local = moment.astimezone(zone)
    return WEEKDAYS[local.weekday()] in hours.days and hours.opens <= local.time() < hours.closes


@settings(max_examples=200)
@given(moments(), st.integers(1, 40), business_hours(CLEAR_QUARTERS))
def test_open_quarters_before_the_deadline_are_the_sla(
    moment: tuple[datetime, ZoneInfo], quarters: int, hours: BusinessHours
) -> None:
    """An oracle that walks from quarter to quarter and looks at the clock on the wall."""
    created, zone = moment
    walked, counted = created, 0
    while counted < quarters and walked - created < timedelta(days=15):
        counted += is_open(walked, hours, zone)
        walked += QUARTER
    due = deadline(created, quarters * QUARTER, hours, zone)
    assert due == walked if counted == quarters else due > walked


@settings(max_examples=60)
@given(
    moments(),
    st.timedeltas(timedelta(0), timedelta(days=3)),
    st.timedeltas(timedelta(0), timedelta(days=2)),
    st.none() | business_hours(ANY_MINUTE),
)
def test_later_or_longer_is_never_due_earlier(
    moment: tuple[datetime, ZoneInfo], sla: timedelta, more: timedelta, hours: BusinessHours | None
) -> None:
    created, zone = moment
    due = deadline(created, sla, hours, zone)
    assert due >= created + sla
    assert deadline(created + more, sla, hours, zone) >= due
    assert deadline(created, sla + more, hours, zone) >= due


@settings(max_examples=60)
@given(moments(), st.timedeltas(timedelta(0), timedelta(days=3)), st.none() | business_hours(ANY_MINUTE))
def test_at_the_deadline_the_sla_has_been_waited(
    moment: tuple[datetime, ZoneInfo], sla: timedelta, hours: BusinessHours | None
) -> None:
    created, zone = moment
    assert time_waited(created, deadline(created, sla, hours, zone), hours, zone) == sla


@pytest.mark.parametrize(
    ("since", "until", "hours"),
    [
        ("2026-11-18 10:00", "2026-11-18 14:00", 4),
        ("2026-11-20 17:00", "2026-11-23 10:00", 2),  # over the weekend
        ("2026-11-18 19:00", "2026-11-19 08:00", 0),  # over the night
        ("2026-11-18 08:00", "2026-11-18 20:00", 9),
        ("2026-11-18 14:00", "2026-11-18 10:00", 0),
    ],
)
def test_only_waiting_in_business_hours_counts(since: str, until: str, hours: int) -> None:
    assert time_waited(at(since), at(until), OFFICE, BERLIN) == timedelta(hours=hours)


def test_the_longest_sla_in_the_smallest_window_stays_within_the_calendar() -> None:
    smallest = open_on(("mon",), "09:00", "09:01")
    assert deadline(at("2026-11-18 10:00"), timedelta(days=90), smallest, BERLIN).year > 4000
