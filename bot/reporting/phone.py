"""An overview as lines that a telephone shows whole: of a code block it shows 34 columns."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from bot.reporting import words
from bot.reporting.hiding import Hiding
from bot.reporting.overview import Overview, TaskState
from routing.digest import Point
from routing.metrics import Metric, headline, number, standing

COLUMNS: Final = 34
_NAME, _VALUE, _TREND = 15, 11, 7
_MOST_TASKS = 6
_MINUTE = timedelta(minutes=1)
_LEVELS = "▁▂▃▅▇"
_MARKS = {"met": "✓", "missed": "✗", "unclear": "?"}
_NAMES: Final = {
    "escalation_rate": "To people",
    "auto_resolve_rate": "Ran alone",
    "error_escape_rate": "Errors escaped",
    "review_latency": "Wait, p95",
    "reviewer_agreement": "With the model",
    "inter_reviewer_agreement": "With each other",
    "feedback_utilization": "Fixes used",
    "feedback_to_update": "Fix to use, p95",
}
_POINTS: Final = {
    "escalation_rate": "escalation",
    "error_escape_rate": "escape",
    "review_latency": "latency",
    "reviewer_agreement": "agreement",
    "inter_reviewer_agreement": "between_reviewers",
}
_ONLY_WITH_DATA = ("feedback_utilization", "feedback_to_update")


def sparkline(values: Sequence[float | None]) -> str:
    """A column for each value, from 0 to the largest; a dot where there is no data."""
    most = max((value for value in values if value is not None), default=0.0)
    steps = len(_LEVELS)
    return "".join(
        "·" if value is None else _LEVELS[min(int(steps * value / most), steps - 1) if most > 0 else 0]
        for value in values
    )


def trend(key: str, points: Sequence[Point]) -> str:
    """The sparkline of a metric; empty for one that has none."""
    if key == "auto_resolve_rate":
        return sparkline([None if at.escalation is None else 1 - at.escalation for at in points])
    return sparkline([getattr(at, _POINTS[key]) for at in points]) if key in _POINTS else ""


def metric_lines(overview: Overview) -> Iterator[str]:
    """Each metric with its number, its trend, and how it stands to its target."""
    for key, name in _NAMES.items():
        metric = overview.told[key]
        if key in _ONLY_WITH_DATA and headline(metric) is None:
            continue
        shown = "" if headline(metric) is None else trend(key, overview.trend[-_TREND:])
        yield f"{name:<{_NAME}}{words.value(key, metric):>{_VALUE}} {shown}".rstrip()
        yield from _notes(key, metric)


def _notes(key: str, metric: Metric) -> Iterator[str]:
    stands, interval = standing(key, metric), words.interval(metric)
    if interval:
        yield f"  {interval} (n {words.count(metric):,})"
    if key == "feedback_utilization":
        yield f"  {number(metric, 'numerator') or 0:,.0f} of {words.numbered(words.count(metric), 'correction')}"
    if stands is not None:
        yield f"{_MARKS[stands]} {words.STANDINGS[stands]} ({words.target(key)})"


def queue_lines(overview: Overview, hiding: Hiding) -> Iterator[str]:
    """What waits, by task type."""
    waiting = overview.waiting
    if not waiting:
        yield "Nothing waits."
        return
    total, oldest = sum(each.count for each in waiting), max(each.oldest for each in waiting)
    yield f"{total:,} wait, oldest {_age(oldest)}"
    if overview.statistics.window.task_type is not None:
        return
    for each in waiting[:_MOST_TASKS]:
        name = _cut(hiding.of(each.task_type, each.task_type), _NAME)
        yield f"{name:<{_NAME}}{each.count:>7,} {_age(each.oldest):>{_VALUE}}"
    yield from _further(len(waiting))


def task_lines(overview: Overview, hiding: Hiding) -> Iterator[str]:
    """How far each task has come: its audits, its calibration, and what of its policy is adjusted."""
    for state in overview.tasks[:_MOST_TASKS]:
        yield _cut(hiding.of(state.task_type, state.task_type), COLUMNS)
        yield from (f"  {_cut(said, COLUMNS - 2)}" for said in told(state, overview.tz))
    yield from _further(len(overview.tasks))


def told(state: TaskState, tz: ZoneInfo) -> list[str]:
    """A few words about each thing that is known of a task; days are those of the time zone."""
    said = []
    if state.maturity is not None and state.audit_rate is not None:
        said.append(words.audited(state.maturity, state.audit_rate))
    if state.tripling_days is not None:
        said.append(f"audits find 3× errors in {words.whole_days(state.tripling_days):,} d")
    if state.calibration is not None:
        at, threshold = state.calibration.at.astimezone(tz), state.calibration.threshold
        result = "refused" if threshold is None else words.shown(threshold)
        said.append(f"calibrated {words.day(at)}: {result}")
    for each in state.adjustments:
        what = "paused" if each.cause == "brake" else f"{each.key} {words.adjusted(each.key, each.value)}"
        at = each.made_at.astimezone(tz)
        said.append(f"{what} since {words.day(at)}")
    return said


def _age(waited: timedelta) -> str:
    """To the minute."""
    return words.duration(max(round(waited / _MINUTE), 1) * 60)


def _further(count: int) -> Iterator[str]:
    if count > _MOST_TASKS:
        yield f"… and {words.numbered(count - _MOST_TASKS, 'further task')}"


def _cut(text: str, columns: int) -> str:
    return text if len(text) <= columns else f"{text[: columns - 1]}…"
