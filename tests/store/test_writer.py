"""Group commit: what arrives together is committed together, and nobody fails for a neighbour."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from store import tables as t
from store.decisions import AlreadyThere, PrimaryKeys, Taken
from store.engine import open_engine, parse_url
from store.writer import SingleCommand, Writer, WriterStoppedError
from tests.support.databases import migrate
from tests.support.rows import add_world, take_in


@pytest.fixture
async def writer(engine: AsyncEngine) -> AsyncIterator[Writer]:
    made = Writer(engine)
    made.start()
    yield made
    await made.stop()


@pytest.fixture
async def app_pk(writer: Writer, engine: AsyncEngine) -> int:
    return await add_world(writer, engine)


@dataclass(frozen=True, slots=True)
class CountTransactions(SingleCommand[int]):
    """Tells by the database's own counter in which transaction it ran."""

    async def apply(self, connection: AsyncConnection) -> int:
        if connection.dialect.name == "postgresql":
            return int(await connection.scalar(text("SELECT txid_current()")) or 0)
        return id(connection.sync_connection)


async def test_what_arrives_together_is_one_transaction(writer: Writer) -> None:
    transactions = await asyncio.gather(*(writer.submit(CountTransactions()) for _ in range(20)))
    # The first may run alone: it was there before the others.
    assert len(set(transactions)) <= 2


async def test_a_duplicate_in_one_batch_is_stored_once(writer: Writer, app_pk: int, engine: AsyncEngine) -> None:
    same = [take_in(pk, app_pk, id="twice") for pk in (1, 2, 3)]
    results = await asyncio.gather(*(writer.submit(command) for command in same))
    assert [type(result) for result in results] == [Taken, AlreadyThere, AlreadyThere]
    assert {result.decision.pk for result in results} == {1}
    assert await _count(engine, t.decisions) == await _count(engine, t.reviews) == await _count(engine, t.messages) == 1


async def test_a_bad_row_fails_alone(writer: Writer, app_pk: int, engine: AsyncEngine) -> None:
    good = [take_in(pk, app_pk) for pk in range(1, 6)]
    bad = take_in(7, app_pk, risk="critical", route="AUTO")
    results = await asyncio.gather(*(writer.submit(c) for c in [*good[:3], bad, *good[3:]]), return_exceptions=True)
    assert [type(result) for result in results] == [Taken] * 3 + [IntegrityError] + [Taken] * 2
    assert await _count(engine, t.decisions) == await _count(engine, t.history) - 2 == 5


async def test_nothing_of_a_failed_command_stays(writer: Writer, app_pk: int, engine: AsyncEngine) -> None:
    await writer.submit(take_in(1, app_pk))
    stale_review = replace(take_in(2, app_pk), review=take_in(1, app_pk).review)
    with pytest.raises(IntegrityError):
        await writer.submit(stale_review)
    assert await _count(engine, t.decisions) == await _count(engine, t.contents) == 1


async def test_two_processes_take_one_id_once(writer: Writer, app_pk: int, engine: AsyncEngine) -> None:
    other = Writer(engine)
    other.start()
    for number in range(10):
        both = await asyncio.gather(
            writer.submit(take_in(100 + number, app_pk, id=f"race-{number}")),
            other.submit(take_in(200 + number, app_pk, id=f"race-{number}")),
        )
        assert sorted(type(result).__name__ for result in both) == ["AlreadyThere", "Taken"]
    await other.stop()
    assert await _count(engine, t.decisions) == 10


async def test_numbers_of_two_processes_never_meet(engine: AsyncEngine, writer: Writer) -> None:
    other = Writer(engine)
    other.start()
    first, second = PrimaryKeys(writer), PrimaryKeys(other)
    taken = [await keys.take() for _ in range(1500) for keys in (first, second)]
    await other.stop()
    assert len(set(taken)) == 3000


async def test_stopping_commits_what_was_submitted_and_refuses_more(engine: AsyncEngine) -> None:
    writer = Writer(engine)
    writer.start()
    app_pk = await add_world(writer, engine)
    submitted = [asyncio.create_task(writer.submit(take_in(pk, app_pk))) for pk in range(1, 11)]
    await asyncio.sleep(0)
    await writer.stop()
    assert [type(result) for result in await asyncio.gather(*submitted)] == [Taken] * 10
    with pytest.raises(WriterStoppedError):
        await writer.submit(take_in(11, app_pk))


async def _count(engine: AsyncEngine, table: object) -> int:
    async with engine.connect() as connection:
        return int(await connection.scalar(select(func.count()).select_from(table)) or 0)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class LockTwo(SingleCommand[None]):
    """Locks one row, waits for the other to have locked its own, then wants that one too."""

    first: str
    second: str
    have: asyncio.Event
    other_has: asyncio.Event

    async def apply(self, connection: AsyncConnection) -> None:
        await self._lock(connection, self.first)
        self.have.set()
        await self.other_has.wait()
        await self._lock(connection, self.second)

    async def _lock(self, connection: AsyncConnection, name: str) -> None:
        await connection.execute(text("UPDATE id_blocks SET next = next + 1 WHERE name = :name"), {"name": name})


async def test_whom_postgresql_picks_out_of_a_deadlock_tries_again(postgres_url: str) -> None:
    await migrate(postgres_url)
    engines = [open_engine(parse_url(postgres_url)) for _ in range(2)]
    writers = [Writer(engine) for engine in engines]
    async with engines[0].begin() as connection:
        await connection.execute(text("INSERT INTO id_blocks (name, next) VALUES ('a', 0), ('b', 0)"))
    for writer in writers:
        writer.start()
    has_a, has_b = asyncio.Event(), asyncio.Event()

    async with asyncio.timeout(60):
        await asyncio.gather(
            writers[0].submit(LockTwo("a", "b", has_a, has_b)), writers[1].submit(LockTwo("b", "a", has_b, has_a))
        )

    async with engines[0].connect() as connection:
        counts = await connection.scalars(text("SELECT next FROM id_blocks WHERE name IN ('a', 'b')"))
        assert list(counts) == [2, 2]
    for writer, engine in zip(writers, engines, strict=True):
        await writer.stop()
        await engine.dispose()
