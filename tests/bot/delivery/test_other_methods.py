"""A 429 for what answers one person: the cards go on, and the person hears of it another way."""

from datetime import timedelta

import pytest

from bot.sandbox.demo_world import GUEST, REVIEW
from bot.sandbox.faults import Fault
from tests.bot.delivery.simulated import LeapingClock, calls, in_time
from tests.support.bot import UNSURE, Bot, until


@pytest.mark.parametrize(
    ("method", "user", "action"),
    [("chat.postEphemeral", GUEST.id, "review.approve"), ("views.open", "U0ADA", "review.reject")],
)
async def test_a_429_for_an_answer_is_obeyed_and_stops_no_card(
    bot: Bot, clock: LeapingClock, method: str, user: str, action: str
) -> None:
    bot.sandbox.world.add_person(GUEST, [REVIEW])
    await bot.post(UNSURE, id="a-1")
    card = await bot.card("a-1")
    bot.sandbox.faults.add(Fault(method, "ratelimit", seconds=30, times=None))
    began = clock.now()
    await bot.sandbox.click(user, REVIEW, card["ts"], action)
    assert await until(lambda: bot.sandbox.ephemerals(user))
    assert [call.outcome for call in calls(bot, method)] == ["ratelimited"], "it is not asked again at once"

    await bot.post(UNSURE, id="a-2")
    await in_time(clock, lambda: bot.cards("a-2"))
    assert clock.now() - began < timedelta(seconds=10)
