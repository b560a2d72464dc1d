"""A verdict that is taken back or turned: undo while the app is not told, Change verdict… afterwards."""

from typing import Any

import pytest

from tests.bot.slack.at_work import Card, field, policy_with, send, shown, waiting
from tests.support.bot import Bot, Json, until

REJECTION = {"category": "tone", "severity": "minor", "reason": "Not like this."}
APPROVERS = "reviewers: {users: [U0ADA, U0BEN]}"


@pytest.fixture
def policy() -> str:
    held = f"  held: {{risk: low, undo: 1h, {APPROVERS}}}\n  soon: {{risk: low, undo: 1s, {APPROVERS}}}\n"
    return policy_with(APPROVERS) + held


async def events(bot: Bot, number: int) -> list[Json]:
    """What the app was told, once it was told so often."""
    return await until(lambda: bot.receiver.events if len(bot.receiver.events) >= number else None)


async def decided(card: Card, user: str, action: str) -> None:
    """Somebody decides by button or form."""
    if action == "approve":
        await card.press(user, "approve")
    else:
        view = await card.open(user, action)
        await send(card.bot, user, view, REJECTION if action == "reject" else {field(view, "Output"): "billing"})
    await card.outcome()
    await card.shows("Change verdict…")


async def change(card: Card, user: str, action: str, values: dict[str, Any] | None = None) -> None:
    """Changes the verdict by the card's menu."""
    asked = await card.menu(user, "change")
    assert (await card.bot.sandbox.click_in_view(user, asked["id"], f"change.{action}")).ok
    if action != "approve":
        form = await until(lambda: v if (v := card.bot.sandbox.views(user)[-1])["hash"] != asked["hash"] else None)
        typed = {field(form, "Output"): "billing"} if action == "edit" else REJECTION
        await send(card.bot, user, form, typed if values is None else values)


@pytest.mark.parametrize(
    ("first", "then", "told"),
    [
        ("approve", "edit", "decision.corrected"),
        ("approve", "reject", "decision.rollback_requested"),
        ("reject", "approve", "decision.corrected"),
        ("edit", "reject", "decision.rollback_requested"),
        ("edit", "approve", "decision.corrected"),
    ],
)
async def test_a_verdict_is_turned_and_the_app_told_what_to_do(bot: Bot, first: str, then: str, told: str) -> None:
    card = await waiting(bot)
    await decided(card, "U0BEN", first)
    await events(bot, 1)

    await change(card, "U0ADA", then)

    _, event = await events(bot, 2)
    words = {"approve": "approved", "edit": "edited", "reject": "rejected"}
    assert event["type"] == told
    assert event["data"]["outcome"]["result"] == words[then]
    assert event["data"]["outcome"]["decided_by"] == ["U0ADA"]
    assert event["data"]["previous_outcome"]["result"] == words[first]
    assert "<@U0ADA>" in await card.shows("Changed by")
    await until(lambda: bot.sandbox.thread("C0REVIEW", card.ts)[1:])
    assert "Changed:" in await card.thread()


async def test_who_decided_may_turn_it_too(bot: Bot) -> None:
    card = await waiting(bot)
    await decided(card, "U0BEN", "reject")
    await change(card, "U0BEN", "approve")
    assert "The verdict is changed" in shown(await until(lambda: _notice(bot, "U0BEN")))
    outcome = await card.outcome()
    assert (outcome["result"], outcome["decided_by"]) == ("approved", ["U0BEN"])


def _notice(bot: Bot, user: str) -> Json | None:
    views = bot.sandbox.views(user)
    return views[-1] if views and views[-1]["callback_id"] == "review.notice" else None


async def test_who_may_not_turn_it_is_told_in_the_modal(bot: Bot) -> None:
    card = await waiting(bot)
    await decided(card, "U0BEN", "approve")
    view = await card.menu("U0CHEN", "change")
    assert "You are not a reviewer of this task" in shown(view)
    assert "actions" not in {block["type"] for block in view["blocks"]}


async def test_what_was_turned_meanwhile_by_another_is_still_turned_by_a_form(bot: Bot) -> None:
    card = await waiting(bot)
    await decided(card, "U0BEN", "approve")
    asked = await card.menu("U0ADA", "change")
    await change(card, "U0BEN", "reject")
    await events(bot, 2)
    assert (await bot.sandbox.click_in_view("U0ADA", asked["id"], "change.edit")).ok
    form = await until(lambda: v if (v := bot.sandbox.views("U0ADA")[-1])["hash"] != asked["hash"] else None)
    await send(bot, "U0ADA", form, {field(form, "Output"): "billing"})
    assert (await events(bot, 3))[-1]["data"]["outcome"]["output"] == "billing"


async def test_a_change_of_an_edit_begins_with_that_edit(bot: Bot) -> None:
    card = await waiting(bot)
    await decided(card, "U0BEN", "edit")
    await events(bot, 1)
    asked = await card.menu("U0ADA", "change")
    await bot.sandbox.click_in_view("U0ADA", asked["id"], "change.edit")
    form = await until(lambda: v if (v := bot.sandbox.views("U0ADA")[-1])["hash"] != asked["hash"] else None)
    [block] = [b for b in form["blocks"] if b["block_id"] == field(form, "Output")]
    assert block["element"]["initial_value"] == "billing"

    await send(bot, "U0ADA", form, {block["block_id"]: "billing and tax"})
    assert (await events(bot, 2))[-1]["data"]["outcome"]["output"] == "billing and tax"


async def test_an_edit_that_is_sent_once_more_stays_what_it_is(bot: Bot) -> None:
    card = await waiting(bot)
    await decided(card, "U0BEN", "edit")
    await events(bot, 1)
    await change(card, "U0BEN", "edit", {})
    assert bot.sandbox.views("U0BEN") == []
    outcome = await card.outcome()
    assert (outcome["result"], outcome["output"]) == ("edited", "billing")
    assert len(bot.receiver.events) == 1


async def test_undo_takes_a_verdict_back_before_the_app_is_told(bot: Bot) -> None:
    card = await waiting(bot, task_type="held")
    await card.press("U0BEN", "approve")
    await card.shows("Undo", "Held")
    assert await card.is_pending()
    await card.press("U0CHEN", "undo")
    assert "You are not a reviewer of this task" in await card.told("U0CHEN")

    await card.press("U0BEN", "undo")
    await card.shows("review.approve")
    assert await card.is_pending()
    assert bot.receiver.events == []

    await decided_held(card)
    assert bot.receiver.events == []


async def decided_held(card: Card) -> None:
    """The same person votes once more."""
    await card.press("U0BEN", "approve")
    await card.shows("Undo")


async def test_while_it_is_held_nobody_decides_anything_else(bot: Bot) -> None:
    card = await waiting(bot, task_type="held")
    view = await card.open("U0ADA", "reject")
    await card.approve_anyway("U0BEN")
    await card.shows("Undo")
    await send(bot, "U0ADA", view, REJECTION)
    returned = shown(bot.sandbox.views("U0ADA")[-1])
    assert "<@U0BEN> already approved this; it is held until" in returned
    assert "Not like this." in returned


async def test_an_undo_that_comes_too_late_says_what_is_left(bot: Bot) -> None:
    card = await waiting(bot, task_type="soon")
    await card.press("U0BEN", "approve")
    await card.shows("Undo")
    before = bot.sandbox.world.message("C0REVIEW", card.ts).blocks
    await events(bot, 1)
    await card.shows("Change verdict…")
    await card.show_again(before)
    await card.press("U0BEN", "undo")
    assert "The time for an undo is over" in await card.told("U0BEN")
    await card.shows("Change verdict…")
    assert (await card.outcome())["result"] == "approved"
