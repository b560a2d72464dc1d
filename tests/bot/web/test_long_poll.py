"""GET with `wait`: woken by the commit, bounded by its time, and leaving nothing behind."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.bot import KEY, SURE, UNSURE, Bot, running_bot, until


@pytest.fixture
async def bot(tmp_path: Path, database_url: str) -> AsyncIterator[Bot]:
    async with running_bot(tmp_path, database_url) as running:
        await running.post(UNSURE, id="slow")
        yield running


async def poll(bot: Bot, wait: str) -> tuple[int, dict[str, Any], float]:
    began = asyncio.get_running_loop().time()
    status, answer = await bot.get(f"/v1/decisions/slow?wait={wait}")
    return status, answer, asyncio.get_running_loop().time() - began


async def test_many_waiters_are_all_woken_by_one_commit(bot: Bot) -> None:
    polls = [asyncio.create_task(poll(bot, "60")) for _ in range(30)]
    await until(lambda: bot.services.wakeups.waiting == 30)

    _, cancelled = await bot.call("POST", "/v1/decisions/slow/cancel")

    for status, answer, took in await asyncio.gather(*polls):
        assert (status, answer) == (200, cancelled)
        assert took < 50
    assert bot.services.wakeups.waiting == 0


async def test_a_resolved_decision_is_answered_at_once(bot: Bot) -> None:
    await bot.post(SURE, id="sure")
    async with asyncio.timeout(50):
        status, answer = await bot.get("/v1/decisions/sure?wait=60")
    assert (status, answer["status"]) == (200, "resolved")


async def test_when_the_time_is_up_the_pending_object_is_answered(bot: Bot) -> None:
    for wait in ("0", "0.2", "1e-3"):
        status, answer, took = await poll(bot, wait)
        assert (status, answer["status"]) == (200, "pending")
        assert took >= float(wait)
    assert bot.services.wakeups.waiting == 0


async def test_a_wake_up_without_a_resolution_does_not_end_the_wait(bot: Bot) -> None:
    """After a gap in listening to PostgreSQL everybody is woken, to look again."""
    waiter = asyncio.create_task(poll(bot, "60"))
    await until(lambda: bot.services.wakeups.waiting == 1)
    for _ in range(3):
        bot.services.wakeups.wake_all()
        await bot.get("/v1/decisions/slow")
    assert not waiter.done()
    await bot.call("POST", "/v1/decisions/slow/cancel")
    assert (await waiter)[1]["status"] == "resolved"


async def test_a_wait_that_is_no_number_from_0_to_60_is_refused(bot: Bot) -> None:
    for query in ("wait=61", "wait=60.001", "wait=-1", "wait=soon", "wait=", "wait=NaN", "wait=inf", "wait=1&cohort=x"):
        status, problem = await bot.get(f"/v1/decisions/slow?{query}")
        assert (status, problem["type"]) == (422, "urn:hitl:problem:invalid_body"), query
        assert problem["errors"][0]["loc"] == ["query", "cohort" if "cohort" in query else "wait"]


async def test_a_client_that_goes_away_leaves_nothing_behind(bot: Bot) -> None:
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}) as leaving:
        url = f"{bot.application.url}/v1/decisions/slow?wait=1"
        gone = [asyncio.create_task(leaving.get(url)) for _ in range(5)]
        await until(lambda: bot.services.wakeups.waiting == 5)
        for request in gone:
            request.cancel()
        await asyncio.gather(*gone, return_exceptions=True)
    await until(lambda: bot.services.wakeups.waiting == 0)
    assert (await bot.get("/v1/decisions/slow"))[1]["status"] == "pending"


async def test_a_shutdown_answers_those_who_wait(bot: Bot) -> None:
    waiter = asyncio.create_task(poll(bot, "60"))
    await until(lambda: bot.services.wakeups.waiting == 1)
    await bot.restart()
    status, answer, took = await waiter
    assert (status, answer["status"]) == (200, "pending")
    assert took < 30
