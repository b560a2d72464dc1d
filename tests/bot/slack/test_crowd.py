"""Fifty people at one card at once: one outcome, and every single one of them gets an answer that can be read."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from bot.sandbox.world import Person
from tests.bot.slack.at_work import Card, field, form, policy_with, send, shown, until_true, waiting, whispers
from tests.support.bot import Bot, until

ACTIONS = ("approve", "edit", "reject")
OUR_FAULT = "went wrong on our side"


@pytest.fixture(params=[pytest.param(1, marks=pytest.mark.long), 2])
def policy(request: pytest.FixtureRequest) -> str:
    return policy_with(f"approvals: {{low: {request.param}}}, adjudicators: {{users: [U0ADA]}}")


async def act(card: Card, user: str, action: str) -> None:
    """Clicks, and sends whatever form comes up; somebody else may be at it, or it may be over."""
    await card.press(user, action)
    if action != "approve":
        await until(lambda: form(card.bot, user) or whispers(card.bot, user))
        view = form(card.bot, user)
        if view is not None:
            typed: dict[str, Any] = {"category": "tone", "severity": "minor", "reason": user}
            await send(card.bot, user, view, typed if action == "reject" else {field(view, "Output"): f"by {user}"})


async def voters(bot: Bot) -> list[str]:
    async with bot.services.engine.connect() as connection:
        return list(await connection.scalars(text("SELECT user_id FROM verdicts ORDER BY pk")))


async def answer(card: Card, user: str) -> str:
    """What this person was told, or that their verdict counts."""

    async def look() -> str:
        view = form(card.bot, user)
        if view is not None and view["callback_id"] == "review.approve_claimed":
            await send(card.bot, user, view)
            return ""
        heard = [*whispers(card.bot, user), *([shown(view)] if view else [])]
        return "\n".join(heard) or ("counted" if user in await voters(card.bot) else "")

    return await until_true(look)


async def test_fifty_click_at_once(bot: Bot) -> None:
    crowd = {f"U1P{number}": ACTIONS[number % 3] for number in range(50)}
    for user in crowd:
        bot.sandbox.world.add_person(Person(user, user.lower(), user), ["C0REVIEW"])
    card = await waiting(bot)

    await asyncio.gather(*(act(card, user, action) for user, action in crowd.items()))
    answers = dict(zip(crowd, await asyncio.gather(*(answer(card, user) for user in crowd)), strict=True))

    assert [user for user, told in answers.items() if OUR_FAULT in told] == []
    for user in ("U0ADA", "U0DANA"):  # where the last word was an edit or a dispute, somebody still has to agree
        if await card.is_pending():
            await card.press(user, "approve")
            await answer(card, user)
    outcome = await card.outcome()
    given = await voters(bot)
    assert len(given) == len(set(given))
    assert set(outcome["decided_by"]) <= set(given)
    await until(lambda: bot.receiver.events)
    assert len(bot.receiver.events) == 1
    assert "review.approve" not in await card.closed()
