"""The job that sweeps deadlines, also those of a time to come."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest

from bot.jobs.deadlines import DeadlineJob
from routing.review import Approve
from tests.bot.reviewing.world import ADA, World, policy_for_labels, review_world

HOUR = timedelta(hours=1)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with review_world(tmp_path, f"sqlite:///{tmp_path}/hitl.db") as made:
        steps = "[{after: 30m, remind: channel}]"
        await made.set_policy(policy_for_labels(f"sla: 4h, on_timeout: reject, escalation: {steps}"))
        yield made


async def run(world: World, at: datetime) -> object:
    job = DeadlineJob({"reviews": world.deadlines})
    return (await job.run(next(job.ticks(at))))["reviews"]


async def test_it_is_due_each_quarter_of_an_hour(world: World) -> None:
    ticks = DeadlineJob({"reviews": world.deadlines}).ticks(datetime(2026, 11, 20, 10, 20, tzinfo=UTC))
    assert [tick.period for tick in islice(ticks, 2)] == ["2026-11-20T10:15Z", "2026-11-20T10:00Z"]


async def test_a_tick_of_the_past_does_what_is_due_now(world: World) -> None:
    case = await world.case()
    await world.clock.advance(5 * 3600)
    assert await run(world, world.clock.now() - 2 * HOUR) == 1
    assert await world.events(case) == ["decision.resolved"]


async def test_a_tick_to_come_does_what_is_due_by_then_and_says_so_now(world: World) -> None:
    case, later = await world.case(), await world.case(risk="medium")
    now = world.clock.now()
    assert await run(world, now + HOUR) == 2
    [reminder, _] = [row for each in (case, later) for row in await world.messages(each, "notice")]
    assert (reminder.body, reminder.due_at) == ({"what": "remind"}, now)
    assert await world.events(case) == []

    assert await run(world, now + 5 * HOUR) == 2
    closed = await world.now(case.review.id)
    assert (closed.review.state, closed.review.closed_at, closed.decision.decided_at) == ("timed_out", now, now)
    assert await run(world, now + 6 * HOUR) == 0


async def test_a_claim_and_an_undo_window_that_end_by_then_are_over(world: World) -> None:
    await world.set_policy(policy_for_labels("undo: 5m"))
    claimed, held = await world.case(), await world.case()
    await world.claims.claim(claimed, ADA)
    await world.decide(held, Approve())
    await run(world, world.clock.now() + HOUR)
    assert (await world.now(claimed.review.id)).review.claim is None
    assert await world.events(held) == ["decision.resolved"]
