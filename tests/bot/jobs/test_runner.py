"""Each tick happens once: on two replicas, after a crash, after a failure, after a week's sleep."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.jobs.calendar import days_until
from bot.jobs.runner import Busy, JobFailedError, Ran, UnknownJobError
from store import tables as t
from store.runs import LEASE, BeginRun, RunStore, Tick
from store.writer import Writer
from tests.bot.jobs.world import HOUR, Chores, replica
from tests.support.bot import PATIENCE
from tests.support.clock import ManualClock
from tests.support.rows import NOW

BERLIN = ZoneInfo("Europe/Berlin")
FIRST = NOW.strftime("%Y-%m-%dT%H:%MZ")


def at_half_past_two(now: datetime) -> Iterator[Tick]:
    return days_until(now, time(2, 30), BERLIN)


async def test_two_replicas_that_tick_at_once_do_it_once(engine: AsyncEngine) -> None:
    clock, chores = ManualClock(NOW), Chores()
    async with replica(engine, clock, [chores]) as one, replica(engine, clock, [chores]) as two:
        for _ in range(5):
            await asyncio.gather(one.run_due(), two.run_due(), one.run_due(), two.run_due())
            await clock.advance(3600)
    assert len(chores.done) == len(set(chores.done)) == 5


async def test_what_was_due_before_the_installation_is_owed_to_nobody(engine: AsyncEngine) -> None:
    clock, chores = ManualClock(NOW + timedelta(minutes=30)), Chores(owed=10)
    async with replica(engine, clock, [chores]) as jobs:
        await jobs.run_due()
        assert chores.done == [FIRST]


async def test_before_a_first_start_nothing_is_due(engine: AsyncEngine) -> None:
    assert await RunStore(engine).installed_at() is None
    clock, chores = ManualClock(NOW - 2 * HOUR), Chores()
    async with replica(engine, clock, [chores]) as jobs:
        await jobs.run_due()
    assert chores.done == []


@pytest.mark.parametrize(("owed", "made_up"), [(1, 1), (3, 3)])
async def test_after_three_days_of_sleep_only_what_is_owed_is_made_up_for(
    engine: AsyncEngine, owed: int, made_up: int
) -> None:
    clock, chores = ManualClock(NOW), Chores(owed=owed)
    async with replica(engine, clock, [chores]) as jobs:
        await jobs.run_due()
        chores.done.clear()
        await clock.advance(3 * 86_400)
        await jobs.run_due()
        await jobs.run_due()
    assert len(chores.done) == made_up
    assert chores.done == sorted(chores.done), "the oldest first"
    assert chores.done[-1] == "2026-11-23T10:00Z"


async def test_a_process_that_died_leaves_its_tick_to_the_next_once_its_lease_is_over(engine: AsyncEngine) -> None:
    clock, chores = ManualClock(NOW), Chores()
    async with replica(engine, clock, [chores]) as jobs:
        writer = Writer(engine)
        writer.start()
        assert await writer.submit(BeginRun("chores", next(chores.ticks(NOW)), NOW)) is not None
        await writer.stop()
        await jobs.run_due()
        assert chores.done == []
        assert isinstance(await jobs.run("chores", NOW), Busy)
        await clock.advance(LEASE.total_seconds())
        await jobs.run_due()
        assert chores.done == [FIRST]
        [overview] = await jobs.overview()
    assert overview.last is not None
    assert (overview.last.state, overview.last.attempts, overview.last.told) == ("done", 2, {"swept": 1})


async def test_a_process_that_is_told_to_end_leaves_its_tick_to_the_next_at_once(engine: AsyncEngine) -> None:
    clock, holding, chores = ManualClock(NOW), Chores(holds=asyncio.Event()), Chores()
    async with replica(engine, clock, [holding]) as one, replica(engine, clock, [chores]) as two:
        under_way = asyncio.create_task(one.run_due())
        while not holding.begun:
            await asyncio.sleep(0.01)
        await two.run_due()
        assert chores.done == []
        under_way.cancel()
        await asyncio.wait([under_way])
        [overview] = await two.overview()
        assert overview.last is not None
        assert (overview.last.state, overview.last.last_error) == ("failed", "broken off: the process was told to end")
        await two.run_due()
    assert under_way.cancelled()
    assert chores.done == [FIRST]


async def test_a_job_that_raises_is_tried_again_after_five_minutes_and_stops_no_other(engine: AsyncEngine) -> None:
    clock, broken, sound = ManualClock(NOW), Chores("broken", fails=1), Chores("sound")
    async with replica(engine, clock, [broken, sound]) as jobs:
        for _ in range(5):
            await jobs.run_due()
            assert (len(broken.begun), broken.done, sound.done) == (1, [], [FIRST])
            await clock.advance(60)
        [failed, _] = await jobs.overview()
        assert failed.last is not None
        assert (failed.last.state, failed.last.last_error) == ("failed", "LostError: the broom")
        await jobs.run_due()
        assert broken.done == [FIRST]
        [mended, _] = await jobs.overview()
    assert mended.last is not None
    assert (mended.last.state, mended.last.attempts, mended.last.last_error) == ("done", 2, None)


async def test_who_failed_after_another_has_taken_over_undoes_nothing(engine: AsyncEngine) -> None:
    asleep, clock = ManualClock(NOW), ManualClock(NOW)  # one machine sleeps, and so renews no lease
    slow, quick = Chores(fails=1, holds=asyncio.Event()), Chores()
    assert slow.holds is not None
    async with replica(engine, asleep, [slow]) as one, replica(engine, clock, [quick]) as two:
        stuck = asyncio.create_task(one.run_due())
        while not slow.begun:
            await asyncio.sleep(0.01)
        await clock.advance(LEASE.total_seconds())
        await two.run_due()
        slow.holds.set()
        await stuck
        [overview] = await two.overview()
        await clock.advance(600)
        await two.run_due()
    assert quick.done == [FIRST]
    assert overview.last is not None
    assert overview.last.state == "done"


async def test_a_run_that_takes_long_is_left_to_who_is_at_it(engine: AsyncEngine) -> None:
    clock, slow, other = ManualClock(NOW), Chores(holds=asyncio.Event()), Chores()
    assert slow.holds is not None
    async with replica(engine, clock, [slow]) as one, replica(engine, clock, [other]) as two:
        running = asyncio.create_task(one.run_due())
        while not slow.begun:
            await asyncio.sleep(0.01)
        for _ in range(5):
            await clock.advance(LEASE.total_seconds() / 4)
            await until_leased(engine, clock.now() + LEASE)
        await two.run_due()
        assert isinstance(await two.run("chores", NOW), Busy)
        slow.holds.set()
        await running
        [overview] = await two.overview()
    assert (slow.done, other.begun) == ([FIRST], [])
    assert overview.last is not None
    assert (overview.last.state, overview.last.attempts) == ("done", 1)
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "job-chores-lease"]


async def until_leased(engine: AsyncEngine, end: datetime) -> None:
    async with asyncio.timeout(PATIENCE), engine.connect() as connection:
        while await connection.scalar(select(t.runs.c.leased_until)) != end:
            await connection.rollback()
            await asyncio.sleep(0.01)


async def test_an_operator_is_told_what_was_done_before_and_waits_for_no_failure(engine: AsyncEngine) -> None:
    clock, chores = ManualClock(NOW + timedelta(minutes=20)), Chores(fails=1)
    async with replica(engine, clock, [chores]) as jobs:
        with pytest.raises(UnknownJobError, match="There is no job windows: chores"):
            await jobs.run("windows", NOW)
        with pytest.raises(JobFailedError, match="the broom"):
            await jobs.run("chores", clock.now())
        tick = Tick("", FIRST, NOW)
        assert await jobs.run("chores", clock.now()) == Ran(tick, {"swept": 1})
        assert await jobs.run("chores", NOW) == Ran(tick, {"swept": 1}, again=True)
        # A tick of the future, and one from before the installation: whoever asks by name means it.
        for other in (NOW + 5 * HOUR, NOW - 50 * HOUR):
            assert isinstance(await jobs.run("chores", other), Ran)
        await jobs.run_due()
    assert chores.done == [FIRST, "2026-11-20T15:00Z", "2026-11-18T08:00Z"]


async def test_what_an_operator_ran_early_is_done_again_when_it_is_due(engine: AsyncEngine) -> None:
    clock, chores = ManualClock(NOW + timedelta(minutes=20)), Chores()
    coming, due = "2026-11-20T11:00Z", NOW + HOUR
    async with replica(engine, clock, [chores]) as one, replica(engine, clock, [chores]) as two:
        assert isinstance(await one.run("chores", due), Ran)
        await clock.advance(39 * 60)
        await one.run_due()
        assert await one.run("chores", due) == Ran(Tick("", coming, due), {"swept": 1}, again=True)
        assert chores.done == [coming, FIRST]
        await clock.advance(60)
        await asyncio.gather(one.run_due(), two.run_due())
        await one.run_due()
        assert await two.run("chores", due) == Ran(Tick("", coming, due), {"swept": 3}, again=True)
    assert chores.done == [coming, FIRST, coming]


@pytest.mark.parametrize("midnight", [datetime(2027, 10, 30, 22, tzinfo=UTC), datetime(2027, 3, 27, 23, tzinfo=UTC)])
async def test_on_nights_when_the_clocks_change_a_daily_job_runs_once_a_local_day(
    engine: AsyncEngine, midnight: datetime
) -> None:
    clock, chores = ManualClock(midnight), Chores(due=at_half_past_two, owed=5)
    async with replica(engine, clock, [chores]) as one, replica(engine, clock, [chores]) as two:
        await asyncio.gather(one.run_due(), two.run_due())
        chores.done.clear()
        for _ in range(30 * 2):
            await clock.advance(1800)
            await asyncio.gather(one.run_due(), two.run_due())
    day = midnight.astimezone(BERLIN).date()
    assert chores.done == [day.isoformat(), (day + timedelta(days=1)).isoformat()]


async def test_the_next_time_is_told_of_what_comes_by_the_hour_and_by_the_day(engine: AsyncEngine) -> None:
    clock, hourly, daily = ManualClock(NOW + timedelta(minutes=1)), Chores(), Chores("daily", due=at_half_past_two)
    async with replica(engine, clock, [hourly, daily]) as jobs:
        first, second = await jobs.overview()
    assert (first.last, first.next_at) == (None, NOW + HOUR)
    assert second.next_at == datetime(2026, 11, 21, 1, 30, tzinfo=UTC)
