"""How reviewing goes, in one look: the metrics and their trend, what waits, and how far each task has come."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final, Literal
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncEngine

from bot.reporting.days import Span
from bot.reporting.statistics import Prices, Statistics, read_prices, read_statistics
from bot.reviewing.audit_rates import maturity_of
from routing.digest import Point, point
from routing.drift import tripling_days
from routing.maturity import MaturityState
from routing.metrics import Facts, Metrics, metrics
from routing.money import Money
from routing.policy import Policy
from store.adjustments import AdjustmentStore, StoredAdjustment
from store.audit_streams import Stream, StreamStore
from store.calibrations import CalibrationStore, Look
from store.facts import FactStore, Window
from store.load import LoadStore
from store.queue import IN_LINE, Group, QueueStore

Unit = Literal["day", "week"]

_MOST_DAYS = timedelta(days=14)
"""A longer stretch is told by weeks."""
_MOST_PIECES = 26
_STEPS: Final[Mapping[Unit, timedelta]] = {"day": timedelta(days=1), "week": timedelta(weeks=1)}
_MARKS: Final[Mapping[Unit, timedelta]] = {"day": timedelta(hours=3), "week": timedelta(days=1)}
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for people, of one task type. `oldest`: for how long."""

    task_type: str
    count: int
    oldest: timedelta


@dataclass(slots=True)
class TaskState:
    """How far one task type has come: the stream that learnt last, the latest calibration, and what of the policy is
    adjusted. `tripling_days`: how soon a tripling of its errors would be found by as many audits as of late; None: none
    was judged."""

    task_type: str
    maturity: MaturityState | None = None
    audit_rate: float | None = None
    tripling_days: float | None = None
    calibration: Look | None = None
    adjustments: list[StoredAdjustment] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Overview:
    """Of all task types, or of the one that `statistics` is about.

    Attributes:
        tz: of the days that are named.
        trend: the oldest first; each point is one `unit`.
        spent: None where the policy does not say what things cost.
        waiting: the longest line first.
        tasks: those with most decisions first.
    """

    statistics: Statistics
    tz: ZoneInfo
    told: Metrics
    trend: tuple[Point, ...]
    unit: Unit
    spent: Money | None
    waiting: tuple[Waiting, ...]
    tasks: tuple[TaskState, ...]


class TaskStates:
    def __init__(self, engine: AsyncEngine) -> None:
        self._streams, self._calibrations = StreamStore(engine), CalibrationStore(engine)
        self._adjustments = AdjustmentStore(engine)

    async def read(self) -> list[TaskState]:
        return task_states(
            await self._streams.all(),
            (await self._calibrations.latest_of_streams()).values(),
            await self._adjustments.in_force(),
        )


class Overviews:
    """Every read is bounded: by counters, by what waits, by how many models there are."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._facts, self._load, self._queue = FactStore(engine), LoadStore(engine), QueueStore(engine)
        self._states = TaskStates(engine)

    async def read(self, span: Span, task_type: str | None, policy: Policy, now: datetime) -> Overview:
        statistics = await read_statistics(self._facts, span, task_type)
        prices = await read_prices(self._load, statistics.window, policy.cost)
        tz = ZoneInfo(policy.timezone)
        unit, pieces = pieces_of(span, tz, is_open=span.until == now)
        parts = [(name, await self._facts.whole(Window(piece.since, piece.until, task_type))) for name, piece in pieces]
        waiting = waiting_of(await self._queue.groups(), now, task_type)
        tasks = await self._tasks(statistics, policy)
        return await asyncio.to_thread(_reckoned, statistics, tz, parts, unit, prices, waiting, tasks)

    async def task_types(self, span: Span, policy: Policy) -> list[str]:
        """Those that the policy lists, and those of the decisions of this stretch; by name."""
        found = await read_statistics(self._facts, span)
        return sorted({*policy.tasks, *(group.task_type for group in found.groups)})

    async def _tasks(self, statistics: Statistics, policy: Policy) -> tuple[TaskState, ...]:
        found = await self._states.read()
        window, by_task = statistics.window, await asyncio.to_thread(lambda: statistics.by_task)
        chosen = [each for each in found if window.task_type in (None, each.task_type)]
        for each in chosen:
            audits = by_task[each.task_type].audits.total() if each.task_type in by_task else 0
            a_day = audits / ((window.until - window.since) / timedelta(days=1))
            each.tripling_days = tripling_days(a_day, policy.task(each.task_type).max_error)
        sizes = {name: facts.decisions for name, facts in by_task.items()}
        return tuple(sorted(chosen, key=lambda each: (-sizes.get(each.task_type, 0), each.task_type)))


def _reckoned(
    statistics: Statistics,
    tz: ZoneInfo,
    parts: Sequence[tuple[str, Facts]],
    unit: Unit,
    prices: Prices | None,
    waiting: tuple[Waiting, ...],
    tasks: tuple[TaskState, ...],
) -> Overview:
    """All that goes through the groups, of which there may be thousands, and that needs scipy: not on the event loop,
    and so is what stands out."""
    whole = statistics.whole
    _ = statistics.standing_out
    return Overview(
        statistics=statistics,
        tz=tz,
        told=metrics(whole),
        trend=tuple(point(name, part) for name, part in parts),
        unit=unit,
        spent=None if prices is None else prices.of(whole),
        waiting=waiting,
        tasks=tasks,
    )


def pieces_of(span: Span, tz: ZoneInfo, *, is_open: bool) -> tuple[Unit, list[tuple[str, Span]]]:
    """The days or weeks back from its end that lie within a stretch, the oldest first, by the day that each ends on.
    Days as clocks show them: one on which they change has 23 hours or 25. Of a stretch that is open, up to now, they
    end on the next mark."""
    unit: Unit = "day" if span.until - span.since <= _MOST_DAYS else "week"
    ends = [span.until.astimezone(tz) - back * _STEPS[unit] for back in range(_MOST_PIECES + 1)]
    edges = [_marked(end, _MARKS[unit]) if is_open else end.astimezone(UTC) for end in ends]
    pieces = [
        ((end - _MOMENT).date().isoformat(), Span(since, until))
        for end, (until, since) in zip(ends, pairwise(edges), strict=False)
    ]
    return unit, [(name, piece) for name, piece in reversed(pieces) if piece.since >= span.since]


def _marked(end: datetime, mark: timedelta) -> datetime:
    """The next mark of three hours or of a day, UTC: what ends on one is read from some of the counters' larger
    buckets, which takes a third of the time. After now nothing has happened yet."""
    midnight = end.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - (midnight - end) // mark * mark


def waiting_of(groups: Iterable[Group], now: datetime, task_type: str | None = None) -> tuple[Waiting, ...]:
    lines: defaultdict[str, list[Group]] = defaultdict(list)
    for group in groups:
        if group.lane in IN_LINE and task_type in (None, group.task_type):
            lines[group.task_type].append(group)
    found = [
        Waiting(name, sum(each.count for each in line), max(now - min(each.oldest for each in line), timedelta()))
        for name, line in lines.items()
    ]
    return tuple(sorted(found, key=lambda each: (-each.count, each.task_type)))


def task_states(
    streams: Iterable[Stream], calibrations: Iterable[Look], adjustments: Iterable[StoredAdjustment]
) -> list[TaskState]:
    """By task type: of several streams the one that has learnt last, of several calibrations the latest."""
    found: dict[str, TaskState] = {}
    for stream in sorted(streams, key=lambda each: each.judged_to):
        state = found.setdefault(stream.key.task_type, TaskState(stream.key.task_type))
        state.maturity, state.audit_rate = maturity_of(stream).state, stream.rate
    for calibration in sorted(calibrations, key=lambda each: each.pk):
        name = calibration.stream.task_type
        found.setdefault(name, TaskState(name)).calibration = calibration
    for adjustment in adjustments:
        found.setdefault(adjustment.task_type, TaskState(adjustment.task_type)).adjustments.append(adjustment)
    return list(found.values())
