"""How many decisions of each model came in a stretch of time, and for how many of them a person was asked at once."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from store import tables as t
from store.recount import COUNTED, escalated


class Model(NamedTuple):
    """Whose decisions are charted together; "": the app names none."""

    task_type: str
    name: str
    version: str


class Came(NamedTuple):
    decisions: int
    escalated: int


class DriftStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def came(self, since: datetime, until: datetime) -> dict[Model, Came]:
        """Of the decisions that were created from `since` on and before `until`, without shadows. Reads each of them:
        meant for a day, and for a job."""
        d = t.decisions.c
        model = (d.task_type, func.coalesce(d.model_name, ""), func.coalesce(d.model_version, ""))
        query = (
            select(*model, func.count(), func.count().filter(escalated()))
            .where(d.created_at >= since, d.created_at < until, COUNTED)
            .group_by(*model)
        )
        async with self._engine.connect() as connection:
            rows = await connection.execute(query)
            return {Model(*row[:3]): Came(*row[3:]) for row in rows}
