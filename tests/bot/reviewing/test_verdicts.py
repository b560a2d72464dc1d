"""Who may say what about a decision, and that exactly one thing comes of it."""

import asyncio
import json
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from bot.answer import sha256_of
from bot.reviewing.case import Case
from bot.reviewing.people import Refusal, Reviewer
from bot.reviewing.verdicts import ChecksFailed, Decided, TooLate
from routing.review import Approve, Edit, Reject, Verdict
from store import tables as t
from store.decisions import Cancel, DecisionStore, outcome_content
from store.history import HistoryRecord, read
from tests.bot.reviewing.world import ADA, BEN, CHANNEL, CHEN, World
from tests.support.bot import POLICY
from tests.support.rows import NOW

WRONG = Reject("factual_error", "major", {}, "It is about billing.", "billing")


@pytest.mark.parametrize(
    ("kind", "verdict", "event", "result", "disposition"),
    [
        ("gate", Approve(), "decision.resolved", "approved", "execute"),
        ("gate", Edit("billing"), "decision.resolved", "edited", "execute"),
        ("gate", WRONG, "decision.resolved", "rejected", "do_not_execute"),
        ("provisional", Approve(), "decision.resolved", "approved", "execute"),
        ("provisional", Edit("billing"), "decision.corrected", "edited", "execute"),
        ("provisional", WRONG, "decision.rollback_requested", "rejected", "do_not_execute"),
    ],
)
async def test_the_event_is_the_contracts(
    world: World, kind: str, verdict: Verdict, event: str, result: str, disposition: str
) -> None:
    case = await world.case(kind=kind)

    assert isinstance(await world.decide(case, verdict), Decided)

    [row] = await world.rows(t.events, "decision_pk", case.decision.pk)
    assert (row.type, row.position, row.state) == (event, 1, "pending")
    bodies = await DecisionStore(world.engine).contents([case.decision.pk], f"event:{row.id}")
    body = json.loads(bodies[case.decision.pk, f"event:{row.id}"])
    assert (body["type"], body["data"]["disposition"]) == (event, disposition)
    assert (body["data"]["outcome"]["result"], body["data"]["outcome"]["decided_by"]) == (result, ["U0ADA"])
    former = body["data"]["previous_outcome"]
    if kind == "provisional" and not isinstance(verdict, Approve):
        assert (former["disposition"], former["output"]) == ("execute_provisional", "shipping")
    else:
        assert former is None


@pytest.mark.parametrize(
    ("verdict", "hashed"),
    [(Approve(), "shipping"), (Edit("billing"), "billing"), (Edit(None), None), (WRONG, "shipping")],
)
async def test_the_hash_is_that_of_the_output_to_execute(world: World, verdict: Verdict, hashed: Any) -> None:
    case = await world.case()
    await world.decide(case, verdict)
    assert (await world.now(case.review.id)).decision.action_sha256 == sha256_of(hashed)


async def test_the_verdict_wakes_who_waits(world: World) -> None:
    case = await world.case()
    waiting = world.wakeups.watch(case.decision.pk)
    await world.decide(case, Approve())
    assert waiting.is_set()
    assert world.wakeups.cards.is_set()
    assert world.wakeups.events.is_set()


async def test_the_model_may_not_be_reviewed_by_whom_it_acts_for(world: World) -> None:
    case = await world.case(requested_by="U0ADA")  # whom the policy names
    assert await world.eligibility.refusal(case, ADA) == Refusal("own_request")
    assert await world.decide(case, Approve()) == Refusal("own_request")
    assert isinstance(await world.decide(case, Approve(), BEN), Decided)


@pytest.mark.parametrize(
    ("risk", "reason"),
    [
        ("low", "not_a_reviewer"),
        ("medium", "not_a_reviewer"),
        ("high", "named_reviewers_only"),
        ("critical", "named_reviewers_only"),
    ],
)
async def test_a_refusal_says_why(world: World, risk: str, reason: Any) -> None:
    world.membership.outside = {"U0BEN"}
    case = await world.case(risk=risk)
    refusal = await world.decide(case, Approve(), BEN)
    [(circle, user, channel)] = world.membership.asked
    assert refusal == Refusal(reason, circle)
    assert (circle.channel_members, user, channel) == (risk in ("low", "medium"), "U0BEN", [CHANNEL])
    assert (await world.now(case.review.id)).review.state == "open"


async def test_an_edit_that_raises_the_risk_needs_those_who_may_decide_at_that_risk(world: World) -> None:
    rule = "rules:\n  - {id: much, when: 'output == \"much\"', risk: high}\n"
    world.policy_file.write_text(POLICY.replace("rules:\n", rule, 1))
    await world.policy.reload()
    case = await world.case(risk="low")
    assert await world.eligibility.refusal(case, BEN) is None
    world.membership.asked.clear()
    await world.decide(case, Edit("much"), BEN)
    [(circle, _, _)] = world.membership.asked
    assert not circle.channel_members


async def test_members_of_a_former_channel_have_no_say(world: World) -> None:
    case = await world.case()
    world.policy_file.write_text(POLICY.replace("  label: {", '  label: {channel: "#refunds", '))
    await world.policy.reload()
    await world.decide(case, Approve(), BEN)
    [(circle, _, _)] = world.membership.asked
    assert not circle.channel_members


async def test_when_nobody_knows_nothing_is_decided(world: World) -> None:
    world.membership.away = True
    case = await world.case()
    assert await world.decide(case, Approve()) == Refusal("unknown_now")
    assert (await world.now(case.review.id)).review.state == "open"


async def test_the_policy_of_the_moment_decides(world: World) -> None:
    case = await world.case(task_type="refund", risk="medium", output={"amount": 400})
    world.policy_file.write_text(POLICY.replace("500.0", "300.0").replace("usergroup: S0LEADS", "usergroup: S0OTHER"))
    await world.policy.reload()

    failed = await world.decide(case, Edit({"amount": 350}))

    assert isinstance(failed, ChecksFailed)
    assert [failure.id for failure in failed.failures] == ["cap"]
    assert world.membership.asked[0][0].usergroup == "S0OTHER"
    assert isinstance(await world.decide(case, Edit({"amount": 300})), Decided)


async def test_what_is_not_edited_is_not_checked_again(world: World) -> None:
    case = await world.case(task_type="refund", risk="medium", output={"amount": 900})  # why a person was asked
    assert isinstance(await world.decide(case, Approve()), Decided)


@pytest.mark.parametrize("verdict", [Approve(), Edit("billing", "tone", "minor", {"a": "b"}, "So."), WRONG])
async def test_a_form_that_comes_twice_is_known_again(world: World, verdict: Verdict) -> None:
    case = await world.case()
    first, second = await asyncio.gather(world.decide(case, verdict), world.decide(case, verdict))
    assert isinstance(first, Decided)
    assert isinstance(second, TooLate)
    assert second.repeated
    again = await world.decide(await world.now(case.review.id), verdict)
    assert isinstance(again, TooLate)
    assert again.repeated


@pytest.mark.parametrize(
    ("other", "reviewer"),
    [
        (replace(WRONG, reason="No."), ADA),
        (replace(WRONG, severity="minor"), ADA),
        (replace(WRONG, correct_answer=None), ADA),
        (Approve(), ADA),
        (WRONG, BEN),
    ],
)
async def test_what_is_said_otherwise_is_late(world: World, other: Verdict, reviewer: Reviewer) -> None:
    case = await world.case()
    await world.decide(case, WRONG)
    late = await world.decide(case, other, reviewer)
    assert isinstance(late, TooLate)
    assert not late.repeated
    assert late.case.review.votes
    assert late.case.review.votes[-1].user_id == "U0ADA"


async def test_a_database_that_fails_keeps_the_review_open(world: World) -> None:
    case = await world.case()
    async with world.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE events RENAME TO events_away"))
    with pytest.raises(OperationalError):
        await world.decide(case, Approve())
    async with world.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE events_away RENAME TO events"))

    assert (await world.now(case.review.id)).review.state == "open"
    assert isinstance(await world.decide(case, Approve()), Decided)


# Whoever does whatever in whatever order ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Act:
    """What one person (or the app, which cancels) does. `stale`: with the review as it was before all."""

    who: Reviewer
    does: str
    round: int
    stale: bool
    turns: int


acts = st.builds(
    Act,
    who=st.sampled_from([ADA, BEN, CHEN]),
    does=st.sampled_from(["approve", "edit", "reject", "cancel"]),
    round=st.integers(0, 2),
    stale=st.booleans(),
    turns=st.integers(0, 4),
)


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(["gate", "provisional"]), everything=st.lists(acts, min_size=1, max_size=7))
async def test_any_interleaving_has_one_outcome(world: World, kind: str, everything: list[Act]) -> None:
    case = await world.case(kind=kind)
    results: list[tuple[Act, Any]] = []
    for number in range(3):
        at_once = [act for act in everything if act.round == number]
        answers = await asyncio.gather(*(_perform(world, case, act) for act in at_once))
        results += zip(at_once, answers, strict=True)

    [(winner, won)] = [(act, answer) for act, answer in results if isinstance(answer, Decided) or answer is True]
    for act, answer in results:
        if answer is won:
            continue
        assert answer is False if act.does == "cancel" else isinstance(answer, TooLate)
    await _assert_consistent(world, await world.now(case.review.id), kind, winner)


async def _perform(world: World, before: Case, act: Act) -> Any:
    case = before if act.stale else await world.now(before.review.id)
    if act.does == "cancel":
        record = HistoryRecord(NOW, "app:decision:cancelled", "app:shop", world.app_pk, case.decision.pk)
        content = json.dumps(outcome_content(None))
        return await world.writer.submit(Cancel(case.decision.pk, NOW, content, (record,)))
    world.membership.turns = act.turns
    return await world.decide(case, _verdict(act), act.who)


def _verdict(act: Act) -> Verdict:
    if act.does == "approve":
        return Approve()
    return Edit(f"by {act.who.user_id}") if act.does == "edit" else WRONG


_ENDS = {"approve": "approved", "edit": "edited", "reject": "rejected", "cancel": "cancelled"}


async def _assert_consistent(world: World, case: Case, kind: str, winner: Act) -> None:
    pk = case.decision.pk
    result, cancelled = _ENDS[winner.does], winner.does == "cancel"
    assert (case.decision.status, case.decision.outcome) == ("resolved", result)
    assert case.review.state == ("cancelled" if cancelled else "decided")
    verdicts = [(row.user_id, row.verdict) for row in await world.rows(t.verdicts, "review_pk", case.review.pk)]
    assert verdicts == ([] if cancelled else [(winner.who.user_id, winner.does)])
    assert case.decision.decided_by == [user for user, _ in verdicts]

    assert [event.position for event in await world.rows(t.events, "decision_pk", pk)] == ([] if cancelled else [1])
    [card] = await world.rows(t.messages, "review_pk", case.review.pk)
    assert (card.wanted, card.live) == (2, False)

    assert case.outcome is not None
    expected = {"approve": "shipping", "edit": f"by {winner.who.user_id}"}.get(winner.does)
    assert case.outcome["output"] == expected
    assert ("previous" in case.outcome) == (kind == "provisional" and winner.does in ("edit", "reject"))

    _, closing = await read(world.engine, pk)
    if cancelled:
        assert closing.event == "app:decision:cancelled"
        return
    assert (closing.event, closing.actor) == (f"reviewer:review:{result}", winner.who.actor)
    assert closing.facts["content_sha256"] == sha256_of(dict(case.outcome))
    assert closing.facts["action_sha256"] == case.decision.action_sha256
