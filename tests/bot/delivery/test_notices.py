"""What is said in a card's thread, or to one person: once, and with the card it belongs to."""

import pytest

from bot.sandbox.faults import Fault, Mode
from bot.sandbox.server import Sandbox
from tests.bot.delivery.simulated import LeapingClock, approve, calls, in_time, of_kind, pass_time, say
from tests.support.bot import POLICY, QUEUED, UNSURE, Bot, Json, until

SAYINGS: list[tuple[Json, str, bool]] = [
    ({"what": "remind"}, "Reminder", True),
    ({"what": "notify", "whom": "U0DANA"}, "<@U0DANA>", True),
    ({"what": "notify", "whom": "S0LEADS"}, "<!subteam^S0LEADS>", True),
    ({"what": "dispute"}, "Opinions differ", True),
    ({"what": "handed_over", "by": "U0ADA", "to": "U0BEN", "note": "Your area."}, "<@U0BEN>", False),
    ({"what": "verdict"}, "by <@U0ADA>", False),
]


@pytest.mark.parametrize(("body", "words", "broadcast"), SAYINGS)
async def test_it_is_said_once_in_the_thread_of_its_card(
    bot: Bot, clock: LeapingClock, body: Json, words: str, broadcast: bool
) -> None:
    await bot.post(UNSURE, id="a-1")
    card = await bot.card("a-1")
    await until(lambda: calls(bot, "chat.postMessage", "ok"))
    if body["what"] == "verdict":
        await approve(bot, "a-1")
    await say(bot, "a-1", body)
    await say(bot, "a-1", body)  # the same key: a replica was as quick

    [notice] = await in_time(clock, lambda: of_kind(bot, "said:"))
    await pass_time(clock, 90, step=10)
    assert of_kind(bot, "said:") == [notice]
    assert notice["thread_ts"] == card["ts"]
    assert words in str(notice["blocks"])
    assert (notice.get("subtype") == "thread_broadcast") is broadcast


async def test_it_waits_for_its_card(bot: Bot, clock: LeapingClock) -> None:
    bot.policy.write_text(POLICY.replace("rules:", "  queue: {max_live_cards: 1}\nrules:", 1))
    await bot.services.policy.reload()
    await bot.post(UNSURE, id="a-1")
    await bot.card("a-1")
    await bot.post(UNSURE, id="a-2")
    await say(bot, "a-2", {"what": "remind"})
    await pass_time(clock, 20)
    assert of_kind(bot, "said:") == []
    assert calls(bot, "conversations.history") == calls(bot, "conversations.replies") == []

    await approve(bot, "a-1")
    await in_time(clock, lambda: of_kind(bot, "said:"))
    assert of_kind(bot, "said:")[0]["thread_ts"] == bot.cards("a-2")[0]["ts"]


async def test_nothing_is_said_about_what_never_had_a_card(bot: Bot, clock: LeapingClock) -> None:
    await bot.post(QUEUED, id="a-1")
    await until(lambda: of_kind(bot, "batch:"))
    await say(bot, "a-1", {"what": "remind"})
    await pass_time(clock, 10)
    assert len(calls(bot, "chat.postMessage")) == 1


@pytest.mark.parametrize("mode", ["lose_answer", "lose_request", "ratelimit"])
async def test_a_notice_arrives_once_whatever_becomes_of_its_first_posting(
    bot: Bot, clock: LeapingClock, mode: Mode
) -> None:
    await bot.post(UNSURE, id="a-1")
    card = await bot.card("a-1")
    await until(lambda: calls(bot, "chat.postMessage", "ok"))
    bot.sandbox.faults.add(Fault("chat.postMessage", mode, seconds=5))
    await say(bot, "a-1", {"what": "remind"})
    await in_time(clock, lambda: of_kind(bot, "said:"))
    await pass_time(clock, 60, step=5)
    [notice] = of_kind(bot, "said:")
    assert notice["thread_ts"] == card["ts"]
    assert len(calls(bot, "conversations.replies")) <= (0 if mode == "ratelimit" else 2)


def direct_messages(sandbox: Sandbox, user: str) -> list[Json]:
    return sandbox.messages(sandbox.world.open_im(user).id)


@pytest.mark.parametrize("mode", [None, "lose_request"])
async def test_one_person_is_told_by_a_direct_message(bot: Bot, clock: LeapingClock, mode: Mode | None) -> None:
    await bot.post(UNSURE, id="a-1")
    await bot.card("a-1")
    await approve(bot, "a-1")
    await in_time(clock, lambda: calls(bot, "chat.update", "ok"))
    if mode is not None:
        bot.sandbox.faults.add(Fault("chat.postMessage", mode))
    await say(bot, "a-1", {"what": "verdict"}, "U0BEN")
    [told] = await in_time(clock, lambda: direct_messages(bot.sandbox, "U0BEN"))
    assert "by <@U0ADA>" in str(told["blocks"])
    await pass_time(clock, 60, step=5)
    assert len(direct_messages(bot.sandbox, "U0BEN")) == 1


async def test_cards_overtake_what_is_said_about_others(bot: Bot, clock: LeapingClock) -> None:
    await bot.post(UNSURE, id="a-1")
    await bot.card("a-1")
    bot.sandbox.faults.add(Fault("chat.postMessage", "ratelimit", seconds=30))
    await say(bot, "a-1", {"what": "remind"})
    await in_time(clock, lambda: calls(bot, "chat.postMessage", "ratelimited"))
    await bot.post(QUEUED, id="q-1")
    await bot.post(UNSURE, id="a-2")
    await in_time(clock, lambda: of_kind(bot, "batch:"))
    keys = [call.args["metadata"]["event_payload"]["message"] for call in calls(bot, "chat.postMessage", "ok")]
    assert [key.partition(":")[0] for key in keys] == ["card", "card", "said", "batch"]
