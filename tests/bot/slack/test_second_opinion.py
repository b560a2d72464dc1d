"""Blind second opinions: to another person, in App Home and in the walk only, and without what the first one said."""

import pytest

from bot.slack.home_view import OPEN
from tests.bot.slack.at_work import Card, Walker, field, policy_with, send, shown, waiting
from tests.support.bot import Bot, Json, until

SECRET = "because nobody asked for this"
REJECTION = {"category": "wrong_action", "severity": "major", "reason": SECRET}


@pytest.fixture
def policy() -> str:
    return policy_with("double_review: 1.0, adjudicators: {users: [U0ADA]}")


async def home(bot: Bot, user: str) -> str:
    """All that somebody's Home says now."""
    bot.sandbox.world.homes.pop(user, None)
    assert (await bot.sandbox.open_home(user)).ok
    return shown(await until(lambda: bot.sandbox.home(user)))


async def rejected(bot: Bot) -> Card:
    """The first verdict is given."""
    card = await waiting(bot)
    await send(bot, "U0BEN", await card.open("U0BEN", "reject"), REJECTION)
    await card.outcome()
    return card


async def test_it_waits_in_home_and_walk_and_nowhere_else(bot: Bot) -> None:
    card = await rejected(bot)
    assert "second opinion" in await home(bot, "U0CHEN")
    view = await Walker(bot, "U0CHEN").start_everywhere()
    assert "Second opinion" in shown(view)
    await card.closed()
    assert len(bot.sandbox.messages("C0REVIEW")) == 1
    assert "econd opinion" not in str(bot.sandbox.thread("C0REVIEW", card.ts))


async def test_never_to_the_first_voter(bot: Bot) -> None:
    await rejected(bot)
    assert "second opinion" not in await home(bot, "U0BEN")
    assert "Nothing waits for you here" in shown(await Walker(bot, "U0BEN").start_everywhere())


async def test_nothing_tells_what_the_first_one_said(bot: Bot) -> None:
    await rejected(bot)
    seen = await home(bot, "U0CHEN")
    chen = Walker(bot, "U0CHEN")
    seen += str(await chen.start_everywhere())
    for action in ("details", "edit", "reject"):
        view = await chen.open(action)
        seen += str(view)
        await bot.sandbox.close_view("U0CHEN", view["id"])
    for told in (SECRET, "U0BEN", "Rejected", "do_not_execute", "wrong_action by"):
        assert told not in seen


async def test_agreement_changes_nothing(bot: Bot) -> None:
    card = await rejected(bot)
    await until(lambda: bot.receiver.events)
    chen = Walker(bot, "U0CHEN")
    await chen.start_everywhere()
    await chen.fill_in("reject", {**REJECTION, "reason": "No."})
    assert "You reviewed 1." in chen.text
    outcome = await card.outcome()
    assert (outcome["result"], outcome["decided_by"]) == ("rejected", ["U0BEN"])
    assert len(bot.receiver.events) == 1


async def test_disagreement_goes_to_an_adjudicator_who_has_both_before_them(bot: Bot) -> None:
    card = await rejected(bot)
    chen = Walker(bot, "U0CHEN")
    await chen.start_everywhere()
    await chen.approve()
    assert "opinions differ" in chen.text
    assert "opinions differ" not in await home(bot, "U0DANA")
    assert "opinions differ" in await home(bot, "U0ADA")

    ada = Walker(bot, "U0ADA")
    view = await _opened_from_home(bot, "U0ADA")
    assert SECRET in shown(view)
    assert "<@U0CHEN>" in shown(view)
    await ada.approve()
    [_, event] = await until(lambda: bot.receiver.events if len(bot.receiver.events) > 1 else None)
    assert (event["type"], event["data"]["outcome"]["decided_by"]) == ("decision.corrected", ["U0ADA"])
    assert (await card.outcome())["result"] == "approved"


async def _opened_from_home(bot: Bot, user: str) -> Json:
    assert (await bot.sandbox.click_in_home(user, OPEN)).ok
    return await Walker(bot, user).moved_on()


async def test_an_edit_of_ones_own_is_compared_by_its_output(bot: Bot) -> None:
    card = await waiting(bot)
    view = await card.open("U0BEN", "edit")
    await send(bot, "U0BEN", view, {field(view, "Output"): "billing"})
    await card.outcome()
    chen = Walker(bot, "U0CHEN")
    await chen.start_everywhere()
    form = await chen.open("edit")
    assert "billing" not in str(form)
    await send(bot, "U0CHEN", form, {field(form, "Output"): "billing"})
    await until(lambda: "You reviewed 1." in chen.text)
    assert (await card.outcome())["decided_by"] == ["U0BEN"]
