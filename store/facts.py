"""The facts behind metrics and digests, read from the counters."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson
from sqlalchemy import ColumnElement, CompoundSelect, Row, Text, and_, select, type_coerce, union_all
from sqlalchemy.ext.asyncio import AsyncEngine

from routing.metrics import Facts, Group
from store import tables as t
from store.recount import COUNTED
from store.tallies import Stretch, facts_of, quarters, stretches

MOST_COHORTS: Final = 1_000
"""Apps name as many as they like, one for each of their customers too. Of more, those with the most decisions are told
apart."""

Counts = dict[str, int]
"""Numbers by the names of tallies."""

_Row = Row[str, str, str]
"""Task type, cohort and counts as JSON."""


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
        many decisions there are, and little more for a month than for a day. Cohorts past `MOST_COHORTS` are counted as
        if the app had named none."""
        rows = await self._rows(window)
        return await asyncio.to_thread(_grouped, rows)

    async def whole(self, window: Window) -> Facts:
        """Of all groups together: for half of what it costs to tell them apart."""
        rows = await self._rows(window)
        return await asyncio.to_thread(_together, rows)

    async def _rows(self, window: Window) -> Sequence[_Row]:
        buckets = stretches(*quarters(window.since, window.until))
        if not buckets:
            return []
        async with self._engine.connect() as connection:
            return (await connection.execute(_counts(window, buckets))).all()


# Not on the event loop: apps that name many cohorts bring hundreds of thousands of rows, which take seconds.


def _grouped(rows: Sequence[_Row]) -> dict[Group, Facts]:
    summed: defaultdict[Group, Counts] = defaultdict(dict)
    for task_type, cohort, counts in rows:
        _add(summed[Group(task_type, cohort)], orjson.loads(counts))
    named = _largest_cohorts(summed)
    for group in [group for group in summed if group.cohort and group.cohort not in named]:
        _add(summed[Group(group.task_type, "")], summed.pop(group))
    return {group: facts for group, counts in summed.items() if (facts := facts_of(counts)) != Facts()}


def _largest_cohorts(summed: Mapping[Group, Counts]) -> set[str]:
    sizes = Counter[str]()
    for group, counts in summed.items():
        sizes[group.cohort] += counts.get("decisions", 0)
    del sizes[""]
    return set(sorted(sizes, key=lambda cohort: (-sizes[cohort], cohort))[:MOST_COHORTS])


def _together(rows: Sequence[_Row]) -> Facts:
    summed: Counts = {}
    for _, _, counts in rows:
        _add(summed, orjson.loads(counts))
    return facts_of(summed)


def _add(summed: Counts, counts: Counts) -> None:
    for name, number in counts.items():
        summed[name] = summed.get(name, 0) + number


def _counts(window: Window, buckets: Sequence[Stretch]) -> CompoundSelect[str, str, str]:
    c = t.counters.c
    named = {c.task_type: window.task_type, c.app_pk: window.app_pk, c.cohort: window.cohort}
    chosen = [column == value for column, value in named.items() if value is not None]
    return union_all(
        *(
            select(c.task_type, c.cohort, type_coerce(c.counts, Text)).where(
                c.grain == grain, c.quarter >= first, c.quarter < end, *chosen
            )
            for grain, first, end in buckets
        )
    )
