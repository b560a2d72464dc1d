"""How often people agree with the models that answer for a task, as far as that was looked at."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from sqlalchemy import Row, Select, and_, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from routing.decision import CORRECTED
from routing.review import ReviewState
from store import tables as t
from store.adjustments import Propose
from store.audit_streams import LEARNT_WITHIN, SETTLED_AFTER, STREAM_NAMES, StreamKey, key_of
from store.insert_new import insert_new
from store.recount import COMPARED
from store.writer import SingleCommand

_ANSWERS_WITHIN = timedelta(days=2)
"""A model that has not answered for longer has no say in what its task has earned."""


@dataclass(frozen=True, slots=True)
class AccuracyStream:
    """What was counted of one model since `since`. `version` 0: it is not in the database yet."""

    key: StreamKey
    autonomy: int
    """Of its task, all the while."""
    reviews: int
    errors: int
    since: datetime
    judged_to: int
    """The last verdict that was looked at."""
    version: int = 0


@dataclass(frozen=True, slots=True)
class ReviewVerdict:
    """What a person has found. `pk`: of the verdict that closed the review."""

    pk: int
    stream: StreamKey
    is_error: bool


class AccuracyOutdatedError(Exception):
    """Another replica has changed one of the streams in between; nothing was done."""


@dataclass(frozen=True, slots=True)
class SaveAccuracy(SingleCommand[None]):
    """New values of streams, with the proposals that they lead to: all, or none of it. Raises AccuracyOutdatedError."""

    streams: Sequence[AccuracyStream]
    proposals: Sequence[Propose]

    async def apply(self, connection: AsyncConnection) -> None:
        for stream in self.streams:
            await _save(connection, stream)
        for proposal in self.proposals:
            await proposal.apply(connection)


async def _save(connection: AsyncConnection, stream: AccuracyStream) -> None:
    a, values = t.accuracy_streams.c, asdict(stream)
    names = values.pop("key")
    values["version"] += 1
    if stream.version:
        mine = and_(*(a[name] == value for name, value in names.items()), a.version == stream.version)
        saved = (await connection.execute(update(t.accuracy_streams).where(mine).values(**values))).rowcount
    else:
        saved = await insert_new(connection, t.accuracy_streams, {**names, **values})
    if saved != 1:
        raise AccuracyOutdatedError


class AccuracyStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def all(self) -> list[AccuracyStream]:
        """Those of which a verdict was looked at."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(t.accuracy_streams).order_by(t.accuracy_streams.c.pk))
            return [_stream(row) for row in rows]

    async def verdicts(self, now: datetime) -> list[ReviewVerdict]:
        """Those of gate, provisional and audit reviews that were not looked at yet, in order, each as the decision
        stands now. The list ends before the first that may still be taken back, and before what is too young to be
        sure that none with a lower pk is on its way from another replica; what is too old is left out."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(_found(now - LEARNT_WITHIN))
            settled = now - SETTLED_AFTER
            final = list(takewhile(lambda row: row.state == ReviewState.DECIDED and row.at <= settled, rows))
        last = {row.review_pk: row.pk for row in final}  # of two votes at one moment the later has closed it
        return [
            ReviewVerdict(row.pk, key_of(row), row.outcome in CORRECTED)
            for row in final
            if last[row.review_pk] == row.pk
        ]

    async def answering(self, now: datetime) -> list[StreamKey]:
        """The models that answer for tasks these days."""
        d = t.decisions.c
        lately = d.created_at >= now - _ANSWERS_WITHIN, d.variant == "primary"
        query: Select[Any] = select(*STREAM_NAMES).where(*lately).distinct()
        async with self._engine.connect() as connection:
            return [key_of(row) for row in await connection.execute(query)]


_D = t.decisions.c


def _found(since: datetime) -> Select[Any]:
    v, r, a = t.verdicts.c, t.reviews.c, t.accuracy_streams.c
    known = and_(*(a[name.name] == name for name in STREAM_NAMES))
    return (
        select(v.pk, v.at, v.review_pk, r.state, _D.outcome, *STREAM_NAMES)
        .join_from(t.verdicts, t.reviews, r.pk == v.review_pk)
        .join(t.decisions, _D.pk == r.decision_pk)
        .join(t.accuracy_streams, known, isouter=True)
        .where(v.at >= since, v.pk > func.coalesce(a.judged_to, 0))
        .where(v.at == r.closed_at, r.kind.in_(COMPARED), _D.variant == "primary")
        .where(r.state.in_([ReviewState.DECIDED, ReviewState.HELD]))
        .order_by(v.pk)
    )


def _stream(row: Row[Any]) -> AccuracyStream:
    return AccuracyStream(key_of(row), row.autonomy, row.reviews, row.errors, row.since, row.judged_to, row.version)
