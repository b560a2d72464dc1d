"""Claims inform and lock nobody out; they end by themselves, by their holder or by others in the circle."""

import asyncio
from datetime import timedelta

import pytest

from bot.reviewing.claims import LEASE, Claimed, HandedOver, Released, TakenBy
from bot.reviewing.people import Refusal
from bot.reviewing.verdicts import Decided, TooLate
from routing.review import Approve, Edit, Reject, ReviewState
from store import tables as t
from tests.bot.reviewing.world import ADA, BEN, CHEN, DORA, World, policy_for_labels

WRONG = Reject("factual_error", reason="No.")


async def test_a_claim_stands_for_a_while_and_says_since_when(world: World) -> None:
    case = await world.case()
    start = world.clock.now()
    assert await world.claims.claim(case, ADA) == Claimed(start + LEASE)
    await world.clock.advance(60)
    taken = await world.claims.claim(await world.now(case.review.id), BEN)
    assert taken == TakenBy("U0ADA", start)
    assert await world.claims.claim(await world.now(case.review.id), ADA) == Claimed(world.clock.now() + LEASE)
    claim = (await world.now(case.review.id)).review.claim
    assert claim is not None
    assert (claim.at, claim.until) == (start, start + timedelta(minutes=1) + LEASE)


async def test_the_clock_ends_it_and_keeps_the_deadline(world: World) -> None:
    case = await world.case()
    await world.deadlines.sweep()
    await world.claims.claim(await world.now(case.review.id), ADA)
    assert (await world.now(case.review.id)).review.due_at == world.clock.now() + LEASE
    await world.pass_time(LEASE - timedelta(seconds=1))
    assert (await world.now(case.review.id)).review.claim is not None
    await world.pass_time(timedelta(seconds=1))
    now = await world.now(case.review.id)
    assert (now.review.claim, now.review.due_at) == (None, case.review.deadline)
    assert await world.history(case) == ["reviewer:review:claimed", "bot:review:claim_ended"]


async def test_an_ended_claim_is_free_before_the_clock_has_looked(world: World) -> None:
    case = await world.case()
    await world.claims.claim(case, ADA)
    await world.clock.advance(LEASE.total_seconds())
    assert isinstance(await world.claims.claim(await world.now(case.review.id), BEN), Claimed)


async def test_a_claim_neither_moves_a_deadline_nor_brings_back_one_that_has_passed(world: World) -> None:
    case = await world.case()
    await world.clock.advance((case.review.deadline - world.clock.now() - timedelta(minutes=1)).total_seconds())
    await world.deadlines.sweep()
    await world.claims.claim(await world.now(case.review.id), ADA)
    assert (await world.now(case.review.id)).review.due_at == case.review.deadline
    await world.pass_time(timedelta(minutes=1))
    now = await world.now(case.review.id)
    assert now.review.claim is not None
    assert (now.review.overdue, now.review.due_at) == (True, now.review.claim.until)
    await world.pass_time(LEASE)
    now = await world.now(case.review.id)
    assert (now.review.claim, now.review.due_at) == (None, None)
    assert (await world.history(case)).count("bot:review:overdue") == 1


@pytest.mark.parametrize("verdict", [Approve(), Edit("billing"), WRONG])
async def test_others_may_decide_what_is_claimed(world: World, verdict: Approve | Edit | Reject) -> None:
    case = await world.case()
    await world.claims.claim(case, ADA)
    assert isinstance(await world.decide(await world.now(case.review.id), verdict, BEN), Decided)
    claim = (await world.now(case.review.id)).review.claim
    assert claim is not None  # the record of who was at it stays
    assert claim.user_id == "U0ADA"


async def test_the_verdict_remembers_when_its_giver_began(world: World) -> None:
    case = await world.case()
    await world.claims.claim(case, ADA)
    began = world.clock.now()
    await world.clock.advance(90)
    decided = await world.decide(await world.now(case.review.id), Approve())
    assert (decided.verdict.began_at, decided.verdict.at) == (began, began + timedelta(seconds=90))
    other = await world.case()
    await world.claims.claim(other, ADA)
    assert (await world.decide(await world.now(other.review.id), Approve(), BEN)).verdict.began_at is None


async def test_a_vote_ends_ones_own_claim_and_leaves_that_of_others(world: World) -> None:
    await world.set_policy(policy_for_labels("approvals: {low: 3}"))
    case = await world.case()
    await world.claims.claim(case, ADA)
    await world.decide(await world.now(case.review.id), Approve(), BEN)
    assert (await world.now(case.review.id)).review.claim is not None
    assert (await world.decide(await world.now(case.review.id), Approve(), ADA)).state is ReviewState.OPEN
    now = await world.now(case.review.id)
    assert now.review.claim is None
    assert await world.claims.claim(now, ADA) == Refusal("already_voted")


async def test_two_at_once_are_never_both_told_that_it_is_theirs(any_world: World) -> None:
    world = any_world
    case = await world.case()
    answers = await asyncio.gather(*(world.claims.claim(case, person) for person in (ADA, BEN, CHEN, DORA)))
    assert sorted(type(answer).__name__ for answer in answers) == ["Claimed"] + ["TakenBy"] * 3
    assert await world.history(case) == ["reviewer:review:claimed"]


async def test_only_who_may_decide_claims(world: World) -> None:
    case = await world.case(requested_by="U0CHEN")
    world.membership.outside = {"U0BEN"}
    assert await world.claims.claim(case, CHEN) == Refusal("own_request")
    assert isinstance(await world.claims.claim(case, BEN), Refusal)
    world.membership.away = True
    assert await world.claims.claim(case, DORA) == Refusal("unknown_now")
    assert (await world.now(case.review.id)).review.claim is None


async def test_a_claim_loses_against_a_dispute_that_it_had_not_seen(world: World) -> None:
    await world.set_policy(policy_for_labels("approvals: {low: 2}, adjudicators: {users: [U0DORA]}"))
    case = await world.case()
    await world.decide(case, Approve(), ADA)
    seen = await world.now(case.review.id)
    await world.decide(seen, WRONG, BEN)
    world.membership.strict = True
    late = await world.claims.claim(seen, CHEN)  # the look at who may happened before the dispute
    assert isinstance(late, Refusal)
    assert late.reason == "adjudicators_only"


async def test_its_holder_and_others_in_the_circle_release_it(world: World) -> None:
    case = await world.case()
    assert await world.claims.release(case, ADA) == Released(None)
    await world.claims.claim(case, ADA)
    claimed = await world.now(case.review.id)
    world.membership.outside = {"U0CHEN", "U0ADA"}
    assert isinstance(await world.claims.release(claimed, CHEN), Refusal)
    assert await world.claims.release(claimed, BEN) == Released("U0ADA")
    world.membership.outside = set()
    await world.claims.claim(await world.now(case.review.id), ADA)
    world.membership.outside = {"U0ADA"}
    assert await world.claims.release(await world.now(case.review.id), ADA) == Released("U0ADA")
    await world.decide(case, Approve(), BEN)
    assert isinstance(await world.claims.release(await world.now(case.review.id), BEN), TooLate)


async def test_a_release_holds_though_somebody_votes_meanwhile(world: World) -> None:
    await world.set_policy(policy_for_labels("approvals: {low: 2}"))
    case = await world.case()
    await world.claims.claim(case, ADA)
    seen = await world.now(case.review.id)
    await world.decide(seen, Approve(), BEN)
    assert await world.claims.release(seen, ADA) == Released("U0ADA")
    assert (await world.now(case.review.id)).review.claim is None


async def test_a_skip_leaves_it_to_others(world: World) -> None:
    case = await world.case()
    await world.claims.claim(case, ADA)
    seen = await world.now(case.review.id)
    assert await world.claims.skip(seen, ADA) is None
    assert await world.claims.skip(seen, ADA) is None
    assert (await world.now(case.review.id)).review.claim is None
    assert [row.user_id for row in await world.rows(t.skips, "review_pk", case.review.pk)] == ["U0ADA"]
    await world.claims.claim(await world.now(case.review.id), BEN)
    await world.claims.skip(await world.now(case.review.id), CHEN)
    assert (await world.now(case.review.id)).review.claim is not None
    await world.decide(await world.now(case.review.id), Approve(), BEN)
    assert isinstance(await world.claims.skip(await world.now(case.review.id), CHEN), TooLate)


async def test_the_other_is_told_where_the_card_is(world: World) -> None:
    case = await world.case()
    given = await world.claims.hand_over(case, ADA, BEN, "You know the customer.")
    assert given == HandedOver(world.clock.now() + LEASE)
    now = await world.now(case.review.id)
    assert now.review.claim is not None
    assert now.review.claim.user_id == "U0BEN"
    [notice] = await world.messages(case, "notice")
    assert notice.channel == "#ai-review"
    assert notice.body == {"what": "handed_over", "by": "U0ADA", "to": "U0BEN", "note": "You know the customer."}


async def test_the_other_is_told_directly_where_there_is_no_card(world: World) -> None:
    case = await world.case(lane="batch")
    await world.claims.hand_over(case, ADA, BEN, None)
    assert [notice.channel for notice in await world.messages(case, "notice")] == ["U0BEN"]


async def test_everybody_who_is_handed_it_at_once_is_told(world: World) -> None:
    case = await world.case()
    given = await asyncio.gather(*(world.claims.hand_over(case, ADA, to, None) for to in (BEN, CHEN, DORA)))
    assert all(isinstance(each, HandedOver) for each in given)
    told = [notice.body["to"] for notice in await world.messages(case, "notice")]
    assert sorted(told) == ["U0BEN", "U0CHEN", "U0DORA"]
    now = await world.now(case.review.id)
    assert now.review.claim is not None
    assert now.review.claim.user_id == told[-1]


async def test_nobody_is_handed_what_they_may_not_decide(world: World) -> None:
    case = await world.case(requested_by="U0CHEN")
    world.membership.outside = {"U0BEN"}
    for by, to in ((ADA, CHEN), (ADA, BEN), (BEN, ADA), (CHEN, ADA)):
        assert isinstance(await world.claims.hand_over(case, by, to, None), Refusal)
    assert await world.messages(case, "notice") == []
    await world.decide(case, Approve())
    assert isinstance(await world.claims.hand_over(await world.now(case.review.id), ADA, DORA, None), TooLate)
