"""Streams: how far the decisions of one model have earned their autonomy, and the audit verdicts that tell."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from sqlalchemy import Column, ColumnElement, Row, Select, Table, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from routing.decision import CORRECTED, Json, ReviewKind
from routing.review import ReviewState
from store import tables as t
from store.history import HistoryRecord, append
from store.insert_new import insert_new
from store.messages import NewMessage, add
from store.writer import SingleCommand

SETTLED_AFTER = timedelta(minutes=1)
"""Other replicas' verdicts with lower numbers are committed by then, if their clocks agree to some seconds."""
LEARNT_WITHIN = timedelta(days=31)
"""What nobody could learn from for longer says too little about how the model is now."""


@dataclass(frozen=True, slots=True)
class StreamKey:
    """Whose evidence counts together: another model, version or source of confidence begins anew. "": the app names
    none."""

    task_type: str
    model_name: str
    model_version: str
    confidence_source: str


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream as it was last seen. `version` 0: it is not in the database yet."""

    key: StreamKey
    maturity: Json
    """State and evidence, as `routing.maturity` writes them."""
    rate: float
    """The share of AUTO_AUDIT that is audited, while nobody watches it."""
    since: datetime
    """When it came into this state."""
    judged_to: int
    """The last verdict that counts in it."""
    pk: int = 0
    version: int = 0
    watched_until: datetime | None = None
    """Until when it is audited as if its errors had risen, though nothing proves it."""

    def is_watched(self, now: datetime) -> bool:
        return self.watched_until is not None and now < self.watched_until


@dataclass(frozen=True, slots=True)
class AuditVerdict:
    """What an audit has found. `pk`: of the verdict that closed the audit."""

    pk: int
    stream: StreamKey
    is_error: bool
    inclusion: float
    least_inclusion: float
    """The smallest among all audits of its stream in the same draw, also those that nobody has judged yet."""


class StreamOutdatedError(Exception):
    """Another replica has changed one of the streams in between; nothing was done."""


@dataclass(frozen=True, slots=True)
class SaveStreams(SingleCommand[None]):
    """New values of streams with what tells of them and what comes of it: all, or none of it. Raises
    StreamOutdatedError, and what `along` raises."""

    streams: Sequence[Stream]
    history: Sequence[HistoryRecord]
    messages: Sequence[NewMessage]
    at: datetime
    along: Sequence[SingleCommand[object]] = ()

    async def apply(self, connection: AsyncConnection) -> None:
        for stream in self.streams:
            await _save(connection, stream)
        await append(connection, self.history)
        await add(connection, self.messages, self.at)
        for command in self.along:
            await command.apply(connection)


@dataclass(frozen=True, slots=True)
class WatchStreams(SingleCommand[bool]):
    """Has all streams of a task's model audited more until a time. False: they are already, or nothing is known of them
    and so they are audited in full; then nothing is done.

    It leaves the version alone: it is not about what `SaveStreams` changes.
    """

    task_type: str
    model_name: str
    model_version: str
    until: datetime
    history: HistoryRecord

    async def apply(self, connection: AsyncConnection) -> bool:
        s = t.audit_streams.c
        mine = and_(
            s.task_type == self.task_type, s.model_name == self.model_name, s.model_version == self.model_version
        )
        sooner = or_(s.watched_until.is_(None), s.watched_until < self.until)
        changed = await connection.execute(update(t.audit_streams).where(mine, sooner).values(watched_until=self.until))
        if changed.rowcount:
            await append(connection, [self.history])
        return changed.rowcount > 0


async def _save(connection: AsyncConnection, stream: Stream) -> None:
    s = t.audit_streams.c
    values = {
        "maturity": stream.maturity,
        "rate": stream.rate,
        "since": stream.since,
        "judged_to": stream.judged_to,
        "version": stream.version + 1,
    }
    if stream.version:
        mine = and_(s.pk == stream.pk, s.version == stream.version)
        saved = (await connection.execute(update(t.audit_streams).where(mine).values(**values))).rowcount
    else:
        saved = await insert_new(connection, t.audit_streams, {**asdict(stream.key), **values})
    if saved != 1:
        raise StreamOutdatedError


def _named(column: Column[Any]) -> ColumnElement[str]:
    """An app that names no model and one that names "" are the same to a stream."""
    return func.coalesce(column, "").label(column.name)


STREAM_NAMES: tuple[ColumnElement[Any], ...] = (
    t.decisions.c.task_type,
    _named(t.decisions.c.model_name),
    _named(t.decisions.c.model_version),
    t.decisions.c.confidence_source,
)
"""The stream that a decision is in: the members of its StreamKey, under their names."""


def in_stream() -> ColumnElement[bool]:
    """Joins decisions with their streams."""
    return and_(*(t.audit_streams.c[name.name] == name for name in STREAM_NAMES))


class StreamStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def all(self) -> list[Stream]:
        """Those in which a verdict has counted."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(t.audit_streams).order_by(t.audit_streams.c.pk))
            return [_stream(row) for row in rows]

    async def verdicts(self, now: datetime) -> list[AuditVerdict]:
        """What audits have found that does not count in its stream yet, in the order of the verdicts that closed them.

        An audit counts once, where it was closed, and with what stands now: a verdict that is changed after it has
        counted is not corrected in the stream. The list ends before the first verdict that may still be taken back, and
        before the first that is younger than SETTLED_AFTER, as one with a lower pk may still be on its way from
        another replica; so nothing is left behind. What is older than LEARNT_WITHIN is left out.
        """
        async with self._engine.connect() as connection:
            rows = await connection.execute(_found(now - LEARNT_WITHIN))
            settled = now - SETTLED_AFTER
            final = list(takewhile(lambda row: row.state == ReviewState.DECIDED and row.at <= settled, rows))
            draws = await connection.execute(_draws({row.opened_at for row in final})) if final else ()
            least = _least_inclusions(draws)
        last = {row.review_pk: row.pk for row in final}  # of two votes at one moment the later has closed it
        return [_verdict(row, least[key_of(row), row.opened_at]) for row in final if last[row.review_pk] == row.pk]


def _found(since: datetime) -> Select[Any]:
    """The verdicts that closed audits. One without a chance was not drawn, and nothing is known of what it is for."""
    v, r, d, s = t.verdicts.c, t.reviews.c, t.decisions.c, t.audit_streams.c
    return (
        select(v.pk, v.at, v.review_pk, r.state, r.opened_at, d.outcome, d.inclusion, *_names(t.decisions))
        .join_from(t.verdicts, t.reviews, r.pk == v.review_pk)
        .join(t.decisions, d.pk == r.decision_pk)
        .join(t.audit_streams, in_stream(), isouter=True)
        .where(v.at >= since, v.pk > func.coalesce(s.judged_to, 0))
        .where(v.at == r.closed_at, r.kind == ReviewKind.AUDIT, d.inclusion > 0)
        .where(r.state.in_([ReviewState.DECIDED, ReviewState.HELD]))
        .order_by(v.pk)
    )


def _draws(drawn_at: Collection[datetime]) -> Select[Any]:
    """All audits of these draws, by stream."""
    r, d, names = t.reviews.c, t.decisions.c, _names(t.decisions)
    return (
        select(r.opened_at, func.min(d.inclusion).label("least"), *names)
        .join_from(t.reviews, t.decisions, d.pk == r.decision_pk)
        .where(r.opened_at.in_(drawn_at), r.kind == ReviewKind.AUDIT, d.inclusion > 0)
        .group_by(r.opened_at, *names)
    )


def _least_inclusions(draws: Iterable[Row[Any]]) -> dict[tuple[StreamKey, datetime], float]:
    least: dict[tuple[StreamKey, datetime], float] = {}
    for row in draws:  # a model without a name and one whose name is "" are the same stream
        draw = key_of(row), row.opened_at
        least[draw] = min(row.least, least.get(draw, row.least))
    return least


def _names(table: Table) -> list[Column[Any]]:
    return [table.c[field.name] for field in fields(StreamKey)]


def _stream(row: Row[Any]) -> Stream:
    return Stream(key_of(row), row.maturity, row.rate, row.since, row.judged_to, row.pk, row.version, row.watched_until)


def _verdict(row: Row[Any], least_inclusion: float) -> AuditVerdict:
    return AuditVerdict(row.pk, key_of(row), row.outcome in CORRECTED, row.inclusion, least_inclusion)


def key_of(row: Row[Any]) -> StreamKey:
    """From a row that has its members."""
    return StreamKey(row.task_type, row.model_name or "", row.model_version or "", row.confidence_source)
