"""Whether the counters say what a recount of the decisions gives, eight days at a time."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from store import tables as t
from store.counters import SHARDS, write_rows
from store.recount import recount
from store.tallies import GRAINS, Stretch, Tally, beginning_of, quarter_of
from store.writer import SingleCommand

_DAY, _BLOCK = GRAINS[-2:]
_SHARD = SHARDS
"""No writer's own: what one of them has read already, and waits to write, must not change."""


class Difference(NamedTuple):
    """A counter that is wrong. `tally.quarter` is the first of its bucket, which holds `grain` of them."""

    grain: int
    tally: Tally
    counted: int
    recounted: int


class CounterCheck:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def blocks(self) -> list[Stretch]:
        """All of the largest buckets from the first decision or counter to the last."""
        d, c = t.decisions.c, t.counters.c
        created = select(func.min(d.created_at), func.max(d.created_at))
        counted = select(func.min(c.quarter), func.max(c.quarter)).where(c.grain == _BLOCK)
        async with self._engine.connect() as connection:
            found = [quarter for quarter in (await connection.execute(counted)).one() if quarter is not None]
            found += [quarter_of(at) for at in (await connection.execute(created)).one() if at is not None]
        if not found:
            return []
        first, end = min(found) // _BLOCK, max(found) // _BLOCK + 1
        return [Stretch(_BLOCK, number * _BLOCK, (number + 1) * _BLOCK) for number in range(first, end)]

    async def differences(self, block: Stretch) -> list[Difference]:
        """Of all grains. Facts and counters are read as of one moment."""
        async with self._engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                await connection.execution_options(isolation_level="REPEATABLE READ")
            return [each async for each in _differences(connection, block)]


@dataclass(frozen=True, slots=True)
class Repair(SingleCommand[int]):
    """Puts the counters of a block right; how many were wrong. Nothing else is committed meanwhile."""

    block: Stretch

    async def apply(self, connection: AsyncConnection) -> int:
        if connection.dialect.name == "postgresql":
            # Waits for whoever has written counters, and has the others wait before they do: every commit that is seen
            # is seen with its counters.
            await connection.execute(text("LOCK TABLE counters IN SHARE ROW EXCLUSIVE MODE"))
        wrong = [each async for each in _differences(connection, self.block)]
        amounts = ((each.grain, each.tally, each.recounted - each.counted) for each in wrong)
        await write_rows(connection, amounts, _SHARD)
        return len(wrong)


async def _differences(connection: AsyncConnection, block: Stretch) -> AsyncIterator[Difference]:
    """Day by day, so that no more than the tallies of a day are held at once."""
    whole: Counter[Tally] = Counter()
    for first in range(block.first, block.end, _DAY):
        end = first + _DAY
        day = await recount(connection, beginning_of(first), beginning_of(end))
        for grain in GRAINS[:-1]:
            stored = await _stored(connection, Stretch(grain, first, end))
            for each in _compared(grain, _by_bucket(day, grain), stored):
                yield each
        whole.update(_by_bucket(day, _BLOCK))
    for each in _compared(_BLOCK, whole, await _stored(connection, block)):
        yield each


def _by_bucket(tallies: Counter[Tally], grain: int) -> Counter[Tally]:
    found: Counter[Tally] = Counter()
    for tally, number in tallies.items():
        found[tally.in_bucket(grain)] += number
    return found


def _compared(grain: int, recounted: Counter[Tally], stored: Counter[Tally]) -> Iterator[Difference]:
    for tally in sorted(recounted.keys() | stored.keys()):
        if recounted[tally] != stored[tally]:
            yield Difference(grain, tally, stored[tally], recounted[tally])


async def _stored(connection: AsyncConnection, stretch: Stretch) -> Counter[Tally]:
    c = t.counters.c
    within = select(t.counters).where(c.grain == stretch.grain, c.quarter >= stretch.first, c.quarter < stretch.end)
    found: Counter[Tally] = Counter()
    for row in await connection.execute(within):
        for name, number in row.counts.items():
            found[Tally(row.quarter, row.app_pk, row.task_type, row.cohort, name)] += number
    return found
