"""The facts behind metrics and digests, read from the counters."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Row, and_, select, union_all
from sqlalchemy.ext.asyncio import AsyncEngine

from routing.metrics import Facts, Group
from store import tables as t
from store.recount import COUNTED
from store.tallies import Stretch, facts_of, quarters, stretches

Counts = dict[str, int]
"""Numbers by the names of tallies."""


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
        summed: defaultdict[Group, Counts] = defaultdict(dict)
        for task_type, cohort, counts in await self._rows(window):
            _add(summed[Group(task_type, cohort)], counts)
        return {group: facts for group, counts in summed.items() if (facts := facts_of(counts)) != Facts()}

    async def whole(self, window: Window) -> Facts:
        """Of all groups together: for half of what it costs to tell them apart."""
        summed: Counts = {}
        for _, _, counts in await self._rows(window):
            _add(summed, counts)
        return facts_of(summed)

    async def _rows(self, window: Window) -> Sequence[Row[tuple[str, str, Counts]]]:
        buckets = stretches(*quarters(window.since, window.until))
        if not buckets:
            return []
        async with self._engine.connect() as connection:
            return (await connection.execute(_counts(window, buckets))).all()


def _add(summed: Counts, counts: Counts) -> None:
    for name, number in counts.items():
        summed[name] = summed.get(name, 0) + number


def _counts(window: Window, buckets: Sequence[Stretch]) -> CompoundSelect[Any]:
    c = t.counters.c
    named = {c.task_type: window.task_type, c.app_pk: window.app_pk, c.cohort: window.cohort}
    chosen = [column == value for column, value in named.items() if value is not None]
    return union_all(
        *(
            select(c.task_type, c.cohort, c.counts).where(
                c.grain == grain, c.quarter >= first, c.quarter < end, *chosen
            )
            for grain, first, end in buckets
        )
    )
