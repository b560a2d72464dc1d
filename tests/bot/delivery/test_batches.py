"""The messages that lead to the queues: one of each in a channel, quiet in between, and none left behind."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.app import Application
from bot.assembly.surroundings import Surroundings
from bot.sandbox.faults import Fault
from tests.bot.delivery.simulated import LeapingClock, approve, calls, in_time, of_kind, pass_time
from tests.support.bot import POLICY, QUEUED, UNSURE, Bot, Json, running_bot, until

NARROW = POLICY.replace("rules:", "  queue: {max_live_cards: 2}\nrules:", 1)
"""Room for two cards in a channel."""
HASTY = POLICY.replace("queued: {", "queued: {queue: {batch_every: 30s}, ").replace(
    "queue: {provisional_from: 0.5}", "queue: {provisional_from: 0.5, batch_every: 30s}"
)
"""People are notified of a queue twice a minute."""
HALF_AN_HOUR = 1800


def only(bot: Bot, kind: str = "batch:") -> Json:
    [message] = of_kind(bot, kind)
    return message


async def wait_for(bot: Bot, clock: LeapingClock, text: str, kind: str = "batch:") -> Json:
    """The one message of the kind, once it says this."""
    await in_time(clock, lambda: [each for each in of_kind(bot, kind) if text in each["text"]])
    return only(bot, kind)


async def set_policy(bot: Bot, text: str) -> None:
    bot.policy.write_text(text)
    await bot.services.policy.reload()


async def test_a_first_item_is_told_at_once_and_more_of_them_in_silence(bot: Bot, clock: LeapingClock) -> None:
    await bot.post(QUEUED, id="a-1")
    message = (await until(lambda: of_kind(bot, "batch:")))[0]
    assert message["text"].startswith("1 decision waits for review")
    began = clock.now()
    for number in range(2, 6):
        await bot.post(QUEUED, id=f"a-{number}")
        await pass_time(clock, 1)
    assert calls(bot, "chat.update") == []

    assert (await wait_for(bot, clock, "5 decisions wait"))["ts"] == message["ts"]
    [update] = calls(bot, "chat.update")
    assert timedelta(seconds=14) <= update.at - began <= timedelta(seconds=31)
    assert len(calls(bot, "chat.postMessage")) == 1


async def test_an_empty_queue_is_told_at_once_and_so_is_what_comes_next(bot: Bot, clock: LeapingClock) -> None:
    await bot.post(QUEUED, id="a-1")
    message = (await until(lambda: of_kind(bot, "batch:")))[0]
    began = clock.now()
    await approve(bot, "a-1")
    empty = await wait_for(bot, clock, "Nothing waits")
    assert "queue.start" not in str(empty["blocks"])
    await bot.post(QUEUED, id="a-2")
    again = await wait_for(bot, clock, "1 decision waits")
    assert clock.now() - began < timedelta(seconds=15), "sooner than a count that only grows or shrinks"
    assert again["ts"] == message["ts"]
    assert len(calls(bot, "chat.postMessage")) == 1, "nobody is notified twice in half an hour"


async def test_newer_items_are_told_by_a_new_message_and_the_former_one_goes(bot: Bot, clock: LeapingClock) -> None:
    await bot.post(QUEUED, id="a-1")
    former = (await until(lambda: of_kind(bot, "batch:")))[0]
    await pass_time(clock, 2 * HALF_AN_HOUR, step=60)
    assert len(calls(bot, "chat.postMessage")) == 1, "nothing new came"
    began = clock.now()
    for number in range(2, 5):
        await bot.post(QUEUED, id=f"a-{number}")
        await pass_time(clock, 300, step=20)

    message = await wait_for(bot, clock, "4 decisions wait")
    assert message["ts"] != former["ts"]
    [_, second] = calls(bot, "chat.postMessage")
    assert second.at - began < timedelta(seconds=30)
    await in_time(clock, lambda: len(calls(bot, "chat.postMessage")) == 3, limit=HALF_AN_HOUR + 60, step=20)
    await pass_time(clock, 30, step=5)
    assert only(bot)["ts"] != message["ts"], "what came since the second message"
    assert len(calls(bot, "chat.delete", "ok")) == 2


async def test_a_former_message_goes_though_its_deletion_fails_at_first(bot: Bot, clock: LeapingClock) -> None:
    await bot.post(QUEUED, id="a-1")
    await until(lambda: of_kind(bot, "batch:"))
    await pass_time(clock, HALF_AN_HOUR, step=60)
    bot.sandbox.faults.add(Fault("chat.delete", "ratelimit", seconds=20))
    bot.sandbox.faults.add(Fault("chat.delete", "lose_request"))
    await bot.post(QUEUED, id="a-2")
    await in_time(clock, lambda: calls(bot, "chat.delete", "ok"))
    assert only(bot)["text"].startswith("2 decisions wait")
    assert len(calls(bot, "chat.postMessage")) == 2


@pytest.mark.parametrize("killed_at", ["chat.postMessage", "chat.delete"])
async def test_a_crash_between_a_new_message_and_the_former_one_leaves_one(
    tmp_path: Path, database_url: str, clock: LeapingClock, killed_at: str
) -> None:
    async with running_bot(tmp_path, database_url, clock=clock, policy=HASTY) as bot:
        await bot.post(QUEUED, id="a-1")
        former = (await until(lambda: of_kind(bot, "batch:")))[0]
        await pass_time(clock, 40, step=5)
        bot.sandbox.faults.add(Fault(killed_at, "late", seconds=86400))
        await bot.post(QUEUED, id="a-2")
        await in_time(clock, lambda: calls(bot, killed_at, "ok")[killed_at == "chat.postMessage" :], limit=60)
        await bot.crash()

        await pass_time(clock, 120, step=5)
        message = only(bot)
        assert message["text"].startswith("2 decisions wait")
        assert message["ts"] != former["ts"]
        assert len(calls(bot, "chat.postMessage")) == 2


async def test_a_lost_answer_is_not_mended_with_the_former_message(bot: Bot, clock: LeapingClock) -> None:
    await set_policy(bot, HASTY)
    await bot.post(QUEUED, id="a-1")
    former = (await until(lambda: of_kind(bot, "batch:")))[0]
    await pass_time(clock, 40, step=5)
    bot.sandbox.faults.add(Fault("chat.postMessage", "lose_answer"))
    await bot.post(QUEUED, id="a-2")
    await in_time(clock, lambda: calls(bot, "chat.delete", "ok"))
    await pass_time(clock, 30, step=5)
    assert only(bot)["ts"] > former["ts"]
    assert len(calls(bot, "chat.postMessage")) == 2


async def test_nothing_is_posted_when_all_was_decided_before(bot: Bot, clock: LeapingClock) -> None:
    bot.sandbox.faults.add(Fault("chat.postMessage", "ratelimit", seconds=30))
    await bot.post(QUEUED, id="a-1")
    await until(lambda: calls(bot, "chat.postMessage", "ratelimited"))
    await approve(bot, "a-1")
    await pass_time(clock, 60, step=5)
    assert bot.sandbox.messages("C0REVIEW") == []
    assert len(calls(bot, "chat.postMessage")) == 1
    await bot.post(QUEUED, id="a-2")
    await wait_for(bot, clock, "1 decision waits")
    assert calls(bot, "conversations.history") == [], "what was never posted is not looked for"


async def test_a_queue_message_deleted_by_hand_comes_back_with_the_next_change(bot: Bot, clock: LeapingClock) -> None:
    await bot.post(QUEUED, id="a-1")
    message = (await until(lambda: of_kind(bot, "batch:")))[0]
    await pass_time(clock, 20, step=5)
    bot.sandbox.world.remove(bot.sandbox.world.message("C0REVIEW", message["ts"]))
    await bot.post(QUEUED, id="a-2")
    await wait_for(bot, clock, "2 decisions wait")


async def test_an_archived_channel_is_told_of_its_queue_when_it_is_back(bot: Bot, clock: LeapingClock) -> None:
    bot.sandbox.world.channels["C0REVIEW"].is_archived = True
    for number in range(3):
        await bot.post(QUEUED, id=f"a-{number}")
    await pass_time(clock, 60, step=5)
    bot.sandbox.world.channels["C0REVIEW"].is_archived = False
    await wait_for(bot, clock, "3 decisions wait")
    assert len(calls(bot, "chat.postMessage", "ok")) == 1


async def test_two_replicas_keep_one_message(tmp_path: Path, postgres_url: str) -> None:
    async with running_bot(tmp_path, postgres_url) as bot:
        second = Application(bot.settings, around=Surroundings(bot.clock))
        await second.start()
        try:
            names = [f"a-{number}" for number in range(10)]
            await asyncio.gather(*(bot.post(QUEUED, id=name) for name in names))
            await until(lambda: of_kind(bot, "batch:"))
            await asyncio.gather(*(approve(bot, name) for name in names))
            await until(lambda: "Nothing waits" in only(bot)["text"])
        finally:
            await second.stop()
        assert len(calls(bot, "chat.postMessage")) == 1
        assert calls(bot, "chat.delete") == []


# -- cards for which there is no room


async def test_cards_beyond_the_room_are_one_message_that_shrinks_and_goes(bot: Bot, clock: LeapingClock) -> None:
    await set_policy(bot, NARROW)
    for number in range(5):
        await bot.post(UNSURE, id=f"a-{number}")
    more = await wait_for(bot, clock, "3 more urgent decisions wait", "more:")
    assert len(of_kind(bot, "card:")) == 2

    await approve(bot, "a-0")
    assert (await wait_for(bot, clock, "2 more urgent decisions wait", "more:"))["ts"] == more["ts"]
    assert len(of_kind(bot, "card:")) == 3, "one moved up"
    for number in range(1, 4):
        await approve(bot, f"a-{number}")
    gone = await wait_for(bot, clock, "No further cards wait", "more:")
    assert "queue.start" not in str(gone["blocks"])
    await in_time(clock, lambda: "a-4" in str(of_kind(bot, "card:")))
    told = [call.args["text"] for call in calls(bot, "chat.update", "ok") if call.args["ts"] == more["ts"]]
    assert [text[0] for text in told] in (["2", "N"], ["3", "2", "N"]), "it never says in between that all is done"


async def test_the_walk_of_what_has_no_card_begins_with_the_most_urgent(bot: Bot, clock: LeapingClock) -> None:
    await set_policy(bot, NARROW)
    for number in range(4):
        await bot.post(UNSURE, id=f"a-{number}")
    await in_time(clock, lambda: len(of_kind(bot, "card:")) == 2)
    await bot.post(UNSURE, id="urgent", context={"amount": 20000})
    more = await wait_for(bot, clock, "3 more", "more:")

    await bot.sandbox.click("U0ADA", "C0REVIEW", more["ts"], "queue.start")
    [item] = await until(lambda: bot.sandbox.views("U0ADA"))
    assert "critical risk" in str(item["blocks"]).lower()
    for name in ("a-2", "a-3", "urgent"):
        await approve(bot, name)
    await wait_for(bot, clock, "No further cards wait", "more:")
    assert len(of_kind(bot, "card:")) == 2, "who was decided without a card needs none"


async def test_cards_overtake_queues(bot: Bot, clock: LeapingClock) -> None:
    bot.sandbox.faults.add(Fault("chat.postMessage", "ratelimit", seconds=30))
    await bot.post(QUEUED, id="q-1")
    await until(lambda: calls(bot, "chat.postMessage", "ratelimited"))
    await bot.post(UNSURE, id="a-1")
    await bot.post(UNSURE, id="a-2", context={"amount": 20000})
    await in_time(clock, lambda: of_kind(bot, "batch:"))
    keys = [key_of(call.args) for call in calls(bot, "chat.postMessage", "ok")]
    assert [key.partition(":")[0] for key in keys] == ["card", "card", "batch"]
    assert "a-2" in str(calls(bot, "chat.postMessage", "ok")[0].args["blocks"])


def key_of(args: dict[str, Any]) -> str:
    return str(args["metadata"]["event_payload"]["message"])
