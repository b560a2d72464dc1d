"""The loop that keeps deadlines, and what Slack shows of it: each step once, when it is due, whatever breaks."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot.app import Application
from bot.assembly.surroundings import Surroundings
from bot.reviewing.deadlines import Deadlines
from bot.sandbox.faults import Fault
from tests.bot.delivery.simulated import LeapingClock, calls, case_of, in_time, of_kind, pass_time
from tests.support.bot import POLICY, QUEUED, UNSURE, Bot, running_bot, until

STEPS = POLICY.replace(
    "  label: {risk: low,",
    "  label: {risk: low, sla: 10m, on_timeout: reject, escalation: [{after: 3m, remind: channel}, "
    '{after: 6m, notify: U0DANA}, {after: 8m, channel: "#refunds"}],',
)
MINUTE = 60


@pytest.fixture
async def stepping(bot: Bot) -> Bot:
    bot.policy.write_text(STEPS)
    await bot.services.policy.reload()
    return bot


async def test_each_step_comes_when_it_is_due_and_time_out_ends_it(stepping: Bot, clock: LeapingClock) -> None:
    bot, began = stepping, clock.now()
    await bot.post(UNSURE, id="a-1")
    card = await bot.card("a-1")
    await pass_time(clock, 11 * MINUTE, step=5)

    def after(text: str) -> timedelta:
        [call] = [call for call in calls(bot, "chat.postMessage", "ok") if text in str(call.args)]
        return call.at - began

    late = timedelta(seconds=10)
    assert timedelta(minutes=3) <= after("Reminder") <= timedelta(minutes=3) + late
    assert timedelta(minutes=6) <= after("<@U0DANA>") <= timedelta(minutes=6) + late
    assert timedelta(minutes=8) <= after("'#refunds'") <= timedelta(minutes=8) + late
    assert {reply["ts"] for reply in bot.sandbox.thread("C0REVIEW", card["ts"])[1:]} == {
        notice["ts"] for notice in of_kind(bot, "step.")
    }
    _, decision = await bot.get("/v1/decisions/a-1")
    assert decision["outcome"]["result"] == "timed_out"
    for channel in ("C0REVIEW", "C0REFUND"):
        [shown] = of_kind(bot, "card:", channel)
        assert "review.approve" not in str(shown["blocks"])


async def test_a_verdict_in_the_wider_channel_closes_both_cards(stepping: Bot, clock: LeapingClock) -> None:
    bot = stepping
    await bot.post(UNSURE, id="a-1")
    await bot.card("a-1")
    [wider] = await in_time(clock, lambda: of_kind(bot, "card:", "C0REFUND"), limit=9 * MINUTE, step=5)
    await pass_time(clock, 5)
    ack = await bot.sandbox.click("U0ADA", "C0REFUND", wider["ts"], "review.approve")
    assert ack.ok

    def shown() -> list[str]:
        return [str(card["blocks"]) for card in of_kind(bot, "card:") + of_kind(bot, "card:", "C0REFUND")]

    await in_time(clock, lambda: not any("review.approve" in card for card in shown()))
    assert ["<@U0ADA>" in card for card in shown()] == [True, True]


async def test_the_time_counts_from_the_posting_of_the_card(stepping: Bot, clock: LeapingClock) -> None:
    bot = stepping
    bot.sandbox.faults.add(Fault("chat.postMessage", "ratelimit", seconds=120))
    await bot.post(UNSURE, id="a-1")
    await in_time(clock, lambda: of_kind(bot, "card:"), step=5)
    posted = clock.now()
    await in_time(clock, lambda: of_kind(bot, "step."), step=5)
    assert clock.now() - posted >= timedelta(minutes=3) - timedelta(seconds=5)


async def test_what_waited_too_long_in_the_queue_gets_a_card(stepping: Bot, clock: LeapingClock) -> None:
    bot = stepping
    bot.policy.write_text(POLICY.replace("queued: {", "queued: {escalation: [{after: 3m, remind: channel}], "))
    await bot.services.policy.reload()
    await bot.post(QUEUED, id="a-1")
    await until(lambda: of_kind(bot, "batch:"))
    [notice] = await in_time(clock, lambda: of_kind(bot, "step."), limit=200, step=5)
    [card] = of_kind(bot, "card:")
    assert notice["thread_ts"] == card["ts"]
    await in_time(clock, lambda: "Nothing waits" in of_kind(bot, "batch:")[0]["text"])


async def test_an_outage_of_the_database_is_outlived(
    stepping: Bot, clock: LeapingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = stepping
    await bot.post(UNSURE, id="a-1")
    await bot.card("a-1")
    away = OSError("the database is away")

    async def fail(_self: Deadlines) -> int:
        raise away

    with monkeypatch.context() as broken:
        broken.setattr(Deadlines, "sweep", fail)
        await pass_time(clock, 5 * MINUTE, step=10)
        assert of_kind(bot, "step.") == []
    await in_time(clock, lambda: of_kind(bot, "step."), limit=60, step=5)


async def test_a_killed_process_leaves_a_step_to_the_next(tmp_path: Path, database_url: str) -> None:
    clock = LeapingClock()
    async with running_bot(tmp_path, database_url, clock=clock, policy=STEPS) as bot:
        await bot.post(UNSURE, id="a-1")
        await bot.card("a-1")
        await pass_time(clock, 2 * MINUTE, step=10)
        bot.sandbox.faults.add(Fault("chat.postMessage", "late", seconds=86400, carried_out="after"))
        await in_time(clock, lambda: calls(bot, "chat.postMessage", "pending"), step=5)
        assert (await case_of(bot, "a-1")).review.steps_done == 1
        await bot.crash()
        await in_time(clock, lambda: of_kind(bot, "step.1:"), step=5)
        await pass_time(clock, 2 * MINUTE, step=10)
        assert len(of_kind(bot, "step.1:")) == 1


async def test_two_replicas_do_each_step_once(tmp_path: Path, postgres_url: str) -> None:
    clock = LeapingClock()
    async with running_bot(tmp_path, postgres_url, clock=clock, policy=STEPS) as bot:
        second = Application(bot.settings, around=Surroundings(clock))
        await second.start()
        try:
            for number in range(3):
                await bot.post(UNSURE, id=f"a-{number}")
            await in_time(clock, lambda: len(of_kind(bot, "card:")) == 3)
            await pass_time(clock, 9 * MINUTE, step=5)
        finally:
            await second.stop()
        assert len(of_kind(bot, "step.1:")) == len(of_kind(bot, "step.2:")) == 3
        assert len(of_kind(bot, "card:", "C0REFUND")) == 3
        for number in range(3):
            assert (await case_of(bot, f"a-{number}")).review.steps_done == 3
