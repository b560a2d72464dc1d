"""The digest on its way to Slack: once, with its chart, whatever Slack or the process does on a Monday morning."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.jobs.runner import Ran
from bot.reviewing.people import Reviewer
from bot.sandbox.faults import Fault
from routing.review import Reject
from store import tables as t
from tests.bot.delivery.simulated import LeapingClock, calls, case_of, in_time, of_kind, pass_time
from tests.support.bot import POLICY, UNSURE, Bot, Json, running_bot
from tests.support.judged import Judgement, Past, Voted

WEEKLY = POLICY.replace("version: 1", 'version: 1\ndigest: {channel: "#refunds", at: "mon 09:00"}', 1)
CHANNEL = "C0REFUND"
DRAWN = b"\x89PNG drawn"


@pytest.fixture(autouse=True)
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Drawing takes a second each time; how many weeks each picture shows."""
    made: list[int] = []

    def draw(trend: Any) -> bytes:
        made.append(len(trend))
        return DRAWN

    monkeypatch.setattr("bot.delivery.digests.draw", draw)
    return made


@pytest.fixture
async def bot(tmp_path: Path, clock: LeapingClock) -> AsyncIterator[Bot]:
    async with running_bot(tmp_path, f"sqlite:///{tmp_path}/hitl.db", clock=clock, policy=WEEKLY) as running:
        yield running


MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


async def monday(bot: Bot, clock: LeapingClock, *, first_pk: int = 1) -> None:
    """Goes to the Monday after a week in which something happened, when the digest is due."""
    await corrected(bot, first_pk)
    await clock.leap((MONDAY - clock.now()).total_seconds())


async def corrected(bot: Bot, first_pk: int) -> None:
    async with bot.services.engine.connect() as connection:
        app_pk = await connection.scalar(select(t.apps.c.pk).limit(1))
    past = Past(bot.services.engine, int(app_pk or 0), bot.services.policy.current.version, first_pk)
    for _ in range(3):
        await past.add(MONDAY - timedelta(days=4), Judgement("gate", [Voted("reject", "tone")]))


async def run_job(bot: Bot) -> Ran:
    ran = await bot.application.jobs.run("weekly-digest", bot.clock.now())
    assert isinstance(ran, Ran)
    return ran


def digests(bot: Bot) -> list[Json]:
    return of_kind(bot, "digest:", CHANNEL)


async def the_digest(bot: Bot, clock: LeapingClock, *, limit: float = 300.0) -> Json:
    [message] = await in_time(clock, lambda: digests(bot), limit=limit)
    return message


def block(message: Json, block_id: str) -> Json | None:
    return next((each for each in message["blocks"] if each["block_id"] == block_id), None)


def has_chart(bot: Bot, message: Json) -> bool:
    """The picture is the one that was drawn, with words for who does not see it."""
    shown = block(message, "digest.chart")
    if shown is None:
        return False
    assert shown["alt_text"].startswith("Chart of 8 weeks up to 22 Nov 2026. Went to people: 100.0 %")
    assert bot.sandbox.world.files[shown["slack_file"]["id"]].content == DRAWN
    return True


async def test_it_comes_with_its_chart_once_slack_has_finished_with_it(
    bot: Bot, clock: LeapingClock, drawn: list[int]
) -> None:
    await monday(bot, clock)
    ran = await run_job(bot)
    assert ran.told == {"week": "2026-W47", "decisions": 3, "corrected": 3}
    message = await the_digest(bot, clock)
    assert has_chart(bot, message)
    assert "Weekly digest, 16 to 22 Nov 2026. 3 decisions" in message["text"]
    assert len(calls(bot, "files.info")) > 1, "it was not ready at once"
    [shared] = calls(bot, "files.completeUploadExternal")
    assert "channel_id" not in shared.args, "nobody sees the file but in the digest"
    assert drawn == [8]

    assert (await run_job(bot)).again
    await pass_time(clock, 30, step=10)
    assert len(digests(bot)) == 1


async def test_one_that_was_made_before_the_week_was_over_is_put_right_where_it_is(
    bot: Bot, clock: LeapingClock, drawn: list[int]
) -> None:
    await corrected(bot, 1)
    await bot.application.jobs.run("weekly-digest", MONDAY)
    early = await the_digest(bot, clock)
    assert "3 decisions" in early["text"]
    await monday(bot, clock, first_pk=101)
    await bot.application.jobs.run_due()
    [message] = await in_time(clock, lambda: [each for each in digests(bot) if "6 decisions" in each["text"]])
    assert (message["ts"], len(digests(bot))) == (early["ts"], 1)
    assert has_chart(bot, message)
    assert drawn == [8, 8]


async def test_slack_is_down_on_monday_morning_and_the_digest_comes_when_it_is_back(
    bot: Bot, clock: LeapingClock, drawn: list[int]
) -> None:
    await monday(bot, clock)
    bot.sandbox.faults.add(Fault("*", "status", times=None, status=503))
    await run_job(bot)
    await pass_time(clock, 600, step=60)
    assert digests(bot) == []
    bot.sandbox.faults.clear()
    assert has_chart(bot, await the_digest(bot, clock))
    await pass_time(clock, 60, step=10)
    assert len(digests(bot)) == 1
    assert drawn == [8], "not at each attempt"


@pytest.mark.parametrize("fault", ["lose_answer", "late"])
async def test_a_death_after_posting_leaves_one_digest_with_one_picture(
    bot: Bot, clock: LeapingClock, drawn: list[int], fault: Any
) -> None:
    await monday(bot, clock)
    bot.sandbox.faults.add(Fault("chat.postMessage", fault, seconds=86_400))
    await run_job(bot)
    await in_time(clock, lambda: bot.sandbox.messages(CHANNEL))
    await bot.crash()
    await pass_time(clock, 120, step=5)
    [message] = digests(bot)
    assert has_chart(bot, message)
    assert len(calls(bot, "chat.postMessage")) == 1
    assert (len(drawn), len(calls(bot, "files.completeUploadExternal", "ok"))) == (1, 1), "it was remembered"
    async with bot.services.engine.connect() as connection:
        row = (await connection.execute(select(t.messages).where(t.messages.c.kind == "digest"))).one()
    assert (row.sent, row.message_ts) == (1, message["ts"])


@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "files.info"])
async def test_without_the_right_to_files_it_comes_without_a_chart_and_says_so(
    bot: Bot, clock: LeapingClock, method: str
) -> None:
    bot.sandbox.scopes.granted.remove("files:read" if method == "files.info" else "files:write")
    await monday(bot, clock)
    await run_job(bot)
    message = await the_digest(bot, clock)
    assert not has_chart(bot, message)
    missing = block(message, "digest.no_chart")
    assert missing is not None
    assert "No chart this time: Slack answers missing_scope" in missing["elements"][0]["text"]
    assert "hitl manifest" in missing["elements"][0]["text"]


async def test_a_picture_that_slack_never_finishes_with_is_left_out(
    bot: Bot, clock: LeapingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.sandbox.files.PROCESSING_SECONDS", 3600.0)
    await monday(bot, clock)
    await run_job(bot)
    message = await the_digest(bot, clock)
    assert "has not finished with the picture" in str(block(message, "digest.no_chart"))


async def test_a_picture_that_slack_refuses_to_show_is_left_out(bot: Bot, clock: LeapingClock) -> None:
    await monday(bot, clock)
    bot.sandbox.faults.add(Fault("chat.postMessage", "error", error="invalid_blocks"))
    await run_job(bot)
    message = await the_digest(bot, clock)
    assert "did not take the picture" in str(block(message, "digest.no_chart"))


@pytest.mark.parametrize(
    "fault",
    [
        Fault("files.getUploadURLExternal", "lose_request"),
        Fault("files.info", "ratelimit", seconds=20),
    ],
    ids=lambda fault: f"{fault.method} {fault.mode}",
)
async def test_a_passing_trouble_with_files_only_delays_it(bot: Bot, clock: LeapingClock, fault: Fault) -> None:
    await monday(bot, clock)
    bot.sandbox.faults.add(fault)
    await run_job(bot)
    assert has_chart(bot, await the_digest(bot, clock))


async def test_files_out_of_reach_for_long_cost_the_chart_and_not_the_digest(bot: Bot, clock: LeapingClock) -> None:
    await monday(bot, clock)
    bot.sandbox.faults.add(Fault("files.getUploadURLExternal", "status", times=None))
    await run_job(bot)
    message = await in_time(clock, lambda: digests(bot), limit=1200, step=30)
    assert "no files at the moment" in str(block(message[0], "digest.no_chart"))


async def test_a_broken_drawing_costs_the_chart_and_not_the_digest(
    bot: Bot, clock: LeapingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_trend: object) -> bytes:
        raise ValueError("no pen")

    monkeypatch.setattr("bot.delivery.digests.draw", fail)
    await monday(bot, clock)
    await run_job(bot)
    assert "could not be drawn" in str(block(await the_digest(bot, clock), "digest.no_chart"))


async def test_a_quiet_week_is_one_line_without_a_picture(bot: Bot, clock: LeapingClock, drawn: list[int]) -> None:
    await run_job(bot)
    message = await the_digest(bot, clock)
    assert message["text"] == "Weekly digest, 9 to 15 Nov 2026: nothing new."
    assert (drawn, calls(bot, "files.getUploadURLExternal")) == ([], [])


@pytest.mark.parametrize("made_there_too", [False, True], ids=["alone", "the job has run for the new one too"])
async def test_a_digest_moves_to_the_channel_that_the_policy_names_now_and_is_one(
    bot: Bot, clock: LeapingClock, *, made_there_too: bool
) -> None:
    bot.sandbox.world.channels[CHANNEL].is_archived = True
    await run_job(bot)
    await in_time(clock, lambda: calls(bot, "chat.postMessage", "is_archived"))
    bot.policy.write_text(POLICY)
    await bot.services.policy.reload()
    if made_there_too:
        await run_job(bot)
    await in_time(clock, lambda: of_kind(bot, "digest:"))
    await pass_time(clock, 180, step=10)
    assert len(of_kind(bot, "digest:")) == 1
    assert await bot.services.stores.messages.stuck() == []


async def test_examples_lead_to_their_cards(bot: Bot, clock: LeapingClock) -> None:
    for name in ("a-0", "a-1", "a-2"):
        await bot.post(UNSURE, id=name)
        await in_time(clock, partial(bot.cards, name))
        case = await case_of(bot, name)
        await bot.services.reviewing.decide(case, Reviewer("T0SANDBOX", "U0ADA"), Reject("tone", "minor", {}, "Rude"))
    await clock.leap(3 * 86_400)
    await run_job(bot)
    message = await the_digest(bot, clock)
    recurring = block(message, "digest.patterns")
    assert recurring is not None
    links = [leaf["url"] for leaf in _leaves(recurring) if leaf["type"] == "link"]
    [latest] = bot.cards("a-2")
    assert links[0] == f"{bot.sandbox.url}/archives/C0REVIEW/p{latest['ts'].replace('.', '')}"
    assert len(links) == 2


def _leaves(node: Any) -> list[Json]:
    if isinstance(node, list):
        return [leaf for each in node for leaf in _leaves(each)]
    if isinstance(node, dict):
        inner = [leaf for each in node.values() for leaf in _leaves(each)]
        return [*inner, node] if "type" in node else inner
    return []
