"""People, the clock and the app do whatever in whatever order, some with the review as it was before: what must hold
afterwards holds."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from random import Random

import pytest

from bot.reviewing.case import Case
from bot.reviewing.people import Reviewer
from routing.review import WAITING, Approve, Edit, Reject, ReviewState, Verdict
from store import tables as t
from store.history import HistoryRecord, read
from store.reviews import Review
from tests.bot.reviewing.world import ADA, BEN, CHEN, DORA, EMIL, World, policy_for_labels

VERDICTS: dict[str, Verdict] = {"approve": Approve(), "edit": Edit("billing"), "reject": Reject("tone", reason="No.")}
SETTLE = "sla: 30m, adjudicators: {users: [U0DORA, U0EMIL]}, escalation: [{after: 5m, remind: channel}]"


# Twice what else would rarely come at its moment.
DOES = ["approve", "reject", "approve", "reject", "edit", "undo", "undo", "change.approve", "change.reject"]
DOES += ["claim", "release", "hand_over"]


@dataclass(frozen=True)
class Act:
    """What one person does with the gate or the second opinion. `stale`: as it was before all."""

    who: Reviewer
    does: str
    on: str
    stale: bool


def some_act(chance: Random) -> Act:
    who, does = chance.choice([ADA, BEN, CHEN, DORA, EMIL]), chance.choice(DOES)
    return Act(who, does, chance.choice(["gate", "gate", "double"]), chance.random() < 0.2)


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=pytest.mark.long if seed >= 10 else ()) for seed in range(32)]
)
async def test_any_schedule_leaves_one_story(world: World, seed: int) -> None:
    chance = Random(seed)
    needed, on_timeout = 1 + seed % 2, chance.choice(["hold", "reject", "provisional"])
    undo = chance.choice(["0s", "30s"])
    own = f"approvals: {{low: {needed}}}, undo: {undo}, on_timeout: {on_timeout}, double_review: 1.0"
    await world.set_policy(policy_for_labels(f"{SETTLE}, {own}"))
    before = await world.case(request={"confidence": 0.6})
    for _ in range(12):
        match chance.randrange(10):
            case 0 if (await world.now(before.review.id)).decision.status == "pending" and chance.random() < 0.2:
                await world.cancel(before)
            case 1 | 2:
                await world.pass_time(timedelta(seconds=chance.choice([10, 31, 301, 1801])))
            case _:
                acts = [some_act(chance) for _ in range(chance.randint(1, 3))]
                await asyncio.gather(world.deadlines.sweep(), *(_perform(world, before, act) for act in acts))
        await _assert_one_story(world, before, needed)


async def _perform(world: World, before: Case, act: Act) -> None:
    cases = {case.review.kind: case for case in await world.cases.of_decision(before.decision.pk)}
    if act.on not in cases:
        return
    case = before if act.stale and act.on == "gate" else cases[act.on]
    match act.does.split("."):
        case ["change", verdict]:
            await world.reviewing.change(case, act.who, VERDICTS[verdict])
        case ["claim"]:
            await world.claims.claim(case, act.who)
        case ["release"]:
            await world.claims.release(case, act.who)
        case ["hand_over"]:
            await world.claims.hand_over(case, act.who, BEN, None)
        case ["undo"]:
            await world.reviewing.undo(case, act.who)
        case [verdict]:
            await world.reviewing.decide(case, act.who, VERDICTS[verdict])


# What must hold -------------------------------------------------------------------------------------------------------


async def _assert_one_story(world: World, before: Case, needed: int) -> None:
    cases = await world.cases.of_decision(before.decision.pk)
    history = await read(world.engine, before.decision.pk)
    outcomes = [record for record in history if _ends(record)]
    for case in cases:
        _assert_clock(case.review)
        _assert_votes(case.review, history, needed)
    decision = cases[0].decision
    assert decision.outcome == (outcomes[-1].facts["outcome"] if outcomes else _cancelled(history))
    assert decision.decided_by == (outcomes[-1].facts.get("decided_by") if outcomes else [])
    if outcomes:
        assert decision.decided_by == _people_of(cases, outcomes[-1])
    second = {case.review.pk for case in cases if case.review.kind == "double"}
    assert all(record.facts.get("adjudicates", True) for record in outcomes if record.review_pk in second)
    assert await world.events(before) == _expected_events(outcomes)
    rows = await world.rows(t.events, "decision_pk", decision.pk)
    assert [row.position for row in rows] == list(range(1, len(rows) + 1))
    requested = [each.type for each in rows].count("decision.rollback_requested")
    last = "requested" if decision.outcome == "rejected" else "withdrawn"
    states = [row.state for row in await world.rows(t.rollbacks, "decision_pk", decision.pk)]
    assert states == (["withdrawn"] * (requested - 1) + [last] if requested else [])
    told = await world.told(before)
    assert len({str(each["outcome"]) for each in told}) == len(told), "the same was told twice"


def _ends(record: HistoryRecord) -> bool:
    """Whether it made the decision's outcome; what is held has none yet, what is confirmed no new one."""
    return (
        "outcome" in record.facts and record.event != "reviewer:review:held" and record.event.split(":")[1] == "review"
    )


def _cancelled(history: list[HistoryRecord]) -> str | None:
    return "cancelled" if any(record.event == "app:decision:cancelled" for record in history) else None


def _people_of(cases: list[Case], closing: HistoryRecord) -> list[str]:
    """Of the votes that made this outcome, by the rows of `verdicts`."""
    [review] = [case.review for case in cases if case.review.pk == closing.review_pk]
    if closing.event == "bot:review:timed_out":
        return []
    last = [each for each in review.verdicts if each.at <= closing.at]
    votes = [each for each in review.verdicts if each.round == closing.facts.get("round", last[-1].round)]
    settled = [vote.user_id for vote in votes if vote.adjudicates]
    return settled or [vote.user_id for vote in votes]


def _expected_events(outcomes: list[HistoryRecord]) -> list[str]:
    """Contract §4, of the outcomes one after the other."""
    events: list[str] = []
    told, former = "wait", None
    for record in outcomes:
        outcome, disposition = str(record.facts["outcome"]), str(record.facts["disposition"])
        if former is None or (former == "timed_out" and outcome == "approved"):
            events.append("decision.resolved")
        elif outcome == "rejected":
            events += ["decision.rollback_requested"] if told != "do_not_execute" else []
        elif outcome == "edited" or former != "approved":
            events.append("decision.corrected")
        told, former = disposition, outcome
    return events


def _assert_clock(review: Review) -> None:
    """The clock looks again at the next thing: it neither forgets one nor looks at what has ended."""
    if review.state == ReviewState.HELD:
        assert review.due_at == review.release_at
        return
    if review.state not in WAITING:
        assert review.due_at is None
        return
    if not review.overdue:
        assert review.due_at is not None
        assert review.due_at <= review.deadline
    if review.kind == "gate" and review.posted_at is not None and review.steps_done == 0:
        assert review.due_at is not None
        assert review.due_at <= review.posted_at + timedelta(minutes=5)
    if review.claim is not None:
        assert review.due_at is not None
        assert review.due_at <= review.claim.until


def _assert_votes(review: Review, history: list[HistoryRecord], needed: int) -> None:
    said = [
        (record.facts["round"], record.actor.rpartition("/")[2], record.facts["verdict"])
        for record in history
        if record.review_pk == review.pk and "verdict" in record.facts
    ]
    assert said == [(vote.round, vote.user_id, vote.verdict) for vote in review.verdicts]
    assert len({(round_, user) for round_, user, _ in said}) == len(said)
    changed = {record.facts["round"] for record in history if record.event == "reviewer:review:changed"}
    if review.state in (ReviewState.HELD, ReviewState.DECIDED) and review.kind == "gate":
        alone = review.round in changed or any(vote.adjudicates for vote in review.votes)
        assert alone or len(review.votes) >= needed
