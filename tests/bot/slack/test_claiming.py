"""Claim, release, hand over and skip: people see who is at a card, and may decide it all the same."""

from tests.bot.slack.at_work import Walker, form, send, shown, until_true, waiting
from tests.support.bot import Bot, until

NOTE = "You know <!channel> and *them* best."


async def test_a_claim_is_shown_to_all_and_released_by_who_has_it(bot: Bot) -> None:
    card = await waiting(bot)
    await card.press("U0BEN", "more", "claim")
    assert "You have this until" in await card.told("U0BEN")
    await card.shows("<@U0BEN> is on it", "Release")

    await card.press("U0BEN", "more", "release")
    assert "your claim is over" in await card.told("U0BEN", 2)
    await until(lambda: "is on it" not in card.blocks)


async def test_a_claim_of_another_stays_theirs_until_somebody_releases_it(bot: Bot) -> None:
    card = await waiting(bot)
    await card.press("U0BEN", "more", "claim")
    await card.told("U0BEN")
    await card.press("U0CHEN", "more", "claim")
    assert "<@U0BEN> has it since" in await card.told("U0CHEN")
    assert await card.claimed_by() == "U0BEN"

    await card.shows("Release")
    await card.press("U0DANA", "more", "release")
    assert "the claim of <@U0BEN> is over" in await card.told("U0DANA")
    assert await card.claimed_by() is None


async def test_who_may_not_decide_can_claim_nothing(bot: Bot) -> None:
    card = await waiting(bot, task_type="refund", channel="C0REFUND", output={"amount": 120})
    await card.press("U0BEN", "more", "claim")
    assert "You are not a reviewer of this task" in await card.told("U0BEN")
    assert await card.claimed_by() is None


async def test_opening_a_form_claims_and_the_next_one_is_told(bot: Bot) -> None:
    card = await waiting(bot)
    await card.open("U0BEN", "edit")
    assert await until_true(card.claimed_by) == "U0BEN"
    other = await card.open("U0CHEN", "reject")
    assert "<@U0BEN> claimed this" in shown(other)
    assert await card.claimed_by() == "U0BEN"
    own = await card.open("U0BEN", "reject")
    assert "claimed this" not in shown(own)


async def test_an_approval_of_what_another_is_at_is_asked_for_twice(bot: Bot) -> None:
    card = await waiting(bot)
    await card.press("U0BEN", "more", "claim")
    await card.told("U0BEN")

    asked = await card.open("U0CHEN", "approve")
    assert "<@U0BEN> claimed this" in shown(asked)
    assert "Decide anyway?" in shown(asked)
    assert asked["submit"]["text"] == "Approve anyway"
    assert await card.is_pending()
    await send(bot, "U0CHEN", asked)

    assert (await card.outcome())["decided_by"] == ["U0CHEN"]
    assert bot.sandbox.views("U0CHEN") == []


async def test_who_claimed_it_is_not_asked_twice(bot: Bot) -> None:
    card = await waiting(bot)
    await card.press("U0BEN", "more", "claim")
    await card.told("U0BEN")
    await card.press("U0BEN", "approve")
    assert (await card.outcome())["decided_by"] == ["U0BEN"]


async def test_an_approval_all_the_same_may_come_too_late(bot: Bot) -> None:
    card = await waiting(bot)
    await card.press("U0BEN", "more", "claim")
    await card.told("U0BEN")
    asked = await card.open("U0CHEN", "approve")
    await card.press("U0BEN", "approve")
    await card.outcome()
    await send(bot, "U0CHEN", asked)
    assert "<@U0BEN> already approved this" in shown(bot.sandbox.views("U0CHEN")[-1])


async def test_a_review_changes_hands_and_the_thread_says_so(bot: Bot) -> None:
    card = await waiting(bot)
    view = await card.menu("U0BEN", "hand_over")
    await send(bot, "U0BEN", view, {"person": "U0CHEN", "note": NOTE})

    assert bot.sandbox.views("U0BEN") == []
    assert await card.claimed_by() == "U0CHEN"
    await until(lambda: bot.sandbox.thread("C0REVIEW", card.ts)[1:])
    told = await card.thread()
    assert "<@U0BEN> hands this over to <@U0CHEN>" in told
    assert "<!channel>" not in str([message["text"] for message in bot.sandbox.thread("C0REVIEW", card.ts)])
    await card.shows("<@U0CHEN> is on it")


async def test_nothing_is_handed_to_who_may_not_decide_it(bot: Bot) -> None:
    card = await waiting(bot, task_type="refund", channel="C0REFUND", output={"amount": 120})
    view = await card.menu("U0ADA", "hand_over")
    ack = await send(bot, "U0ADA", view, {"person": "U0BEN", "note": NOTE})
    assert "Only who may decide this can give or take it" in ack.errors["person"]
    assert bot.sandbox.views("U0ADA") == [view]
    assert await card.claimed_by() is None


async def test_what_was_decided_meanwhile_is_not_handed_over_and_the_note_comes_back(bot: Bot) -> None:
    card = await waiting(bot)
    view = await card.menu("U0BEN", "hand_over")
    await card.press("U0CHEN", "approve")
    await card.outcome()
    await send(bot, "U0BEN", view, {"person": "U0CHEN", "note": NOTE})
    returned = shown(form(bot, "U0BEN") or {})
    assert "<@U0CHEN> already approved this" in returned
    assert NOTE in returned


async def test_a_skipped_card_is_left_to_others(bot: Bot) -> None:
    card = await waiting(bot)
    await card.press("U0BEN", "more", "claim")
    await card.told("U0BEN")
    await card.press("U0BEN", "more", "skip")
    assert "left to the others" in await card.told("U0BEN", 2)
    assert await card.claimed_by() is None

    assert "Nothing waits for you here" in shown(await Walker(bot, "U0BEN").start_everywhere())
    assert "Where is my parcel?" in shown(await Walker(bot, "U0CHEN").start_everywhere())
