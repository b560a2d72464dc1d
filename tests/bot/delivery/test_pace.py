"""Slack's pace, as the sender keeps it."""

from datetime import timedelta

import pytest

from bot.delivery.pace import Pace
from tests.support.clock import START, ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def pace(clock: ManualClock) -> Pace:
    return Pace(clock)


async def test_one_post_a_second_and_channel(pace: Pace, clock: ManualClock) -> None:
    pace.took("chat.postMessage", "#a")
    assert (pace.may_not_post(), pace.until_free()) == ({"#a"}, 1.0)
    await clock.advance(0.5)
    pace.took("chat.postMessage", "#b")
    assert (pace.may_not_post(), pace.until_free()) == ({"#a", "#b"}, 0.5)
    await clock.advance(0.5)
    assert pace.may_not_post() == {"#b"}
    await clock.advance(0.5)
    assert (pace.may_not_post(), pace.until_free()) == (set(), 60.0)


async def test_fifty_updates_a_minute_after_a_burst(pace: Pace, clock: ManualClock) -> None:
    made = 0
    for _ in range(600):
        while pace.may_update():
            pace.took("chat.update", "#a")
            made += 1
        await clock.advance(0.1)
    assert 50 <= made <= 50 + 21
    assert pace.may_not_post() == set(), "updates take nothing from the posts"


async def test_a_429_for_a_post_stops_its_channel_only(pace: Pace, clock: ManualClock) -> None:
    pace.pause("chat.postMessage", "#a", 30)
    pace.took("chat.postMessage", "#b")
    await clock.advance(29.9)
    assert pace.may_not_post() == {"#a"}
    assert pace.may_update()
    assert pace.may_look()
    await clock.advance(0.1)
    assert pace.may_not_post() == set()


async def test_a_shorter_429_does_not_cut_a_longer_one_short(pace: Pace, clock: ManualClock) -> None:
    pace.pause("chat.update", "#a", 30)
    pace.pause("chat.update", "#b", 5)
    await clock.advance(29)
    assert not pace.may_update()
    assert pace.until_free() == 1.0
    await clock.advance(1)
    assert pace.may_update()


@pytest.mark.parametrize("method", ["conversations.history", "conversations.replies", "conversations.list"])
async def test_a_429_for_looking_stops_looking_only(pace: Pace, clock: ManualClock, method: str) -> None:
    pace.pause(method, "#a", 10)
    assert (pace.may_look(), pace.may_update(), pace.may_not_post()) == (False, True, set())
    await clock.advance(10)
    assert pace.may_look()


async def test_a_channel_rests_as_long_as_it_was_told(pace: Pace, clock: ManualClock) -> None:
    pace.rest("#a", START + timedelta(seconds=8))
    await clock.advance(7)
    assert (pace.resting(), pace.until_free()) == ({"#a"}, 1.0)
    await clock.advance(1)
    assert (pace.resting(), pace.until_free()) == (set(), 60.0)


async def test_a_message_that_was_just_changed_settles_first(pace: Pace, clock: ManualClock) -> None:
    pace.changed(7)
    assert (pace.settling(), pace.until_free()) == ({7}, 1.0)
    assert pace.may_update(), "others may be changed"
    await clock.advance(1)
    assert pace.settling() == set()
