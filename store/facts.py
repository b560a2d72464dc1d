"""The facts behind metrics and digests, read from the counters."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, cast, func, select, union_all
from sqlalchemy.ext.asyncio import AsyncEngine

from routing.metrics import Facts, Group
from store import tables as t
from store.recount import COUNTED
from store.tallies import Stretch, add, quarters, stretches


@dataclass(frozen=True, slots=True)
class Window:
    """Decisions that were created from `since` on and before `until`; of one task type, app and cohort where they are
    named.

    Its facts are those of whole quarters of an hour, UTC: where it begins or ends between two, all of that quarter is
    in it. Days and weeks of any time zone begin on one, so that they add up exactly.
    """

    since: datetime
    until: datetime
    task_type: str | None = None
    app_pk: int | None = None
    cohort: str | None = None

    @property
    def condition(self) -> ColumnElement[bool]:
        d = t.decisions.c
        named = {d.task_type: self.task_type, d.app_pk: self.app_pk, d.cohort: self.cohort}
        chosen = [column == value for column, value in named.items() if value is not None]
        return and_(d.created_at >= self.since, d.created_at < self.until, COUNTED, *chosen)


class FactStore:
    """`read` is all that metrics and digests rest on."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def read(self, window: Window) -> dict[Group, Facts]:
        """The facts of the window's decisions as they are known now, of each group that has any. Costs the same however
        many decisions there are, and little more for a month than for a day."""
        found: defaultdict[Group, Facts] = defaultdict(Facts)
        buckets = stretches(*quarters(window.since, window.until))
        if not buckets:
            return {}
        async with self._engine.connect() as connection:
            for row in await connection.execute(_summed(window, buckets)):
                add(found[Group(row.task_type, row.cohort)], row.name, row.number)
        return dict(found)


def _summed(window: Window, buckets: Sequence[Stretch]) -> Select[Any]:
    c = t.counters.c
    named = {c.task_type: window.task_type, c.app_pk: window.app_pk, c.cohort: window.cohort}
    chosen = [column == value for column, value in named.items() if value is not None]
    values = [
        select(c.task_type, c.cohort, c.name, c.value).where(
            c.grain == grain, c.quarter >= first, c.quarter < end, *chosen
        )
        for grain, first, end in buckets
    ]
    v = union_all(*values).subquery().c
    number = cast(func.sum(v.value), BigInteger).label("number")
    return select(v.task_type, v.cohort, v.name, number).group_by(v.task_type, v.cohort, v.name).having(number != 0)
