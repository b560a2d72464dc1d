"""Who may begin a run, and when: the database says so."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from store.messages import ReleaseLeases
from store.runs import LEASE, BeginRun, ExtendRun, FailRun, FinishRun, RunStore, Tick
from store.writer import Writer
from tests.support.rows import NOW

TICK = Tick("#ai-review", "2026-W47", NOW)
SECOND = timedelta(seconds=1)


@pytest.fixture
async def writer(engine: AsyncEngine) -> AsyncIterator[Writer]:
    made = Writer(engine)
    made.start()
    yield made
    await made.stop()


async def begun(writer: Writer, after: timedelta = timedelta(0), *, at_once: bool = False) -> bool:
    return await writer.submit(BeginRun("digest", TICK, NOW + after, at_once)) is not None


async def test_of_two_processes_one_begins(engine: AsyncEngine, writer: Writer) -> None:
    other = Writer(engine)
    other.start()
    assert sorted(await asyncio.gather(begun(writer), begun(other), begun(writer), begun(other))) == [False] * 3 + [
        True
    ]
    await other.stop()


async def test_a_run_is_taken_over_when_its_lease_is_over_and_not_before(writer: Writer) -> None:
    assert await begun(writer)
    assert not await begun(writer, LEASE - SECOND, at_once=True)
    assert await begun(writer, LEASE)
    assert not await begun(writer, LEASE + SECOND)


async def test_who_is_at_it_still_keeps_it_and_what_is_over_is_not_taken_up_by_that(writer: Writer) -> None:
    pk = await writer.submit(BeginRun("digest", TICK, NOW))
    assert pk is not None
    await writer.submit(ExtendRun(pk, NOW + LEASE / 2))
    assert not await begun(writer, LEASE)
    await writer.submit(FailRun(pk, NOW + LEASE, "no data"))
    await writer.submit(ExtendRun(pk, NOW + LEASE))
    assert await begun(writer, LEASE)


async def test_what_failed_waits_for_its_time_unless_somebody_asks(writer: Writer, engine: AsyncEngine) -> None:
    pk = await writer.submit(BeginRun("digest", TICK, NOW))
    assert pk is not None
    await writer.submit(FailRun(pk, NOW + 300 * SECOND, "x" * 1000))
    assert not await begun(writer, 299 * SECOND)
    assert await begun(writer, 299 * SECOND, at_once=True)
    run = await RunStore(engine).find("digest", TICK)
    assert run is not None
    assert (run.state, run.attempts, run.last_error) == ("running", 2, "x" * 500)


async def test_what_is_done_is_never_begun_again(writer: Writer, engine: AsyncEngine) -> None:
    pk = await writer.submit(BeginRun("digest", TICK, NOW))
    assert pk is not None
    await writer.submit(FinishRun(pk, NOW + SECOND, {"posts": 1}))
    await writer.submit(FailRun(pk, NOW, "it was slow to notice"))
    assert not await begun(writer, 1000 * LEASE, at_once=True)
    store = RunStore(engine)
    assert await store.done("digest", NOW) == {("#ai-review", "2026-W47")}
    assert await store.done("digest", NOW + SECOND) == set()
    last = await store.last("digest")
    assert last is not None
    assert (last.state, last.told, last.finished_at) == ("done", {"posts": 1}, NOW + SECOND)
    assert await store.last("retention") is None


async def test_what_was_done_before_it_was_due_counts_until_it_is(writer: Writer, engine: AsyncEngine) -> None:
    store, early = RunStore(engine), -3600 * SECOND
    pk = await writer.submit(BeginRun("digest", TICK, NOW + early))
    assert pk is not None
    await writer.submit(FinishRun(pk, NOW + early, {"posts": 1}))
    run = await store.find("digest", TICK)
    assert run is not None
    assert (run.is_done(NOW - SECOND), run.is_done(NOW)) == (True, False)
    assert not await begun(writer, -SECOND, at_once=True)
    assert await store.done("digest", NOW) == {("#ai-review", "2026-W47")}
    assert await store.done("digest", NOW, in_time=True) == set()

    assert await begun(writer)
    assert not await begun(writer), "once"
    await writer.submit(FinishRun(pk, NOW + SECOND, {"posts": 2}))
    assert not await begun(writer, 1000 * LEASE, at_once=True)
    assert await store.done("digest", NOW, in_time=True) == {("#ai-review", "2026-W47")}


async def test_a_new_process_takes_over_what_one_that_died_had_begun(writer: Writer) -> None:
    await begun(writer)
    failed = await writer.submit(BeginRun("drift", TICK, NOW))
    assert failed is not None
    await writer.submit(FailRun(failed, NOW + 300 * SECOND, "no data"))
    await writer.submit(ReleaseLeases())
    assert await begun(writer)
    assert await writer.submit(BeginRun("drift", TICK, NOW)) is None
