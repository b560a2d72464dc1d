"""Verdicts over a stretch of time, for what is told about reviewers and reviews as a whole."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from store import tables as t


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """One verdict with what is known of when the person could begin to read. `began_at`: they claimed it;
    `could_begin_at`: it was posted, or was there."""

    user_id: str
    at: datetime
    verdict: str
    began_at: datetime | None
    could_begin_at: datetime
    characters: int
    task_type: str


class VerdictStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def between(self, since: datetime, until: datetime) -> list[VerdictRow]:
        """Those given from `since` on and before `until`, oldest first."""
        v, r = t.verdicts.c, t.reviews.c
        could_begin_at = func.coalesce(r.posted_at, r.opened_at, type_=r.opened_at.type)
        query = (
            select(v.user_id, v.at, v.verdict, v.began_at, could_begin_at, v.characters, r.task_type)
            .join_from(t.verdicts, t.reviews, r.pk == v.review_pk)
            .where(v.at >= since, v.at < until)
            .order_by(v.at, v.pk)
        )
        async with self._engine.connect() as connection:
            return [VerdictRow(*row) for row in await connection.execute(query)]
