"""A verdict that stands is turned: the app is told what it has to correct or to undo, and what was before."""

import asyncio

import pytest

from bot.answer import sha256_of
from bot.reviewing.people import Refusal
from bot.reviewing.verdicts import ChecksFailed, Decided, TooLate
from routing.review import Approve, Edit, Reject, Verdict
from store.history import read
from tests.bot.reviewing.world import ADA, BEN, CHEN, DORA, World, policy_for_labels

WRONG = Reject("factual_error", reason="No.")
ENDS = {"approve": ("approved", "execute"), "edit": ("edited", "execute"), "reject": ("rejected", "do_not_execute")}


@pytest.mark.parametrize(
    ("first", "then", "event"),
    [
        (Approve(), Edit("billing"), "decision.corrected"),
        (Approve(), WRONG, "decision.rollback_requested"),
        (Edit("billing"), Approve(), "decision.corrected"),
        (Edit("billing"), Edit("returns"), "decision.corrected"),
        (Edit("billing"), WRONG, "decision.rollback_requested"),
        (WRONG, Approve(), "decision.corrected"),
        (WRONG, Edit("billing"), "decision.corrected"),
        (WRONG, Reject("tone"), None),
        (Approve(), Approve(), None),
    ],
)
@pytest.mark.parametrize("kind", ["gate", "provisional"])
async def test_the_app_is_told_what_it_does_not_know(
    world: World, kind: str, first: Verdict, then: Verdict, event: str | None
) -> None:
    case = await world.case(kind=kind)
    await world.decide(case, first)
    before = await world.events(case)
    stood = await world.told(case)

    changed = await world.reviewing.change(await world.now(case.review.id), BEN, then)

    assert isinstance(changed, Decided)
    assert await world.events(case) == [*before, *([event] if event else [])]
    now = await world.now(case.review.id)
    assert (now.decision.outcome, now.decision.disposition) == ENDS[then.name]
    assert (now.decision.decided_by, now.review.round, now.review.state) == (["U0BEN"], 2, "decided")
    output = then.output if isinstance(then, Edit) else "shipping"
    # A rejection leaves nothing to execute: the hash names what has to be undone.
    action = first.output if isinstance(first, Edit) and isinstance(then, Reject) else output
    assert now.decision.action_sha256 == sha256_of(action)
    if event:
        told = (await world.told(case))[-1]
        assert told["previous_outcome"] == stood[-1]["outcome"]
        assert told["outcome"]["output"] == (None if isinstance(then, Reject) else output)
        assert told["action_sha256"] == now.decision.action_sha256
    *_, last = await read(world.engine, case.decision.pk)
    assert (last.event, last.actor, last.facts["outcome"]) == (
        "reviewer:review:changed",
        "user:T0HOME/U0BEN",
        now.decision.outcome,
    )
    [said] = await world.messages(case, "notice")
    assert said.body == {"what": "verdict"}


async def test_events_of_many_changes_come_in_order_each_with_the_one_before(world: World) -> None:
    case = await world.case()
    await world.decide(case, Approve())
    for verdict in (WRONG, Edit("billing"), Approve(), WRONG, Approve()):
        await world.reviewing.change(await world.now(case.review.id), BEN, verdict)
    told = await world.told(case)
    assert await world.events(case) == [
        "decision.resolved",
        "decision.rollback_requested",
        "decision.corrected",
        "decision.corrected",
        "decision.rollback_requested",
        "decision.corrected",
    ]
    assert [each["previous_outcome"] for each in told] == [None, *(each["outcome"] for each in told[:-1])]


async def test_a_form_that_comes_twice_changes_once(world: World) -> None:
    case = await world.case()
    await world.decide(case, Approve())
    stands = await world.now(case.review.id)
    first, second = await asyncio.gather(
        world.reviewing.change(stands, BEN, WRONG), world.reviewing.change(stands, BEN, WRONG)
    )
    assert isinstance(first, Decided)
    assert isinstance(second, TooLate)
    assert second.repeated
    assert await world.events(case) == ["decision.resolved", "decision.rollback_requested"]


async def test_saying_the_same_again_is_no_change_unless_somebody_has_turned_it(world: World) -> None:
    case = await world.case()
    await world.decide(case, Approve(), ADA)
    same = await world.reviewing.change(await world.now(case.review.id), ADA, Approve())
    assert isinstance(same, TooLate)
    assert same.repeated
    await world.reviewing.change(await world.now(case.review.id), BEN, WRONG)
    assert isinstance(await world.reviewing.change(await world.now(case.review.id), ADA, Approve()), Decided)


async def test_changes_at_once_come_one_after_the_other(any_world: World) -> None:
    world = any_world
    case = await world.case()
    await world.decide(case, Approve())
    stands = await world.now(case.review.id)
    people = (BEN, CHEN, DORA)
    edits = [Edit(f"by {person.user_id}") for person in people]
    answers = await asyncio.gather(
        *(world.reviewing.change(stands, person, edit) for person, edit in zip(people, edits, strict=True))
    )
    assert all(isinstance(answer, Decided) for answer in answers)
    told = await world.told(case)
    assert await world.events(case) == ["decision.resolved"] + ["decision.corrected"] * 3
    assert [each["previous_outcome"] for each in told[1:]] == [each["outcome"] for each in told[:-1]]
    now = await world.now(case.review.id)
    assert now.decision.decided_by == told[-1]["outcome"]["decided_by"]
    assert [record.round for record in now.review.verdicts] == [1, 2, 3, 4]


async def test_a_change_and_an_adjudication_at_once_both_count_one_after_the_other(any_world: World) -> None:
    world = any_world
    await world.set_policy(policy_for_labels("double_review: 1.0, adjudicators: {users: [U0DORA]}"))
    for number in range(6):
        case = await world.case()
        await world.decide(case, Approve(), ADA)
        double = await world.sibling(case, "double")
        await world.decide(double, WRONG, BEN)
        gate, disputed = await world.now(case.review.id), await world.now(double.review.id)
        doings = [
            world.reviewing.change(gate, CHEN, Edit("billing")),
            world.decide(disputed, Edit("returns"), DORA),
        ]
        answers = await asyncio.gather(*(doings if number % 2 else reversed(doings)))
        assert all(isinstance(answer, Decided) for answer in answers)
        told = await world.told(case)
        assert await world.events(case) == ["decision.resolved", "decision.corrected", "decision.corrected"]
        assert [each["previous_outcome"] for each in told[1:]] == [each["outcome"] for each in told[:-1]]
        assert (await world.now(case.review.id)).decision.decided_by == told[-1]["outcome"]["decided_by"]


async def test_only_what_is_decided_can_be_changed(world: World) -> None:
    case = await world.case()
    assert isinstance(await world.reviewing.change(case, ADA, WRONG), TooLate)
    await world.cancel(case)
    assert isinstance(await world.reviewing.change(await world.now(case.review.id), ADA, WRONG), TooLate)
    assert await world.events(case) == []


async def test_the_person_and_the_edit_are_checked_again(world: World) -> None:
    case = await world.case(task_type="refund", risk="medium", output={"amount": 400}, requested_by="U0CHEN")
    await world.decide(case, Approve())
    stands = await world.now(case.review.id)
    assert isinstance(await world.reviewing.change(stands, BEN, Edit({"amount": 900})), ChecksFailed)
    assert await world.reviewing.change(stands, CHEN, WRONG) == Refusal("own_request")
    world.membership.outside = {"U0BEN"}
    assert isinstance(await world.reviewing.change(stands, BEN, WRONG), Refusal)
    assert await world.events(case) == ["decision.resolved"]


async def test_what_was_decided_at_a_higher_risk_is_changed_at_that_risk(world: World) -> None:
    rule = "id: much, when: 'output == \"much\"', risk: high"
    await world.set_policy(policy_for_labels("sla: 4h", rule))
    case = await world.case()
    await world.decide(case, Edit("much"), ADA)
    world.membership.strict = True
    refusal = await world.reviewing.change(await world.now(case.review.id), BEN, Approve())
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "named_reviewers_only"


async def test_what_several_decided_is_turned_by_adjudicators_alone(world: World) -> None:
    await world.set_policy(policy_for_labels("approvals: {low: 2}, adjudicators: {users: [U0DORA]}"))
    case = await world.case()
    await world.decide(case, Approve(), ADA)
    await world.decide(case, Approve(), BEN)
    world.membership.strict = True
    refusal = await world.reviewing.change(await world.now(case.review.id), ADA, WRONG)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "adjudicators_only"
    assert isinstance(await world.reviewing.change(await world.now(case.review.id), DORA, WRONG), Decided)
    assert (await world.now(case.review.id)).decision.decided_by == ["U0DORA"]
