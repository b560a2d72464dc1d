"""Seals: blocks in a chain, the same on either database, over what can no longer change."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from store import tables as t
from store.engine import open_engine, parse_url
from store.history import HistoryRecord, append
from store.seals import AddSeal, SealStore, sealed
from store.writer import SingleCommand, Writer
from tests.support.databases import migrate
from tests.support.rows import NOW


@dataclass(frozen=True, slots=True)
class Append(SingleCommand[None]):
    records: Sequence[HistoryRecord]

    async def apply(self, connection: AsyncConnection) -> None:
        await append(connection, self.records)


def records(count: int) -> list[HistoryRecord]:
    return [
        HistoryRecord(
            NOW + timedelta(microseconds=number), "app:decision:posted", "app:shop", 1, number, None, {"n": number / 3}
        )
        for number in range(count)
    ]


@pytest.fixture
async def writer(engine: AsyncEngine) -> AsyncIterator[Writer]:
    made = Writer(engine)
    made.start()
    yield made
    await made.stop()


async def test_the_same_history_has_the_same_seals_on_either_database(engine: AsyncEngine, writer: Writer) -> None:
    await writer.submit(Append([*records(5), HistoryRecord(NOW, "operator:key:revoked", "operator", facts={"é": "ü"})]))
    store = SealStore(engine)
    assert await store.latest() is None
    assert await store.settled() == 6
    first, mark = sealed(None, await store.records(0, 4, limit=10), NOW)
    assert await writer.submit(AddSeal(first, NOW))
    second, last = sealed(mark, await store.records(4, limit=10), NOW + timedelta(hours=1))
    assert await writer.submit(AddSeal(second, last.at))
    assert await store.latest() == last
    assert await store.seals(0, limit=10) == [first, second]
    assert (second.number, second.first_seq, second.last_seq, second.records) == (2, 5, 6, 2)
    assert last.sha256 == "5abfb1af16111e5e6f3d4f18d5baa2f730fb9ab41f0c8775bd3edda2701fd9a6"


async def test_a_seal_depends_on_each_of_its_members_and_on_the_seal_before(
    engine: AsyncEngine, writer: Writer
) -> None:
    await writer.submit(Append(records(3)))
    seal, mark = sealed(None, await SealStore(engine).records(0, limit=10), NOW)
    others = [
        replace(seal, number=2),
        replace(seal, first_seq=0),
        replace(seal, last_seq=4),
        replace(seal, records=4),
        replace(seal, at="2026-11-20 10:00:00.000001"),
        replace(seal, digests=seal.digests[:-1] + b"x"),
    ]
    hashes = {other.computed(None) for other in (seal, *others)} | {seal.computed(mark.sha256)}
    assert len(hashes) == 8
    assert seal.computed(None) == seal.sha256


async def test_of_two_replicas_that_seal_at_once_one_does(engine: AsyncEngine, writer: Writer) -> None:
    await writer.submit(Append(records(3)))
    seal, _ = sealed(None, await SealStore(engine).records(0, limit=10), NOW)
    other = Writer(engine)
    other.start()
    both = await asyncio.gather(writer.submit(AddSeal(seal, NOW)), other.submit(AddSeal(seal, NOW)))
    assert sorted(both) == [False, True]
    await other.stop()


async def test_what_postgresql_commits_late_is_waited_for(postgres_url: str) -> None:
    await migrate(postgres_url)
    engine = open_engine(parse_url(postgres_url))
    store, row = SealStore(engine), {"at": NOW, "event": "a:b:c", "actor": "bot", "facts": {}}
    async with engine.connect() as late, engine.connect() as quick:
        await late.execute(insert(t.history).values(row))
        await quick.execute(insert(t.history).values(row))
        await quick.commit()
        # The higher seq is there, the lower is not; and the lock gives up before others have waited for long.
        assert [record.seq for record in await store.records(0, limit=10)] == [2]
        with pytest.raises(DBAPIError, match="lock timeout"):
            await store.settled()
        waiting = asyncio.create_task(store.settled())
        await asyncio.sleep(0.05)
        await late.commit()
        assert await waiting == 2
    assert [record.seq for record in await store.records(0, 2, limit=10)] == [1, 2]
    await engine.dispose()
