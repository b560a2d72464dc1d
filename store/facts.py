"""The facts behind metrics and digests, counted by the database. Nothing here reads content."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Float,
    Integer,
    Row,
    Select,
    and_,
    case,
    cast,
    exists,
    extract,
    func,
    or_,
    select,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncEngine

from routing.metrics import CORRECTIONS, LATENCY_UNIT, Facts, Group, Judged
from routing.review import ReviewState
from store import tables as t

_AT_INTAKE = ("gate", "provisional")
_COMPARED = (*_AT_INTAKE, "audit")


@dataclass(frozen=True, slots=True)
class Window:
    """Decisions that were created from `since` on and before `until`; of one task type, app and cohort where they are
    named."""

    since: datetime
    until: datetime
    task_type: str | None = None
    app_pk: int | None = None
    cohort: str | None = None

    @property
    def condition(self) -> ColumnElement[bool]:
        d = t.decisions.c
        named = {d.task_type: self.task_type, d.app_pk: self.app_pk, d.cohort: self.cohort}
        chosen = [column == value for column, value in named.items() if value is not None]
        return and_(d.created_at >= self.since, d.created_at < self.until, d.variant != "shadow", *chosen)


def final_verdicts(window: Window) -> CTE:
    """One row for each review, second opinions apart, that people decided: its `review_pk`, `kind` and `decision_pk`,
    and the `verdict` and `category` that stand. What was said last counts; approving an edit means that edit."""
    r, d, v = t.reviews.c, t.decisions.c, t.verdicts.c
    # Looked up for each review: grouped by review, SQLite would go through all reviews that there ever were.
    votes = [v.review_pk == r.pk, v.round == r.round]
    last = select(func.max(v.pk)).where(*votes).correlate(t.reviews).scalar_subquery()
    edit = select(func.min(v.pk)).where(*votes, v.verdict == "edit").correlate(t.reviews).scalar_subquery()
    decided = (
        select(r.pk.label("review_pk"), r.kind, r.decision_pk, last.label("last_pk"), edit.label("edit_pk"))
        .join_from(t.decisions, t.reviews, r.decision_pk == d.pk)
        .where(window.condition, r.kind.in_(_COMPARED), r.state == ReviewState.DECIDED)
        .subquery()
    )
    said, standing, c = t.verdicts.alias("said"), t.verdicts.alias("standing"), decided.c
    means = case((said.c.verdict == "approve", func.coalesce(c.edit_pk, c.last_pk)), else_=c.last_pk)
    return (
        select(c.review_pk, c.kind, c.decision_pk, standing.c.verdict, standing.c.category)
        .join_from(decided, said, said.c.pk == c.last_pk)
        .join(standing, standing.c.pk == means)
        .cte("final")
    )


class FactStore:
    """`read` is all that metrics and digests rest on."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def read(self, window: Window) -> dict[Group, Facts]:
        """The facts of the window's decisions as they are known now, of each group that has any."""
        found: defaultdict[Group, Facts] = defaultdict(Facts)
        async with self._engine.connect() as connection:
            for query, count in (
                (_decisions(window), _count_decision),
                (_verdicts(window), _count_verdict),
                (_latencies(window, connection.dialect), _count_latency),
                (_pairs(window), _count_pair),
                (_disputes(window), _count_dispute),
            ):
                for row in await connection.execute(query):
                    count(found[Group(row.task_type, row.cohort)], row)
        return dict(found)


_D = t.decisions.c
_COHORT = func.coalesce(_D.cohort, "").label("cohort")


def _counted(*columns: ColumnElement[Any]) -> Select[Any]:
    """How many there are of each task type, cohort and value of these columns."""
    return select(_D.task_type, _COHORT, *columns, func.count().label("number")).group_by(
        _D.task_type, _COHORT, *columns
    )


def _decisions(window: Window) -> Select[Any]:
    r = t.reviews.c
    escalated = exists().where(r.decision_pk == _D.pk, r.kind.in_(_AT_INTAKE)).label("escalated")
    counted = select(_D.task_type, _COHORT, escalated).where(window.condition).subquery()
    c = counted.c
    return select(c.task_type, c.cohort, c.escalated, func.count().label("number")).group_by(
        c.task_type, c.cohort, c.escalated
    )


def _count_decision(facts: Facts, row: Row[Any]) -> None:
    facts.decisions += row.number
    facts.escalated += row.number if row.escalated else 0


def _verdicts(window: Window) -> Select[Any]:
    final = final_verdicts(window)
    inclusion = case((final.c.kind == "audit", _D.inclusion)).label("inclusion")
    return _counted(final.c.kind, final.c.verdict, final.c.category, inclusion).join_from(
        final, t.decisions, _D.pk == final.c.decision_pk
    )


def _count_verdict(facts: Facts, row: Row[Any]) -> None:
    is_wrong = row.verdict in CORRECTIONS
    facts.verdicts[Judged(row.kind, row.verdict)] += row.number
    if is_wrong:
        facts.categories[row.category or ""] += row.number
    if row.inclusion:
        facts.audits[row.inclusion, is_wrong] += row.number


def _latencies(window: Window, dialect: Dialect) -> Select[Any]:
    r = t.reviews.c
    waited = cast(func.round(_seconds(dialect, r.opened_at, r.closed_at) / LATENCY_UNIT), Integer).label("waited")
    return (
        _counted(waited)
        .join_from(t.decisions, t.reviews, r.decision_pk == _D.pk)
        .where(window.condition, r.kind.in_(_AT_INTAKE), r.state == ReviewState.DECIDED, r.closed_at.is_not(None))
    )


def _seconds(dialect: Dialect, since: ColumnElement[Any], until: ColumnElement[Any]) -> ColumnElement[float]:
    if dialect.name == "postgresql":
        return cast(extract("epoch", until - since), Float)
    return (func.julianday(until, type_=Float) - func.julianday(since, type_=Float)) * 86_400


def _count_latency(facts: Facts, row: Row[Any]) -> None:
    facts.latencies[row.waited] += row.number


def _pairs(window: Window) -> Select[Any]:
    """What was said first in each second opinion, beside the verdict that it is compared with."""
    final, r, v = final_verdicts(window), t.reviews.c, t.verdicts.c
    opening = select(func.min(v.pk)).where(v.review_pk == r.pk).correlate(t.reviews).scalar_subquery()
    return (
        _counted(final.c.verdict.label("first"), v.verdict.label("second"))
        .join_from(final, t.decisions, _D.pk == final.c.decision_pk)
        .join(t.reviews, and_(r.decision_pk == _D.pk, r.kind == "double"))
        .join(t.verdicts, v.pk == opening)
        .where(final.c.kind.in_(_AT_INTAKE))
    )


def _count_pair(facts: Facts, row: Row[Any]) -> None:
    facts.pairs[row.first, row.second] += row.number


def _disputes(window: Window) -> Select[Any]:
    r, v = t.reviews.c, t.verdicts.c
    settled = exists().where(v.review_pk == r.pk, v.adjudicates).correlate(t.reviews)
    return (
        _counted()
        .join_from(t.decisions, t.reviews, r.decision_pk == _D.pk)
        .where(window.condition, r.kind.in_(_COMPARED), or_(r.state == ReviewState.DISPUTED, settled))
    )


def _count_dispute(facts: Facts, row: Row[Any]) -> None:
    facts.disputes += row.number
