"""Makes the weekly digest: the facts of a whole local week beside those of the weeks before it."""

import asyncio
from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple, Self
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncEngine

from bot.calibrating.tuning import Lately, Tunings
from bot.reporting.days import days, week_name
from bot.reporting.hiding import Hiding
from bot.reporting.statistics import Prices, Statistics, read_prices, read_statistics
from bot.reviewing.protection import loads_between
from routing.cohorts import StandingOut
from routing.digest import (
    Advice,
    Category,
    Digest,
    Doubt,
    Example,
    OpenWork,
    Pattern,
    Point,
    Protection,
    RollbacksOfWeek,
    Seal,
    advice,
    categories,
    doubts,
    patterns,
    point,
    together,
)
from routing.metrics import Facts, Metrics, metrics
from routing.money import Money
from routing.policy import Policy
from routing.reviewer_load import ReviewerLoad
from store.agreement import AgreementStore
from store.digests import DigestStore, Shown
from store.facts import FactStore, Window
from store.load import LoadStore
from store.messages import Place
from store.rollbacks import RollbackStore
from store.seals import SealStore
from store.verdicts import VerdictStore

_WEEKS_OF_TREND = 8
_WEEKS_LATELY = 4
"""One brings too few second opinions and audits to say anything of."""
_EXAMPLES = 2
_MOST_COHORTS = 3
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class DigestSources:
    """Where a digest reads."""

    facts: FactStore
    load: LoadStore
    agreement: AgreementStore
    digests: DigestStore
    rollbacks: RollbackStore
    verdicts: VerdictStore
    seals: SealStore
    tunings: Tunings

    @classmethod
    def on(cls, engine: AsyncEngine) -> Self:
        return cls(
            FactStore(engine),
            LoadStore(engine),
            AgreementStore(engine),
            DigestStore(engine),
            RollbackStore(engine),
            VerdictStore(engine),
            SealStore(engine),
            Tunings(engine),
        )


async def make_digest(sources: DigestSources, monday: date, policy: Policy, now: datetime) -> Digest:
    """The digest of the local week that begins on `monday`, as things are known `now`; what apps have named as `policy`
    lets it be shown."""
    tz = ZoneInfo(policy.timezone)
    mondays = [monday - timedelta(weeks=back) for back in reversed(range(_WEEKS_OF_TREND))]
    weeks = [await _week(sources.facts, each, tz) for each in mondays]
    prices = await read_prices(sources.load, weeks[-1].window, policy.cost)
    names, states = [week_name(each) for each in mondays], await sources.tunings.states()
    calibrated = {name for name, state in states.items() if state.calibration is not None}
    reckoned = await asyncio.to_thread(_reckon, weeks, names, prices, calibrated)
    week, whole = weeks[-1], weeks[-1].whole
    pairs, hiding = whole.pairs, Hiding(policy)
    lately = Lately(reckoned.lately, 7 * _WEEKS_LATELY, week.window)
    tuned = await sources.tunings.read(states, lately, policy, hiding)
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
        categories=reckoned.categories,
        patterns=tuple([await _as_shown(sources, week, each, hiding) for each in reckoned.patterns]),
        cohorts=tuple(hiding.cohort(each) for each in reckoned.cohorts),
        spent=reckoned.spent,
        doubts=tuple([await _doubt_as_shown(sources, weeks, each, hiding) for each in reckoned.doubts]),
        disputes=whole.disputes,
        second_opinions=(pairs.total(), sum(n for (first, second), n in pairs.items() if first != second)),
        rollbacks=await _rollbacks(sources.rollbacks, week.window),
        open=await _open_work(sources, tuned.waiting, now),
        protection=_protection(await loads_between(sources.verdicts, week.window.since, week.window.until)),
        advice=_advice_as_shown(reckoned.advice, hiding),
        tunings=tuned.tunings,
        further_tunings=tuned.further,
        trend=reckoned.trend,
        seal=await _seal(sources.seals),
    )


class _Reckoned(NamedTuple):
    metrics: Metrics
    metrics_before: Metrics
    categories: tuple[Category, ...]
    patterns: tuple[Pattern, ...]
    cohorts: tuple[StandingOut, ...]
    spent: Money | None
    doubts: tuple[Doubt, ...]
    advice: Advice | None
    trend: tuple[Point, ...]
    lately: dict[str, Facts]


def _reckon(
    weeks: Sequence[Statistics], names: Sequence[str], prices: Prices | None, calibrated: Container[str]
) -> _Reckoned:
    """All that goes through the groups, of which there may be thousands, and that needs scipy, which takes a second to
    load: not on the event loop."""
    week, before, lately = weeks[-1], weeks[-2], together([each.groups for each in weeks[-_WEEKS_LATELY:]])
    return _Reckoned(
        metrics=metrics(week.whole),
        metrics_before=metrics(before.whole),
        categories=categories(week.whole, before.whole),
        patterns=patterns(week.groups),
        cohorts=week.standing_out[:_MOST_COHORTS],
        spent=None if prices is None else prices.of(week.whole),
        doubts=doubts(lately),
        advice=advice(week.groups, calibrated),
        trend=tuple(point(name, each.whole) for name, each in zip(names, weeks, strict=True)),
        lately=lately,
    )


async def _week(store: FactStore, monday: date, tz: ZoneInfo) -> Statistics:
    return await read_statistics(store, days(monday, monday + timedelta(weeks=1), tz))


async def _as_shown(sources: DigestSources, week: Statistics, pattern: Pattern, hiding: Hiding) -> Pattern:
    """With examples, found by the names that nobody is shown. Categories are the policy's own words."""
    window, task_type = Window(week.window.since, week.window.until, pattern.task_type), pattern.task_type
    found = await sources.digests.corrected(window, pattern.category, pattern.cohort, _EXAMPLES)
    shown = {
        "task_type": hiding.of(task_type, task_type),
        "cohort": None if pattern.cohort is None else hiding.of(task_type, pattern.cohort),
        "examples": _examples(task_type, found, hiding),
    }
    return pattern.model_copy(update=shown)


async def _doubt_as_shown(sources: DigestSources, weeks: Sequence[Statistics], doubt: Doubt, hiding: Hiding) -> Doubt:
    since, until = weeks[-_WEEKS_LATELY].window.since, weeks[-1].window.until
    found = await sources.agreement.showing(doubt.whose, Window(since, until, doubt.task_type), _EXAMPLES)
    name = hiding.of(doubt.task_type, doubt.task_type)
    return doubt.model_copy(update={"task_type": name, "examples": _examples(doubt.task_type, found, hiding)})


def _examples(task_type: str, found: Sequence[Shown], hiding: Hiding) -> tuple[Example, ...]:
    return tuple(_example(hiding.of(task_type, each.decision_id), each.place) for each in found)


def _example(decision_id: str, place: Place | None) -> Example:
    if place is None:
        return Example(decision_id=decision_id)
    return Example(decision_id=decision_id, channel=place.channel, ts=place.ts)


def _advice_as_shown(advice: Advice | None, hiding: Hiding) -> Advice | None:
    if advice is None or advice.about is None or advice.code == "one_category":
        return advice
    return advice.model_copy(update={"about": hiding.of(advice.about, advice.about)})


async def _rollbacks(store: RollbackStore, week: Window) -> RollbacksOfWeek:
    counted = await store.between(week.since, week.until)
    return RollbacksOfWeek(requested=counted.requested, done=counted.done, failed=counted.failed)


async def _open_work(sources: DigestSources, changes: int, now: datetime) -> OpenWork:
    rollbacks, waiting = await sources.rollbacks.open(now), await sources.digests.waiting(now)
    return OpenWork(
        rollbacks=len(rollbacks),
        rollbacks_overdue=sum(rollback.is_overdue for rollback in rollbacks),
        oldest_rollback_hours=max((rollback.age / _HOUR for rollback in rollbacks), default=None),
        audits=waiting.audits,
        audits_overdue=waiting.audits_overdue,
        disputes=waiting.disputes,
        changes=changes,
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
