"""Blind second opinions: who is asked, what agreement and disagreement make of a verdict that stands."""

import asyncio
from datetime import timedelta

import pytest

from bot.reviewing.case import Case
from bot.reviewing.people import Refusal
from bot.reviewing.verdicts import Decided, TooLate
from routing.review import Approve, Edit, Reject, ReviewState, Verdict
from store import tables as t
from tests.bot.reviewing.world import ADA, BEN, CHEN, DORA, EMIL, World, policy_for_labels

SOME = policy_for_labels("double_review: 0.4, adjudicators: {users: [U0DORA, U0EMIL]}")
WRONG = Reject("factual_error", reason="No.")


@pytest.fixture
async def doubled(world: World) -> World:
    """Two of five get a second opinion, and the draw says that the next do; Dora and Emil settle disputes."""
    await world.set_policy(SOME)
    world.draw[0] = 0.39
    return world


async def decided_twice(world: World, first: Verdict, second: Verdict) -> Case:
    """A decision with Ada's verdict; the case of the second opinion, which is Ben's."""
    case = await world.case()
    await world.decide(case, first, ADA)
    double = await world.sibling(case, "double")
    assert isinstance(await world.decide(double, second, BEN), Decided)
    return await world.now(double.review.id)


@pytest.mark.parametrize(("draw", "asked"), [(0.0, True), (0.39, True), (0.4, False), (0.99, False)])
@pytest.mark.parametrize("kind", ["gate", "provisional"])
async def test_the_draw_says_which_are_shown_to_another(world: World, kind: str, draw: float, asked: bool) -> None:
    await world.set_policy(SOME)
    world.draw[0] = draw
    case = await world.case(kind=kind)
    await world.decide(case, Approve())
    kinds = {each.review.kind for each in await world.cases.of_decision(case.decision.pk)}
    assert kinds == ({kind, "double"} if asked else {kind})


async def test_it_arrives_without_a_card_and_the_clock_knows_of_it(doubled: World) -> None:
    case = await doubled.case()
    await doubled.decide(case, Approve())
    double = await doubled.sibling(case, "double")
    assert (double.review.lane, double.review.state) == ("blind", "open")
    assert await doubled.messages(double, "card") == []
    assert double.review.due_at == double.review.deadline == doubled.clock.now() + timedelta(days=1)
    await doubled.pass_time(timedelta(days=1))
    assert (await doubled.now(double.review.id)).review.overdue


async def test_what_several_people_decided_needs_no_second_opinion(doubled: World) -> None:
    await doubled.set_policy(SOME.replace("double_review", "approvals: {low: 2}, double_review"))
    case = await doubled.case()
    await doubled.decide(case, Approve(), ADA)
    await doubled.decide(case, Approve(), BEN)
    disputed = await doubled.case()
    await doubled.decide(disputed, Approve(), ADA)
    await doubled.decide(disputed, WRONG, BEN)
    await doubled.set_policy(SOME)
    await doubled.decide(disputed, WRONG, DORA)
    for each in (case, disputed):
        assert len(await doubled.cases.of_decision(each.decision.pk)) == 1


async def test_it_is_another_persons(doubled: World) -> None:
    case = await doubled.case()
    await doubled.decide(case, Approve(), ADA)
    double = await doubled.sibling(case, "double")
    assert await doubled.decide(double, Approve(), ADA) == Refusal("second_opinion")
    assert await doubled.claims.claim(double, ADA) == Refusal("second_opinion")
    assert await doubled.claims.hand_over(double, BEN, ADA, None) == Refusal("second_opinion")


@pytest.mark.parametrize("verdict", [Approve(), Edit("billing"), WRONG])
async def test_agreement_changes_nothing(doubled: World, verdict: Verdict) -> None:
    case = await doubled.case()
    await doubled.decide(case, verdict)
    before = (await doubled.now(case.review.id)).decision
    double = await doubled.sibling(case, "double")
    assert (await doubled.decide(double, verdict, BEN)).state is ReviewState.DECIDED
    assert (await doubled.now(case.review.id)).decision == before
    assert await doubled.events(case) == ["decision.resolved"]
    assert (await doubled.history(case))[-1] == "reviewer:review:confirmed"
    assert len(await doubled.cases.of_decision(case.decision.pk)) == 2  # and nobody is asked a third time


@pytest.mark.parametrize(
    ("first", "second", "settles", "event", "output"),
    [
        (Approve(), WRONG, WRONG, "decision.rollback_requested", None),
        (Approve(), WRONG, Approve(), None, "shipping"),
        (Approve(), WRONG, Edit("billing"), "decision.corrected", "billing"),
        (Approve(), Edit("billing"), Approve(), None, "shipping"),  # the model's output, and not the edit
        (Approve(), Edit("billing"), Edit("billing"), "decision.corrected", "billing"),
        (Edit("billing"), Edit("returns"), Approve(), "decision.corrected", "shipping"),
        (Edit("billing"), Approve(), Edit("billing"), None, "billing"),
        (WRONG, Approve(), Approve(), "decision.corrected", "shipping"),
        (WRONG, Approve(), WRONG, None, None),
        (WRONG, Edit("billing"), Edit("billing"), "decision.corrected", "billing"),
    ],
)
async def test_a_disagreement_is_settled_by_an_adjudicator(
    doubled: World, first: Verdict, second: Verdict, settles: Verdict, event: str | None, output: str | None
) -> None:
    double = await decided_twice(doubled, first, second)
    assert double.review.state == "disputed"
    assert await doubled.events(double) == ["decision.resolved"]

    assert (await doubled.decide(double, settles, DORA)).state is ReviewState.DECIDED

    told = await doubled.told(double)
    assert await doubled.events(double) == ["decision.resolved", *([event] if event else [])]
    now = await doubled.now(double.review.id)
    assert now.outcome is not None
    assert now.outcome["output"] == output
    if event is None:
        assert now.decision.decided_by == ["U0ADA"]
    else:
        assert now.decision.decided_by == ["U0DORA"]
        assert told[1]["previous_outcome"] == told[0]["outcome"]


async def test_only_adjudicators_who_have_said_nothing_settle_it(doubled: World) -> None:
    case = await doubled.case()
    await doubled.decide(case, Approve(), DORA)
    double = await doubled.sibling(case, "double")
    await doubled.decide(double, WRONG, BEN)
    doubled.membership.strict = True
    assert await doubled.decide(double, Approve(), DORA) == Refusal("second_opinion")
    assert await doubled.decide(double, Approve(), BEN) == Refusal("voted_before")
    outsider = await doubled.decide(double, Approve(), CHEN)
    assert isinstance(outsider, Refusal)
    assert outsider.reason == "adjudicators_only"
    assert isinstance(await doubled.decide(double, Approve(), EMIL), Decided)


async def test_what_an_adjudicator_settled_is_not_for_the_first_reviewer_to_turn(doubled: World) -> None:
    double = await decided_twice(doubled, Approve(), WRONG)
    await doubled.decide(double, WRONG, DORA)
    doubled.membership.strict = True
    gate = await doubled.sibling(double, "gate")
    refusal = await doubled.reviewing.change(gate, ADA, Approve())
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "adjudicators_only"


async def test_a_second_opinion_itself_is_not_changed(doubled: World) -> None:
    double = await decided_twice(doubled, Approve(), Approve())
    for verdict in (Approve(), WRONG):
        again = await doubled.reviewing.change(double, CHEN, verdict)
        assert again == Refusal("second_opinion")


async def test_it_is_compared_with_the_verdict_that_stands_when_it_commits(any_world: World) -> None:
    world = any_world
    await world.set_policy(SOME)
    world.draw[0] = 0.1
    case = await world.case()
    await world.decide(case, Approve())
    gate, double = await world.now(case.review.id), await world.sibling(case, "double")

    changed, second = await asyncio.gather(
        world.reviewing.change(gate, CHEN, WRONG), world.decide(double, Approve(), BEN)
    )

    assert isinstance(changed, Decided)
    assert isinstance(second, Decided)
    now = await world.now(double.review.id)
    # Whoever was first: what agreed with the former verdict is confirmed, what disagrees with the new one is disputed.
    history = await world.history(case)
    confirmed_before = history.index("reviewer:review:confirmed") if "reviewer:review:confirmed" in history else None
    if confirmed_before is None:
        assert now.review.state == "disputed"
    else:
        assert confirmed_before < history.index("reviewer:review:changed")


async def test_a_change_meanwhile_is_what_the_second_opinion_is_judged_by(doubled: World) -> None:
    case = await doubled.case()
    await doubled.decide(case, Approve())
    seen = await doubled.sibling(case, "double")  # as it is before the change
    await doubled.reviewing.change(await doubled.now(case.review.id), CHEN, WRONG)
    assert (await doubled.decide(seen, Approve(), BEN)).state is ReviewState.DISPUTED


async def test_a_dispute_that_a_change_has_ended_confirms_what_stands(doubled: World) -> None:
    double = await decided_twice(doubled, Approve(), WRONG)
    gate = await doubled.sibling(double, "gate")
    await doubled.reviewing.change(gate, CHEN, WRONG)
    assert (await doubled.decide(double, WRONG, DORA)).state is ReviewState.DECIDED  # with the case as it was before
    assert await doubled.events(double) == ["decision.resolved", "decision.rollback_requested"]
    assert (await doubled.now(gate.review.id)).decision.decided_by == ["U0CHEN"]


async def test_two_people_at_once_give_one_second_opinion(doubled: World) -> None:
    case = await doubled.case()
    await doubled.decide(case, Approve())
    double = await doubled.sibling(case, "double")
    answers = await asyncio.gather(doubled.decide(double, Approve(), BEN), doubled.decide(double, Approve(), CHEN))
    assert {type(answer) for answer in answers} == {Decided, TooLate}
    assert len(await doubled.rows(t.verdicts, "review_pk", double.review.pk)) == 1


async def test_what_is_resolved_cannot_be_withdrawn_and_its_second_opinion_stays(doubled: World) -> None:
    case = await doubled.case()
    await doubled.decide(case, Approve())
    assert not await doubled.cancel(case)
    assert (await doubled.sibling(case, "double")).review.state == "open"
