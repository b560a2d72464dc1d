"""The two shortcuts: Review queue from anywhere, and Send for review on any message."""

from typing import Any

import orjson
import pytest
from sqlalchemy import text

from bot.sandbox.faults import Fault
from bot.slack.send_for_review import SHORTCUT
from tests.bot.slack import samples
from tests.bot.slack.at_work import Walker, form, queue_up, send, shown, waiting, whispered, whispers
from tests.support.bot import Bot, Json, until
from tests.support.slack_checker import check_modal

PEOPLE = frozenset({"U0ADA", "U0BEN", "U0CHEN", "U0DANA"})
SENT = ("type", "callback_id", "title", "submit", "close", "blocks", "private_metadata")


async def opened(bot: Bot, user: str, words: str) -> Json:
    """Says something, and uses the shortcut on it; the form."""
    said = await bot.sandbox.say("U0CHEN", "C0REVIEW", words)
    return await opened_on(bot, user, said.ts)


async def opened_on(bot: Bot, user: str, ts: str) -> Json:
    before = form(bot, user)
    assert (await bot.sandbox.message_shortcut(user, SHORTCUT, "C0REVIEW", ts)).ok
    return await until(lambda: form(bot, user, other_than=before))


async def sent(bot: Bot, user: str, words: str, **typed: Any) -> str:
    """Sends a message for review; what the form says then."""
    view = await opened(bot, user, words)
    await send(bot, user, view, {"task": "label", **typed})
    return shown(bot.sandbox.views(user)[-1])


async def the_card(bot: Bot) -> Json:
    found = await until(
        lambda: [m for m in bot.sandbox.messages("C0REVIEW") if "review.approve" in str(m.get("blocks"))]
    )
    return found[-1]


async def test_the_queue_is_everything_that_one_may_decide(bot: Bot) -> None:
    await waiting(bot, output="on a card")
    await queue_up(bot, "d-2", output="in the queue")
    ben = Walker(bot, "U0BEN")
    await ben.start_everywhere()
    seen = ben.text
    assert "1 of 2 · everything you may review" in seen
    seen += shown(await ben.approve())
    await ben.approve()
    assert "on a card" in seen
    assert "in the queue" in seen


async def test_an_empty_queue_says_so(bot: Bot) -> None:
    assert "Nothing waits for you here" in shown(await Walker(bot, "U0BEN").start_everywhere())


async def test_when_slack_cannot_say_who_belongs_the_queue_says_so(bot: Bot) -> None:
    await queue_up(bot, "d-1")
    bot.sandbox.faults.add(Fault("conversations.members", "error", times=None))
    assert "could not confirm just now" in shown(await Walker(bot, "U0BEN").start_everywhere())


async def test_a_message_is_reviewed_and_the_verdict_comes_directly(bot: Bot) -> None:
    assert "Sent for review" in await sent(bot, "U0BEN", "The refund is on its way.", asked="Where is it?")
    card = await the_card(bot)
    assert "The refund is on its way." in str(card["blocks"])
    assert "Where is it?" in str(card["blocks"])

    await bot.sandbox.click("U0BEN", "C0REVIEW", card["ts"], "review.approve")
    assert "somebody else has to review it" in await whispered(bot, "U0BEN", "The model acts for you here")
    await bot.sandbox.click("U0CHEN", "C0REVIEW", card["ts"], "review.approve")
    assert "<@U0CHEN>" in await whispered(bot, "U0BEN", "*Approved*")
    assert whispers(bot, "U0CHEN") == []


async def test_the_same_message_is_reviewed_once(bot: Bot) -> None:
    said = await bot.sandbox.say("U0CHEN", "C0REVIEW", "Twice.")
    answers = []
    for user in ("U0BEN", "U0BEN", "U0DANA"):
        await send(bot, user, await opened_on(bot, user, said.ts), {"task": "label"})
        answers.append(shown(bot.sandbox.views(user)[-1]))
    assert "Sent for review" in answers[0]
    assert ["was sent for review before" in answer for answer in answers] == [False, True, True]
    await the_card(bot)
    assert len([m for m in bot.sandbox.messages("C0REVIEW") if "review.approve" in str(m.get("blocks"))]) == 1


async def test_a_message_without_text_cannot_be_sent(bot: Bot) -> None:
    view = await opened(bot, "U0BEN", "   ")
    assert "no text that could be reviewed" in shown(view)
    assert "submit" not in {name for name, value in view.items() if value}


async def test_a_long_message_is_reviewed_as_a_whole(bot: Bot) -> None:
    words = "\n".join(f"Line {number}: a word, é & more." for number in range(900))
    assert len(words) > 20_000
    view = await opened(bot, "U0BEN", words)
    check_modal({name: view[name] for name in SENT}, PEOPLE)
    await send(bot, "U0BEN", view, {"task": "label"})
    await the_card(bot)
    output = (await _sent_decision(bot))["output"]
    assert output == words


async def _sent_decision(bot: Bot) -> Json:
    async with bot.services.engine.connect() as connection:
        query = "SELECT body FROM contents WHERE part = 'request'"
        found: Json = orjson.loads(str(await connection.scalar(text(query))))
        return found


async def test_what_was_changed_in_the_form_is_reviewed(bot: Bot) -> None:
    view = await opened(bot, "U0BEN", "The refund is on its way.")
    await send(bot, "U0BEN", view, {"task": "label", "output-0-0": "Only this."})
    assert "Only this." in str((await the_card(bot))["blocks"])


async def test_nothing_is_not_sent(bot: Bot) -> None:
    view = await opened(bot, "U0BEN", "Something.")
    ack = await send(bot, "U0BEN", view, {"task": "label", "output-0-0": "  "})
    assert ack.errors == {"output-0-0": "There is nothing to review."}


@pytest.mark.parametrize("attack", ["\n".join(samples.ATTACKS[:4]), "<!channel> <https://evil.example|click> *b*"])
async def test_hostile_text_forges_nothing(bot: Bot, attack: str) -> None:
    view = await opened(bot, "U0BEN", attack)
    check_modal({name: view[name] for name in SENT}, PEOPLE)
    await send(bot, "U0BEN", view, {"task": "label", "asked": attack[:500], "note": attack[:500]})
    card = await the_card(bot)
    assert "<!channel>" not in card["text"]
    assert "<https://evil" not in card["text"]


async def test_a_form_that_slack_does_not_open_is_answered(bot: Bot) -> None:
    said = await bot.sandbox.say("U0CHEN", "C0REVIEW", "Something.")
    bot.sandbox.faults.add(Fault("views.open", "status"))
    assert (await bot.sandbox.message_shortcut("U0BEN", SHORTCUT, "C0REVIEW", said.ts)).ok
    assert await whispered(bot, "U0BEN", "went wrong on our side")
