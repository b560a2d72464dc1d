"""Makes the weekly digest: the facts of a whole local week beside those of the weeks before it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple, Self
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncEngine

from bot.reporting.days import days, week_name
from bot.reporting.statistics import Statistics, read_statistics
from bot.reviewing.protection import loads_between
from routing.digest import (
    Advice,
    Digest,
    Example,
    OpenWork,
    Pattern,
    Point,
    Protection,
    Seal,
    advice,
    categories,
    patterns,
    point,
)
from routing.metrics import Metrics, metrics
from routing.reviewer_load import ReviewerLoad
from store.digests import DigestStore
from store.facts import FactStore, Window
from store.rollbacks import RollbackStore
from store.seals import SealStore
from store.verdicts import VerdictStore

_WEEKS_OF_TREND = 8
_EXAMPLES = 2
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class DigestSources:
    """Where a digest reads."""

    facts: FactStore
    digests: DigestStore
    rollbacks: RollbackStore
    verdicts: VerdictStore
    seals: SealStore

    @classmethod
    def on(cls, engine: AsyncEngine) -> Self:
        return cls(
            FactStore(engine), DigestStore(engine), RollbackStore(engine), VerdictStore(engine), SealStore(engine)
        )


async def make_digest(sources: DigestSources, monday: date, tz: ZoneInfo, now: datetime) -> Digest:
    """The digest of the local week that begins on `monday`, as things are known `now`."""
    mondays = [monday - timedelta(weeks=back) for back in reversed(range(_WEEKS_OF_TREND))]
    weeks = [await _week(sources.facts, each, tz) for each in mondays]
    week, whole, before = weeks[-1], weeks[-1].whole, weeks[-2].whole
    reckoned = await asyncio.to_thread(_reckon, weeks, [week_name(each) for each in mondays])
    pairs = whole.pairs
    return Digest(
        week=week_name(monday),
        first=monday.isoformat(),
        last=(monday + timedelta(days=6)).isoformat(),
        timezone=tz.key,
        made_at=now.isoformat(),
        metrics=reckoned.metrics,
        metrics_before=reckoned.metrics_before,
        decisions=whole.decisions,
        judged=whole.judged,
        corrected=whole.corrected,
        categories=categories(whole, before),
        patterns=tuple([await _with_examples(sources, week, each) for each in patterns(week.groups)]),
        disputes=whole.disputes,
        second_opinions=(pairs.total(), sum(n for (first, second), n in pairs.items() if first != second)),
        open=await _open_work(sources, now),
        protection=_protection(await loads_between(sources.verdicts, week.span.since, week.span.until)),
        advice=reckoned.advice,
        trend=reckoned.trend,
        seal=await _seal(sources.seals),
    )


class _Reckoned(NamedTuple):
    metrics: Metrics
    metrics_before: Metrics
    advice: Advice | None
    trend: tuple[Point, ...]


def _reckon(weeks: Sequence[Statistics], names: Sequence[str]) -> _Reckoned:
    """What needs scipy, which takes a second to load: not on the event loop."""
    trend = tuple(point(name, week.whole) for name, week in zip(names, weeks, strict=True))
    return _Reckoned(metrics(weeks[-1].whole), metrics(weeks[-2].whole), advice(weeks[-1].groups), trend)


async def _week(store: FactStore, monday: date, tz: ZoneInfo) -> Statistics:
    return await read_statistics(store, days(monday, monday + timedelta(weeks=1), tz))


async def _with_examples(sources: DigestSources, week: Statistics, pattern: Pattern) -> Pattern:
    window = Window(week.span.since, week.span.until, pattern.task_type)
    found = await sources.digests.corrected(window, pattern.category, pattern.cohort, _EXAMPLES)
    examples = tuple(
        Example(decision_id=each.decision_id)
        if each.place is None
        else Example(decision_id=each.decision_id, channel=each.place.channel, ts=each.place.ts)
        for each in found
    )
    return pattern.model_copy(update={"examples": examples})


async def _open_work(sources: DigestSources, now: datetime) -> OpenWork:
    rollbacks, waiting = await sources.rollbacks.open(now), await sources.digests.waiting(now)
    return OpenWork(
        rollbacks=len(rollbacks),
        rollbacks_overdue=sum(rollback.is_overdue for rollback in rollbacks),
        oldest_rollback_hours=max((rollback.age / _HOUR for rollback in rollbacks), default=None),
        audits=waiting.audits,
        audits_overdue=waiting.audits_overdue,
        disputes=waiting.disputes,
    )


def _protection(loads: tuple[ReviewerLoad, ...]) -> Protection:
    kinds = [{concern.kind for concern in load.concerns} for load in loads]
    return Protection(
        people=sum(bool(each) for each in kinds),
        fast=sum("faster_than_reading" in each for each in kinds),
        unedited=sum("unedited_run" in each for each in kinds),
        streaks=sum("long_streak" in each for each in kinds),
    )


async def _seal(store: SealStore) -> Seal | None:
    latest = await store.latest()
    return None if latest is None else Seal(number=latest.number, sha256=latest.sha256)
