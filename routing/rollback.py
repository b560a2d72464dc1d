"""When an app is reminded of a rollback that it was asked for, and when people hear of it."""

from datetime import datetime, timedelta

REMINDERS = tuple(timedelta(hours=hours) for hours in (1, 4, 24, 48, 72, 96, 120))
"""Since the request. After the last one it stays open, and is counted."""
OVERDUE = timedelta(days=1)
"""From this age on people are told too."""


def passed(requested_at: datetime, now: datetime) -> int:
    """How many of the reminders' times have come."""
    return sum(requested_at + after <= now for after in REMINDERS)


def next_reminder(requested_at: datetime, now: datetime) -> datetime | None:
    """The first of their times that has not come; None after the last."""
    return next((requested_at + after for after in REMINDERS if requested_at + after > now), None)


def is_overdue(requested_at: datetime, now: datetime) -> bool:
    return requested_at + OVERDUE <= now
