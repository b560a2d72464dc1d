"""Decisions to be tried under another policy, on both databases."""

from datetime import timedelta

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from routing.decision import Risk, Route
from routing.simulation import Cell, Judgement
from store import tables as t
from store.facts import Window
from store.replay import ReplayStore, StoredDecision
from store.writer import Writer
from tests.support import judged
from tests.support.judged import Past, Voted
from tests.support.rows import NOW, add_world

WINDOW = Window(NOW, NOW + timedelta(hours=1))
GATE, AUDIT = judged.Judgement("gate", (Voted("reject"),)), judged.Judgement("audit", (Voted("approve"),))


async def past_of(engine: AsyncEngine) -> Past:
    writer = Writer(engine)
    writer.start()
    app_pk = await add_world(writer, engine)
    await writer.stop()
    return Past(engine, app_pk)


async def read(engine: AsyncEngine) -> list[StoredDecision]:
    return sorted([each async for each in ReplayStore(engine).decisions(WINDOW)], key=lambda each: each.id)


async def test_each_decision_with_what_became_of_it(engine: AsyncEngine) -> None:
    past = await past_of(engine)
    ends = {"status": "resolved", "outcome": "rejected"}
    first = await past.add(NOW, GATE, risk="high", route="ESCALATE", **ends)
    await past.add(NOW, AUDIT, inclusion=0.25)
    await past.add(NOW, inclusion=0.25)
    await past.add(NOW, judged.Judgement("provisional"))
    await past.add(NOW, judged.Judgement("audit"), inclusion=0.25)  # drawn, and nobody has looked
    async with engine.begin() as connection:
        await connection.execute(insert(t.contents), [{"decision_pk": first, "part": "request", "body": "{}"}])
        await connection.execute(insert(t.contents), [{"decision_pk": first, "part": "outcome", "body": "[]"}])
    alone = Cell(Route.AUTO_AUDIT, Risk.LOW)
    assert await read(engine) == [
        StoredDecision("d-1", "{}", Cell(Route.ESCALATE, Risk.HIGH), True, Judgement(True, 1.0)),
        StoredDecision("d-2", None, alone, False, Judgement(False, 0.25)),
        StoredDecision("d-3", None, alone, False, None),
        StoredDecision("d-4", None, Cell(Route.QUEUE, Risk.LOW), True, None),
        StoredDecision("d-5", None, alone, False, None),
    ]
    assert await ReplayStore(engine).count(WINDOW) == 5


async def test_shadows_and_other_times_are_left_out(engine: AsyncEngine) -> None:
    past = await past_of(engine)
    await past.add(NOW, variant="shadow")
    await past.add(NOW - timedelta(seconds=1))
    await past.add(NOW + timedelta(hours=1))
    assert await read(engine) == []
    assert await ReplayStore(engine).count(WINDOW) == 0


async def test_more_than_are_in_memory_at_once(engine: AsyncEngine) -> None:
    past = await past_of(engine)
    async with past.together():
        for _ in range(250):
            await past.add(NOW)
    assert len({each.id for each in await read(engine)}) == 250
