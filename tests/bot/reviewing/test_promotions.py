"""Proposals of more autonomy: what counts, for which models, and that they are made once on the same evidence."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from bot.adjusting import Adjusted
from routing.autonomy import reviews_needed
from routing.review import Approve, Reject
from store import tables as t
from store.audit_streams import SETTLED_AFTER
from tests.bot.reviewing.audit_world import Auditing, auditing
from tests.bot.reviewing.world import ADA, World, policy_for_labels, replica

ENOUGH = reviews_needed(0)


@pytest.fixture
def at_work(world: World) -> Auditing:
    return auditing(world)


async def look(at_work: Auditing) -> int:
    await at_work.world.clock.advance(SETTLED_AFTER.total_seconds())
    return await at_work.promotions.look()


async def reviewed(at_work: Auditing, count: int = 1, *, error: bool = False, **changes: Any) -> None:
    """So many gates, decided by a person."""
    for _ in range(count):
        case = await at_work.world.case(posted=False, **changes)
        await at_work.world.decide(case, Reject(reason="No such parcel") if error else Approve(), ADA)


async def nearly(at_work: Auditing, missing: int = 1) -> None:
    """One review was counted by a look, and then all are there but `missing`: what a database has is quicker written
    than decided."""
    await reviewed(at_work)
    await look(at_work)
    counted = update(t.accuracy_streams).values(reviews=ENOUGH - missing)
    async with at_work.world.engine.begin() as connection:
        await connection.execute(counted)


async def calibrated(at_work: Auditing) -> None:
    """A certified threshold is in force."""
    await at_work.adjusting.adjust("label", "threshold", 0.93, by="user:T0HOME/U0ADA", why="certified")


async def proposals(at_work: Auditing) -> list[Any]:
    return await at_work.all(t.proposals)


async def counted(at_work: Auditing) -> list[tuple[int, int]]:
    return [(row.reviews, row.errors) for row in await at_work.all(t.accuracy_streams)]


async def test_each_verdict_counts_once_as_the_decision_stands(at_work: Auditing) -> None:
    await reviewed(at_work, 2)
    await reviewed(at_work, error=True)
    await at_work.found([False])
    for _ in range(2):
        await look(at_work)
        assert await counted(at_work) == [(4, 1)]


async def test_enough_agreement_and_a_certified_threshold_propose_one_level_more(at_work: Auditing) -> None:
    await calibrated(at_work)
    await nearly(at_work)
    assert await look(at_work) == 0
    await reviewed(at_work)
    assert await look(at_work) == 1

    [made] = await proposals(at_work)
    assert (made.task_type, made.key, made.from_value, made.value, made.state) == ("label", "autonomy", 3, 4, "open")
    assert made.body == {"what": "promotion", "labels": ENOUGH, "errors": 0}
    [message] = [row for row in await at_work.all(t.messages) if row.kind == "proposal"]
    assert (message.channel, message.body["proposal"]) == ("#ai-review", made.id)
    assert at_work.world.policy.current.task("label").autonomy == 3


async def test_without_a_certificate_nothing_is_proposed_until_there_is_one(at_work: Auditing) -> None:
    await nearly(at_work, missing=0)
    assert await look(at_work) == 0
    await calibrated(at_work)
    assert await look(at_work) == 1


async def test_whoever_declines_is_asked_again_on_new_evidence_only(at_work: Auditing) -> None:
    await calibrated(at_work)
    await nearly(at_work, missing=0)
    assert await look(at_work) == 1
    assert await counted(at_work) == [(0, 0)]
    await nearly(at_work, missing=0)
    assert await look(at_work) == 0  # the first is still open

    open_one = await at_work.adjustments.open_proposal("label", "autonomy")
    assert open_one is not None
    await at_work.adjusting.decline(open_one, by="user:T0HOME/U0ADA")
    assert await look(at_work) == 1
    assert [row.state for row in await proposals(at_work)] == ["declined", "open"]


async def test_a_step_is_earned_anew_at_its_level(at_work: Auditing) -> None:
    await calibrated(at_work)
    await nearly(at_work)
    await at_work.adjusting.pause("label", by="operator", why="")
    await reviewed(at_work)
    assert await look(at_work) == 0
    assert await counted(at_work) == [(0, 0)]
    await at_work.adjusting.resume("label", by="operator")
    assert await look(at_work) == 0


async def test_an_alarm_begins_the_counting_anew(at_work: Auditing) -> None:
    in_full = "max_error: 0.3, delta: 0.001, audit: {initial: 1, stable: 1, max_per_day: 200}"
    await at_work.world.set_policy(policy_for_labels(in_full))
    await calibrated(at_work)
    await at_work.found([False] * 26 + [True] * 7)
    await at_work.learn()
    assert (await at_work.streams())[0].maturity["state"] == "degraded"
    assert await look(at_work) == 0
    assert await counted(at_work) == [(0, 0)]


async def test_another_model_that_answers_has_to_earn_it_too(at_work: Auditing) -> None:
    await calibrated(at_work)
    await nearly(at_work, missing=0)
    await at_work.ran_alone(1, model_name="gpt-x", model_version="new")
    assert await look(at_work) == 0
    await at_work.world.clock.advance(timedelta(days=3).total_seconds())
    await reviewed(at_work)  # only the proven one answers by now
    assert await look(at_work) == 1


async def test_a_task_that_nobody_asks_is_not_promoted(at_work: Auditing) -> None:
    await calibrated(at_work)
    await nearly(at_work, missing=0)
    await at_work.world.clock.advance(timedelta(days=3).total_seconds())
    assert await look(at_work) == 0


async def test_what_the_policy_does_not_allow_is_not_proposed(at_work: Auditing) -> None:
    """Level 5 is for low risk."""
    await at_work.world.set_policy(
        policy_for_labels("autonomy: 4").replace("risk: low, threshold: 0.70", "risk: medium")
    )
    await calibrated(at_work)
    await nearly(at_work, missing=0)
    assert await look(at_work) == 0
    assert await proposals(at_work) == []


async def test_two_replicas_propose_once(any_world: World) -> None:
    one = auditing(any_world)
    await calibrated(one)
    await nearly(one, missing=0)
    async with replica(any_world) as other:
        two = auditing(other)
        made = await asyncio.gather(*(each.promotions.look() for each in (one, two, one, two)))
    assert (sum(made) >= 1, len(await proposals(one))) == (True, 1)


async def test_an_applied_promotion_is_in_force_and_one_click_takes_it_back(at_work: Auditing) -> None:
    await calibrated(at_work)
    await nearly(at_work, missing=0)
    await look(at_work)
    made = await at_work.adjustments.open_proposal("label", "autonomy")
    assert made is not None
    done = await at_work.adjusting.apply(made, by=ADA.actor)
    assert isinstance(done, Adjusted)
    assert at_work.world.policy.current.task("label").autonomy == 4
    await at_work.adjusting.undo(done.adjustment_id, by=ADA.actor)
    assert at_work.world.policy.current.task("label").autonomy == 3
