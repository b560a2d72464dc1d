"""When jobs are due: once a local day or week, whatever the clocks do."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.jobs.calendar import days_until, local_instant, moments_until, months_until, weeks_until
from store.runs import Tick

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
ZONES = [BERLIN, NEW_YORK, ZoneInfo("Pacific/Chatham"), ZoneInfo("America/Santiago"), ZoneInfo("UTC")]
EARLY = time(2, 30)
HOUR = timedelta(hours=1)

SPRING = {BERLIN: date(2027, 3, 28), NEW_YORK: date(2027, 3, 14)}
AUTUMN = {BERLIN: date(2026, 10, 25), NEW_YORK: date(2026, 11, 1)}


def fired(tz: ZoneInfo, at: time, day: date) -> list[Tick]:
    """The ticks that somebody who looks every ten minutes finds new, from the day before to the day after."""
    moment = datetime.combine(day - timedelta(days=1), time(), UTC)
    seen = {next(days_until(moment, at, tz)).period}
    found = []
    for _ in range(3 * 24 * 6):
        moment += timedelta(minutes=10)
        tick = next(days_until(moment, at, tz))
        if tick.period not in seen:
            seen.add(tick.period)
            found.append(tick)
    return found


@pytest.mark.parametrize("tz", [BERLIN, NEW_YORK])
def test_a_time_that_spring_leaves_out_comes_an_hour_later(tz: ZoneInfo) -> None:
    day = SPRING[tz]
    of_day = [tick for tick in fired(tz, EARLY, day) if tick.period == day.isoformat()]
    assert [tick.at.astimezone(tz).time() for tick in of_day] == [time(3, 30)]


@pytest.mark.parametrize("tz", [BERLIN, NEW_YORK])
def test_a_time_that_autumn_repeats_comes_once_and_first(tz: ZoneInfo) -> None:
    day, at = AUTUMN[tz], time(1, 30) if tz is NEW_YORK else EARLY
    of_day = [tick for tick in fired(tz, at, day) if tick.period == day.isoformat()]
    assert [tick.at for tick in of_day] == [local_instant(day, at, tz)]
    assert of_day[0].at.astimezone(tz).fold == 0
    assert (of_day[0].at + HOUR).astimezone(tz).time() == at


@settings(max_examples=50)
@given(
    st.sampled_from(ZONES),
    st.integers(0, 15 * 365 * 86_400).map(lambda after: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=after)),
    st.times().map(lambda at: at.replace(microsecond=0, fold=0)),
)
def test_each_local_day_has_one_tick_and_none_lies_in_the_future(tz: ZoneInfo, now: datetime, at: time) -> None:
    ticks = list(islice(days_until(now, at, tz), 200))
    assert all(tick.at <= now for tick in ticks)
    assert now - ticks[0].at < timedelta(hours=26)
    days = [date.fromisoformat(tick.period) for tick in ticks]
    assert all(later - earlier == timedelta(days=1) for later, earlier in pairwise(days))
    assert all(later.at > earlier.at for later, earlier in pairwise(ticks))
    assert all(tick.at.astimezone(tz).date() == day for tick, day in zip(ticks, days, strict=True))


@pytest.mark.parametrize("tz", ZONES)
def test_a_weekday_is_named_and_comes_once_an_iso_week(tz: ZoneInfo) -> None:
    now = datetime(2027, 1, 4, 12, tzinfo=UTC)
    for number, weekday in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun")):
        ticks = list(islice(weeks_until(now, weekday, time(9), tz), 60))
        local = [tick.at.astimezone(tz) for tick in ticks]
        assert {at.weekday() for at in local} == {number}
        assert {at.time() for at in local} == {time(9)}
        assert [tick.period for tick in ticks] == [f"{at:%G}-W{at:%V}" for at in local]
        assert Counter(tick.period for tick in ticks).most_common(1)[0][1] == 1
    assert next(weeks_until(now, "mon", time(9), BERLIN, "#ai-review")) == Tick(
        "#ai-review", "2027-W01", datetime(2027, 1, 4, 8, tzinfo=UTC)
    )


@pytest.mark.parametrize("tz", ZONES)
def test_a_month_has_one_tick_on_its_first_local_day(tz: ZoneInfo) -> None:
    ticks = list(islice(months_until(datetime(2027, 3, 15, tzinfo=UTC), time(9), tz), 4))
    local = [tick.at.astimezone(tz) for tick in ticks]
    assert [tick.period for tick in ticks] == ["2027-03", "2027-02", "2027-01", "2026-12"]
    assert [at.month for at in local] == [3, 2, 1, 12]
    assert {(at.day, at.time()) for at in local} == {(1, time(9))}


def test_what_recurs_within_a_day_is_counted_in_utc() -> None:
    now = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # Berlin's second 02:10
    hours = list(islice(moments_until(now, HOUR), 4))
    assert [tick.period for tick in hours] == [
        "2026-10-25T01:00Z",
        "2026-10-25T00:00Z",
        "2026-10-24T23:00Z",
        "2026-10-24T22:00Z",
    ]
    assert [now - tick.at for tick in hours] == [timedelta(minutes=10) + number * HOUR for number in range(4)]
    local = datetime(2026, 11, 20, 0, 45, tzinfo=BERLIN)
    assert next(moments_until(local, timedelta(minutes=30))).at == datetime(2026, 11, 19, 23, 30, tzinfo=UTC)
