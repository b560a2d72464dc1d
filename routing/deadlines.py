"""Until when a person has time to answer, and how much of it has passed: elapsed time, or business hours only."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from routing.fields import WEEKDAYS
from routing.policy_sections import BusinessHours

_DAY = timedelta(days=1)


def deadline(created: datetime, sla: timedelta, hours: BusinessHours | None, tz: ZoneInfo) -> datetime:
    """The moment, in UTC, by which `sla` has passed since `created` (aware).

    With business hours only the time inside them counts. They open and close by the local clock, the time between is
    real elapsed time, so a day on which the clock changes is an hour shorter or longer. `sla` must not be negative.
    """
    start = created.astimezone(UTC)
    if hours is None:
        return start + sla
    left = sla
    day = start.astimezone(tz).date()
    while True:
        if WEEKDAYS[day.weekday()] in hours.days:
            opens = max(datetime.combine(day, hours.opens, tz).astimezone(UTC), start)
            open_for = datetime.combine(day, hours.closes, tz).astimezone(UTC) - opens
            if timedelta(0) <= open_for and left <= open_for:
                return opens + left
            left -= max(open_for, timedelta(0))
        day += _DAY


def time_waited(since: datetime, until: datetime, hours: BusinessHours | None, tz: ZoneInfo) -> timedelta:
    """How much of the time between two moments (aware) counts, as `deadline` counts it; zero where there is none."""
    start, end = since.astimezone(UTC), until.astimezone(UTC)
    if hours is None:
        return max(end - start, timedelta(0))
    waited = timedelta(0)
    day, last = start.astimezone(tz).date(), end.astimezone(tz).date()
    while day <= last:
        if WEEKDAYS[day.weekday()] in hours.days:
            opens = max(datetime.combine(day, hours.opens, tz).astimezone(UTC), start)
            closes = min(datetime.combine(day, hours.closes, tz).astimezone(UTC), end)
            waited += max(closes - opens, timedelta(0))
        day += _DAY
    return waited
