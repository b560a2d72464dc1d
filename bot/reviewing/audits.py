"""The audit draw of a task: how much of what ran alone is looked at, which decisions, and what leads people to them."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import structlog

from bot.answer import timestamp
from bot.clock import Clock
from bot.ids import NewId
from bot.policy_in_force import PolicyInForce
from bot.reviewing.audit_rates import URGENCY, maturity_of, model_of
from bot.reviewing.until_done import unless_outdated
from routing.decision import Json, ReviewKind, Route
from routing.maturity import Goal, Maturity, begun, rate_of
from routing.policy import TaskPolicy
from routing.redaction import Placeholders, redaction
from routing.sampling import Stratum, allocate, pooled
from store.audit_streams import Stream, StreamStore
from store.audits import AuditStore, Drawn, DrawOutdatedError, Group, NewAudit, Period, RecordDraw, Sample
from store.decisions import NewReview, PrimaryKeys
from store.history import HistoryRecord
from store.messages import NewMessage
from store.writer import Writer

log = structlog.get_logger(__name__)

LOOK_WITHIN = timedelta(days=7)
"""Nobody waits for an audit, but a rollback is worth less each day."""

_SAMPLE_URGENCY = 1
_MOST_COHORTS = 10


@dataclass(frozen=True, slots=True)
class Draw:
    """How many decisions ran alone, and how many of them were drawn."""

    eligible: int
    drawn: int


_Kind = tuple[str, int | None]
"""Route and stream."""


@dataclass(frozen=True, slots=True)
class _Source:
    """One stream's decisions of one route, and how they are audited. `stream` None: nothing is known of it."""

    kind: _Kind
    size: int
    stream: Stream | None
    maturity: Maturity
    watched: bool
    rate: float
    task: TaskPolicy


def _source(of: Group | Drawn) -> _Kind:
    return of.route, of.stream_pk


class Audits:
    def __init__(
        self,
        *,
        clock: Clock,
        writer: Writer,
        audits: AuditStore,
        streams: StreamStore,
        policy: PolicyInForce,
        keys: PrimaryKeys,
        new_id: NewId,
    ) -> None:
        self._clock, self._writer, self._audits, self._streams = clock, writer, audits, streams
        self._policy, self._keys, self._new_id = policy, keys, new_id

    async def draw(self, period: Period, day: date) -> dict[str, Draw]:
        """Draws from all that ran alone in the period and was not drawn from yet, by task type; `day` names it. Each
        task's draw is one commit; what was done before is not done again. Raises an ExceptionGroup of what went wrong
        with some tasks, after the draw from all others."""
        draws, failures = dict[str, Draw](), list[Exception]()
        for task_type in await self._audits.tasks(period):
            try:
                draws[task_type] = await self._draw(task_type, period, day)
            except Exception as error:
                log.exception("audit.draw_failed", task_type=task_type)
                failures.append(error)
        if failures:
            raise ExceptionGroup(f"no audits drawn from some tasks of {day}", failures)
        return draws

    async def _draw(self, task_type: str, period: Period, day: date) -> Draw:
        # Another replica was quicker, or the day is not over.
        return await unless_outdated(lambda: self._try(task_type, period, day), DrawOutdatedError)

    async def _try(self, task_type: str, period: Period, day: date) -> Draw:
        groups = await self._audits.groups(task_type, period)
        if not groups:
            return Draw(0, 0)
        now, policy = self._clock.now(), self._policy.current
        task, key = policy.task(task_type), f"audit:{task_type}:{day}"
        sources = await self._sources(task_type, task, groups, now)
        samples = planned({group: sources[_source(group)].rate for group in groups}, task.audit.max_per_day)
        drawn = await self._audits.drawn(task_type, period, samples)
        audits = [await self._audit(each, task_type, task, now, key) for each in drawn]
        numbers = {
            "task": task_type,
            "day": day.isoformat(),
            **_sizes(samples),
            "max_per_day": task.audit.max_per_day,
            "sources": [_told(source, drawn) for source in sources.values()],
            "cohorts": _by_cohort(groups, drawn),
        }
        shown = {**numbers, **_redacted(numbers, task)}
        body = {"what": "day", **shown, "reviews": [audit.review.pk for audit in audits]}
        post = NewMessage(key, "audit", task.channel, URGENCY, body=body)
        history = _history(shown, period, drawn, audits, policy.version, now)
        await self._writer.submit(
            RecordDraw(task_type, period, samples, audits, post if audits else None, history, now)
        )
        return Draw(numbers["eligible"], len(audits))

    async def _sources(
        self, task_type: str, task: TaskPolicy, groups: Sequence[Group], now: datetime
    ) -> dict[_Kind, _Source]:
        """What is drawn from, largest first."""
        streams = {stream.pk: stream for stream in await self._streams.all() if stream.key.task_type == task_type}
        sizes = Counter[_Kind]()
        for group in groups:
            sizes[_source(group)] += group.size
        sources: dict[_Kind, _Source] = {}
        for kind, size in sizes.most_common():
            route, stream = Route(kind[0]), streams.get(kind[1] or 0)
            maturity = begun(Goal(task.max_error, task.delta)) if stream is None else maturity_of(stream)
            watched = stream is not None and stream.is_watched(now)
            share = rate_of(route, maturity, task.audit, watched=watched)
            sources[kind] = _Source(kind, size, stream, maturity, watched, share, task)
        return sources

    async def _audit(self, drawn: Drawn, task_type: str, task: TaskPolicy, now: datetime, post: str) -> NewAudit:
        until = now + LOOK_WITHIN
        review = NewReview(
            pk=await self._keys.take(),
            id=self._new_id("rev"),
            kind=ReviewKind.AUDIT,
            lane="sample",
            channel=task.channel,
            task_type=task_type,
            risk=drawn.risk,
            urgency=_SAMPLE_URGENCY,
            deadline=until,
            due_at=until,
        )
        key = f"sample:{review.pk}@{task.channel}"
        message = NewMessage(key, "sample", task.channel, _SAMPLE_URGENCY, review.pk, {"thread": post})
        return NewAudit(drawn.pk, review, message)


def planned(rates: Mapping[Group, float], max_per_day: int) -> list[Sample]:
    """The strata to draw from, and how many of each, by the rate of each group."""
    plan = pooled([Stratum(group, group.size, rate, group.cohort) for group, rate in rates.items()], max_per_day)
    numbers = allocate(plan.values(), max_per_day)
    together: defaultdict[Hashable, list[Group]] = defaultdict(list)
    for group in rates:
        together[plan[group].key].append(group)
    return [Sample(tuple(groups), numbers[key]) for key, groups in together.items()]


# What is told of a draw -----------------------------------------------------------------------------------------------


def _sizes(samples: Sequence[Sample]) -> dict[str, Json]:
    chances = [sample.inclusion for sample in samples if sample.number]
    return {
        "eligible": sum(sample.size for sample in samples),
        "drawn": sum(sample.number for sample in samples),
        "least": min(chances, default=0.0),
        "most": max(chances, default=0.0),
    }


def _told(source: _Source, drawn: Sequence[Drawn]) -> dict[str, Json]:
    """One source: how much is audited of it, and why."""
    evidence = source.maturity.evidence
    return {
        "route": source.kind[0],
        "model": "" if source.stream is None else model_of(source.stream.key),
        "state": source.maturity.state,
        "watched": source.watched,
        "rate": source.rate,
        "eligible": source.size,
        "drawn": sum(_source(each) == source.kind for each in drawn),
        "labels": evidence.labels,
        "errors": evidence.errors,
        "needed": Goal(source.task.max_error, source.task.delta).least_labels,
        "max_error": source.task.max_error,
    }


def _by_cohort(groups: Sequence[Group], drawn: Sequence[Drawn]) -> list[Json]:
    """The largest cohorts; [] where there are no two."""
    sizes, taken = Counter[str](), Counter(each.cohort for each in drawn)
    for group in groups:
        sizes[group.cohort] += group.size
    largest = sizes.most_common(_MOST_COHORTS) if len(sizes) > 1 else []
    return [{"name": name, "eligible": size, "drawn": taken[name]} for name, size in largest]


def _redacted(numbers: Mapping[str, Json], task: TaskPolicy) -> dict[str, Json]:
    """What apps have named, as it may be shown, and kept in a history that forgets nothing."""
    hide = Placeholders(redaction(task.redact)).hide
    return {
        "sources": [{**source, "model": hide(source["model"])} for source in numbers["sources"]],
        "cohorts": [{**cohort, "name": hide(cohort["name"])} for cohort in numbers["cohorts"]],
    }


def _history(
    numbers: Mapping[str, Json],
    period: Period,
    drawn: Sequence[Drawn],
    audits: Sequence[NewAudit],
    policy_version: str,
    now: datetime,
) -> list[HistoryRecord]:
    version = {"policy_version": policy_version}
    when = {"since": timestamp(period.since), "until": timestamp(period.until)}
    opened = (
        HistoryRecord(
            now,
            "bot:review:opened",
            "bot",
            each.app_pk,
            each.pk,
            audit.review.pk,
            {"review": audit.review.id, "kind": ReviewKind.AUDIT, **version},
        )
        for each, audit in zip(drawn, audits, strict=True)
    )
    return [HistoryRecord(now, "bot:audit:drawn", "bot", facts={**numbers, **when, **version}), *opened]
