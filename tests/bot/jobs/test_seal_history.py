"""The job that seals: everything once, however many replicas are at it."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.jobs.seal_history import SealHistory
from bot.proof.content import ContentCheck
from bot.proof.verify import Verification
from store.retention import RetentionStore
from store.seals import SealStore
from store.writer import Writer
from tests.bot.proof.world import Proof
from tests.support.clock import ManualClock
from tests.support.rows import NOW, add_world


async def test_two_replicas_seal_each_record_once(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.jobs.seal_history.BLOCK", 3)
    writers, seals = [Writer(engine) for _ in range(2)], SealStore(engine)
    for writer in writers:
        writer.start()
    proof = Proof(engine, writers[0], await add_world(writers[0], engine))
    for pk in range(1, 9):
        await proof.add(pk)
    jobs = [SealHistory(clock=ManualClock(NOW), writer=writer, seals=seals) for writer in writers]
    tick = next(jobs[0].ticks(NOW + timedelta(minutes=59)))
    assert (tick.at, jobs[0].owed) == (NOW, 1)
    told = await asyncio.gather(*(job.run(tick) for job in jobs))
    assert (sum(each["seals"] for each in told), sum(each["records"] for each in told)) == (4, 10)
    assert await jobs[0].run(tick) == {"seals": 0, "records": 0}
    await proof.add(9)
    assert await jobs[1].run(tick) == {"seals": 1, "records": 1}
    report = await Verification(seals, ContentCheck(seals, RetentionStore(engine))).run()
    assert (report.findings, report.records, report.seals, report.unsealed) == ([], 11, 5, 0)
    for writer in writers:
        await writer.stop()
