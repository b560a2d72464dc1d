"""Counters of facts, kept in the same commits as the facts: what metrics are made of, however many decisions there are.

Nothing that changes facts says by how much: what the recount has of a decision before and after it is subtracted. So
counters and recount cannot drift apart, and each fact is defined once.
"""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from store import tables as t
from store.insert_new import insert_new
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
    shard: int
    counts: dict[str, int]


_Bucket = tuple[int, int, int, str, str]
"""The key of a row, without its shard."""

_KEYS: Final = _Row._fields[:5]
_PUT = RowInsert(t.counters, replacing=["counts"])
_OF_SHARD = (
    select(t.counters)
    .where(*(t.counters.c[key].in_(bindparam(f"{key}s", expanding=True)) for key in _KEYS))
    .where(t.counters.c.shard == bindparam("shard"))
    .order_by(*t.counters.primary_key)
    .with_for_update()
)


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
    wanted: defaultdict[_Bucket, Counter[str]] = defaultdict(Counter)
    for grain, tally, amount in amounts:
        if amount:
            wanted[grain, *tally.in_bucket(grain)[:4]][tally.name] += amount
    if not wanted:
        return
    held = await _held(connection, wanted.keys(), shard)
    if missing := sorted(wanted.keys() - held.keys()):
        # Who comes upon the same at the same moment waits here for the other, and then finds its counts.
        await insert_new(connection, t.counters, *(_Row(*bucket, shard, {})._asdict() for bucket in missing))
        held = await _held(connection, wanted.keys(), shard)
    rows = [_Row(*bucket, shard, _sum(held[bucket], wanted[bucket])) for bucket in sorted(wanted)]
    await _PUT.execute(connection, rows)


async def _held(connection: AsyncConnection, buckets: Collection[_Bucket], shard: int) -> dict[_Bucket, dict[str, int]]:
    """The counts of those of a shard that are there, and perhaps of others, locked. By lists of each part of the key: a
    list of whole keys SQLite would answer by reading the table."""
    parts = {f"{key}s": sorted(set(values)) for key, *values in zip(_KEYS, *buckets, strict=True)}
    rows = await connection.execute(_OF_SHARD, {**parts, "shard": shard})
    return {tuple(row[: len(_KEYS)]): row.counts for row in rows}


def _sum(first: Mapping[str, int], second: Mapping[str, int]) -> dict[str, int]:
    summed = Counter(first)
    summed.update(second)
    return {name: number for name, number in summed.items() if number}
