"""The daily draw: each decision's day comes once, whatever clocks, time zones, crashes and replicas do."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.jobs.runner import JobFailedError, Jobs, Ran
from store import tables as t
from tests.bot.reviewing.audit_world import CORRECT, Auditing, auditing
from tests.bot.reviewing.world import World, policy_for_labels, replica, review_world
from tests.support.bot import POLICY
from tests.support.rows import NOW

NAME = "audit-samples"
BERLIN = POLICY.replace("version: 1\n", "version: 1\ntimezone: Europe/Berlin\n")
NEW_YORK = POLICY.replace("version: 1\n", "version: 1\ntimezone: America/New_York\n")
SATURDAY = datetime(2026, 11, 21, 7, tzinfo=UTC)
"""When the draw from the Friday of NOW is due in Berlin."""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def at_work(tmp_path: Path) -> AsyncIterator[Auditing]:
    async with review_world(tmp_path, f"sqlite:///{tmp_path}/hitl.db", BERLIN) as world:
        yield auditing(world)


@pytest.fixture
async def any_world(tmp_path: Path, database_url: str) -> AsyncIterator[World]:
    async with review_world(tmp_path, database_url, BERLIN) as world:
        yield world


async def did(jobs: Jobs, at: datetime) -> dict[str, Any]:
    ran = await jobs.run(NAME, at)
    assert isinstance(ran, Ran)
    return ran.told


async def days(at_work: Auditing) -> dict[str, int]:
    """How many were eligible on each day that has a post."""
    return {row.body["day"]: row.body["eligible"] for row in await at_work.posts()}


@pytest.mark.parametrize(
    ("day", "half_hours"), [("2027-03-28", 46), ("2026-12-01", 48), ("2027-10-31", 50)], ids=["spring", "any", "autumn"]
)
async def test_a_day_is_as_long_as_the_clocks_make_it(at_work: Auditing, day: str, half_hours: int) -> None:
    noon = datetime.fromisoformat(f"{day}T12:00+00:00")
    await asyncio.gather(*(at_work.ran_alone(at=noon + number * HOUR / 2) for number in range(-72, 72)))
    for later in range(3):
        await did(at_work.jobs, noon + later * DAY)

    assert (await days(at_work))[day] == half_hours
    drawn = [row for row in await at_work.all(t.decisions) if row.inclusion is not None]
    assert len(drawn) == len(await at_work.told("bot:review:opened")) == sum((await days(at_work)).values())


async def test_midnight_belongs_to_the_day_that_it_begins(at_work: Auditing) -> None:
    midnight = datetime(2026, 11, 20, 23, tzinfo=UTC)
    await at_work.ran_alone(at=midnight - timedelta(microseconds=1))
    await at_work.ran_alone(at=midnight)
    await did(at_work.jobs, SATURDAY)
    await did(at_work.jobs, SATURDAY + DAY)
    assert await days(at_work) == {"2026-11-20": 1, "2026-11-21": 1}


async def test_another_time_zone_leaves_nothing_out_and_takes_nothing_twice(at_work: Auditing) -> None:
    hours = [NOW + number * HOUR for number in range(60)]
    await asyncio.gather(*(at_work.ran_alone(at=at) for at in hours))
    await did(at_work.jobs, SATURDAY)
    await at_work.world.set_policy(NEW_YORK)
    await did(at_work.jobs, SATURDAY + DAY + 6 * HOUR)
    await did(at_work.jobs, SATURDAY + 2 * DAY + 6 * HOUR)

    assert sum((await days(at_work)).values()) == len(hours)
    assert len(await at_work.told("bot:review:opened")) == len(hours)


async def test_what_came_after_an_early_draw_is_drawn_from_the_next_day(at_work: Auditing) -> None:
    await at_work.ran_alone(2)
    assert (await did(at_work.jobs, SATURDAY))["eligible"] == 2
    await at_work.ran_alone(3, at=NOW + HOUR)
    await at_work.ran_alone(1, at=NOW + DAY)

    assert (await did(at_work.jobs, SATURDAY + DAY))["eligible"] == 4


async def test_each_missed_day_is_drawn_from_by_itself(at_work: Auditing) -> None:
    for number, count in enumerate((1, 2, 3)):
        await at_work.ran_alone(count, at=NOW + number * DAY)
    await at_work.world.clock.advance(3 * DAY.total_seconds())
    await at_work.jobs.run_due()
    assert await days(at_work) == {"2026-11-20": 1, "2026-11-21": 2, "2026-11-22": 3}


async def test_a_process_that_dies_after_the_draw_leaves_nothing_to_draw_again(at_work: Auditing) -> None:
    await at_work.ran_alone(4)
    job = at_work.job
    assert (await job.run(next(job.ticks(SATURDAY))))["drawn"] == 4

    nothing = {"tasks": 0, "eligible": 0, "drawn": 0, "rates_changed": 0, "promotions_proposed": 0}
    assert await did(at_work.jobs, SATURDAY) == nothing
    assert len(await at_work.posts()) == 1


async def test_on_a_day_without_work_nothing_is_said(at_work: Auditing) -> None:
    assert (await did(at_work.jobs, SATURDAY))["tasks"] == 0
    assert await at_work.posts() == []


async def test_what_retention_has_emptied_cannot_be_looked_at(at_work: Auditing) -> None:
    emptied, kept = await at_work.ran_alone(2)
    async with at_work.world.engine.begin() as connection:
        await connection.execute(t.contents.delete().where(t.contents.c.decision_pk == emptied))
    assert (await did(at_work.jobs, SATURDAY))["eligible"] == 1
    assert (await at_work.of(kept)).review.kind == "audit"


async def test_two_replicas_that_tick_at_once_draw_once(any_world: World) -> None:
    one = auditing(any_world)
    await one.ran_alone(5)
    await any_world.clock.advance(DAY.total_seconds())
    async with replica(any_world) as other:
        await asyncio.gather(one.jobs.run_due(), auditing(other).jobs.run_due(), one.jobs.run_due())

    assert await days(one) == {"2026-11-20": 5}
    assert len(await one.told("bot:review:opened")) == 5


async def test_what_was_found_counts_before_the_next_draw(at_work: Auditing) -> None:
    text = policy_for_labels("max_error: 0.3, delta: 0.2, audit: {initial: 0.5}")
    await at_work.world.set_policy(text.replace("version: 1\n", "version: 1\ntimezone: Europe/Berlin\n"))
    pks = await at_work.ran_alone(6)
    await did(at_work.jobs, SATURDAY)
    await at_work.judge(pks, CORRECT)
    await at_work.ran_alone(8, at=NOW + DAY)
    await at_work.world.clock.advance(HOUR.total_seconds())

    told = await did(at_work.jobs, SATURDAY + DAY)

    assert (told["rates_changed"], told["drawn"]) == (1, 4)


async def test_a_day_has_its_audits_even_if_a_stream_cannot_learn(at_work: Auditing) -> None:
    await at_work.found([False])
    await at_work.learn()
    await at_work.spoil("label")
    await at_work.ran_alone(3, task_type="refund", at=SATURDAY - 9 * HOUR)

    with pytest.raises(JobFailedError):
        await did(at_work.jobs, SATURDAY)
    assert [row.body["task"] for row in await at_work.posts()] == ["label", "refund"]
