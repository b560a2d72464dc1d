"""Whatever people, the clock, apps and draws do: the counters say what a recount of the decisions gives."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.reviewing.people import Reviewer
from routing.metrics import Facts, latency_step, metrics, summed
from routing.review import Approve, Edit, Reject, Verdict
from store import tables as t
from store.facts import FactStore, Window
from store.retention import RemoveContent
from store.uses import put_to_use
from store.writer import SingleCommand
from tests.bot.reviewing.audit_world import auditing, ran_alone
from tests.bot.reviewing.world import ADA, BEN, CHEN, DORA, EMIL, World, policy_for_labels, replica
from tests.support.counters import wrong_counters
from tests.support.rows import NOW, take_in

OWN = "sla: 30m, adjudicators: {users: [U0DORA]}, on_timeout: provisional, double_review: 0.5, undo: 30s"
VERDICTS: dict[str, Verdict] = {"approve": Approve(), "edit": Edit("billing", "tone"), "reject": Reject("tone")}
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Act:
    """What happens next, to the decision of this number and its review of this kind, and by whom."""

    does: str
    number: int
    kind: str
    who: Reviewer


@dataclass(frozen=True)
class Use(SingleCommand[None]):
    """All that was said in a review enters what uses it."""

    review_pk: int
    at: datetime

    async def apply(self, connection: AsyncConnection) -> None:
        v = t.verdicts.c
        said = await connection.scalars(select(v.pk).where(v.review_pk == self.review_pk))
        await put_to_use(connection, said.all(), self.at)


acts = st.builds(
    Act,
    does=st.sampled_from([*VERDICTS, *VERDICTS, "change", "undo", "use", "cancel", "wait", "wait", "take in", "draw"]),
    number=st.integers(0, 3),
    kind=st.sampled_from(["gate", "gate", "provisional", "double", "audit"]),
    who=st.sampled_from([ADA, BEN, CHEN, DORA]),
)


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # all stories lie in one database: what one has spoilt would fail the shorter ones too
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(needed=st.integers(1, 2), draw=st.sampled_from([0.1, 0.9]), story=st.lists(acts, min_size=10, max_size=25))
async def test_any_story_is_counted_as_a_recount_has_it(
    world: World, needed: int, draw: float, story: list[Act]
) -> None:
    world.draw[0] = draw
    await world.set_policy(policy_for_labels(f"approvals: {{low: {needed}}}, {OWN}"))
    pks = [(await world.case(request={"confidence": 0.6}, cohort="eu")).decision.pk]
    for act in story:
        await _happen(world, pks, act)
    assert await wrong_counters(world.engine) == []


async def _happen(world: World, pks: list[int], act: Act) -> None:
    match act.does:
        case "take in":
            pks.append((await world.case(kind=("gate", "provisional")[act.number % 2])).decision.pk)
        case "draw":
            pks += await auditing(world).ran_alone(variant=("primary", "shadow")[act.number % 2])
            await auditing(world).draw()
        case "wait":
            await world.pass_time((timedelta(seconds=31), timedelta(minutes=31))[act.number % 2])
        case _:
            await _judge(world, pks[act.number % len(pks)], act)


async def _judge(world: World, pk: int, act: Act) -> None:
    case = next((each for each in await world.cases.of_decision(pk) if each.review.kind == act.kind), None)
    if case is None:
        return
    match act.does:
        case "change":
            await world.reviewing.change(case, act.who, VERDICTS[("approve", "edit", "reject")[act.number % 3]])
        case "undo":
            await world.reviewing.undo(case, act.who)
        case "cancel":
            await world.cancel(case)
        case "use":
            await world.writer.submit(Use(case.review.pk, world.clock.now()))
        case verdict:
            await world.decide(case, VERDICTS[verdict], act.who)


async def test_a_day_of_all_kinds_is_counted(any_world: World) -> None:
    world = any_world
    await world.set_policy(policy_for_labels("adjudicators: {users: [U0DORA]}, double_review: 1.0"))
    audits = auditing(world)
    gate, provisional = await world.case(cohort="eu"), await world.case(kind="provisional", cohort="us")
    await world.writer.submit(take_in(gate.decision.pk, world.app_pk, id=gate.decision.id))  # a replay
    await world.writer.submit(ran_alone(world, variant="shadow"))
    await world.decide(gate, Approve())
    await world.decide(await world.sibling(gate, "double"), Reject("tone"), BEN)
    await world.decide(await world.sibling(gate, "double"), Reject("tone"), DORA)
    await world.decide(provisional, Edit("billing"))
    await world.reviewing.change(await world.now(provisional.review.id), DORA, Reject("tone"))
    [pk] = await audits.ran_alone(cohort="eu")
    await audits.draw()
    await audits.judge([pk], Reject("wrong_action"))

    assert await wrong_counters(world.engine) == []
    facts = await _counted(world)
    assert (facts.decisions, facts.escalated, facts.judged, facts.corrected) == (3, 2, 3, 2)
    assert facts.pairs == {("approve", "reject"): 1}
    assert facts.categories == {"tone": 1, "wrong_action": 1}
    assert metrics(facts)["error_escape_rate"]["numerator"] == 1


async def test_what_is_released_and_a_dispute_that_is_cancelled_are_counted(any_world: World) -> None:
    world = any_world
    await world.set_policy(policy_for_labels("undo: 30s, approvals: {medium: 2}"))
    held, disputed = await world.case(), await world.case(risk="medium")
    await world.decide(held, Approve())
    for verdict, who in ((Approve(), ADA), (Reject("tone"), BEN)):
        await world.decide(await world.now(disputed.review.id), verdict, who)
    assert (await _counted(world)).disputes == 1
    await world.pass_time(timedelta(seconds=31))
    await world.cancel(disputed)
    counted = await _counted(world)
    assert (counted.judged, counted.disputes) == (1, 0)
    assert await wrong_counters(world.engine) == []


async def _counted(world: World) -> Facts:
    """On the first day."""
    return summed((await FactStore(world.engine).read(Window(NOW, NOW + DAY))).values())


async def test_a_correction_that_is_taken_back_or_replaced_is_used_no_more(any_world: World) -> None:
    world = any_world
    await world.set_policy(policy_for_labels("adjudicators: {users: [U0DORA]}"))
    cases = [await world.case(cohort=cohort, callback_url=None) for cohort in ("a", "b", "c")]
    for case in cases:
        await world.decide(case, Reject("tone"))
        await world.writer.submit(Use(case.review.pk, world.clock.now()))
    assert metrics(await _counted(world))["feedback_utilization"]["value"] == 1
    for case, verdict in zip(cases, (VERDICTS["approve"], VERDICTS["edit"]), strict=False):
        await world.reviewing.change(await world.now(case.review.id), DORA, verdict)

    facts = await _counted(world)

    assert (facts.judged, facts.corrected, facts.uses) == (3, 2, {0: 1}), "an approval, a new edit, and what was used"
    replaced = await world.now(cases[1].review.id)
    await world.clock.advance(3_600)
    await world.writer.submit(Use(replaced.review.pk, world.clock.now()))
    assert (await _counted(world)).uses == {0: 1, latency_step(3_600): 1}
    forget = {case.decision.pk: {"cohort": None} for case in cases}
    await world.pass_time(DAY)
    await world.writer.submit(RemoveContent("label", list(forget), forget, NOW + DAY, world.clock.now()))
    found = await FactStore(world.engine).read(Window(NOW, NOW + DAY))
    assert {group.cohort: facts.uses.total() for group, facts in found.items()} == {"": 2}
    assert await wrong_counters(world.engine) == []


async def test_a_cohort_whose_name_goes_is_counted_without_one(any_world: World) -> None:
    world = any_world
    case = await world.case(cohort="secret-1", callback_url=None)
    await world.decide(case, Approve())
    forget = {case.decision.pk: {"cohort": None}}
    await world.pass_time(DAY)
    await world.writer.submit(RemoveContent("label", [case.decision.pk], forget, NOW, world.clock.now()))

    groups = await FactStore(world.engine).read(Window(NOW, NOW + DAY))
    assert [(group.cohort, facts.decisions, facts.judged) for group, facts in groups.items()] == [("", 1, 1)]
    assert await wrong_counters(world.engine) == []


async def test_two_replicas_at_once_count_everything_once(any_world: World) -> None:
    world, reviewers = any_world, [ADA, BEN, CHEN, EMIL]
    await world.set_policy(policy_for_labels("approvals: {low: 2}"))
    async with replica(world) as other:
        cases = [await world.case(cohort=f"c-{number % 2}") for number in range(6)]
        taken = (take_in(next(world.pks), world.app_pk) for _ in range(20))
        await asyncio.gather(
            *(at.writer.submit(each) for each, at in zip(taken, [world, other] * 10, strict=True)),
            *(
                at.decide(case, Approve(), who)
                for case in cases
                for who, at in zip(reviewers, [world, other] * 2, strict=True)
            ),
        )
    assert await wrong_counters(world.engine) == []
    facts = await _counted(world)
    assert (facts.decisions, facts.judged) == (26, 6)
