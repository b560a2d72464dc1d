"""What is done when a channel's reviewers fall behind, step by step, and taken back by itself.

`routing.load` says how far to go; this looks, keeps the level by compare-and-set, and does it. A warning, bigger
batches and the message need nothing but the level; releases and wider circles are changes of reviews, each as its
deadline or its step would have made it.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import inf, isfinite

import structlog

from bot.clock import Clock
from bot.policy_in_force import PolicyInForce
from bot.reviewing.capacity import WINDOW, CapacityView, is_open, views
from bot.reviewing.deadlines import Deadlines
from routing.capacity import people_needed
from routing.decision import Json, Risk, Route
from routing.load import Level, Situation, error_budget, error_rate, may_shed, next_level, releasable
from routing.matrix import PEOPLE_DECIDE
from routing.policy import Policy, TaskPolicy
from store.history import HistoryRecord
from store.load import ChannelLevel, ErrorRecord, LoadStore, SaveLevel
from store.messages import NewMessage
from store.writer import Writer

log = structlog.get_logger(__name__)

URGENCY = 26
"""Beside what calls for a verdict, behind urgent cards."""

_BUDGET_WINDOW = timedelta(days=30)
_BETWEEN_STEPS = timedelta(minutes=10)
_MOST_AT_ONCE = 200
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class _Forecast:
    """Minutes. `peak`: the P95 of the busiest hour, 0 where it is not known who is there then, inf where more comes
    than they can do. `line`: until the last one that waits now gets its turn; 0 where nobody is at it."""

    peak: float
    line: float


class Load:
    def __init__(
        self, *, clock: Clock, writer: Writer, store: LoadStore, policy: PolicyInForce, deadlines: Deadlines
    ) -> None:
        self._clock, self._writer, self._store = clock, writer, store
        self._policy, self._deadlines = policy, deadlines

    async def look(self) -> dict[str, Json]:
        """Takes each channel one step, at most, and does what its level says; what came of it, in numbers."""
        now, policy = self._clock.now(), self._policy.current
        totals = {"behind": 0, "released": 0, "widened": 0}
        if not is_open(policy, now):
            return {**totals}
        levels = await self._store.levels()
        seen = views(await self._store.measured(now, WINDOW), policy, now)
        for view in seen:
            did = await self._step(view, levels.get(view.channel) or _normal(view.channel, now), now)
            totals = {name: total + did.get(name, 0) for name, total in totals.items()}
        for channel in levels.keys() - {view.channel for view in seen}:
            if levels[channel].level > Level.NORMAL:
                await self._save(levels[channel], Level.NORMAL, levels[channel].numbers, now)
        return {**totals}

    async def _step(self, view: CapacityView, before: ChannelLevel, now: datetime) -> dict[str, int]:
        if before.level and now - _looked_at(before) < _BETWEEN_STEPS:
            return {"behind": 1}
        plan = await self._releasable(view, now) if before.level >= Level.BATCH else []
        forecast = _forecast(view)
        level = _next(Level(before.level), view, forecast, budget_left=len(plan))
        if level == before.level == Level.NORMAL:
            return {}
        numbers = {**_numbers(view, forecast, now), **_done(before)}
        saved = await self._save(before, level, numbers, now, view)
        if saved is None:
            return {}  # another replica was quicker, and does it
        did = await self._act(view, level, plan)
        if any(did.values()):
            numbers = {**numbers, **{name: numbers[name] + count for name, count in did.items()}}
            await self._save(saved, level, numbers, now, view)
        return {"behind": int(level > Level.NORMAL), **did}

    async def _act(self, view: CapacityView, level: Level, plan: list[int]) -> dict[str, int]:
        released = widened = 0
        if may_shed(Route.QUEUE, level):
            for review_pk in plan:
                released += await _try(self._deadlines.release, review_pk)
        if level >= Level.WIDEN:
            for review_pk in await self._store.cards(view.channel, _MOST_AT_ONCE):
                widened += await _try(self._deadlines.widen, review_pk)
        return {"released": released, "widened": widened}

    async def _releasable(self, view: CapacityView, now: datetime) -> list[int]:
        """The pks of the reviews that may go out unseen: of each task that agrees to it, as many as its errors allow,
        the most confident first."""
        policy = self._policy.current
        tasks = {name: policy.task(name) for name in sorted(view.task_types) if agrees_to_release(policy.task(name))}
        if not tasks:
            return []
        records = await self._store.error_records([*tasks], now - _BUDGET_WINDOW)
        plan: list[int] = []
        for name, task in tasks.items():
            room = min(_room(task, records.get(name, ErrorRecord(name))), _MOST_AT_ONCE)
            plan += await self._store.releasable(view.channel, name, now, room) if room else []
        return plan

    async def _save(
        self,
        before: ChannelLevel,
        level: Level,
        numbers: dict[str, Json],
        now: datetime,
        view: CapacityView | None = None,
    ) -> ChannelLevel | None:
        """The level as it is kept from now on, with its message; None: another replica was quicker."""
        begins, ends = before.level == Level.NORMAL, level == Level.NORMAL
        since = now if begins else before.since
        louder = level == Level.TELL and before.level < level
        numbers = {**numbers, "told_at": int(now.timestamp()) if begins or louder else before.numbers["told_at"]}
        after = ChannelLevel(before.channel, level, now if ends else since, numbers, before.version)
        body = {**numbers, "level": int(level), "since": int(since.timestamp()), "newest": numbers["told_at"]}
        if ends:
            body["until"] = int(now.timestamp())
        elif view is not None and level == Level.TELL:
            body["help"] = _who_could_help(self._policy.current, view)
        key = f"load:{before.channel}:{int(since.timestamp())}"
        message = NewMessage(key, "load", before.channel, URGENCY, body=body)
        history = self._history(before, level, numbers, now) if level != before.level else ()
        saved = await self._writer.submit(SaveLevel(after, now, history, message, anew=louder and not begins))
        return replace(after, version=after.version + 1) if saved else None

    def _history(
        self, before: ChannelLevel, level: Level, numbers: dict[str, Json], now: datetime
    ) -> tuple[HistoryRecord, ...]:
        facts = {"channel": before.channel, "from": Level(before.level).name.lower(), "to": level.name.lower()}
        told = {**facts, **numbers, "policy_version": self._policy.current.version}
        return (HistoryRecord(now, "bot:load:changed", "bot", facts=told),)


async def _try(act: Callable[[int], Awaitable[bool]], review_pk: int) -> bool:
    """One that fails stops no other; it stays with its deadline."""
    try:
        return await act(review_pk)
    except Exception:
        log.exception("load.failed", review_pk=review_pk)
        return False


def agrees_to_release(task: TaskPolicy) -> bool:
    """Whether the policy lets this task's decisions go out before a person has seen them, be it by their confidence or
    at their deadline. Where people are to see everything (autonomy below 3, a pause) load changes nothing."""
    opted_in = task.queue.provisional_from is not None or task.on_timeout == "provisional"
    return opted_in and task.autonomy > PEOPLE_DECIDE


def _room(task: TaskPolicy, record: ErrorRecord) -> int:
    """How many may go out: what the errors that are allowed leave, after those that have escaped. One more than was
    found counts as escaped, of the largest weight: the centre of Fay and Feuer's upper bound (1997). Without audits
    nobody knows, and nothing goes out."""
    if record.judged == 0:
        return 0
    rate = error_rate(record.overridden, record.reviewed)
    escaped = (record.wrong + record.heaviest) / record.judged * record.autonomous
    spent = record.released_wrong + record.released * rate
    return releasable(error_budget(task.max_error, int(record.autonomous), escaped + spent), rate)


def _forecast(view: CapacityView) -> _Forecast:
    in_turn = view.waiting * view.peak.service_minutes / view.people_now if view.people_now else 0.0
    return _Forecast(view.peak.p95_minutes if view.peak.people else 0.0, in_turn)


def _next(level: Level, view: CapacityView, forecast: _Forecast, budget_left: int) -> Level:
    """What waits now decides how far to go. Where that is calm, the busiest hour may still be worth a warning, and no
    more: nothing is released today for the rush of tomorrow."""
    present = Situation(forecast.line, view.oldest / _MINUTE, view.waiting, view.sla / _MINUTE, budget_left)
    now = next_level(level, present)
    if now > Level.NORMAL:
        return now
    return next_level(min(level, Level.WARNED), replace(present, expected_p95_minutes=forecast.peak, waiting=0))


def _numbers(view: CapacityView, forecast: _Forecast, now: datetime) -> dict[str, Json]:
    """For the message and the history; what is not known, or has no end, is None."""
    peak, sla = view.peak, view.sla / _MINUTE
    return {
        "waiting": view.waiting,
        "oldest_minutes": round(view.oldest / _MINUTE),
        "sla_minutes": round(sla, 1),
        "arrivals_per_hour": round(peak.peak_arrivals_per_hour, 1),
        "people": peak.people,
        "people_now": view.people_now,
        "people_needed": people_needed(peak.peak_arrivals_per_hour, peak.service_minutes, sla),
        "service_minutes": round(peak.service_minutes, 1),
        "p95_minutes": round(forecast.peak, 1) if forecast.peak and isfinite(forecast.peak) else None,
        "keeps_up": forecast.peak < inf,
        "looked_at": int(now.timestamp()),
    }


def _done(before: ChannelLevel) -> dict[str, int]:
    """What was done in this episode so far."""
    so_far = before.numbers if before.level > Level.NORMAL else {}
    return {name: int(so_far.get(name, 0)) for name in ("released", "widened")}


def _normal(channel: str, now: datetime) -> ChannelLevel:
    return ChannelLevel(channel, Level.NORMAL, now, {}, version=0)


def _looked_at(level: ChannelLevel) -> datetime:
    return datetime.fromtimestamp(level.numbers["looked_at"], level.since.tzinfo)


def _who_could_help(policy: Policy, view: CapacityView) -> dict[str, Json]:
    """Whom the policy names for these tasks, as reviewers or as who is told next."""
    tasks = [policy.task(name) for name in sorted(view.task_types)]
    circles = [task.reviewers(Risk.HIGH) for task in tasks]
    steps = [step for task in tasks for step in task.escalation]
    people = {*(user for circle in circles for user in circle.users), *_given(step.notify for step in steps)}
    people |= _given(circle.usergroup for circle in circles)
    return {"people": sorted(people), "channels": sorted(_given(step.channel for step in steps) - {view.channel})}


def _given(names: Iterable[str | None]) -> set[str]:
    return {name for name in names if name is not None}
