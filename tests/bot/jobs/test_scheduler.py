"""The clock's hand: looks at once and every minute, and lets go in bounded time."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from bot.jobs.scheduler import Scheduler
from tests.support.bot import PATIENCE


class Looks:
    """Stands in for the runner. Each look waits for `holds`, if there is one."""

    def __init__(self, *, holds: asyncio.Event | None = None, fails: int = 0) -> None:
        self.holds, self.fails = holds, fails
        self.begun = self.ended = self.cancelled = 0

    async def run_due(self) -> None:
        self.begun += 1
        if self.fails:
            self.fails -= 1
            raise OperationalError("SELECT", {}, Exception("gone"))
        try:
            if self.holds is not None:
                await self.holds.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        self.ended += 1


@pytest.fixture
async def started() -> AsyncIterator[Any]:
    made: list[Scheduler] = []

    async def start(looks: Looks) -> Scheduler:
        scheduler = Scheduler(looks)  # type: ignore[arg-type]  # all that it calls
        made.append(scheduler)
        scheduler.start()
        await turns(lambda: looks.begun == 1)
        return scheduler

    yield start
    for scheduler in made:
        await scheduler.stop()


async def turns(condition: Any) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.001)


def minute_job(scheduler: Scheduler) -> Any:
    """The recurring one of APScheduler's jobs."""
    return next(job for job in scheduler._scheduler.get_jobs() if hasattr(job.trigger, "interval"))


async def test_it_looks_at_once_and_survives_a_database_that_is_away(started: Any) -> None:
    looks = Looks(fails=1)
    scheduler = await started(looks)
    minute_job(scheduler).modify(next_run_time=datetime.now(UTC))
    await turns(lambda: looks.ended == 1)


async def test_no_look_is_lost_however_late_the_machine_comes_to_it() -> None:
    scheduler = Scheduler(Looks())  # type: ignore[arg-type]
    scheduler.start()
    assert [job.misfire_grace_time for job in scheduler._scheduler.get_jobs()] == [None, None]
    await scheduler.stop()


async def test_a_machine_that_slept_looks_once_when_it_wakes(started: Any) -> None:
    looks = Looks()
    scheduler = await started(looks)
    job = minute_job(scheduler)
    assert (job.coalesce, job.misfire_grace_time) == (True, None)
    job.modify(next_run_time=datetime.now(UTC) - timedelta(days=3))
    await turns(lambda: looks.ended == 2)
    assert minute_job(scheduler).next_run_time > datetime.now(UTC)
    assert looks.begun == 2


async def test_while_a_job_is_under_way_nobody_else_looks_and_nothing_is_warned_about(
    started: Any, caplog: pytest.LogCaptureFixture
) -> None:
    looks = Looks()
    scheduler = await started(looks)
    looks.holds = asyncio.Event()
    for _ in range(4):
        last = minute_job(scheduler).next_run_time
        minute_job(scheduler).modify(next_run_time=datetime.now(UTC))
        await turns(lambda last=last: minute_job(scheduler).next_run_time > last)
        await turns(lambda: looks.begun == 2)
    assert looks.begun == 2
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    looks.holds.set()
    await turns(lambda: looks.ended == 2)


async def test_what_is_under_way_is_finished_and_then_nothing_is_begun(started: Any) -> None:
    looks = Looks(holds=asyncio.Event())
    scheduler = await started(looks)
    stopping = asyncio.create_task(scheduler.stop())
    await asyncio.sleep(0.01)
    assert not stopping.done()
    assert looks.holds is not None
    looks.holds.set()
    await stopping
    assert (looks.begun, looks.ended, looks.cancelled) == (1, 1, 0)
    await scheduler.stop()


async def test_what_takes_too_long_is_broken_off(started: Any) -> None:
    looks = Looks(holds=asyncio.Event())
    scheduler = await started(looks)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await scheduler.stop()
    await turns(lambda: looks.cancelled == 1)
    assert not scheduler._scheduler.running
