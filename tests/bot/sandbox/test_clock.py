import asyncio
import time
from datetime import timedelta

import pytest

from bot.clock import Clock, SystemClock
from tests.support.clock import START, ManualClock


async def test_sleepers_wake_in_the_order_of_their_due_times() -> None:
    clock = ManualClock()
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, (clock.now() - START).total_seconds()))

    tasks = [asyncio.create_task(sleeper(*args)) for args in (("late", 5), ("early", 1), ("beyond", 11))]
    await clock.advance(10)
    assert woken == [("early", 1.0), ("late", 5.0)]
    assert clock.now() == START + timedelta(seconds=10)
    tasks[2].cancel()


async def test_a_thousand_waits_of_a_second_take_little_real_time() -> None:
    clock = ManualClock()
    sent = 0

    async def send() -> None:
        nonlocal sent
        while True:
            await clock.sleep(1)
            sent += 1

    task = asyncio.create_task(send())
    began = time.monotonic()
    await clock.advance(1000)
    task.cancel()
    assert sent == 1000
    assert time.monotonic() - began < 60


async def test_a_cancelled_sleeper_is_forgotten() -> None:
    clock = ManualClock()
    task = asyncio.create_task(clock.sleep(1))
    await asyncio.sleep(0)
    task.cancel()
    await clock.advance(2)
    assert task.cancelled()


async def test_run_until_stops_at_the_first_moment_that_fits() -> None:
    clock = ManualClock()
    task = asyncio.create_task(clock.sleep(30))
    await clock.run_until(task.done)
    assert clock.now() == START + timedelta(seconds=30)


async def test_run_until_gives_up_at_its_limit() -> None:
    clock = ManualClock()
    task = asyncio.create_task(clock.sleep(30))
    with pytest.raises(TimeoutError):
        await clock.run_until(task.done, limit=29)
    task.cancel()


@pytest.mark.parametrize("seconds", [0, -1])
async def test_a_wait_that_is_over_returns_at_once(seconds: float) -> None:
    clocks: list[Clock] = [SystemClock(), ManualClock()]
    for clock in clocks:
        await asyncio.wait_for(clock.sleep(seconds), 1)
        assert clock.now().utcoffset() == timedelta(0)
