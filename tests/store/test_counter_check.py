"""A counter that is wrong is found in every grain, named, and put right."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import and_, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from store import tables as t
from store.counter_check import CounterCheck, Difference, Repair
from store.counters import write_rows
from store.tallies import GRAINS, Stretch, Tally, quarter_of
from store.writer import Writer
from tests.support.counters import wrong_counters
from tests.support.judged import Judgement, Past, Voted
from tests.support.rows import NOW, add_world, take_in

QUARTER = quarter_of(NOW)


@pytest.fixture
async def writer(engine: AsyncEngine) -> AsyncIterator[Writer]:
    made = Writer(engine)
    made.start()
    yield made
    await made.stop()


async def repaired(engine: AsyncEngine, writer: Writer) -> list[int]:
    """How many counters of each block were wrong."""
    return [await writer.submit(Repair(block)) for block in await CounterCheck(engine).blocks()]


async def test_without_decisions_there_is_nothing_to_recount(engine: AsyncEngine) -> None:
    assert await CounterCheck(engine).blocks() == []


async def test_what_was_changed_lost_or_made_up_is_found_and_put_right(engine: AsyncEngine, writer: Writer) -> None:
    past = Past(engine, await add_world(writer, engine))
    await past.add(NOW, Judgement("gate", [Voted("approve")]), cohort="eu")
    await past.add(NOW + timedelta(days=20), Judgement("gate", [Voted("reject", "tone")]))
    assert await wrong_counters(engine) == []

    bucket = Tally(QUARTER, past.app_pk, "label", "eu", "decisions")
    async with engine.begin() as connection:
        for grain, changed in ((1, {"decisions": 5, "disputes": 2}), (GRAINS[-1], {"escalated": 0})):
            await _change(connection, grain, bucket, changed)
        await connection.execute(delete(t.counters).where(t.counters.c.grain == 1, t.counters.c.cohort == ""))

    wrong = await wrong_counters(engine)
    assert len(wrong) == 3 + 5, "of the second decision five names are lost"
    assert Difference(1, bucket, counted=5, recounted=1) in wrong
    assert Difference(1, bucket._replace(name="disputes"), counted=2, recounted=0) in wrong
    lost = Tally(QUARTER, past.app_pk, "label", "eu", "escalated").in_bucket(GRAINS[-1])
    assert Difference(GRAINS[-1], lost, counted=0, recounted=1) in wrong

    numbers = await repaired(engine, writer)
    assert sum(numbers) == 8
    assert await wrong_counters(engine) == []
    assert sum(await repaired(engine, writer)) == 0


async def _change(connection: AsyncConnection, grain: int, tally: Tally, changed: dict[str, int]) -> None:
    c = t.counters.c
    mine = and_(c.grain == grain, c.quarter == tally.in_bucket(grain).quarter, c.cohort == tally.cohort)
    counts = (await connection.execute(select(c.counts).where(mine))).scalar_one()
    await connection.execute(update(t.counters).where(mine).values(counts=counts | changed))


async def test_counters_of_times_without_decisions_are_looked_at_too(engine: AsyncEngine, writer: Writer) -> None:
    app_pk = await add_world(writer, engine)
    await writer.submit(take_in(1, app_pk))
    block = QUARTER // GRAINS[-1]
    first = (block - 3) * GRAINS[-1]
    tally = Tally(first, app_pk, "label", "", "decisions")
    async with engine.begin() as connection:
        await write_rows(connection, [(grain, tally, 1) for grain in GRAINS], shard=0)
    blocks = await CounterCheck(engine).blocks()
    assert blocks[0] == Stretch(GRAINS[-1], first, first + GRAINS[-1])
    assert len(blocks) == 4
    assert len(await wrong_counters(engine)) == len(GRAINS)
