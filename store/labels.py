"""Labels: which of a model's decisions people have found wrong, and with which chance each of them was looked at.

What was to meet a person is labelled by that person's verdict, and everybody's turn came: its chance is 1. What ran
alone is labelled by its audit, whose chance the draw has stored. So each decision has a known chance, and weighting by
it gives what a look at everything would have given (D. G. Horvitz and D. J. Thompson, 1952).

What nobody has judged leaves the population, with all that it stands for: nobody's silence is a label, a timeout is
none, and of what no draw has come to nothing is known.
"""

from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Float,
    Integer,
    Select,
    Text,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    not_,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from routing.decision import CORRECTED, ReviewKind
from routing.review import ReviewState
from store import tables as t
from store.audit_streams import STREAM_NAMES, StreamKey
from store.recount import COMPARED, COUNTED

_LEVELS = 100_000
"""Of what was not looked at only a histogram is read. It is as fine as anybody's threshold, and millions of decisions
stay in the database."""
_AT_ONCE = 10_000
"""Rows that are in memory at a time."""


@dataclass(frozen=True, slots=True)
class Domain:
    """What may run alone at all, whatever the task's own threshold is: that decides about nothing else. What cannot be
    undone and what failed a check never does.

    Attributes:
        floors: for each risk the least confidence that is needed beside the task's own threshold; a decision of a risk
            that is not named never runs alone.
    """

    floors: Mapping[str, float]

    @property
    def condition(self) -> ColumnElement[bool]:
        d = t.decisions.c
        floors = (and_(d.risk == risk, d.confidence >= floor) for risk, floor in self.floors.items())
        return and_(or_(*floors), d.reversible, not_(_failed_a_check())) if self.floors else false()


@dataclass(slots=True)
class StoredLabels:
    """The labels of one stream, in columns of equal length.

    Attributes:
        confidence: of the decision, 0..1.
        is_wrong: 1 where people corrected or rejected it, as their verdict stands now.
        inclusion: the chance with which it was looked at, in (0, 1].
        categories: how many of the wrong ones were put into which category; "" where none was named.
        others: the decisions that had their chance beside them, by confidence, rounded down. A draw of which only a
            part was judged counts by that part.
    """

    confidence: "array[float]" = field(default_factory=lambda: array("d"))
    is_wrong: "array[int]" = field(default_factory=lambda: array("b"))
    inclusion: "array[float]" = field(default_factory=lambda: array("d"))
    categories: Counter[str] = field(default_factory=Counter)
    others: dict[float, float] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.confidence)


class LabelStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def streams(self, task_type: str | None = None) -> dict[StreamKey, int]:
        """How many decisions with a confidence people have judged, of each stream that has any; most first."""
        number = func.count().label("number")
        query = select(*STREAM_NAMES, number).join_from(t.reviews, t.decisions, _IS_OF).where(_is_label())
        if task_type is not None:
            query = query.where(t.decisions.c.task_type == task_type)
        async with self._engine.connect() as connection:
            rows = await connection.execute(query.group_by(*STREAM_NAMES).order_by(number.desc(), *STREAM_NAMES))
            return {StreamKey(*names): count for *names, count in rows}

    async def read(self, stream: StreamKey, domain: Domain) -> StoredLabels:
        """What is known of the stream's decisions within the domain: 17 bytes of memory a label, and a histogram."""
        mine = and_(is_in(stream), domain.condition)
        async with self._engine.connect() as connection:
            labels = await _labels(connection, mine)
            labels.others = await _others(connection, mine)
        return labels


async def _labels(connection: AsyncConnection, mine: ColumnElement[bool]) -> StoredLabels:
    d, r = t.decisions.c, t.reviews.c
    chance = case((r.kind == ReviewKind.AUDIT, d.inclusion), else_=1.0)
    is_wrong = case((d.outcome.in_(CORRECTED), 1), else_=0)
    query = select(d.confidence, is_wrong, chance, d.category).join_from(t.reviews, t.decisions, _IS_OF)
    labels = StoredLabels()
    found = await connection.stream(query.where(_is_label(), mine))
    async for rows in found.partitions(_AT_ONCE):
        for confidence, wrong, inclusion, category in rows:
            labels.confidence.append(confidence)
            labels.is_wrong.append(wrong)
            labels.inclusion.append(inclusion)
            if wrong:
                labels.categories[category or ""] += 1
    return labels


async def _others(connection: AsyncConnection, mine: ColumnElement[bool]) -> dict[float, float]:
    """What a draw passed over. Where not all that it took was judged, only as large a part of it is known about."""
    d = t.decisions.c
    drawn = _drawn(mine).subquery()
    judged = func.coalesce(cast(drawn.c.judged, Float) / drawn.c.taken, 1.0)
    query = (
        select(func.min(d.confidence), func.sum(judged))
        .join_from(t.decisions, drawn, drawn.c.inclusion == d.inclusion, isouter=True)
        .where(mine, COUNTED, d.inclusion > 0, d.inclusion < 1)
        .where(not_(exists().where(t.reviews.c.decision_pk == d.pk, t.reviews.c.kind == ReviewKind.AUDIT)))
        .group_by(cast(d.confidence * _LEVELS, Integer))
    )
    return {confidence: count for confidence, count in await connection.execute(query) if count}


def _drawn(mine: ColumnElement[bool]) -> Select[Any]:
    """How many audits there are, and how many of them are judged, for each chance with which they were drawn."""
    d, r = t.decisions.c, t.reviews.c
    judged = func.count(case((r.state == ReviewState.DECIDED, r.pk))).label("judged")
    return (
        select(d.inclusion, func.count().label("taken"), judged)
        .join_from(t.reviews, t.decisions, _IS_OF)
        .where(mine, r.kind == ReviewKind.AUDIT, d.inclusion > 0)
        .group_by(d.inclusion)
    )


_IS_OF = t.reviews.c.decision_pk == t.decisions.c.pk


def is_in(stream: StreamKey) -> ColumnElement[bool]:
    """Whether a decision is one of the stream's."""
    return and_(*(name == getattr(stream, name.name) for name in STREAM_NAMES))


def is_label_of(stream: StreamKey, domain: Domain) -> ColumnElement[bool]:
    """Whether a review, joined with its decision, is one of the labels that `LabelStore.read` finds."""
    return and_(is_in(stream), domain.condition, _is_label())


def _is_label() -> ColumnElement[bool]:
    """A verdict that stands, on a decision that said how sure the model was. Second opinions are no labels of their
    own: what they overturn has changed the decision."""
    d, r = t.decisions.c, t.reviews.c
    looked_at = and_(r.kind.in_(COMPARED), r.state == ReviewState.DECIDED)
    by_chance = or_(r.kind != ReviewKind.AUDIT, d.inclusion > 0)
    return and_(looked_at, by_chance, COUNTED, d.confidence.is_not(None))


def _failed_a_check() -> ColumnElement[bool]:
    """A person sees these whatever the confidence. No text that an app wrote can hold unescaped quotes."""
    return type_coerce(t.decisions.c.reasons, Text).like('%"code":"check.%')
