"""Several people decide together: nobody counts twice, an edit begins anew, and a disagreement goes to adjudicators."""

import asyncio
from collections import Counter

import pytest

from bot.reviewing.people import Refusal, Reviewer
from bot.reviewing.verdicts import Decided, TooLate
from routing.review import Approve, Edit, Reject, ReviewState, Verdict
from store import tables as t
from store.history import read
from tests.bot.reviewing.world import ADA, BEN, CHEN, DORA, EMIL, World, policy_for_labels

TWO = policy_for_labels(
    "approvals: {low: 2, high: 3}, adjudicators: {users: [U0DORA, U0EMIL]}",
    "id: much, when: 'output == \"much\"', risk: high",
)
WRONG = Reject("factual_error", reason="No.")


@pytest.fixture
async def two(world: World) -> World:
    """Two people have to agree, three at high risk; Dora and Emil settle disputes."""
    await world.set_policy(TWO)
    return world


async def test_it_waits_until_so_many_people_agree(two: World) -> None:
    case = await two.case()
    first = await two.decide(case, Approve())
    assert isinstance(first, Decided)
    assert (first.state, first.missing) == (ReviewState.OPEN, 1)
    waiting = await two.now(case.review.id)
    assert (waiting.decision.status, waiting.decision.deadline) == ("pending", case.decision.deadline)
    assert await two.events(case) == []

    last = await two.decide(case, Approve(), BEN)

    assert (last.state, last.missing) == (ReviewState.DECIDED, 0)
    assert (await two.now(case.review.id)).decision.decided_by == ["U0ADA", "U0BEN"]
    assert await two.events(case) == ["decision.resolved"]
    assert await two.history(case) == ["reviewer:review:voted", "reviewer:review:approved"]


async def test_one_person_does_not_count_twice(two: World) -> None:
    case = await two.case()
    await two.decide(case, Approve())
    again = await two.decide(case, Approve())
    assert isinstance(again, TooLate)
    assert again.repeated
    assert await two.decide(case, WRONG) == Refusal("already_voted")
    assert await two.decide(case, Edit("billing")) == Refusal("already_voted")
    now = await two.now(case.review.id)
    assert (now.review.state, len(now.votes)) == ("open", 1)


async def test_a_vote_sent_twice_at_once_counts_once(two: World) -> None:
    case = await two.case()
    answers = await asyncio.gather(*(two.decide(case, Approve()) for _ in range(5)))
    assert sorted(type(answer).__name__ for answer in answers) == ["Decided"] + ["TooLate"] * 4
    assert len((await two.now(case.review.id)).votes) == 1


async def test_an_edit_takes_the_place_of_the_proposal_and_everybody_votes_anew(two: World) -> None:
    case = await two.case()
    await two.decide(case, Approve())
    edited = await two.decide(case, Edit("billing"), BEN)
    assert (edited.state, edited.missing) == (ReviewState.OPEN, 1)
    now = await two.now(case.review.id)
    assert now.proposal is not None
    assert (now.proposal.output, now.proposal.edited_by, now.review.round) == ("billing", "U0BEN", 2)

    assert (await two.decide(case, Approve(), ADA)).state is ReviewState.DECIDED

    [told] = await two.told(case)
    assert (told["outcome"]["result"], told["outcome"]["output"]) == ("edited", "billing")
    assert told["outcome"]["decided_by"] == ["U0BEN", "U0ADA"]


async def test_the_same_edit_from_two_people_is_agreement(two: World) -> None:
    case = await two.case()
    answers = await asyncio.gather(two.decide(case, Edit("billing")), two.decide(case, Edit("billing"), BEN))
    assert [answer.state for answer in answers] == [ReviewState.OPEN, ReviewState.DECIDED]
    assert (await two.now(case.review.id)).review.round == 1


async def test_an_edit_that_raises_the_risk_needs_as_many_as_the_risk_does(two: World) -> None:
    case = await two.case()
    edited = await two.decide(case, Edit("much"))
    assert (edited.state, edited.missing) == (ReviewState.OPEN, 2)
    assert (await two.decide(case, Approve(), BEN)).missing == 1
    two.membership.strict = True  # only the named may approve what is of high risk by the edit
    refusal = await two.decide(case, Approve(), CHEN)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "named_reviewers_only"
    two.membership.strict = False
    assert (await two.decide(case, Approve(), CHEN)).state is ReviewState.DECIDED


@pytest.mark.parametrize(("first", "second"), [(Approve(), WRONG), (WRONG, Approve()), (Edit("billing"), WRONG)])
async def test_a_disagreement_goes_to_adjudicators_who_have_not_voted(
    two: World, first: Verdict, second: Verdict
) -> None:
    case = await two.case()
    await two.decide(case, first, DORA)
    assert (await two.decide(case, second, BEN)).state is ReviewState.DISPUTED
    two.membership.strict = True
    outsider = await two.decide(case, Approve(), CHEN)
    assert isinstance(outsider, Refusal)
    assert outsider.reason == "adjudicators_only"
    assert await two.decide(case, Edit("returns"), DORA) == Refusal("voted_before")
    assert await two.events(case) == []

    settled = await two.decide(case, Edit("returns"), EMIL)

    assert (settled.state, settled.verdict.adjudicates) == (ReviewState.DECIDED, True)
    [told] = await two.told(case)
    assert (told["outcome"]["output"], told["outcome"]["decided_by"]) == ("returns", ["U0EMIL"])
    *_, last = await read(two.engine, case.decision.pk)
    assert (last.event, last.actor, last.facts["adjudicates"]) == (
        "reviewer:review:edited",
        "user:T0HOME/U0EMIL",
        True,
    )


async def test_an_adjudicator_who_approves_an_edit_in_dispute_gets_what_is_shown(two: World) -> None:
    case = await two.case()
    await two.decide(case, Edit("billing"))
    await two.decide(case, WRONG, BEN)
    shown = await two.now(case.review.id)
    assert shown.proposal is not None
    assert shown.proposal.output == "billing"
    await two.decide(case, Approve(), DORA)
    assert [told["outcome"]["output"] for told in await two.told(case)] == ["billing"]


async def test_a_dispute_about_a_risky_edit_is_settled_by_those_who_may_decide_at_that_risk(two: World) -> None:
    await two.set_policy(TWO.replace("adjudicators: {users: [U0DORA, U0EMIL]}", "sla: 4h"))
    case = await two.case()
    await two.decide(case, Edit("much"), BEN)
    await two.decide(case, WRONG, CHEN)
    two.membership.strict = True
    assert isinstance(await two.decide(case, Approve(), DORA), Refusal)  # a channel member
    assert isinstance(await two.decide(case, Approve(), ADA), Decided)  # named by the policy


async def test_an_adjudicators_word_is_not_for_one_reviewer_to_turn(two: World) -> None:
    case = await two.case()
    await two.decide(case, Approve())
    await two.decide(case, WRONG, BEN)
    await two.decide(case, WRONG, DORA)
    await two.set_policy(TWO.replace("approvals: {low: 2, high: 3}", "sla: 4h"))  # one would be enough by now
    two.membership.strict = True
    refusal = await two.reviewing.change(await two.now(case.review.id), ADA, Approve())
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "adjudicators_only"
    assert isinstance(await two.reviewing.change(await two.now(case.review.id), EMIL, Approve()), Decided)


async def test_what_a_batch_held_gets_a_card_once_it_is_disputed(two: World) -> None:
    case = await two.case(lane="batch")
    await two.decide(case, Approve())
    assert await two.messages(case, "card") == []
    await two.decide(case, WRONG, BEN)
    [card] = await two.messages(case, "card")
    [notice] = await two.messages(case, "notice")
    assert (card.channel, notice.body) == (
        "#ai-review",
        {"what": "dispute", "users": ["U0DORA", "U0EMIL"], "usergroup": None},
    )
    assert (await two.now(case.review.id)).review.lane == "card"


@pytest.mark.parametrize("needed", [1, 2, pytest.param(20, marks=pytest.mark.long)])
async def test_fifty_people_at_once_are_as_many_as_are_needed(any_world: World, needed: int) -> None:
    world = any_world
    await world.set_policy(policy_for_labels(f"approvals: {{low: {needed}}}"))
    case = await world.case()
    people = [Reviewer("T0HOME", f"U0P{number:02}") for number in range(50)]

    answers = await asyncio.gather(*(world.decide(case, Approve(), person) for person in people))

    states = Counter(answer.state if isinstance(answer, Decided) else type(answer) for answer in answers)
    expected = {ReviewState.OPEN: needed - 1, ReviewState.DECIDED: 1, TooLate: 50 - needed}
    assert states == {state: number for state, number in expected.items() if number}
    votes = [row.user_id for row in await world.rows(t.verdicts, "review_pk", case.review.pk)]
    assert len(set(votes)) == needed
    assert (await world.now(case.review.id)).decision.decided_by == votes
    assert await world.events(case) == ["decision.resolved"]
