"""What people see of rollbacks: in the thread of the card, or in the channel where there is none."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from bot.reviewing.people import Reviewer
from bot.sandbox.faults import Fault
from routing.review import Reject
from tests.bot.delivery.hook import Hook, listening
from tests.bot.delivery.simulated import LeapingClock, approve, calls, case_of, in_time, of_kind, pass_time, reject
from tests.support.bot import QUEUED, UNSURE, Bot, Json, running_bot, until

HOUR = 3600


@pytest.fixture
async def hook(clock: LeapingClock) -> AsyncIterator[Hook]:
    async with listening(clock) as found:
        yield found


@pytest.fixture
async def bot(tmp_path: Path, clock: LeapingClock, hook: Hook) -> AsyncIterator[Bot]:
    database = f"sqlite:///{tmp_path}/hitl.db"
    async with running_bot(tmp_path, database, clock=clock, hitl_callback_allow=hook.origin) as running:
        yield running


DRAFT: Json = {**UNSURE, "task_type": "draft"}
"""It goes out provisionally, and waits in the queue: it has no card."""


async def test_a_receiver_that_is_gone_is_told_at_once_below_the_card_and_once(
    bot: Bot, clock: LeapingClock, hook: Hook
) -> None:
    await bot.post(UNSURE, id="a-1", callback_url=hook.url)
    card = await bot.card("a-1")
    await approve(bot, "a-1")
    await in_time(clock, lambda: hook.attempts)
    hook.answers = [web.Response(status=410)]
    await turn(bot, "a-1")
    [told] = await in_time(clock, lambda: of_kind(bot, "rollback_"))
    assert told["thread_ts"] == card["ts"]
    assert told["subtype"] == "thread_broadcast"
    assert "gone (410), so nobody rolls this back by itself" in told["text"]
    assert "<@" not in told["text"]
    await pass_time(clock, 2 * HOUR, step=300)
    assert of_kind(bot, "rollback_") == [told]
    assert len(hook.attempts) == 2


async def turn(bot: Bot, decision_id: str) -> None:
    """Somebody finds wrong what was approved."""
    await bot.services.reviewing.change(
        await case_of(bot, decision_id), Reviewer("T0SANDBOX", "U0ADA"), Reject("tone", reason="No.")
    )


async def test_without_a_card_it_is_said_in_the_channel_with_the_apps_words(
    bot: Bot, clock: LeapingClock, hook: Hook
) -> None:
    await bot.post(DRAFT, id="a-1", callback_url=hook.url)
    await reject(bot, "a-1")
    [asked] = await in_time(clock, lambda: hook.attempts)
    assert b'"decision.rollback_requested"' in asked.body
    answer = {"ok": False, "note": "The <@U0ADA> *account* is closed."}
    assert (await bot.call("POST", "/v1/decisions/a-1/rolled-back", json=answer))[0] == 200
    [told] = await in_time(clock, lambda: of_kind(bot, "rollback_"))
    assert "thread_ts" not in told
    assert "Rollback of *a-1* failed" in told["text"]
    assert {"type": "text", "text": answer["note"]} in quoted(told)


def quoted(message: Json) -> list[Json]:
    [note] = [block for block in message["blocks"] if block["type"] == "rich_text"]
    return list(note["elements"][0]["elements"])


async def test_what_is_open_for_a_day_is_asked_again_and_said_until_it_is_answered(
    bot: Bot, clock: LeapingClock, hook: Hook
) -> None:
    await bot.post(DRAFT, id="a-1", callback_url=hook.url)
    await reject(bot, "a-1")
    await in_time(clock, lambda: hook.attempts)
    for hours, asked in ((1, 2), (3, 3), (20, 4)):
        await clock.leap(hours * HOUR)
        await in_time(clock, lambda asked=asked: len(hook.attempts) == asked)  # type: ignore[misc]
    assert len({attempt.event_id for attempt in hook.attempts}) == 4
    assert len({attempt.body for attempt in hook.attempts}) == 1
    [told] = await in_time(clock, lambda: of_kind(bot, "rollback_"))
    assert "Rollback of *a-1* has been open for 1 d" in told["text"]
    assert (await bot.call("POST", "/v1/decisions/a-1/rolled-back", json={"ok": True}))[0] == 200
    await clock.leap(30 * HOUR)
    await pass_time(clock, 60, step=10)
    assert (len(hook.attempts), of_kind(bot, "rollback_")) == (4, [told])


async def test_what_was_undone_before_slack_was_back_is_not_said_any_more(bot: Bot, clock: LeapingClock) -> None:
    bot.sandbox.faults.add(Fault("chat.postMessage", "ratelimit", seconds=60))
    await bot.post(QUEUED, id="a-1")
    await until(lambda: calls(bot, "chat.postMessage"))
    await bot.post(DRAFT, id="a-2")
    await reject(bot, "a-2")
    await pass_time(clock, 10)
    assert (await bot.call("POST", "/v1/decisions/a-2/rolled-back", json={"ok": True}))[0] == 200
    await in_time(clock, lambda: of_kind(bot, "batch:"), step=5)
    await pass_time(clock, 30, step=5)
    assert of_kind(bot, "rollback_") == []
