"""Stretches of time as people name them: local days and weeks, and hours back from now."""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_WINDOW = re.compile(r"([1-9]\d{0,3})([hd])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1)}
DEFAULT_WINDOW = "7d"
YEARS = range(1970, 9999)


class SpanError(ValueError):
    """What was asked for names no stretch of time. `name`: of what is wrong (window, from, to); the message says what
    to write."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


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
    """The time of `window` back from now; or from `first` on and before `end` (None: up to now), each a local day or an
    ISO 8601 time. Raises SpanError."""
    if first is None and end is None:
        found = _WINDOW.fullmatch(DEFAULT_WINDOW if window is None else window)
        if found is None:
            raise SpanError("window", f"{_quoted(window)} is no window: write a number of hours or days, as 24h or 7d.")
        return Span(now - int(found[1]) * _UNITS[found[2]], now)
    if window is not None:
        raise SpanError("window", "goes back from now, while from and to name days: give one or the other.")
    if first is None:
        raise SpanError("to", "needs from beside it: what is counted is from that day on and before this one.")
    since = _moment("from", first, tz)
    until = now if end is None else _moment("to", end, tz)
    if since >= until:
        raise SpanError("from", f"{_quoted(first)} does not lie before {'now' if end is None else _quoted(end)}.")
    return Span(since, until)


def _moment(name: str, text: str, tz: ZoneInfo) -> datetime:
    with suppress(ValueError, OverflowError):
        at = _parsed(text, tz)
        if at.year in YEARS:
            return at
    raise SpanError(name, f"{_quoted(text)} is no day: write it as 2026-11-09, or a time as 2026-11-09T08:00:00Z.")


def _parsed(text: str, tz: ZoneInfo) -> datetime:
    """Raises ValueError and OverflowError."""
    with suppress(ValueError):
        return midnight(date.fromisoformat(text), tz)
    return moment(text)


def moment(text: str) -> datetime:
    """An ISO 8601 time; without an offset it is UTC. Raises ValueError and OverflowError."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        # A plus sign in a query that nobody escaped arrives as a space.
        at = datetime.fromisoformat(text.replace(" ", "+"))
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _quoted(text: str | None) -> str:
    return repr((text or "")[:40])


def week_before(period: str) -> date:
    """The Monday of the last whole ISO week before one of the week `period`, such as 2026-W47."""
    year, _, week = period.partition("-W")
    return date.fromisocalendar(int(year), int(week), 1) - timedelta(weeks=1)


def week_name(monday: date) -> str:
    year, week, _ = monday.isocalendar()
    return f"{year}-W{week:02}"
