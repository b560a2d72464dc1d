"""Calibrations: what each look at a stream's labels has found."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, exists, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from routing.decision import Json
from store import tables as t
from store.audit_streams import StreamKey
from store.history import HistoryRecord, append
from store.insert_new import insert_new
from store.writer import SingleCommand


@dataclass(frozen=True, slots=True)
class Calibration:
    """One look. `result`: all that it has found; `threshold` None: refused, and `reason` says why."""

    stream: StreamKey
    look: int
    at: datetime
    labels: int
    threshold: float | None
    reason: str
    result: Json
    pk: int = 0


@dataclass(frozen=True, slots=True)
class KeepCalibration(SingleCommand[bool]):
    """Spends a look. False: another replica has spent it, and nothing was done."""

    calibration: Calibration
    history: HistoryRecord

    async def apply(self, connection: AsyncConnection) -> bool:
        row = asdict(self.calibration)
        row |= row.pop("stream")
        del row["pk"]
        if not await insert_new(connection, t.calibrations, row):
            return False
        await append(connection, [self.history])
        return True


class CalibrationStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def last_pk(self) -> int:
        """Of the latest of all; 0: there is none. Calibrations never change, so it tells whether there are new ones."""
        async with self._engine.connect() as connection:
            return int(await connection.scalar(select(func.max(t.calibrations.c.pk))) or 0)

    async def latest_of_streams(self) -> dict[StreamKey, Calibration]:
        c = t.calibrations.c
        names = (c.task_type, c.model_name, c.model_version, c.confidence_source)
        latest = select(func.max(c.pk)).group_by(*names)
        return {each.stream: each for each in await self._read(c.pk.in_(latest))}

    async def latest(self, task_type: str, app_pk: int | None = None) -> Calibration | None:
        """Of a task; where `app_pk` is named, only if this app has posted decisions of the task."""
        c, d = t.calibrations.c, t.decisions.c
        mine = c.task_type == task_type
        if app_pk is not None:
            mine = and_(mine, exists().where(d.app_pk == app_pk, d.task_type == task_type))
        latest = select(func.max(c.pk)).where(mine).scalar_subquery()
        found = await self._read(c.pk == latest)
        return found[0] if found else None

    async def _read(self, condition: ColumnElement[bool]) -> list[Calibration]:
        query = select(t.calibrations).where(condition).order_by(t.calibrations.c.pk)
        async with self._engine.connect() as connection:
            return [_calibration(row) for row in await connection.execute(query)]


def _calibration(row: Row[Any]) -> Calibration:
    stream = StreamKey(row.task_type, row.model_name, row.model_version, row.confidence_source)
    return Calibration(stream, row.look, row.at, row.labels, row.threshold, row.reason, row.result, row.pk)
