"""Counters of facts, kept in the same commits as the facts: what metrics are made of, however many decisions there are.

Nothing that changes facts says by how much: what the recount has of a decision before and after it is subtracted. So
counters and recount cannot drift apart, and each fact is defined once.
"""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from store import tables as t
from store.recount import tallies_of
from store.row_insert import RowInsert
from store.tallies import GRAINS, Tally

SHARDS: Final = 64
"""Each writer adds to rows of its own, one in so many: no two replicas wait for each other's commits, but by chance."""


class _Row(NamedTuple):
    """One row of `counters`."""

    grain: int
    quarter: int
    app_pk: int
    task_type: str
    cohort: str
    name: str
    shard: int
    value: int


_ADD = RowInsert(t.counters, adding=["value"])


def note(connection: AsyncConnection, tallies: Mapping[Tally, int]) -> None:
    """Adds to the counters when this transaction commits."""
    noted(connection).update(tallies)


def noted(connection: AsyncConnection) -> Counter[Tally]:
    """What was noted on this connection since the writer last emptied it."""
    tallies: Counter[Tally] = connection.info.setdefault("hitl_tallies", Counter())
    return tallies


@asynccontextmanager
async def counting(connection: AsyncConnection, decision_pks: Collection[int]) -> AsyncIterator[None]:
    """Around whatever may change what these decisions count for.

    Locks them, and comes before any lock on their reviews: two changes of one decision would each subtract what it was
    before both.
    """
    pks = sorted(decision_pks)
    if connection.dialect.name == "postgresql":
        d = t.decisions.c
        await connection.execute(select(d.pk).where(d.pk.in_(pks)).order_by(d.pk).with_for_update(key_share=True))
    before = await tallies_of(connection, pks)
    yield
    after = await tallies_of(connection, pks)
    after.subtract(before)
    note(connection, after)


async def write(connection: AsyncConnection, shard: int) -> None:
    """Writes what was noted: the last thing in a transaction, for the rows stay locked to its end."""
    tallies = noted(connection)
    await write_rows(connection, ((grain, tally, tallies[tally]) for grain in GRAINS for tally in tallies), shard)


async def write_rows(connection: AsyncConnection, amounts: Iterable[tuple[int, Tally, int]], shard: int) -> None:
    """Adds amounts, each to the bucket of a grain that its tally is in. Always in the same order, so that two writers
    of one shard wait for each other and never crosswise."""
    await _ADD.execute(
        connection,
        [_Row(grain, *tally.in_bucket(grain), shard, amount) for grain, tally, amount in sorted(amounts) if amount],
    )
