"""Calibrations: what each look at a stream's labels has found."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, exists, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from routing.decision import Json
from store import tables as t
from store.audit_streams import StreamKey, key_of
from store.history import HistoryRecord, append
from store.insert_new import insert_new
from store.labels import Domain
from store.messages import NewMessage, add
from store.tallies import GRAINS
from store.writer import SingleCommand


@dataclass(frozen=True, slots=True)
class Look:
    """One look, `number` from 1. `at`: when it began to read; what was decided later is no label of it. `result`: all
    that it has found, as the service writes it; `threshold` None: refused, and `reason` says why."""

    stream: StreamKey
    number: int
    at: datetime
    labels: int
    threshold: float | None
    reason: str
    result: Json
    pk: int = 0


@dataclass(frozen=True, slots=True)
class KeepCalibration(SingleCommand[bool]):
    """Spends a look at the labels within a domain. False: another replica has spent it, and nothing was done."""

    look: Look
    domain: Domain
    history: HistoryRecord

    async def apply(self, connection: AsyncConnection) -> bool:
        row = asdict(self.look)
        row |= {**row.pop("stream"), "look": row.pop("number"), **asdict(self.domain)}
        del row["pk"]
        if not await insert_new(connection, t.calibrations, row):
            return False
        await append(connection, [self.history])
        return True


@dataclass(frozen=True, slots=True)
class TellOfCalibration(SingleCommand[None]):
    """Has it told of in Slack, once for each key, and not where a proposal with this key has told of it."""

    message: NewMessage
    at: datetime

    async def apply(self, connection: AsyncConnection) -> None:
        proposed = exists().where(t.proposals.c.dedup_key == self.message.key)
        if not await connection.scalar(select(proposed)):
            await add(connection, [self.message], self.at)


class CalibrationStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def last_pk(self) -> int:
        """Of the latest of all; 0: there is none. Calibrations never change, so it tells whether there are new ones."""
        async with self._engine.connect() as connection:
            return int(await connection.scalar(select(func.max(t.calibrations.c.pk))) or 0)

    async def latest_of_streams(self) -> dict[StreamKey, Look]:
        c = t.calibrations.c
        names = (c.task_type, c.model_name, c.model_version, c.confidence_source)
        latest = select(func.max(c.pk)).group_by(*names)
        return {each.stream: each for each in await self._read(c.pk.in_(latest))}

    async def latest(self, task_type: str, app_pk: int | None = None) -> Look | None:
        """Of a task; where `app_pk` is named, only if this app has posted decisions of the task."""
        c, n = t.calibrations.c, t.counters.c
        mine = c.task_type == task_type
        if app_pk is not None:
            # The widest buckets are the fewest rows.
            posted = exists().where(n.grain == GRAINS[-1], n.app_pk == app_pk, n.task_type == task_type)
            mine = and_(mine, posted)
        latest = select(func.max(c.pk)).where(mine).scalar_subquery()
        found = await self._read(c.pk == latest)
        return found[0] if found else None

    async def _read(self, condition: ColumnElement[bool]) -> list[Look]:
        query = select(t.calibrations).where(condition).order_by(t.calibrations.c.pk)
        async with self._engine.connect() as connection:
            return [_look(row) for row in await connection.execute(query)]


def _look(row: Row[Any]) -> Look:
    return Look(key_of(row), row.look, row.at, row.labels, row.threshold, row.reason, row.result, row.pk)
