"""When jobs are due: the latest times up to a moment, in the policy's time zone.

A tick is named by its local day, ISO week or month. So the hour that autumn repeats brings no second one, and a time
that spring leaves out comes an hour later (the `zoneinfo` reading of PEP 495, fold 0).
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from store.runs import Tick

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def local_instant(day: date, at: time, tz: ZoneInfo) -> datetime:
    """The instant of a local wall time, in UTC."""
    return datetime.combine(day, at, tz).astimezone(UTC)


def days_until(now: datetime, at: time, tz: ZoneInfo, scope: str = "") -> Iterator[Tick]:
    """The daily ticks due by `now`, the latest first, without end."""
    day = now.astimezone(tz).date()
    while True:
        instant = local_instant(day, at, tz)
        if instant <= now:
            yield Tick(scope, day.isoformat(), instant)
        day -= timedelta(days=1)


def weeks_until(now: datetime, weekday: str, at: time, tz: ZoneInfo, scope: str = "") -> Iterator[Tick]:
    """The weekly ticks due by `now`, the latest first, without end. `weekday`: mon, tue …, by name: numbers mean
    different days to different schedulers."""
    wanted = _WEEKDAYS.index(weekday)
    for tick in days_until(now, at, tz, scope):
        day = date.fromisoformat(tick.period)
        if day.weekday() == wanted:
            year, week, _ = day.isocalendar()
            yield Tick(scope, f"{year}-W{week:02}", tick.at)


def months_until(now: datetime, at: time, tz: ZoneInfo) -> Iterator[Tick]:
    """The ticks on the first of each month that are due by `now`, the latest first, without end."""
    for tick in days_until(now, at, tz):
        if date.fromisoformat(tick.period).day == 1:
            yield Tick(tick.scope, tick.period[: len("2026-11")], tick.at)


def moments_until(now: datetime, every: timedelta) -> Iterator[Tick]:
    """Ticks of what recurs within a day, counted in UTC, the latest first, without end. `every` divides a day."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    moment = midnight + (now - midnight) // every * every
    while True:
        yield Tick("", moment.strftime("%Y-%m-%dT%H:%MZ"), moment)
        moment -= every
