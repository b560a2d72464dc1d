"""What is said below a card: notes are kept once, three exact forms act, and nothing else does."""

import asyncio
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import text

from bot.sandbox.faults import Fault
from bot.sandbox.world import Person
from bot.slack.notices import ANSWER_FIRST
from tests.bot.slack.at_work import Card, policy_with, send, sql, until_true, waiting, whispers
from tests.support.bot import POLICY, Bot, until

REFUND: dict[str, Any] = {"task_type": "refund", "channel": "C0REFUND", "output": {"amount": 120}}


async def notes(bot: Bot) -> list[tuple[str, str]]:
    """Who wrote what, as it was kept."""
    query = "SELECT part, body FROM contents WHERE part LIKE 'note:%' ORDER BY part"
    async with bot.services.engine.connect() as connection:
        return [(row.part, row.body) for row in await connection.execute(text(query))]


async def kept(bot: Bot, number: int) -> list[str]:
    """The notes, once there are so many."""

    async def look() -> list[str] | None:
        found = [body for _, body in await notes(bot)]
        return found if len(found) >= number else None

    return await until_true(look)


async def test_a_plain_reply_is_a_note(bot: Bot) -> None:
    card = await waiting(bot)
    said = "I think we should approve: it is right. &amp; <https://x.example|x>"
    await card.reply("U0BEN", said)
    [note] = await kept(bot, 1)
    assert '"user":"U0BEN"' in note
    assert await card.is_pending()
    assert whispers(bot, "U0BEN") == []


async def test_a_note_is_kept_once_however_often_slack_sends_it(bot: Bot) -> None:
    card = await waiting(bot)
    bot.sandbox.faults.add(Fault("event", "duplicate"))
    await card.reply("U0BEN", "Hm.")
    await kept(bot, 1)
    await card.reply("U0BEN", "Hm.")  # said again is another note
    assert len(await kept(bot, 2)) == 2


@pytest.mark.parametrize("words", ["approve", " Approve ", "APPROVE"])
async def test_approve_alone_approves(bot: Bot, words: str) -> None:
    card = await waiting(bot)
    await card.reply("U0BEN", words)
    assert (await card.outcome())["decided_by"] == ["U0BEN"]
    await until(lambda: "Approved" in str(bot.sandbox.thread("C0REVIEW", card.ts)[2:]))
    await kept(bot, 1)


async def test_reject_takes_the_reason_along(bot: Bot) -> None:
    card = await waiting(bot)
    await card.reply("U0BEN", "reject: it is about <tax> & money")
    outcome = await card.outcome()
    assert (outcome["result"], outcome["reason"]) == ("rejected", "it is about <tax> & money")


async def test_edit_replaces_a_text(bot: Bot) -> None:
    card = await waiting(bot)
    await card.reply("U0BEN", "edit: billing\nand <tax>")
    outcome = await card.outcome()
    assert (outcome["result"], outcome["output"]) == ("edited", "billing\nand <tax>")


async def test_edit_replaces_what_is_no_text_by_json(bot: Bot) -> None:
    card = await waiting(bot, **REFUND)
    await card.reply("U0DANA", "edit: a hundred")
    assert "could not be read, so nothing was changed" in await card.told("U0DANA")
    await card.reply("U0DANA", 'edit: {"amount": 900}')
    assert "check cap failed" in await card.told("U0DANA", 2)
    assert await card.is_pending()
    await card.reply("U0DANA", 'edit: {"amount": 100}')
    assert (await card.outcome())["output"] == {"amount": 100}


async def test_an_edit_that_changes_nothing_is_an_approval(bot: Bot) -> None:
    card = await waiting(bot)
    await card.reply("U0BEN", "edit: shipping")
    assert (await card.outcome())["result"] == "approved"


@pytest.mark.parametrize(
    ("words", "because"), [("reject:", "say why after the colon"), ("approve", "You are not a reviewer of this task")]
)
async def test_a_refusal_is_told_in_the_thread_to_that_person_only(bot: Bot, words: str, because: str) -> None:
    card = await waiting(bot, **REFUND)
    await card.reply("U0BEN", words)
    assert because in await card.told("U0BEN")
    [answer] = bot.sandbox.ephemerals("U0BEN")
    assert (answer["channel"], answer["thread_ts"]) == (card.channel, card.ts)
    assert whispers(bot, "U0ADA") == []
    assert await card.is_pending()
    await kept(bot, 1)


async def test_a_refusal_that_cannot_be_told_in_the_thread_comes_directly(bot: Bot) -> None:
    card = await waiting(bot, **REFUND)
    bot.sandbox.faults.add(Fault("chat.postEphemeral", "ratelimit"))
    await card.reply("U0BEN", "approve")
    await until(lambda: "You are not a reviewer" in str(whispers(bot, "U0BEN")))
    assert bot.sandbox.ephemerals("U0BEN") == []


async def test_what_comes_too_late_says_how_it_ended(bot: Bot) -> None:
    card = await waiting(bot)
    await card.press("U0CHEN", "approve")
    await card.outcome()
    await card.reply("U0BEN", "reject: no")
    assert "<@U0CHEN> already approved this" in await card.told("U0BEN")


async def test_when_an_edit_needs_a_reason_the_form_is_the_way(bot: Bot) -> None:
    rubric = "rubrics:\n  default: {require_reason: [edit, reject]}\ntasks:"
    bot.policy.write_text(POLICY.replace("tasks:", rubric))
    await bot.services.policy.reload()
    card = await waiting(bot)
    await card.reply("U0BEN", "edit: billing")
    assert "An edit needs a reason here" in await card.told("U0BEN")
    assert await card.is_pending()


async def test_what_is_hidden_is_not_approved_but_answered(bot: Bot) -> None:
    bot.policy.write_text(policy_with("autonomy: 0"))
    await bot.services.policy.reload()
    card = await waiting(bot)
    await card.reply("U0BEN", "approve")
    assert await card.told("U0BEN") == ANSWER_FIRST
    await card.reply("U0BEN", "edit: billing")
    assert (await card.outcome())["output"] == "billing"


async def test_nothing_but_a_persons_own_reply_acts(bot: Bot) -> None:
    card, other = await waiting(bot), await waiting(bot, "d-2")
    sandbox = bot.sandbox
    sandbox.world.add_person(Person("U0ROBOT", "robot", "Robot", is_bot=True), ["C0REVIEW"])
    await card.reply("U0ROBOT", "approve")
    await card.reply("U0BEN", "approve", broadcast=True)
    await sandbox.say("U0BEN", "C0REVIEW", "approve")
    await sandbox.say("U0BEN", "C0REVIEW", "approve", card.ts, "file_share")
    said = await sandbox.say("U0BEN", "C0REVIEW", "Hello.")
    await sandbox.reply("U0BEN", "C0REVIEW", said.ts, "approve")
    harmless = await card.reply("U0BEN", "approved, I would say")
    await sandbox.edit_message("U0BEN", "C0REVIEW", harmless, "approve")
    await sandbox.delete_message("U0BEN", "C0REVIEW", harmless)

    await other.reply("U0BEN", "approve")  # all before has been seen by now
    await other.outcome()
    assert await card.is_pending()
    assert len(await kept(bot, 2)) == 2


async def test_an_event_that_comes_again_acts_once(bot: Bot) -> None:
    card = await waiting(bot)
    bot.sandbox.faults.add(Fault("event", "duplicate"))
    await card.reply("U0BEN", "approve")
    await card.outcome()
    await kept(bot, 1)
    await until(lambda: bot.receiver.events)
    await until(lambda: bot.sandbox.thread("C0REVIEW", card.ts)[2:])
    assert len(bot.receiver.events) == 1
    assert whispers(bot, "U0BEN") == []
    assert len(bot.sandbox.thread("C0REVIEW", card.ts)) == 3


async def test_a_chain_of_retries_shares_a_thread_and_the_one_that_waits_is_meant(bot: Bot) -> None:
    card = await waiting(bot)
    await send(
        bot,
        "U0BEN",
        await card.open("U0BEN", "reject"),
        {"category": "tone", "severity": "minor", "reason": "No."},
    )
    await card.outcome()
    await bot.post({"task_type": "label", "input": "x", "output": "y", "confidence": 0.5}, id="d-2", retry_of="d-1")
    await until(lambda: "new try of d-1" in str(bot.sandbox.thread("C0REVIEW", card.ts)))
    await card.reply("U0CHEN", "approve")
    second = Card(bot, "d-2", "C0REVIEW", card.ts)
    assert (await second.outcome())["decided_by"] == ["U0CHEN"]
    assert (await card.outcome())["decided_by"] == ["U0BEN"]


async def test_a_card_that_somebody_deletes_comes_again(bot: Bot) -> None:
    card = await waiting(bot)
    slack = AsyncWebClient(token=bot.sandbox.bot_token, base_url=bot.sandbox.api_url)
    await slack.chat_delete(channel="C0REVIEW", ts=card.ts)
    again = await bot.card("d-1")
    assert again["ts"] != card.ts


async def test_a_reply_is_not_lost_while_the_posting_is_not_confirmed(bot: Bot) -> None:
    bot.sandbox.faults.add(Fault("chat.postMessage", "late", seconds=1.0))
    card = await waiting(bot)
    await card.reply("U0BEN", "approve")
    assert (await card.outcome())["decided_by"] == ["U0BEN"]


async def test_a_database_that_fails_is_told_to_who_meant_to_decide(bot: Bot, tmp_path: Any) -> None:
    card = await waiting(bot)
    trigger = "CREATE TRIGGER broken BEFORE INSERT ON verdicts BEGIN SELECT RAISE(ABORT, 'broken'); END"
    (await sql(tmp_path, trigger)).close()
    await card.reply("U0BEN", "approve")
    assert "went wrong on our side" in await card.told("U0BEN")
    assert await card.is_pending()


async def test_many_reply_at_once_and_one_wins(bot: Bot) -> None:
    card = await waiting(bot)
    people = ("U0ADA", "U0BEN", "U0CHEN", "U0DANA")
    await asyncio.gather(*(card.reply(user, f"reject: {user}") for user in people))
    outcome = await card.outcome()
    [winner] = outcome["decided_by"]
    assert outcome["reason"] == winner
    for user in people:
        if user != winner:
            assert f"<@{winner}> already rejected this" in await card.told(user)
