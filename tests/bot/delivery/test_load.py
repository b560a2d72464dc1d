"""What Slack is given while reviewers are behind: one message, and fewer that notify."""

from datetime import timedelta

from bot.jobs.runner import Ran
from routing.load import Level
from store.load import ChannelLevel, SaveLevel
from tests.bot.delivery.simulated import LeapingClock, approve, calls, in_time, of_kind, pass_time
from tests.support.bot import POLICY, QUEUED, Bot, Json, until

HURRIED = POLICY.replace("queued: {", "queued: {sla: 10m, ")
QUARTER = 900.0


def said(bot: Bot) -> list[Json]:
    return of_kind(bot, "load:")


async def run_job(bot: Bot) -> Ran:
    """As the scheduler does once a quarter of an hour."""
    ran = await bot.application.jobs.run("queue-batches", bot.clock.now())
    assert isinstance(ran, Ran)
    return ran


async def test_a_channel_hears_of_its_load_once_anew_at_the_last_step_and_of_its_end(
    bot: Bot, clock: LeapingClock
) -> None:
    bot.policy.write_text(HURRIED)
    await bot.services.policy.reload()
    await run_job(bot)
    assert said(bot) == []
    await bot.post(QUEUED, id="a-1")
    for _ in range(3):
        await pass_time(clock, QUARTER, step=100)
        await run_job(bot)
    [first] = await in_time(clock, lambda: said(bot))
    await in_time(clock, lambda: "45 min" in said(bot)[0]["text"])
    assert said(bot)[0]["ts"] == first["ts"], "changed in silence"
    assert first["blocks"][-2]["elements"][0]["action_id"] == "queue.start"

    await pass_time(clock, QUARTER, step=100)
    await run_job(bot)
    await in_time(clock, lambda: [each["ts"] for each in said(bot)] not in ([], [first["ts"]]) and len(said(bot)) == 1)
    [last] = said(bot)
    assert "more people are needed" in last["text"]
    assert "<@U0ADA>" in str(last["blocks"])

    await approve(bot, "a-1")
    await pass_time(clock, QUARTER, step=100)
    await run_job(bot)
    await in_time(clock, lambda: "back to normal" in said(bot)[0]["text"])
    assert said(bot)[0]["ts"] == last["ts"]


async def test_people_who_are_behind_are_notified_half_as_often(bot: Bot, clock: LeapingClock) -> None:
    bot.policy.write_text(POLICY.replace("queued: {", "queued: {queue: {batch_every: 30s}, "))
    await bot.services.policy.reload()
    await bot.post(QUEUED, id="a-1")
    first = (await until(lambda: of_kind(bot, "batch:")))[0]
    behind = ChannelLevel("#ai-review", Level.BATCH, clock.now(), {}, version=0)
    await bot.services.writer.submit(SaveLevel(behind, clock.now()))
    posted = clock.now()
    await bot.post(QUEUED, id="a-2")
    await in_time(clock, lambda: [each["ts"] for each in of_kind(bot, "batch:")] != [first["ts"]])
    assert clock.now() - posted >= timedelta(seconds=59)

    normal = ChannelLevel("#ai-review", Level.NORMAL, clock.now(), {}, version=1)
    await bot.services.writer.submit(SaveLevel(normal, clock.now()))
    posted, number = clock.now(), len(calls(bot, "chat.postMessage"))
    await bot.post(QUEUED, id="a-3")
    await in_time(clock, lambda: len(calls(bot, "chat.postMessage")) > number)
    assert clock.now() - posted < timedelta(seconds=50), "as soon as the policy says, once it is over"


async def test_the_job_looks_at_the_queues_too(bot: Bot, clock: LeapingClock) -> None:
    await bot.post(QUEUED, id="a-1")
    ran = await run_job(bot)
    assert ran.told == {"behind": 0, "released": 0, "widened": 0}
    assert (await run_job(bot)).again
    await until(lambda: of_kind(bot, "batch:"))
