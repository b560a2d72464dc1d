"""Streams: how far the decisions of one model have earned their autonomy, and the audit verdicts that tell."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from itertools import takewhile
from typing import Any

from sqlalchemy import Column, Row, Table, and_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from routing.decision import Json, OutcomeResult, ReviewKind
from routing.review import ReviewState
from store import tables as t
from store.history import HistoryRecord, append
from store.messages import NewMessage, add
from store.writer import SingleCommand

_ERRORS = (OutcomeResult.EDITED, OutcomeResult.REJECTED)


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
    """The share of AUTO_AUDIT that is audited."""
    since: datetime
    """When it came into this state."""
    judged_to: int
    """The last verdict that counts in it."""
    pk: int = 0
    version: int = 0


@dataclass(frozen=True, slots=True)
class AuditVerdict:
    """What an audit has found. `pk`: of the verdict that closed the audit, and `drawn_at` when it was drawn."""

    pk: int
    stream: StreamKey
    is_error: bool
    inclusion: float
    drawn_at: datetime


class StreamOutdatedError(Exception):
    """Another replica has changed one of the streams in between; nothing was done."""


@dataclass(frozen=True, slots=True)
class SaveStreams(SingleCommand[None]):
    """New values of streams with what tells of them: all, or none of it. Raises StreamOutdatedError."""

    streams: Sequence[Stream]
    history: Sequence[HistoryRecord]
    messages: Sequence[NewMessage]
    at: datetime

    async def apply(self, connection: AsyncConnection) -> None:
        for stream in self.streams:
            await _save(connection, stream)
        await append(connection, self.history)
        await add(connection, self.messages, self.at)


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
        saved = await connection.execute(update(t.audit_streams).where(mine).values(**values))
    else:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        row = {**asdict(stream.key), **values}
        saved = await connection.execute(dialect.insert(t.audit_streams).values(row).on_conflict_do_nothing())
    if saved.rowcount != 1:
        raise StreamOutdatedError


class StreamStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def all(self) -> list[Stream]:
        """Those in which a verdict has counted."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(t.audit_streams).order_by(t.audit_streams.c.pk))
            return [_stream(row) for row in rows]

    async def verdicts(self, after: int) -> list[AuditVerdict]:
        """What audits have found that were closed by a verdict after this one (pk), in the order of these verdicts.

        An audit counts once, where it was closed, and with what stands now. The list ends before the first verdict
        that may still be taken back, so that nothing is left behind.
        """
        v, r, d = t.verdicts.c, t.reviews.c, t.decisions.c
        query = (
            select(v.pk, v.review_pk, r.state, r.opened_at, d.outcome, d.inclusion, *_names(t.decisions))
            .join_from(t.verdicts, t.reviews, r.pk == v.review_pk)
            .join(t.decisions, d.pk == r.decision_pk)
            .where(v.pk > after, v.at == r.closed_at, r.kind == ReviewKind.AUDIT)
            .where(r.state.in_([ReviewState.DECIDED, ReviewState.HELD]))
            .order_by(v.pk)
        )
        async with self._engine.connect() as connection:
            rows = await connection.execute(query)
            final = list(takewhile(lambda row: row.state == ReviewState.DECIDED, rows))
        last = {row.review_pk: row.pk for row in final}  # of two votes at one moment the later has closed it
        return [_verdict(row) for row in final if last[row.review_pk] == row.pk]


def _names(table: Table) -> list[Column[Any]]:
    return [table.c[field.name] for field in fields(StreamKey)]


def _stream(row: Row[Any]) -> Stream:
    return Stream(_key(row), row.maturity, row.rate, row.since, row.judged_to, row.pk, row.version)


def _verdict(row: Row[Any]) -> AuditVerdict:
    return AuditVerdict(row.pk, _key(row), row.outcome in _ERRORS, row.inclusion, row.opened_at)


def _key(row: Row[Any]) -> StreamKey:
    return StreamKey(row.task_type, row.model_name or "", row.model_version or "", row.confidence_source)
