"""The waiting line: what waits for whom, the most urgent first."""

from datetime import timedelta

import pytest

from bot.reviewing.case import Case
from bot.reviewing.claims import LEASE
from bot.reviewing.people import Reviewer
from routing.review import Approve, Reject
from store.queue import QueueStore, Scope
from tests.bot.reviewing.world import ADA, BEN, CHEN, DORA, World, policy_for_labels

WRONG = Reject("factual_error", reason="No.")


async def line(world: World, person: Reviewer, **scope: object) -> list[int]:
    """The decisions in a person's line."""
    queue, wanted = QueueStore(world.engine), Scope(person.user_id, world.clock.now(), **scope)  # type: ignore[arg-type]
    pks = await queue.waiting(wanted, 50)
    assert await queue.count(wanted) == len(pks)
    return [case.decision.pk for case in await world.cases.by_pks(pks)]


def pks(*cases: Case) -> list[int]:
    return [case.decision.pk for case in cases]


async def test_the_most_urgent_first_then_the_oldest(any_world: World) -> None:
    world = any_world
    usual = [await world.case(lane="batch") for _ in range(3)]
    urgent = [await world.case(lane="batch", urgency=30) for _ in range(2)]
    assert await line(world, ADA) == pks(*urgent, *usual)
    queue, scope = QueueStore(world.engine), Scope("U0ADA", world.clock.now())
    assert await queue.waiting(scope, 2, offset=1) == [urgent[1].review.pk, usual[0].review.pk]


async def test_what_has_ended_or_is_held_waits_for_nobody(any_world: World) -> None:
    world = any_world
    await world.set_policy(policy_for_labels("undo: 30s"))
    held, cancelled, waits = [await world.case(lane="batch") for _ in range(3)]
    decided = await world.case(lane="batch", task_type="draft")
    await world.decide(held, Approve())
    await world.decide(decided, Approve())
    await world.cancel(cancelled)
    assert await line(world, CHEN) == pks(waits)


async def test_what_others_are_at_comes_back_when_their_claim_ends(any_world: World) -> None:
    world = any_world
    case = await world.case(lane="batch")
    await world.claims.claim(case, ADA)
    assert await line(world, ADA) == pks(case)
    assert await line(world, BEN) == []
    assert await line(world, BEN, with_claimed=True) == pks(case)
    await world.clock.advance(LEASE.total_seconds())
    assert await line(world, BEN) == pks(case)


async def test_what_a_person_skipped_is_left_to_others(any_world: World) -> None:
    world = any_world
    case = await world.case(lane="batch")
    await world.claims.skip(case, ADA)
    assert await line(world, ADA) == []
    assert await line(world, ADA, with_skipped=True) == pks(case)
    assert await line(world, BEN) == pks(case)


async def test_whoever_voted_waits_for_the_next_round(any_world: World) -> None:
    world = any_world
    await world.set_policy(policy_for_labels("approvals: {low: 2}, undo: 30s, adjudicators: {users: [U0DORA]}"))
    case = await world.case(lane="batch")
    await world.decide(case, Approve(), ADA)
    assert await line(world, ADA) == []
    assert await line(world, BEN) == pks(case)
    await world.decide(case, Approve(), BEN)
    await world.reviewing.undo(await world.now(case.review.id), BEN)
    assert await line(world, ADA) == pks(case)  # everybody votes anew
    await world.decide(case, Approve(), ADA)
    await world.decide(case, WRONG, BEN)
    assert [await line(world, person) for person in (ADA, BEN, DORA)] == [[], [], pks(case)]


async def test_a_second_opinion_is_not_offered_to_whoever_judged_the_same(any_world: World) -> None:
    world = any_world
    await world.set_policy(policy_for_labels("double_review: 1.0, adjudicators: {users: [U0DORA]}"))
    case = await world.case(lane="batch")
    await world.decide(case, Approve(), ADA)
    assert [await line(world, person) for person in (ADA, BEN)] == [[], pks(case)]
    await world.decide(await world.sibling(case, "double"), WRONG, BEN)
    assert [await line(world, person) for person in (ADA, BEN, CHEN)] == [[], [], pks(case)]


async def test_nobody_is_offered_what_was_asked_for_in_their_name(any_world: World) -> None:
    world = any_world
    case = await world.case(lane="batch", requested_by="U0ADA")
    assert await line(world, ADA, with_skipped=True, with_claimed=True) == []
    assert await line(world, BEN) == pks(case)


async def test_what_has_its_card_in_the_channel_can_be_left_out(any_world: World) -> None:
    world = any_world
    batched, posted, unposted = [
        await world.case(lane="batch"),
        await world.case(),
        await world.case(posted=False),
    ]
    assert await line(world, ADA, with_cards=False) == pks(batched, unposted)
    assert await line(world, ADA) == pks(batched, posted, unposted)


async def test_only_of_a_channel_and_of_the_groups_that_a_person_may_decide(any_world: World) -> None:
    world = any_world
    low, high = await world.case(lane="batch"), await world.case(lane="batch", risk="high")
    assert await line(world, ADA, channel="#ai-review") == pks(low, high)
    assert await line(world, ADA, channel="#refunds") == []
    assert await line(world, ADA, groups=[("#ai-review", "label", "high", "open")]) == pks(high)
    assert await line(world, ADA, groups=[("#ai-review", "label", "low", "disputed")]) == []
    assert await line(world, ADA, groups=[]) == []


async def test_groups_count_what_the_same_people_may_decide(any_world: World) -> None:
    world = any_world
    await world.set_policy(policy_for_labels("approvals: {low: 2}"))
    first = await world.case(lane="batch")
    await world.clock.advance(60)
    last, disputed = await world.case(lane="batch", urgency=30), await world.case(lane="batch")
    await world.decide(disputed, Approve(), ADA)
    await world.decide(disputed, WRONG, BEN)
    queue = QueueStore(world.engine)
    groups = {(group.lane, group.state): group for group in await queue.groups("#ai-review")}
    waiting = groups["batch", "open"]
    assert set(groups) == {("batch", "open"), ("card", "disputed")}
    assert (waiting.count, waiting.oldest) == (2, first.review.opened_at)
    assert (waiting.most_urgent, waiting.newest_pk) == (30, last.review.pk)
    assert await queue.groups("#refunds") == []
    assert await queue.groups() == await queue.groups("#ai-review")


async def test_ones_own_claims_while_they_stand(any_world: World) -> None:
    world = any_world
    first, urgent, decided = [await world.case(lane="batch", urgency=each) for each in (20, 30, 20)]
    for case in (first, urgent, decided):
        await world.claims.claim(case, ADA)
    await world.decide(await world.now(decided.review.id), Approve(), BEN)
    queue, now = QueueStore(world.engine), world.clock.now()
    assert await queue.claimed("U0ADA", now, 9) == [urgent.review.pk, first.review.pk]
    assert await queue.claimed("U0ADA", now, 1) == [urgent.review.pk]
    assert await queue.claimed("U0BEN", now, 9) == []
    assert await queue.claimed("U0ADA", now + LEASE, 9) == []


@pytest.mark.parametrize("limit", [1, 9])
async def test_what_a_person_voted_on_last_comes_first(any_world: World, limit: int) -> None:
    world = any_world
    first, second, others = [await world.case(lane="batch") for _ in range(3)]
    for case, person in ((second, ADA), (first, ADA), (others, BEN)):
        await world.clock.advance(timedelta(minutes=1).total_seconds())
        await world.decide(case, Approve(), person)
    await world.clock.advance(60)
    await world.reviewing.change(await world.now(second.review.id), ADA, WRONG)
    assert await QueueStore(world.engine).decided_by("U0ADA", limit) == [second.review.pk, first.review.pk][:limit]
