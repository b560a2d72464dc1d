"""What each fact is, in SQL, and its count from the decisions themselves. Nothing here reads content.

This is the one definition: counters change by what it says of a decision before and after a commit, and are compared
with what it says of all decisions.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache
from typing import Any, Final, TypeVarTuple

from sqlalchemy import (
    CTE,
    ColumnElement,
    CompoundSelect,
    Float,
    Integer,
    Row,
    Select,
    String,
    and_,
    bindparam,
    case,
    cast,
    exists,
    extract,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from routing.metrics import CORRECTIONS, latency_step
from routing.review import ReviewState
from store import tables as t
from store.tallies import QUARTER, Tally
from store.types import UtcDateTime

AT_INTAKE: Final = ("gate", "provisional")
"""The kinds of review that are opened before or beside the action: what they judge was escalated."""

COMPARED: Final = (*AT_INTAKE, "audit")
"""The kinds whose verdicts say whether the model was right. Second opinions are about the first verdict."""
_D = t.decisions.c
COUNTED: Final = _D.variant != "shadow"
"""Shadows are in no metric."""

_SECONDS = int(QUARTER.total_seconds())


def final_verdicts(which: ColumnElement[bool]) -> CTE:
    """One row for each review of these decisions, second opinions apart, that people decided: its `review_pk`, `kind`
    and `decision_pk`, and the `verdict` and `category` that stand, with the `user_id` who said so, the `verdict_pk`
    under which it is kept, when it was `used_at`, and since when it stands (`at`). What was said last counts; approving
    an edit means that edit."""
    r, v = t.reviews.c, t.verdicts.c
    # Looked up for each review: grouped by review, SQLite would go through all reviews that there ever were.
    votes = [v.review_pk == r.pk, v.round == r.round]
    last = select(func.max(v.pk)).where(*votes).correlate(t.reviews).scalar_subquery()
    edit = select(func.min(v.pk)).where(*votes, v.verdict == "edit").correlate(t.reviews).scalar_subquery()
    decided = (
        select(r.pk.label("review_pk"), r.kind, r.decision_pk, last.label("last_pk"), edit.label("edit_pk"))
        .join_from(t.decisions, t.reviews, r.decision_pk == _D.pk)
        .where(which, r.kind.in_(COMPARED), r.state == ReviewState.DECIDED)
        .subquery()
    )
    said, standing, c = t.verdicts.alias("said"), t.verdicts.alias("standing"), decided.c
    means = case((said.c.verdict == "approve", func.coalesce(c.edit_pk, c.last_pk)), else_=c.last_pk)
    of_standing = standing.c.verdict, standing.c.category, standing.c.user_id, standing.c.used_at
    return (
        select(c.review_pk, c.kind, c.decision_pk, *of_standing, standing.c.pk.label("verdict_pk"), said.c.at)
        .join_from(decided, said, said.c.pk == c.last_pk)
        .join(standing, standing.c.pk == means)
        .cte("final")
    )


def escalated() -> ColumnElement[bool]:
    """Whether a person was asked about a decision at intake."""
    r = t.reviews.c
    return exists().where(r.decision_pk == _D.pk, r.kind.in_(AT_INTAKE))


_Columns = TypeVarTuple("_Columns")


def beside_second_opinions(query: Select[*_Columns], final: CTE) -> Select[*_Columns]:
    """Selects from the decisions of these final verdicts that have a second opinion, joined with the verdict that was
    said first in it (`tables.verdicts`)."""
    r, v = t.reviews.c, t.verdicts.c
    opening = select(func.min(v.pk)).where(v.review_pk == r.pk).correlate(t.reviews).scalar_subquery()
    return (
        query.join_from(final, t.decisions, _D.pk == final.c.decision_pk)
        .join(t.reviews, and_(r.decision_pk == _D.pk, r.kind == "double"))
        .join(t.verdicts, v.pk == opening)
        .where(final.c.kind.in_(AT_INTAKE))
    )


async def recount(connection: AsyncConnection, since: datetime, until: datetime) -> Counter[Tally]:
    """Of the decisions that were created from `since` on and before `until`."""
    query = _counted_between(connection.dialect.name)
    return _tallies(await connection.execute(query, {"since": since, "until": until}))


async def tallies_of(connection: AsyncConnection, decision_pks: list[int]) -> Counter[Tally]:
    """What these decisions count for as they are now."""
    return _tallies(await connection.execute(_counted_of(connection.dialect.name), {"pks": decision_pks}))


# Every click asks twice, and putting the statement together costs more than running it.
@cache
def _counted_of(dialect: str) -> CompoundSelect[Any]:
    return _counted(_D.pk.in_(bindparam("pks", expanding=True)), dialect)


@cache
def _counted_between(dialect: str) -> CompoundSelect[Any]:
    since, until = bindparam("since", type_=UtcDateTime), bindparam("until", type_=UtcDateTime)
    return _counted(and_(_D.created_at >= since, _D.created_at < until), dialect)


def _counted(which: ColumnElement[bool], dialect: str) -> CompoundSelect[Any]:
    """Rows of a `measure`, what it is counted by, and the `number`."""
    counted = and_(which, COUNTED)
    final = final_verdicts(counted)
    return union_all(
        _decisions(counted, dialect),
        _verdicts(final, dialect),
        _latencies(counted, dialect),
        _uses(final, dialect),
        _pairs(final, dialect),
        _disputes(counted, dialect),
    )


_TEXT, _AMOUNT = cast(null(), String), cast(null(), Float)


def _rows(
    dialect: str,
    measure: str,
    first: ColumnElement[Any] = _TEXT,
    second: ColumnElement[Any] = _TEXT,
    third: ColumnElement[Any] = _TEXT,
    amount: ColumnElement[Any] = _AMOUNT,
) -> Select[Any]:
    cohort = func.coalesce(_D.cohort, "").label("cohort")
    by = [_quarter(dialect).label("quarter"), _D.app_pk, _D.task_type, cohort]
    by += [first.label("first"), second.label("second"), third.label("third"), amount.label("amount")]
    return select(literal(measure).label("measure"), *by, func.count().label("number")).group_by(*by)


def _quarter(dialect: str) -> ColumnElement[int]:
    """As `quarter_of` has it."""
    if dialect == "postgresql":
        return cast(func.floor(extract("epoch", _D.created_at) / _SECONDS), Integer)
    # To the minute: SQLite reads a fraction of a second only to the millisecond, and rounds it up.
    return cast(func.strftime("%s", func.substr(_D.created_at, 1, 16)), Integer) // _SECONDS


def _decisions(counted: ColumnElement[bool], dialect: str) -> Select[Any]:
    return _rows(dialect, "decision", case((escalated(), "escalated"))).where(counted)


def _verdicts(final: CTE, dialect: str) -> Select[Any]:
    f = final.c
    inclusion = case((f.kind == "audit", _D.inclusion))
    return _rows(dialect, "verdict", f.kind, f.verdict, f.category, inclusion).join_from(
        final, t.decisions, _D.pk == f.decision_pk
    )


def _latencies(counted: ColumnElement[bool], dialect: str) -> Select[Any]:
    r = t.reviews.c
    return (
        _rows(dialect, "latency", amount=_seconds(r.opened_at, r.closed_at, dialect))
        .join_from(t.decisions, t.reviews, r.decision_pk == _D.pk)
        .where(counted, r.kind.in_(AT_INTAKE), r.state == ReviewState.DECIDED, r.closed_at.is_not(None))
    )


def _uses(final: CTE, dialect: str) -> Select[Any]:
    f = final.c
    return (
        _rows(dialect, "use", amount=_seconds(f.at, f.used_at, dialect))
        .join_from(final, t.decisions, _D.pk == f.decision_pk)
        .where(f.verdict.in_(CORRECTIONS), f.used_at.is_not(None))
    )


def _seconds(since: ColumnElement[Any], until: ColumnElement[Any], dialect: str) -> ColumnElement[float]:
    if dialect == "postgresql":
        return cast(extract("epoch", until - since), Float)
    return (func.julianday(until, type_=Float) - func.julianday(since, type_=Float)) * 86_400


def _pairs(final: CTE, dialect: str) -> Select[Any]:
    return beside_second_opinions(_rows(dialect, "pair", final.c.verdict, t.verdicts.c.verdict), final)


def _disputes(counted: ColumnElement[bool], dialect: str) -> Select[Any]:
    r, v = t.reviews.c, t.verdicts.c
    settled = exists().where(v.review_pk == r.pk, v.adjudicates).correlate(t.reviews)
    return (
        _rows(dialect, "dispute")
        .join_from(t.decisions, t.reviews, r.decision_pk == _D.pk)
        .where(counted, r.kind.in_(COMPARED), or_(r.state == ReviewState.DISPUTED, settled))
    )


def _tallies(rows: Iterable[Row[Any]]) -> Counter[Tally]:
    found: Counter[Tally] = Counter()
    for row in rows:
        for name in _names(row):
            found[Tally(row.quarter, row.app_pk, row.task_type, row.cohort, name)] += row.number
    return found


def _names(row: Row[Any]) -> Iterator[str]:
    """All that a row counts for."""
    match row.measure:
        case "decision":
            yield "decisions"
            if row.first is not None:
                yield "escalated"
        case "verdict":
            is_wrong = row.second in CORRECTIONS
            yield f"verdict:{row.first}:{row.second}"
            if is_wrong:
                yield f"category:{row.third or ''}"
            if row.amount:
                yield f"audit:{row.amount!r}:{'wrong' if is_wrong else 'right'}"
        case "latency" | "use":
            yield f"{row.measure}:{latency_step(row.amount)}"
        case "pair":
            yield f"pair:{row.first}:{row.second}"
        case "dispute":
            yield "disputes"
