"""The append-only history: who did what, when, on which policy. Facts and SHA-256 of content, never content."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from routing.decision import Json
from store import tables as t
from store.row_insert import RowInsert

_INSERT = RowInsert(t.history, numbered=["seq"])


@dataclass(frozen=True, slots=True)
class HistoryRecord:
    """`event` is source:subject:action; `actor` is app:<name>, user:<team>/<id>, operator or bot."""

    at: datetime
    event: str
    actor: str
    app_pk: int | None = None
    decision_pk: int | None = None
    review_pk: int | None = None
    facts: dict[str, Json] = field(default_factory=dict)


async def append(connection: AsyncConnection, records: Iterable[HistoryRecord]) -> None:
    """Adds records on the caller's transaction, in order."""
    await _INSERT.execute(connection, records)


async def read(engine: AsyncEngine, decision_pk: int) -> list[HistoryRecord]:
    """One decision's records, oldest first."""
    query = select(t.history).where(t.history.c.decision_pk == decision_pk).order_by(t.history.c.seq)
    async with engine.connect() as connection:
        rows = (await connection.execute(query)).all()
    return [
        HistoryRecord(row.at, row.event, row.actor, row.app_pk, row.decision_pk, row.review_pk, row.facts)
        for row in rows
    ]
