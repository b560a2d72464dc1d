"""What time brings to a waiting review: steps, timeouts, and each once."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from bot.reviewing.case import Case
from bot.reviewing.verdicts import TooLate
from routing.review import Approve, Edit, Reject, Verdict
from store import tables as t
from tests.bot.reviewing.world import ADA, BEN, CHEN, World, policy_for_labels, replica

STEPS = "escalation: [{after: 3m, remind: channel}, {after: 6m, notify: S0ONCALL}, {after: 9m, channel: '#leads'}]"
MINUTE = timedelta(minutes=1)
WRONG = Reject("factual_error", reason="No.")


async def notices(world: World, case: Any) -> list[dict[str, Any]]:
    return [row.body for row in await world.messages(case, "notice")]


async def channels(world: World, case: Any) -> list[str]:
    return [row.channel for row in await world.messages(case, "card")]


async def test_steps_count_from_the_posting_of_the_card(world: World) -> None:
    await world.set_policy(policy_for_labels(f"sla: 1h, {STEPS}"))
    case = await world.case(posted=False)
    await world.pass_time(20 * MINUTE)
    assert await world.history(case) == []
    await world.post(case.review.id)
    await world.deadlines.sweep()
    assert (await world.now(case.review.id)).review.due_at == world.clock.now() + 3 * MINUTE

    await world.pass_time(3 * MINUTE)
    assert await notices(world, case) == [{"what": "remind"}]
    await world.pass_time(3 * MINUTE)
    assert await notices(world, case) == [{"what": "remind"}, {"what": "notify", "whom": "S0ONCALL"}]
    assert await channels(world, case) == ["#ai-review"]
    await world.pass_time(3 * MINUTE)
    assert await channels(world, case) == ["#ai-review", "#leads"]
    assert await world.history(case) == ["bot:review:escalated"] * 3
    now = await world.now(case.review.id)
    assert (now.review.steps_done, now.review.due_at) == (3, now.review.deadline)


async def test_a_step_that_widens_the_circle_lets_its_channel_decide(world: World) -> None:
    await world.set_policy(policy_for_labels(f"sla: 1h, {STEPS}"))
    case = await world.case()
    await world.pass_time(9 * MINUTE)
    await world.decide(await world.now(case.review.id), Approve(), BEN)
    [(_, _, asked)] = world.membership.asked
    assert asked == ["#leads", "C0REVIEW"]


async def test_several_steps_that_were_missed_are_done_at_once_and_once(world: World) -> None:
    await world.set_policy(policy_for_labels(f"sla: 1h, {STEPS}"))
    case = await world.case()
    await world.pass_time(30 * MINUTE)
    await world.pass_time(MINUTE)
    assert len(await notices(world, case)) == 2
    assert (await world.history(case)).count("bot:review:escalated") == 3


async def test_a_card_that_arrives_after_its_deadline_is_escalated_all_the_same(world: World) -> None:
    await world.set_policy(policy_for_labels(f"sla: 10m, {STEPS}"))
    case = await world.case(posted=False)
    await world.pass_time(60 * MINUTE)  # Slack is away, or the channel is full
    assert (await world.now(case.review.id)).review.overdue
    await world.post(case.review.id)
    await world.pass_time(3 * MINUTE)
    assert len(await notices(world, case)) == 1


async def test_nobody_is_reminded_of_what_has_timed_out(world: World) -> None:
    await world.set_policy(policy_for_labels(f"sla: 10m, on_timeout: reject, {STEPS}"))
    case = await world.case()
    await world.pass_time(60 * MINUTE)
    assert await world.messages(case, "notice") == []
    assert await channels(world, case) == ["#ai-review"]
    assert await world.history(case) == ["bot:review:timed_out"]


async def test_what_waits_in_a_batch_gets_a_card_of_its_own_with_its_first_step(world: World) -> None:
    await world.set_policy(policy_for_labels(f"sla: 1h, {STEPS}"))
    case = await world.case(lane="batch")
    await world.deadlines.sweep()
    assert (await world.now(case.review.id)).review.due_at == world.clock.now() + 3 * MINUTE
    await world.pass_time(3 * MINUTE)
    now = await world.now(case.review.id)
    assert (now.review.lane, await channels(world, case)) == ("card", ["#ai-review"])
    await world.clock.advance(60)
    await world.post(case.review.id)
    await world.deadlines.sweep()  # the second step still counts from the opening
    assert (await world.now(case.review.id)).review.due_at == case.review.opened_at + 6 * MINUTE


async def test_only_business_hours_count(world: World) -> None:
    hours = 'timezone: Europe/Berlin\nbusiness_hours: {days: [mon, fri], from: "09:00", to: "18:00"}\n'
    policy = policy_for_labels("sla: 90d, escalation: [{after: 8h, remind: channel}]")
    await world.set_policy(policy.replace("version: 1\n", f"version: 1\n{hours}"))
    case = await world.case()  # on Friday at 11:00 in Berlin: seven hours are left of the day
    await world.deadlines.sweep()
    assert (await world.now(case.review.id)).review.due_at == datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    await world.pass_time(timedelta(days=2))
    assert await notices(world, case) == []
    await world.pass_time(timedelta(days=1))
    assert await notices(world, case) == [{"what": "remind"}]


async def test_a_step_over_the_night_of_a_clock_change_comes_after_real_time(world: World) -> None:
    text = policy_for_labels("sla: 90d, escalation: [{after: 12h, remind: channel}]")
    await world.set_policy(text.replace("version: 1\n", "version: 1\ntimezone: Europe/Berlin\n"))
    evening = datetime(2027, 3, 27, 20, 0, tzinfo=UTC)  # an hour of the night does not exist
    await world.clock.advance((evening - world.clock.now()).total_seconds())
    case = await world.case()
    await world.pass_time(timedelta(hours=12) - MINUTE)
    assert await notices(world, case) == []
    await world.pass_time(MINUTE)
    assert await notices(world, case) == [{"what": "remind"}]


async def test_the_policy_of_the_moment_says_what_is_due(world: World) -> None:
    await world.set_policy(policy_for_labels("sla: 1h, escalation: [{after: 3m, remind: channel}]"))
    case = await world.case()
    await world.pass_time(3 * MINUTE)
    await world.set_policy(policy_for_labels(f"sla: 1h, on_timeout: reject, {STEPS}"))
    await world.claims.claim(await world.now(case.review.id), ADA)
    await world.claims.release(await world.now(case.review.id), ADA)
    await world.pass_time(60 * MINUTE)
    assert await world.history(case) == [
        "bot:review:escalated",
        "reviewer:review:claimed",
        "reviewer:review:unclaimed",
        "bot:review:timed_out",
    ]


# The deadline itself --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("risk", ["low", "high"])
async def test_held_until_somebody_decides(world: World, risk: str) -> None:
    case = await world.case(risk=risk)
    await world.pass_time(timedelta(hours=5))
    now = await world.now(case.review.id)
    assert (now.review.state, now.review.overdue, now.review.due_at) == ("open", True, None)
    assert now.decision == case.decision
    assert await world.events(case) == []
    await world.pass_time(timedelta(hours=5))
    assert await world.history(case) == ["bot:review:overdue"]
    await world.decide(now, Approve())
    assert await world.events(case) == ["decision.resolved"]


@pytest.mark.parametrize("risk", ["low", "critical"])
async def test_timed_out_into_a_rejection_that_is_nobodys_verdict(world: World, risk: str) -> None:
    await world.set_policy(policy_for_labels("on_timeout: reject"))
    case = await world.case(risk=risk)
    waiting = world.wakeups.watch(case.decision.pk)
    await world.pass_time(timedelta(hours=4))
    assert waiting.is_set()
    [told] = await world.told(case)
    assert (told["status"], told["disposition"], told["deadline"]) == ("resolved", "do_not_execute", None)
    assert told["outcome"]["result"] == "timed_out"
    assert (told["outcome"]["decided_by"], told["outcome"]["output"]) == ([], None)
    assert await world.rows(t.verdicts, "review_pk", case.review.pk) == []
    now = await world.now(case.review.id)
    assert (now.review.state, now.review.due_at) == ("timed_out", None)
    assert isinstance(await world.decide(now, Approve()), TooLate)
    assert await world.events(case) == ["decision.resolved"]


async def test_timed_out_into_action_is_looked_at_all_the_same(world: World) -> None:
    await world.set_policy(policy_for_labels("on_timeout: provisional, double_review: 1.0"))
    case = await world.case(request={"confidence": 0.9})
    await world.pass_time(timedelta(hours=4))
    [told] = await world.told(case)
    assert (told["disposition"], told["outcome"]["result"]) == ("execute_provisional", "timed_out")
    assert told["outcome"]["output"] == "shipping"
    provisional = await world.sibling(case, "provisional")
    assert (provisional.review.lane, provisional.review.state) == ("batch", "open")
    assert provisional.review.deadline == world.clock.now() + timedelta(hours=4)

    await world.decide(provisional, WRONG)

    assert await world.events(case) == ["decision.resolved", "decision.rollback_requested"]
    assert (await world.told(case))[1]["previous_outcome"] == told["outcome"]
    assert {each.review.kind for each in await world.cases.of_decision(case.decision.pk)} == {
        "gate",
        "provisional",
        "double",
    }


@pytest.mark.parametrize(
    ("changes", "output", "request_"),
    [
        ({"risk": "high"}, "shipping", {"confidence": 0.9}),
        ({"risk": "critical"}, "shipping", {"confidence": 0.9}),
        ({}, "shipping", {}),  # confidence is unknown
        ({"reversible": False}, "shipping", {"confidence": 0.9, "reversible": False}),
        ({"task_type": "refund", "risk": "medium"}, {"amount": 900}, {"confidence": 0.9}),  # a check fails
        ({}, "shipping", {"confidence": 0.9, "context": {"amount": "much"}}),  # a rule cannot be evaluated
        ({}, "shipping", {"confidence": 0.9, "context": {"amount": 20_000}}),  # the policy of today raises the risk
    ],
)
async def test_what_may_not_go_out_is_held(
    world: World, changes: dict[str, Any], output: Any, request_: dict[str, Any]
) -> None:
    await world.set_policy(provisional_timeouts())
    case = await world.case(output=output, request=request_, **changes)
    await world.pass_time(timedelta(hours=5))
    now = await world.now(case.review.id)
    assert (now.review.state, now.review.overdue) == ("open", True)
    assert await world.events(case) == []


def provisional_timeouts(also: str = "") -> str:
    """The tests' requests name a confidence where it matters; both tasks release what nobody decides."""
    text = policy_for_labels(f"on_timeout: provisional{also}")
    return text.replace("    threshold: 0.90\n", "    threshold: 0.90\n    on_timeout: provisional\n")


async def test_what_may_go_out_does(world: World) -> None:
    await world.set_policy(provisional_timeouts())
    case = await world.case(request={"confidence": 0.9})
    await world.pass_time(timedelta(hours=5))
    assert (await world.now(case.review.id)).decision.disposition == "execute_provisional"


async def test_what_waits_while_its_task_is_paused_stays_with_people(world: World) -> None:
    await world.set_policy(provisional_timeouts())
    case = await world.case(request={"confidence": 0.9})
    await world.set_policy(provisional_timeouts(", autonomy: 2"))
    await world.pass_time(timedelta(hours=5))
    now = await world.now(case.review.id)
    assert (now.decision.status, now.review.overdue) == ("pending", True)


@pytest.mark.parametrize(
    ("votes", "goes_out"),
    [
        ([Approve()], True),
        ([WRONG], False),
        ([Edit("billing")], False),
        ([Approve(), WRONG], False),  # in dispute
    ],
)
async def test_what_somebody_found_wrong_does_not_go_out_by_itself(
    world: World, votes: list[Verdict], goes_out: bool
) -> None:
    await world.set_policy(provisional_timeouts(", approvals: {low: 3}"))
    case = await world.case(request={"confidence": 0.9})
    for person, verdict in zip((ADA, BEN), votes, strict=False):
        await world.decide(await world.now(case.review.id), verdict, person)
    await world.pass_time(timedelta(hours=5))
    now = await world.now(case.review.id)
    assert (now.decision.status == "resolved") is goes_out
    assert now.review.overdue is not goes_out


async def test_a_provisional_answer_stays_with_people(world: World) -> None:
    await world.set_policy(policy_for_labels("on_timeout: reject"))
    case = await world.case(kind="provisional")
    await world.pass_time(timedelta(hours=5))
    assert await world.events(case) == []
    assert (await world.now(case.review.id)).review.overdue


async def test_a_dispute_keeps_its_deadline(world: World) -> None:
    await world.set_policy(policy_for_labels(f"sla: 1h, on_timeout: reject, approvals: {{low: 2}}, {STEPS}"))
    case = await world.case()
    await world.deadlines.sweep()
    await world.decide(case, Approve())
    await world.decide(case, WRONG, BEN)
    await world.pass_time(3 * MINUTE)
    assert {"what": "remind"} in await notices(world, case)
    await world.pass_time(timedelta(hours=1))
    now = await world.now(case.review.id)
    assert (now.review.state, now.decision.outcome, now.decision.decided_by) == ("timed_out", "timed_out", [])


# Whoever looks, and whatever happens meanwhile ------------------------------------------------------------------------


async def test_two_replicas_do_each_step_once(any_world: World) -> None:
    world = any_world
    await world.set_policy(policy_for_labels(f"sla: 10m, on_timeout: provisional, {STEPS}"))
    cases = [await world.case(request={"confidence": 0.9}) for _ in range(5)]
    async with replica(world) as other:
        for _ in range(11):
            await world.clock.advance(60)
            await asyncio.gather(*(each.deadlines.sweep() for each in (world, other, world, other)))
    for case in cases:
        assert await world.history(case) == ["bot:review:escalated"] * 3 + ["bot:review:timed_out"]
        assert len(await notices(world, case)) == 2
        assert await world.events(case) == ["decision.resolved"]
        assert len(await world.cases.of_decision(case.decision.pk)) == 2


async def test_a_verdict_and_a_timeout_race_for_one_end(any_world: World) -> None:
    world = any_world
    await world.set_policy(policy_for_labels("sla: 10m, on_timeout: reject"))
    ends: list[str | None] = []
    for number in range(6):
        case = await world.case()
        await world.clock.advance(600)
        async with replica(world) as other:
            doings: list[Callable[[], Any]] = [
                world.deadlines.sweep,
                lambda case=case, other=other: other.decide(case, Approve()),  # type: ignore[misc]
            ]
            await asyncio.gather(*(doing() for doing in (doings if number % 2 else reversed(doings))))
        now = await world.now(case.review.id)
        assert await world.events(case) == ["decision.resolved"]
        assert (now.review.state, now.decision.decided_by) == (
            ("decided", ["U0ADA"]) if now.decision.outcome == "approved" else ("timed_out", [])
        )
        ends.append(now.decision.outcome)
    assert set(ends) <= {"approved", "timed_out"}


async def set_content(world: World, case: Case, body: str) -> None:
    mine = t.contents.c.decision_pk == case.decision.pk
    async with world.engine.begin() as connection:
        await connection.execute(update(t.contents).where(mine).values(body=body))


async def test_one_that_fails_stops_no_other_and_is_tried_again(world: World) -> None:
    await world.set_policy(policy_for_labels("sla: 10m, on_timeout: reject"))
    broken, sound = await world.case(), await world.case()
    [content] = await world.rows(t.contents, "decision_pk", broken.decision.pk)
    await set_content(world, broken, "no JSON")
    await world.pass_time(10 * MINUTE)
    assert await world.events(sound) == ["decision.resolved"]
    assert await world.deadlines.next_due() == world.clock.now() + MINUTE  # and not at once, over and over
    await set_content(world, broken, content.body)
    await world.pass_time(MINUTE)
    assert await world.events(broken) == ["decision.resolved"]


async def test_a_card_that_is_posted_meanwhile_is_not_forgotten(world: World) -> None:
    await world.set_policy(policy_for_labels(f"sla: 1h, {STEPS}"))
    case = await world.case(posted=False)
    seen = await world.now(case.review.id)
    await world.post(case.review.id)  # by the sender, between the look and the commit of the claim
    await world.claims.claim(seen, CHEN)
    await world.pass_time(3 * MINUTE)
    assert await notices(world, case) == [{"what": "remind"}]


async def test_a_look_that_finds_nothing_redraws_no_card(world: World) -> None:
    case = await world.case()
    await world.deadlines.sweep()
    [card] = await world.messages(case, "card")
    assert (card.wanted, card.sent) == (1, 1)
    assert await world.deadlines.next_due() == case.review.deadline


async def test_more_than_fit_in_one_look_are_all_done(world: World) -> None:
    await world.set_policy(policy_for_labels("sla: 10m, on_timeout: reject"))
    cases = [await world.case(lane="batch") for _ in range(105)]
    async with world.engine.begin() as connection:
        await connection.execute(update(t.reviews).values(due_at=world.clock.now()))
    await world.clock.advance(600)
    assert await world.deadlines.sweep() == 105
    states = [review.review.state for review in await world.cases.by_pks([case.review.pk for case in cases])]
    assert set(states) == {"timed_out"}
