"""How many decisions of each model came in a stretch of time, and for how many of them a person was asked at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from store import tables as t
from store.audit_streams import STREAM_NAMES
from store.audits import Period
from store.insert_new import insert_new
from store.recount import COUNTED, escalated
from store.writer import SingleCommand


class Model(NamedTuple):
    """Whose decisions are charted together; "": the app names none."""

    task_type: str
    name: str
    version: str


class Came(NamedTuple):
    decisions: int
    escalated: int


@dataclass(frozen=True, slots=True)
class KeepDay(SingleCommand[None]):
    """Keeps what came on a day that is over, and forgets the days that ended by `oldest`.

    When a decision was created, by which model, and whether a person was asked at intake, is settled in the commit that
    takes it in.
    """

    day: Period
    models: Mapping[Model, Came]
    oldest: datetime

    async def apply(self, connection: AsyncConnection) -> None:
        rows = [[*model, *came] for model, came in sorted(self.models.items())]
        day = {"since": self.day.since, "until": self.day.until, "models": rows}
        await insert_new(connection, t.model_days, day)  # another replica may have counted it too
        await connection.execute(delete(t.model_days).where(t.model_days.c.until <= self.oldest))


@dataclass(frozen=True, slots=True)
class ForgetDays(SingleCommand[None]):
    """They are counted anew when they are needed."""

    days: Sequence[Period]

    async def apply(self, connection: AsyncConnection) -> None:
        c = t.model_days.c
        for day in self.days:
            await connection.execute(delete(t.model_days).where(c.since == day.since, c.until == day.until))


class DriftStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def kept(self, within: Period | None = None) -> dict[Period, dict[Model, Came]]:
        """The days that are kept, the oldest first."""
        c = t.model_days.c
        query = select(t.model_days).order_by(c.since)
        if within is not None:
            query = query.where(c.since >= within.since, c.until <= within.until)
        async with self._engine.connect() as connection:
            rows = await connection.execute(query)
            return {Period(since, until): _models(models) for since, until, models in rows}

    async def came(self, day: Period) -> dict[Model, Came]:
        """Of the decisions that were created then, without shadows. Reads each of them: meant for a day, and for a
        job."""
        d = t.decisions.c
        model = STREAM_NAMES[:3]  # as in Model: without the source of the confidence
        query = (
            select(*model, func.count(), func.count().filter(escalated()))
            .where(d.created_at >= day.since, d.created_at < day.until, COUNTED)
            .group_by(*model)
        )
        async with self._engine.connect() as connection:
            return _models(await connection.execute(query))


def _models(rows: Iterable[Sequence[Any]]) -> dict[Model, Came]:
    """From rows of a model's names and counts."""
    return {Model(*row[:3]): Came(*row[3:]) for row in rows}
