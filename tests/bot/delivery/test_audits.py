"""A day's audits in Slack: one post, its samples in the thread, each once, whatever becomes of the first attempt."""

from datetime import UTC, datetime

import pytest

from bot.reviewing.people import Reviewer
from bot.sandbox.faults import Fault, Mode
from bot.sandbox.world import Channel
from tests.bot.delivery.simulated import LeapingClock, approve, calls, case_of, in_time, of_kind, pass_time, reject
from tests.support.bot import POLICY, SURE, UNSURE, Bot, Json

TOMORROW = datetime(2026, 11, 21, 8, tzinfo=UTC)


async def drawn(bot: Bot, *decision_ids: str) -> None:
    """Decisions that run alone, and their draw."""
    for decision_id in decision_ids:
        status, answer = await bot.post(SURE, id=decision_id, callback_url=bot.receiver.url)
        assert (status, answer["route"]) == (201, "AUTO")
    await bot.application.jobs.run("audit-samples", TOMORROW)


def samples(bot: Bot) -> list[Json]:
    return of_kind(bot, "sample:")


async def posted(bot: Bot, clock: LeapingClock, number: int) -> Json:
    """The day's post, once so many samples are in its thread."""
    await in_time(clock, lambda: len(samples(bot)) >= number)
    [post] = of_kind(bot, "audit:")
    return post


async def test_the_samples_of_a_day_are_in_the_thread_of_its_post(bot: Bot, clock: LeapingClock) -> None:
    await drawn(bot, "a-1", "a-2", "a-3")
    post = await posted(bot, clock, 3)
    await pass_time(clock, 30, step=5)

    assert bot.sandbox.messages("C0REVIEW") == [post]
    assert {sample["thread_ts"] for sample in samples(bot)} == {post["ts"]}
    assert [sample.get("subtype") for sample in samples(bot)] == [None] * 3
    assert "3 of 3 decisions" in post["text"]


@pytest.mark.parametrize("mode", ["lose_answer", "lose_request", "ratelimit"])
@pytest.mark.parametrize("before", [0, 1], ids=["of the post", "of a sample"])
async def test_each_message_arrives_once_whatever_becomes_of_its_first_posting(
    bot: Bot, clock: LeapingClock, mode: Mode, before: int
) -> None:
    bot.sandbox.faults.add(Fault("chat.postMessage", "ratelimit", seconds=2))
    await drawn(bot, "a-1", "a-2")
    if before:
        await in_time(clock, lambda: of_kind(bot, "audit:"))
    bot.sandbox.faults.add(Fault("chat.postMessage", mode, seconds=5))
    post = await posted(bot, clock, 2)
    await pass_time(clock, 60, step=5)

    assert bot.sandbox.messages("C0REVIEW") == [post]
    assert len(samples(bot)) == 2


async def test_the_post_counts_what_is_looked_at_in_few_updates(bot: Bot, clock: LeapingClock) -> None:
    names = [f"a-{number}" for number in range(6)]
    await drawn(bot, *names)
    post = await posted(bot, clock, 6)
    before = len(calls(bot, "chat.update", "ok"))
    for name in names[:5]:
        await approve(bot, name)
    await reject(bot, names[5])
    await in_time(clock, lambda: "6 of 6 · 1 wrong" in str(of_kind(bot, "audit:")[0]["blocks"]))
    await pass_time(clock, 20, step=5)

    updates = calls(bot, "chat.update", "ok")[before:]
    assert sum(call.args["ts"] == post["ts"] for call in updates) <= 3
    assert "review.approve" not in str(samples(bot))


async def test_audits_take_no_place_of_the_cards_that_are_waited_for(bot: Bot, clock: LeapingClock) -> None:
    bot.policy.write_text(POLICY.replace("rules:", "  queue: {max_live_cards: 1}\nrules:", 1))
    await bot.services.policy.reload()
    await drawn(bot, "a-1", "a-2")
    await posted(bot, clock, 2)
    await bot.post(UNSURE, id="w-1")

    assert await in_time(clock, lambda: bot.cards("w-1"))
    assert of_kind(bot, "more:") == of_kind(bot, "batch:") == []


async def test_what_is_judged_before_it_is_shown_is_not_shown(bot: Bot, clock: LeapingClock) -> None:
    bot.sandbox.faults.add(Fault("chat.postMessage", "ratelimit", seconds=30))
    await drawn(bot, "a-1", "a-2")
    await approve(bot, "a-1")
    post = await posted(bot, clock, 1)
    await pass_time(clock, 30, step=5)

    assert len(samples(bot)) == 1
    assert "1 of 2" in str(of_kind(bot, "audit:")[0]["blocks"])
    assert post["ts"] == samples(bot)[0]["thread_ts"]


@pytest.mark.parametrize("began", [False, True], ids=["before it is posted", "after one was judged"])
async def test_a_days_audits_move_together_when_their_channel_is_gone(
    bot: Bot, clock: LeapingClock, *, began: bool
) -> None:
    bot.sandbox.world.channels["C0NEW"] = Channel("C0NEW", "new-review", ["U0ADA", "U0BOT"])
    former = bot.sandbox.world.channels["C0REVIEW"]
    former.is_archived = not began
    await drawn(bot, "a-1", "a-2", "a-3")
    if began:
        await posted(bot, clock, 3)
        former.is_archived = True
        await approve(bot, "a-1")
    await in_time(clock, lambda: calls(bot, "chat.update" if began else "chat.postMessage", "is_archived"))
    bot.policy.write_text(POLICY.replace("#ai-review", "#new-review"))
    await bot.services.policy.reload()

    waiting = 2 if began else 3
    moved = await in_time(clock, lambda: (found := of_kind(bot, "sample:", "C0NEW"))[waiting - 1 :] and found)
    [post] = of_kind(bot, "audit:", "C0NEW")
    assert [sample["thread_ts"] for sample in moved] == [post["ts"]] * waiting
    await reject(bot, "a-2")
    await in_time(clock, lambda: "1 wrong" in str(of_kind(bot, "audit:", "C0NEW")))


async def test_what_is_said_about_a_sample_is_said_in_the_same_thread(bot: Bot, clock: LeapingClock) -> None:
    await drawn(bot, "a-1")
    post = await posted(bot, clock, 1)
    ada, ben = (Reviewer("T0SANDBOX", user) for user in ("U0ADA", "U0BEN"))
    await bot.services.claims.hand_over(await case_of(bot, "a-1"), ada, ben, "Your area.")

    [told] = await in_time(clock, lambda: of_kind(bot, "handed_over."))
    assert told["thread_ts"] == post["ts"]
