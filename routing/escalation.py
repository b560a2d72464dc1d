"""What the clock does with a waiting review, and when: its claim ends, its steps fall due, its deadline passes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from routing.deadlines import deadline
from routing.policy_sections import BusinessHours, EscalationStep


@dataclass(frozen=True, slots=True)
class Schedule:
    """How time counts, and the steps that a task's policy names."""

    steps: Sequence[EscalationStep]
    hours: BusinessHours | None
    tz: ZoneInfo


@dataclass(frozen=True, slots=True)
class Waiting:
    """A waiting review as the clock sees it. `since`: from when its steps count; None while nobody has seen it."""

    since: datetime | None
    steps_done: int
    deadline: datetime
    overdue: bool
    claimed_until: datetime | None = None


def due_steps(waiting: Waiting, schedule: Schedule, now: datetime) -> list[EscalationStep]:
    """The steps that have fallen due and are not done, in their order."""
    return [step for step, at in _open_steps(waiting, schedule) if at <= now]


def next_due(waiting: Waiting, schedule: Schedule) -> datetime | None:
    """When the clock next has something to do; None: never."""
    times = [at for _, at in _open_steps(waiting, schedule)]
    if not waiting.overdue:
        times.append(waiting.deadline)
    if waiting.claimed_until is not None:
        times.append(waiting.claimed_until)
    return min(times, default=None)


def _open_steps(waiting: Waiting, schedule: Schedule) -> Iterator[tuple[EscalationStep, datetime]]:
    if waiting.since is None:
        return
    ordered = sorted(schedule.steps, key=lambda step: step.after)
    for step in ordered[waiting.steps_done :]:
        yield step, deadline(waiting.since, step.after, schedule.hours, schedule.tz)
