"""Reads how tasks are tuned, for the weekly digest."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncEngine

from bot.calibrating.domain import domain_of
from bot.calibrating.looks import result_of
from bot.calibrating.telling import lacking
from bot.reporting.hiding import Hiding
from bot.reporting.overview import TaskState, TaskStates
from bot.reviewing.audit_rates import model_of
from routing.drift import tripling_days
from routing.metrics import Facts
from routing.policy import Policy
from routing.tuning import ChangeKind, Looked, OpenChange, PastChange, Tuning, by_urgency
from store.adjustments import AdjustmentStore, Asked, Change, StoredAdjustment
from store.calibrations import Look
from store.facts import Window
from store.labels import LabelStore
from store.threshold_effect import ThresholdEffectStore

_MOST_TASKS: Final = 6
_MOST_CHANGES: Final = 3
_BEGINS: Final[Mapping[str, ChangeKind]] = {"apply": "applied", "brake": "paused", "breach": "breach"}
_ENDS: Final[Mapping[str, ChangeKind]] = {"apply": "ended", "brake": "pause_ended", "breach": "breach_ended"}


@dataclass(frozen=True, slots=True)
class Lately:
    """What tasks have done in the `days` up to the end of `week`."""

    tasks: Mapping[str, Facts]
    days: int
    week: Window


class Told(NamedTuple):
    """The tasks that come first, with names as they may be shown, how many further ones there are, and how many changes
    of all tasks wait for somebody to apply them."""

    tunings: tuple[Tuning, ...]
    further: int
    waiting: int


class Tunings:
    def __init__(self, engine: AsyncEngine) -> None:
        self._states = TaskStates(engine)
        self._adjustments, self._labels = AdjustmentStore(engine), LabelStore(engine)
        self._effects = ThresholdEffectStore(engine)

    async def states(self) -> dict[str, TaskState]:
        """How far each task has come, by task type."""
        return {each.task_type: each for each in await self._states.read()}

    async def read(self, states: Mapping[str, TaskState], lately: Lately, policy: Policy, hiding: Hiding) -> Told:
        """What takes a look at decisions is read for the tasks that come first, and for no other."""
        found = by_urgency(await self._known(states, lately, policy))
        first = found[:_MOST_TASKS]
        looks = {name: state.calibration for name, state in states.items() if state.calibration is not None}
        labels = await self._most_labels() if any(each.task_type not in looks for each in first) else {}
        told = []
        for each in first:
            look = looks.get(each.task_type)
            looked = None if look is None else await self._looked(look, lately.week, policy, hiding)
            told.append(replace(each, looked=looked, labels=labels.get(each.task_type, 0)))
        shown = tuple(replace(each, task_type=hiding.of(each.task_type, each.task_type)) for each in told)
        return Told(shown, len(found) - len(first), sum(len(each.waiting) for each in found))

    async def _known(self, states: Mapping[str, TaskState], lately: Lately, policy: Policy) -> list[Tuning]:
        """The tasks that learn, and those of which there is news or something to do."""
        waiting, changes = await self._waiting(policy), await self._changes(lately.week, policy)
        learning = {name for name, did in lately.tasks.items() if did.decisions and (did.judged or name in states)}
        newly = {name for name, state in states.items() if _is_new(state.calibration, lately.week)}
        return [
            _tuning(states.get(name) or TaskState(name), lately, policy, waiting.get(name, ()), changes.get(name, ()))
            for name in {*learning, *waiting, *changes, *newly}
        ]

    async def _waiting(self, policy: Policy) -> dict[str, tuple[OpenChange, ...]]:
        tz, found = ZoneInfo(policy.timezone), dict[str, tuple[OpenChange, ...]]()
        for asked in await self._adjustments.asked():
            name = asked.proposal.task_type
            found[name] = (*found.get(name, ()), _open_change(asked, tz))
        return found

    async def _changes(self, week: Window, policy: Policy) -> dict[str, tuple[PastChange, ...]]:
        """What began and ended in the week, in its order."""
        tz, found = ZoneInfo(policy.timezone), dict[str, tuple[PastChange, ...]]()
        changed = await self._adjustments.changed(week.since, week.until)
        for name, _, change in sorted(_events(changed, week, tz), key=lambda event: event[1]):
            found[name] = (*found.get(name, ()), change)
        return found

    async def _looked(self, look: Look, week: Window, policy: Policy, hiding: Hiding) -> Looked:
        task_type, task = look.stream.task_type, policy.task(look.stream.task_type)
        looked = Looked(
            day=_day(look.at, ZoneInfo(policy.timezone)),
            model=hiding.of(task_type, model_of(look.stream)),
            threshold=look.threshold,
            refusal=lacking(result_of(look)) if look.threshold is None else "",
        )
        if look.threshold is None:
            return looked
        effect = await self._effects.read(look.stream, look.threshold, domain_of(task), week.since, week.until)
        if effect is None:
            return looked
        return replace(looked, share=effect.of_stream / effect.decisions, reviews=effect.alone - effect.would)

    async def _most_labels(self) -> dict[str, int]:
        """By task type, of the model that has most: the first look is at the labels of one."""
        found: dict[str, int] = {}
        for stream, labels in (await self._labels.streams()).items():
            found[stream.task_type] = max(labels, found.get(stream.task_type, 0))
        return found


def _tuning(
    state: TaskState, lately: Lately, policy: Policy, waiting: tuple[OpenChange, ...], changes: tuple[PastChange, ...]
) -> Tuning:
    task, facts = policy.task(state.task_type), lately.tasks.get(state.task_type, Facts())
    audits, week = facts.audits.total(), lately.week
    return Tuning(
        task_type=state.task_type,
        decisions=facts.decisions,
        threshold=policy.value(state.task_type, "threshold"),
        autonomy=task.autonomy,
        waiting=waiting,
        changes=(*_stops(state, week, ZoneInfo(policy.timezone)), *changes[-_MOST_CHANGES:]),
        earlier_changes=max(len(changes) - _MOST_CHANGES, 0),
        is_news=bool(changes) or _is_new(state.calibration, week),
        maturity=state.maturity,
        audit_rate=state.audit_rate,
        tripling_days=tripling_days(audits / lately.days, task.max_error),
        is_unseen=audits == 0 and facts.decisions > facts.escalated,
    )


def _is_new(look: Look | None, week: Window) -> bool:
    return look is not None and week.since <= look.at < week.until


def _open_change(asked: Asked, tz: ZoneInfo) -> OpenChange:
    proposal, place = asked.proposal, asked.place
    told = OpenChange(proposal.key, proposal.value, _day(proposal.made_at, tz))
    return told if place is None else replace(told, channel=place.channel, ts=place.ts)


def _stops(state: TaskState, week: Window, tz: ZoneInfo) -> Iterator[PastChange]:
    """What stops the task, and did not begin in the week."""
    for each in state.adjustments:
        if each.cause != "apply" and not week.since <= each.made_at < week.until:
            yield _begun(each, None, tz)


def _events(changed: Sequence[Change], week: Window, tz: ZoneInfo) -> Iterator[tuple[str, datetime, PastChange]]:
    """Task type, when, and what. One that gave way to another is told by that."""
    successions = {(each.adjustment.replaces, each.adjustment.made_at) for each in changed}
    for change in changed:
        it = change.adjustment
        if it.made_at >= week.since:
            yield it.task_type, it.made_at, _begun(it, change.before, tz)
        if it.ended_at is not None and it.ended_at < week.until and (it.id, it.ended_at) not in successions:
            yield it.task_type, it.ended_at, PastChange(_ending(it), it.key, it.value, _day(it.ended_at, tz))


def _begun(it: StoredAdjustment, before: float | None, tz: ZoneInfo) -> PastChange:
    return PastChange(_BEGINS[it.cause], it.key, it.value, _day(it.made_at, tz), before, lasts=it.ended_at is None)


def _ending(it: StoredAdjustment) -> ChangeKind:
    """Only people undo what people applied; an operator's policy file overrules it."""
    return "undone" if it.cause == "apply" and (it.ended_by or "").startswith("user:") else _ENDS[it.cause]


def _day(at: datetime, tz: ZoneInfo) -> str:
    return at.astimezone(tz).date().isoformat()
