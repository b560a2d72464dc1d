"""What a threshold would have changed in a stretch of time."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from routing.decision import Route
from store import tables as t
from store.audit_streams import StreamKey
from store.labels import Domain, is_in
from store.recount import COUNTED

_ALONE = (Route.AUTO, Route.AUTO_AUDIT)


@dataclass(frozen=True, slots=True)
class ThresholdEffect:
    """Decisions of a task, without shadows.

    Attributes:
        decisions: all.
        of_stream: those of the stream that the threshold was found for.
        alone: those that ran alone.
        would: those that would have with the threshold.
        first: when the first of them was created.
    """

    decisions: int
    of_stream: int
    alone: int
    would: int
    first: datetime


class ThresholdEffectStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def read(
        self, stream: StreamKey, threshold: float, domain: Domain, since: datetime, until: datetime
    ) -> ThresholdEffect | None:
        """Of the decisions that were created from `since` on and before `until`; None: there are none."""
        d = t.decisions.c
        query = select(
            func.count(),
            _number(is_in(stream)),
            _number(d.route.in_(_ALONE)),
            _number(and_(domain.condition, d.confidence >= threshold)),
            func.min(d.created_at),
        ).where(d.task_type == stream.task_type, COUNTED, d.created_at >= since, d.created_at < until)
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).one()
        return ThresholdEffect(*row) if row[0] else None


def _number(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count().filter(condition)
