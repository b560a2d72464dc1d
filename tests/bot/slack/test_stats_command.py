"""`/hitl-stats` and its chart: who may ask, what is answered and to whom, and what happens while Slack or the database
is away."""

from typing import Any

import pytest
from sqlalchemy import text

from bot.sandbox.courier import Ack
from bot.sandbox.faults import Fault
from bot.slack.stats_message import CHART, COMMAND
from tests.bot.slack.at_work import whispered, whispers
from tests.support.bot import SURE, UNSURE, Bot, Json, until
from tests.support.slack_checker import check_message


async def ask(bot: Bot, user: str, words: str = "", channel: str = "C0REVIEW") -> Json:
    """The answer, which only the asker sees."""
    before = len(bot.sandbox.ephemerals(user))
    ack = await bot.sandbox.command(user, channel, COMMAND, words)
    assert (ack.status, ack.error) == (200, None)
    answers = await until(lambda: bot.sandbox.ephemerals(user)[before:])
    answer: Json = answers[-1]
    check_message(
        answer["text"],
        answer.get("blocks")
        or [{"type": "section", "block_id": "x", "text": {"type": "mrkdwn", "text": answer["text"]}}],
        frozenset(),
    )
    return answer


async def press(bot: Bot, user: str, answer: Json) -> Ack:
    return await bot.sandbox.click(user, answer["channel"], answer["ts"], CHART)


def direct(bot: Bot, user: str) -> list[Any]:
    world = bot.sandbox.world
    return [m for m in world.messages[world.open_im(user).id].values() if m.user == world.bot.id]


async def test_the_asker_alone_is_told_the_numbers_of_all_task_types(bot: Bot) -> None:
    await bot.post(SURE, id="a")
    await bot.post(UNSURE, id="b")
    await bot.post(UNSURE, id="c", task_type="refund")
    answer = await ask(bot, "U0BEN")
    assert answer["text"].startswith("📊 Statistics, last 7 days. All task types: 3 decisions, 66.7 % of them")
    shown = str(answer["blocks"])
    assert "2 wait, oldest" in shown
    assert "refund" in shown
    assert not any("Statistics" in str(message) for message in bot.sandbox.messages("C0REVIEW"))
    assert whispers(bot, "U0ADA") == []


async def test_one_task_type_and_a_longer_time(bot: Bot) -> None:
    await bot.post(UNSURE, id="a")
    await bot.post(SURE, id="b", task_type="brand-new")
    assert "last 30 days. refund: no decisions" in (await ask(bot, "U0BEN", "refund 30d"))["text"]
    assert "last 7 days. brand-new: 1 decision," in (await ask(bot, "U0BEN", "7d Brand-New"))["text"]


@pytest.mark.parametrize(
    ("words", "lead"),
    [
        ("help", "`/hitl-stats` shows"),
        ("<!channel>", "I do not know *&lt;!channel&gt;*"),
        ("14d", "I do not know *14d*"),
        ("refund label", "I do not know *label*"),
    ],
)
async def test_help_names_the_task_types_that_there_are(bot: Bot, words: str, lead: str) -> None:
    await bot.post(SURE, id="a", task_type="brand-new")
    answer = await ask(bot, "U0BEN", words)
    assert answer["text"].startswith(lead)
    assert "Task types: `brand-new`, `draft`, `label`, `queued`, `refund`." in answer["text"]


async def test_in_a_direct_message_too_where_the_bot_is_no_member(bot: Bot) -> None:
    im = bot.sandbox.world.open_im("U0BEN").id
    assert "no decisions" in (await ask(bot, "U0BEN", channel=im))["text"]


async def test_over_the_socket_too(bot: Bot) -> None:
    assert "no decisions" in (await ask(bot, "U0BEN"))["text"]


async def test_guests_and_bots_are_told_nothing(bot: Bot) -> None:
    bot.sandbox.world.people["U0BEN"].is_restricted = True
    assert "for members of this workspace" in (await ask(bot, "U0BEN"))["text"]
    bot.sandbox.faults.add(Fault("users.info", "error"))
    assert "could not confirm" in (await ask(bot, "U0ADA"))["text"]


async def test_what_goes_wrong_is_said(bot: Bot) -> None:
    async with bot.services.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE counters RENAME TO gone"))
    assert "went wrong on our side" in (await ask(bot, "U0BEN"))["text"]


async def test_where_the_url_of_the_answer_fails_it_comes_directly(bot: Bot) -> None:
    bot.sandbox.faults.add(Fault("response_url", "status"))
    assert (await bot.sandbox.command("U0BEN", "C0REVIEW", COMMAND)).ok
    assert "no decisions" in await whispered(bot, "U0BEN", "Statistics")


# The chart ------------------------------------------------------------------------------------------------------------


async def test_the_chart_goes_to_the_asker_with_words_for_who_does_not_see_it(bot: Bot) -> None:
    await bot.post(UNSURE, id="a")
    answer = await ask(bot, "U0BEN", "label 30d")
    assert (await press(bot, "U0BEN", answer)).ok
    await whispered(bot, "U0BEN", "The chart is in your direct messages")
    [message] = direct(bot, "U0BEN")
    [image] = message.blocks
    assert image["alt_text"].startswith("Chart of 4 weeks up to now, label. Went to people: 100.0 %.")
    file = bot.sandbox.world.files[image["slack_file"]["id"]]
    assert (file.content or b"").startswith(b"\x89PNG")
    check_message(message.text, [{**image, "slack_file": {"id": file.id}}], frozenset())


@pytest.mark.parametrize(
    ("method", "words"),
    [("files.getUploadURLExternal", "does not take the picture"), ("chat.postMessage", "could not be sent just now")],
)
async def test_a_chart_that_cannot_be_sent_is_told(bot: Bot, method: str, words: str) -> None:
    answer = await ask(bot, "U0BEN")
    bot.sandbox.faults.add(Fault(method, "error", error="missing_scope", times=None))
    assert (await press(bot, "U0BEN", answer)).ok
    await whispered(bot, "U0BEN", words)
    assert direct(bot, "U0BEN") == []


async def test_the_person_is_checked_again_at_the_click(bot: Bot) -> None:
    answer = await ask(bot, "U0BEN")
    bot.sandbox.world.people["U0BEN"].deleted = True
    assert (await press(bot, "U0BEN", answer)).ok
    await whispered(bot, "U0BEN", "for members of this workspace")
    assert direct(bot, "U0BEN") == []
