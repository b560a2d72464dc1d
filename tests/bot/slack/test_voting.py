"""Votes: several people have to agree, nobody sees how others voted, and an adjudicator settles what they dispute."""

import pytest

from bot.slack.notices import ANSWER_FIRST, BLIND_VOTES
from tests.bot.slack.at_work import Card, Walker, field, form, policy_with, send, shown, waiting, whispered
from tests.support.bot import Bot, until

SECRET = "because the answer is about something else entirely"
REJECTION = {"category": "wrong_action", "severity": "major", "reason": SECRET}
NEEDS_TWO = "approvals: {low: 2}, adjudicators: {users: [U0ADA]}"


@pytest.fixture
def policy() -> str:
    return policy_with(NEEDS_TWO) + f"  secret: {{risk: low, autonomy: 0, {NEEDS_TWO}}}\n"


async def reject(card: Card, user: str) -> None:
    await send(card.bot, user, await card.open(user, "reject"), REJECTION)


async def disputed(bot: Bot) -> Card:
    """One person has rejected it, another approved."""
    card = await waiting(bot)
    await reject(card, "U0BEN")
    await card.press("U0CHEN", "approve")
    assert "an adjudicator has to settle it" in await card.told("U0CHEN")
    return card


async def test_two_who_agree_decide_and_the_card_counts_them(bot: Bot) -> None:
    card = await waiting(bot)
    await card.shows("2 people have to agree", "nobody has voted yet")
    await card.press("U0BEN", "approve")
    assert "Your vote is in; 1 more is needed" in await card.told("U0BEN")
    await card.shows("1 has voted")
    assert "U0BEN" not in card.blocks
    assert await card.is_pending()
    assert bot.receiver.events == []

    await card.press("U0CHEN", "approve")
    assert (await card.outcome())["decided_by"] == ["U0BEN", "U0CHEN"]
    assert "<@U0BEN>, <@U0CHEN>" in await card.closed()
    await until(lambda: bot.receiver.events)
    assert bot.sandbox.ephemerals("U0CHEN") == []


async def test_nobody_votes_twice(bot: Bot) -> None:
    card = await waiting(bot)
    await card.press("U0BEN", "approve")
    await card.told("U0BEN")
    for number, action in enumerate(("approve", "edit", "reject"), 2):
        await card.press("U0BEN", action)
        assert "others have to vote now" in await card.told("U0BEN", number)
    assert bot.sandbox.views("U0BEN") == []
    assert await card.is_pending()


async def test_a_vote_by_a_form_is_confirmed_in_it(bot: Bot) -> None:
    card = await waiting(bot)
    await reject(card, "U0BEN")
    [view] = bot.sandbox.views("U0BEN")
    assert "Your vote is in; 1 more is needed" in shown(view)


async def test_a_vote_is_seen_nowhere_before_the_others_have_voted(bot: Bot) -> None:
    card = await waiting(bot)
    await reject(card, "U0BEN")
    await card.shows("1 has voted")
    details = await card.menu("U0CHEN", "details")
    await bot.sandbox.open_home("U0CHEN")
    home = await until(lambda: bot.sandbox.home("U0CHEN"))
    walk = await Walker(bot, "U0CHEN").start_everywhere()
    message = bot.sandbox.messages("C0REVIEW")[0]["text"]
    for place in (card.blocks, message, await card.thread(), str(details), str(home), str(walk)):
        assert "U0BEN" not in place
        assert SECRET not in place
        assert "Rejected" not in place


async def test_those_who_disagree_are_settled_by_an_adjudicator_alone(bot: Bot) -> None:
    card = await disputed(bot)
    assert "<@U0BEN>" in await card.shows("Opinions differ", SECRET)
    await until(lambda: bot.sandbox.thread("C0REVIEW", card.ts)[1:])
    assert "Opinions differ" in await card.thread()

    await card.press("U0DANA", "approve")
    assert "Only an adjudicator can settle this" in await card.told("U0DANA")
    await card.press("U0CHEN", "approve")
    assert "another adjudicator" in await card.told("U0CHEN", 2)
    assert await card.is_pending()

    await card.press("U0ADA", "approve")
    outcome = await card.outcome()
    assert (outcome["result"], outcome["decided_by"]) == ("approved", ["U0ADA"])
    assert "settled by adjudicator <@U0ADA>" in await card.closed()


async def test_an_adjudicator_settles_by_a_reply_too(bot: Bot) -> None:
    card = await disputed(bot)
    await card.reply("U0DANA", "approve")
    assert "Only an adjudicator can settle this" in await card.told("U0DANA")
    await card.reply("U0ADA", "reject: the first one is right")
    outcome = await card.outcome()
    assert (outcome["result"], outcome["decided_by"]) == ("rejected", ["U0ADA"])


async def test_nobody_votes_aloud_in_the_thread(bot: Bot) -> None:
    card = await waiting(bot)
    for words in ("approve", f"reject: {SECRET}", "edit: billing"):
        await card.reply("U0BEN", words)
        assert await whispered(bot, "U0BEN", BLIND_VOTES)
    await card.press("U0CHEN", "approve")
    assert "1 more is needed" in await card.told("U0CHEN")
    assert await card.is_pending()


async def test_an_edit_begins_the_votes_anew_and_the_next_agrees_to_it(bot: Bot) -> None:
    card = await waiting(bot)
    await card.press("U0BEN", "approve")
    await card.told("U0BEN")
    view = await card.open("U0CHEN", "edit")
    await send(bot, "U0CHEN", view, {field(view, "Output"): "billing"})
    await card.shows("Approve the edit", "Edited by <@U0CHEN>", "1 has voted")

    await card.press("U0BEN", "approve")
    outcome = await card.outcome()
    assert (outcome["result"], outcome["output"]) == ("edited", "billing")
    assert outcome["decided_by"] == ["U0CHEN", "U0BEN"]


async def test_where_the_output_is_hidden_the_second_may_approve_the_firsts_answer(bot: Bot) -> None:
    card = await waiting(bot, task_type="secret")
    assert "shipping" not in card.blocks
    await card.press("U0CHEN", "edit")
    view = await until(lambda: form(bot, "U0CHEN"))
    assert "shipping" not in str(view)
    await send(bot, "U0CHEN", view, {field(view, "Answer"): "billing"})
    await card.shows("Approve the edit", "billing")
    assert "shipping" not in card.blocks

    await card.press("U0BEN", "approve")
    outcome = await card.outcome()
    assert (outcome["result"], outcome["output"]) == ("edited", "billing")


async def test_nobody_approves_what_they_cannot_see(bot: Bot) -> None:
    card = await waiting(bot)
    before = [dict(block) for block in bot.sandbox.world.message("C0REVIEW", card.ts).blocks]
    bot.policy.write_text(policy_with(f"autonomy: 0, {NEEDS_TWO}"))
    await bot.services.policy.reload()
    await card.show_again(before)
    await card.press("U0BEN", "approve")
    assert await card.told("U0BEN") == ANSWER_FIRST
    assert await card.is_pending()
