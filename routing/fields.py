"""The kinds of value a policy file holds, each checked as the file is read."""

import re
import string
from datetime import time, timedelta
from typing import Annotated, Any, Final, Literal, NamedTuple
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from routing.expressions import FIELD_ROOTS, Expression
from routing.json_schema import compile_schema
from routing.patterns import compile_pattern

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: Final[tuple[Weekday, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DURATION = re.compile(r"(\d{1,6})([smhd])")
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


class WeeklyTime(NamedTuple):
    """A moment of every local week."""

    weekday: Weekday
    at: time


def _duration(value: Any) -> Any:
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("not a duration; write a number and s, m, h or d, such as 30m, 4h or 400d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _positive(value: timedelta) -> timedelta:
    if not value:
        raise ValueError("must be longer than 0s")
    return value


def _within_reach(value: timedelta) -> timedelta:
    """Counted in business hours, much more could lie beyond the calendar's end."""
    if value > timedelta(days=90):
        raise ValueError("must be at most 90d")
    return value


def _clock(value: Any) -> Any:
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('not a time of day; write "09:00"')
    return time(int(match[1]), int(match[2]))


def _weekly(value: Any) -> Any:
    weekday, _, clock = value.partition(" ") if isinstance(value, str) else ("", "", "")
    if weekday not in WEEKDAYS or not _CLOCK.fullmatch(clock):
        raise ValueError('not a weekday and a time of day; write "mon 09:00"')
    return WeeklyTime(WEEKDAYS[WEEKDAYS.index(weekday)], _clock(clock))


def _time_zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError("not a time zone of the IANA database, such as Europe/Berlin")
    return value


def _regex(value: str) -> str:
    compile_pattern(value)
    return value


def _cel(value: str) -> str:
    Expression(value)
    return value


def _schema(value: dict[str, Any]) -> dict[str, Any]:
    compile_schema(value)
    return value


def _trace_url(value: str) -> str:
    for _, name, form, conversion in string.Formatter().parse(value):
        if name is not None and (not name.isidentifier() or form or conversion):
            raise ValueError(f"{{{name}}} is no placeholder; write the name of a metadata member, such as {{trace_id}}")
    return value


def _field_path(value: str) -> str:
    root = value.split(".", maxsplit=1)[0]
    if root not in FIELD_ROOTS or not all(value.split(".")):
        raise ValueError(f"must be a dotted path that begins with one of {', '.join(FIELD_ROOTS)}")
    return value


def _matching(pattern: str, what: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if compiled.fullmatch(value) is None:
            raise ValueError(f"{value[:100]!r} is not {what}")
        return value

    return AfterValidator(check)


def _known_version(value: int) -> int:
    if value != 1:
        raise ValueError(f"this program knows version 1 of the policy file, not {value}")
    return value


FileVersion = Annotated[int, AfterValidator(_known_version)]
Share = Annotated[float, Field(ge=0, le=1)]
Duration = Annotated[timedelta, BeforeValidator(_duration)]
PositiveDuration = Annotated[Duration, AfterValidator(_positive)]
Sla = Annotated[PositiveDuration, AfterValidator(_within_reach)]
Clock = Annotated[time, BeforeValidator(_clock)]
Weekly = Annotated[WeeklyTime, BeforeValidator(_weekly)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
Regex = Annotated[str, AfterValidator(_regex)]
Cel = Annotated[str, AfterValidator(_cel)]
FieldPath = Annotated[str, AfterValidator(_field_path)]
Schema = Annotated[dict[str, Any], AfterValidator(_schema)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=3000)]
Name = Annotated[str, _matching(r"[A-Za-z0-9_.-]{1,64}", "a name: 1 to 64 of A-Z a-z 0-9 _ . -")]
TaskName = Annotated[str, _matching(r"[a-z0-9_.-]{1,64}", "a task type: 1 to 64 of a-z 0-9 _ . -")]
Url = Annotated[str, _matching(r"https?://[^\s/]\S{0,1999}", "an http or https URL")]
TraceUrl = Annotated[Url, AfterValidator(_trace_url)]
Channel = Annotated[str, _matching(r"#[^\s#A-Z.,]{1,80}|[CG][A-Z0-9]{1,31}", "a channel: #name or its id (C…, G…)")]
User = Annotated[str, _matching(r"[UW][A-Z0-9]{1,31}", "a Slack user id (U…, W…)")]
UserGroup = Annotated[str, _matching(r"S[A-Z0-9]{1,31}", "a Slack user group id (S…)")]
UserOrGroup = Annotated[str, _matching(r"[UWS][A-Z0-9]{1,31}", "a Slack user or user group id (U…, W…, S…)")]
JudgeKeyName = Annotated[str, _matching(r"HITL_JUDGE_[A-Z0-9_]+", "a variable that begins with HITL_JUDGE_")]
"""The prefix keeps a policy from sending any other secret of the process to an endpoint of its choice."""
