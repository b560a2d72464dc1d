"""When an app is reminded of a rollback that it was asked for, and when people hear of it."""

from datetime import datetime, timedelta

_EARLY = (timedelta(hours=1), timedelta(hours=4))
"""Since the request; after these it is reminded daily, for as long as it has not answered."""
OVERDUE = timedelta(days=1)
"""From this age on people are told too, with each reminder."""
_DAY = timedelta(days=1)


def passed(requested_at: datetime, now: datetime) -> int:
    """How many of the reminders' times have come."""
    since = now - requested_at
    return sum(after <= since for after in _EARLY) + max(since // _DAY, 0)


def next_reminder(requested_at: datetime, now: datetime) -> datetime:
    """The first of their times that has not come; there is always one."""
    since = now - requested_at
    return requested_at + next((after for after in _EARLY if after > since), (since // _DAY + 1) * _DAY)


def is_overdue(requested_at: datetime, now: datetime) -> bool:
    return requested_at + OVERDUE <= now
