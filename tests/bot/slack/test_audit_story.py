"""Audits as people meet them: on cards in the thread of the day's post, and at the end of a walk."""

from datetime import datetime, time, timedelta
from typing import Any

import pytest

from tests.bot.slack.at_work import Card, Walker, field, policy_with, queue_up, send, shown
from tests.support.bot import SURE, Bot, Json, until

REJECTION = {"category": "tone", "severity": "minor", "reason": "Not like this."}


@pytest.fixture
def policy() -> str:
    return policy_with("reviewers: {users: [U0ADA, U0BEN]}")


async def audited(bot: Bot, *decision_ids: str) -> tuple[Json, list[Card]]:
    """Decisions that ran alone: the post of their day, and their cards."""
    for decision_id in decision_ids:
        await bot.post(SURE, id=decision_id, callback_url=bot.receiver.url)
    tomorrow = bot.clock.now() + timedelta(days=1)
    await bot.application.jobs.run("audit-samples", datetime.combine(tomorrow, time(8), tomorrow.tzinfo))
    post = await until(lambda: next((m for m in bot.sandbox.messages("C0REVIEW") if "Audit of" in m["text"]), None))
    return post, [Card(bot, each, "C0REVIEW", await _ts(bot, post, each)) for each in decision_ids]


async def _ts(bot: Bot, post: Json, decision_id: str) -> str:
    def look() -> Any:
        replies = bot.sandbox.thread("C0REVIEW", post["ts"])[1:]
        return next((reply["ts"] for reply in replies if f"shop · {decision_id}'" in str(reply["blocks"])), None)

    return str(await until(look))


async def test_correct_fix_and_wrong_from_the_cards_of_a_day(bot: Bot) -> None:
    post, [right, nearly, wrong] = await audited(bot, "a-1", "a-2", "a-3")
    assert [word for word in ("Correct", "Fix", "Wrong", "Audit: ran alone on") if word not in right.blocks] == []

    await right.press("U0ADA", "approve")
    assert "Found correct" in await right.closed()
    fix = await nearly.open("U0ADA", "edit")
    assert fix["title"]["text"] == "Fix"
    await send(bot, "U0ADA", fix, {field(fix, "Output"): "billing"})
    assert "Fixed" in await nearly.closed()
    rejection = await wrong.open("U0BEN", "reject")
    assert (rejection["title"]["text"], rejection["submit"]["text"]) == ("Wrong", "Wrong")
    await send(bot, "U0BEN", rejection, REJECTION)
    assert "Found wrong" in await wrong.closed()

    await Card(bot, "", "C0REVIEW", post["ts"]).shows("3 of 3", "1 fixed, 1 wrong")
    await until(lambda: len(bot.receiver.events) == 2)
    told = {event["data"]["id"]: event["type"] for event in bot.receiver.events}
    assert told == {"a-2": "decision.corrected", "a-3": "decision.rollback_requested"}
    assert (await right.decision())["outcome"]["result"] == "auto"


async def test_a_sample_that_somebody_was_quicker_with_says_so(bot: Bot) -> None:
    _, [card] = await audited(bot, "a-1")
    blocks = bot.sandbox.world.message(card.channel, card.ts).blocks
    await card.press("U0ADA", "approve")
    await card.closed()
    await card.show_again(blocks)
    await card.press("U0BEN", "approve")
    assert "looked at this: found correct" in await card.told("U0BEN")


async def test_a_walk_through_everything_ends_with_the_audits(bot: Bot) -> None:
    await audited(bot, "a-1")
    await queue_up(bot, "q-1")
    walker = Walker(bot, "U0ADA")
    first = await walker.start_everywhere()
    assert ("q-1" in shown(first), first["submit"]["text"]) == (True, "Approve")
    second = await walker.approve()
    assert ("Audit: ran alone" in shown(second), second["submit"]["text"]) == (True, "Correct")
    assert "All done" in shown(await walker.approve())


async def test_what_ran_alone_is_shown_also_where_people_answer_first_by_now(bot: Bot, policy: str) -> None:
    _, [card] = await audited(bot, "a-1")
    bot.policy.write_text(policy.replace("  label: {", "  label: {autonomy: 0, "))
    await bot.services.policy.reload()
    fix = await card.open("U0ADA", "edit")
    assert (fix["title"]["text"], "shipping" in str(fix)) == ("Fix", True)
