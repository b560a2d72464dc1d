"""Stretches of time as people name them: local days and weeks, and hours back from now."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_WINDOW = re.compile(r"([1-9]\d{0,3})([hd])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1)}
DEFAULT_WINDOW = "7d"


class SpanError(ValueError):
    """The options name no stretch of time; the message says what to write."""


@dataclass(frozen=True, slots=True)
class Span:
    """From `since` on and before `until`."""

    since: datetime
    until: datetime


def midnight(day: date, tz: ZoneInfo) -> datetime:
    """When a local day begins, in UTC."""
    return datetime.combine(day, time(), tz).astimezone(UTC)


def days(first: date, end: date, tz: ZoneInfo) -> Span:
    """The local days from `first` on and before `end`: a week of them has 167 or 169 hours when the clocks change."""
    return Span(midnight(first, tz), midnight(end, tz))


def asked_for(window: str | None, first: str | None, end: str | None, *, now: datetime, tz: ZoneInfo) -> Span:
    """What the options --window, --from and --to name: the local days from `first` on and before `end` (None: up to
    now), or the time of `window` back from now. Raises SpanError."""
    if first is None and end is None:
        found = _WINDOW.fullmatch(window or DEFAULT_WINDOW)
        if found is None:
            raise SpanError(f"--window: {window} is no stretch of time; write a number of hours or days, as 24h or 7d.")
        return Span(now - int(found[1]) * _UNITS[found[2]], now)
    if window is not None:
        raise SpanError("--window goes back from now, --from and --to name days: give one or the other.")
    if first is None:
        raise SpanError("--to needs --from: the days from --from on and before --to are counted.")
    since = midnight(_day("--from", first), tz)
    until = now if end is None else midnight(_day("--to", end), tz)
    if since >= until:
        raise SpanError(f"--from {first} does not lie before {f'--to {end}' if end else 'now'}.")
    return Span(since, until)


def _day(option: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise SpanError(f"{option}: {text} is no day; write it as 2026-11-09.") from None


def week_before(period: str) -> date:
    """The Monday of the last whole ISO week before one of the week `period`, such as 2026-W47."""
    year, _, week = period.partition("-W")
    return date.fromisocalendar(int(year), int(week), 1) - timedelta(weeks=1)


def week_name(monday: date) -> str:
    year, week, _ = monday.isocalendar()
    return f"{year}-W{week:02}"
