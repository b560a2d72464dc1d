"""The undo window: nothing is told while a verdict is held, it is told once when the window ends, or never."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update

from bot.reviewing.people import Refusal
from bot.reviewing.verdicts import Decided, TooLate, Undone
from routing.review import Approve, Edit, Reject, ReviewState, Verdict
from store import tables as t
from tests.bot.reviewing.world import ADA, BEN, CHEN, DORA, EMIL, World, policy_for_labels, replica

WINDOW = timedelta(seconds=30)
UNDO = policy_for_labels("undo: 30s, on_timeout: reject, adjudicators: {users: [U0DORA, U0EMIL]}")
WRONG = Reject("factual_error", reason="No.")


@pytest.fixture
async def undoable(world: World) -> World:
    await world.set_policy(UNDO)
    return world


async def test_the_app_is_told_when_the_window_ends_and_not_before(undoable: World) -> None:
    case = await undoable.case()
    waiting = undoable.wakeups.watch(case.decision.pk)

    held = await undoable.decide(case, Edit("billing", "tone", "minor", {}, "So."))

    assert (held.state, held.release_at) == (ReviewState.HELD, undoable.clock.now() + WINDOW)
    now = await undoable.now(case.review.id)
    assert (now.review.state, now.review.due_at) == ("held", held.release_at)
    assert now.decision == case.decision  # pending, with its deadline, as if nobody had said anything
    await undoable.pass_time(WINDOW - timedelta(seconds=1))
    assert await undoable.events(case) == []
    assert not waiting.is_set()

    await undoable.pass_time(timedelta(seconds=1))

    assert waiting.is_set()
    now = await undoable.now(case.review.id)
    assert (now.review.state, now.review.due_at, now.review.release_at) == ("decided", None, None)
    [told] = await undoable.told(case)
    assert (told["outcome"]["output"], told["outcome"]["category"]) == ("billing", "tone")
    assert told["outcome"]["decided_by"] == ["U0ADA"]
    assert now.decision.decided_at == held.verdict.at
    assert await undoable.history(case) == ["reviewer:review:held", "bot:review:released"]


@pytest.mark.parametrize("verdict", [Approve(), Edit("billing"), WRONG])
async def test_what_is_undone_is_open_with_everything_it_had(undoable: World, verdict: Verdict) -> None:
    case = await undoable.case()
    await undoable.claims.claim(case, ADA)
    await undoable.deadlines.sweep()
    claimed = await undoable.now(case.review.id)
    await undoable.decide(claimed, verdict)
    assert isinstance(await undoable.reviewing.undo(await undoable.now(case.review.id), ADA), Undone)
    await undoable.deadlines.sweep()
    now = await undoable.now(case.review.id)
    assert now.decision == case.decision
    assert (now.review.state, now.review.round, now.votes) == ("open", 2, ())
    assert (now.review.claim, now.review.due_at) == (claimed.review.claim, claimed.review.due_at)
    assert (now.review.closed_at, now.review.release_at) == (None, None)
    [card] = await undoable.messages(case, "card")
    assert card.wanted > card.sent
    await undoable.pass_time(WINDOW)
    assert await undoable.events(case) == []

    again = await undoable.decide(now, verdict)  # the same person may say the same anew
    assert (again.state, again.verdict.round) == (ReviewState.HELD, 2)


async def test_a_deadline_that_passed_meanwhile_counts_after_the_undo(undoable: World) -> None:
    case = await undoable.case()
    await undoable.clock.advance((timedelta(hours=4) - WINDOW / 2).total_seconds())
    await undoable.decide(case, Approve())
    await undoable.clock.advance(20)
    await undoable.deadlines.sweep()
    assert (await undoable.now(case.review.id)).review.state == "held"
    await undoable.reviewing.undo(await undoable.now(case.review.id), ADA)
    await undoable.deadlines.sweep()
    assert [told["outcome"]["result"] for told in await undoable.told(case)] == ["timed_out"]


async def test_others_in_the_circle_may_undo_and_strangers_may_not(undoable: World) -> None:
    case = await undoable.case(requested_by="U0CHEN")
    await undoable.decide(case, Approve())
    undoable.membership.outside = {"U0ADA", "U0DORA"}  # Ada has left, and may still take back what she said
    held = await undoable.now(case.review.id)
    stranger = await undoable.reviewing.undo(held, DORA)
    assert isinstance(stranger, Refusal)
    assert stranger.reason == "not_a_reviewer"
    assert await undoable.reviewing.undo(held, CHEN) == Refusal("own_request")
    assert isinstance(await undoable.reviewing.undo(held, BEN), Undone)
    await undoable.decide(await undoable.now(case.review.id), Approve(), BEN)
    assert isinstance(await undoable.reviewing.undo(await undoable.now(case.review.id), BEN), Undone)


async def test_who_was_overruled_does_not_undo_the_adjudicator(undoable: World) -> None:
    await undoable.set_policy(UNDO.replace("undo: 30s", "undo: 30s, approvals: {low: 2}"))
    case = await undoable.case()
    await undoable.decide(case, Approve())
    await undoable.decide(case, WRONG, BEN)
    assert (await undoable.decide(case, WRONG, DORA)).state is ReviewState.HELD
    undoable.membership.strict = True
    held = await undoable.now(case.review.id)
    for overruled in (ADA, BEN):
        refusal = await undoable.reviewing.undo(held, overruled)
        assert isinstance(refusal, Refusal)
        assert refusal.reason == "adjudicators_only"
    assert isinstance(await undoable.reviewing.undo(held, EMIL), Undone)


async def test_after_the_release_it_is_too_late(undoable: World) -> None:
    case = await undoable.case()
    await undoable.decide(case, Approve())
    held = await undoable.now(case.review.id)
    await undoable.pass_time(WINDOW)
    assert isinstance(await undoable.reviewing.undo(held, ADA), TooLate)
    assert await undoable.events(case) == ["decision.resolved"]


async def test_nobody_votes_on_what_is_held(undoable: World) -> None:
    case = await undoable.case()
    await undoable.decide(case, Approve())
    late = await undoable.decide(case, WRONG, BEN)
    assert isinstance(late, TooLate)
    assert isinstance(await undoable.reviewing.change(late.case, BEN, WRONG), TooLate)
    assert isinstance(await undoable.claims.claim(late.case, BEN), TooLate)


async def test_a_card_that_arrives_while_it_is_held_does_not_shorten_the_window(undoable: World) -> None:
    case = await undoable.case(posted=False)  # and decided where no card is needed
    await undoable.decide(case, Approve())
    await undoable.post(case.review.id)
    await undoable.deadlines.sweep()
    assert (await undoable.now(case.review.id)).review.state == "held"
    assert await undoable.events(case) == []


async def test_two_replicas_release_once(any_world: World) -> None:
    world = any_world
    await world.set_policy(UNDO)
    world.draw[0] = 0.9
    cases = [await world.case() for _ in range(6)]
    for case in cases:
        await world.decide(case, Approve())
    await world.clock.advance(WINDOW.total_seconds())
    async with replica(world) as other:
        await asyncio.gather(
            world.deadlines.sweep(), other.deadlines.sweep(), world.deadlines.sweep(), other.deadlines.sweep()
        )
    for case in cases:
        assert await world.events(case) == ["decision.resolved"]
        assert await world.history(case) == ["reviewer:review:held", "bot:review:released"]


async def test_release_undo_and_cancel_race_for_one_end(any_world: World) -> None:
    world = any_world
    await world.set_policy(UNDO)
    for number in range(8):
        case = await world.case()
        await world.decide(case, Approve())
        held = await world.now(case.review.id)
        await world.clock.advance(WINDOW.total_seconds())
        async with replica(world) as other:
            doings = [world.deadlines.sweep(), other.reviewing.undo(held, ADA), world.cancel(case)]
            order = doings[number % 3 :] + doings[: number % 3]
            await asyncio.gather(*order)
        now = await world.now(case.review.id)
        ends = {"decided": ["decision.resolved"], "open": [], "cancelled": []}
        assert await world.events(case) == ends[now.review.state]
        assert now.decision.outcome == {"decided": "approved", "open": None, "cancelled": "cancelled"}[now.review.state]
        assert now.review.release_at is None


async def test_the_app_may_withdraw_what_is_held(undoable: World) -> None:
    case = await undoable.case()
    await undoable.decide(case, Approve())
    assert await undoable.cancel(case)
    await undoable.pass_time(WINDOW)
    now = await undoable.now(case.review.id)
    assert (now.review.state, now.decision.outcome, now.decision.decided_by) == ("cancelled", "cancelled", [])
    assert await undoable.events(case) == []


async def test_whoever_starts_after_a_crash_releases_what_the_other_held(undoable: World) -> None:
    case = await undoable.case()
    assert isinstance(await undoable.decide(case, Approve()), Decided)
    await undoable.writer.stop()  # killed between the vote and the release
    await undoable.clock.advance(3600)
    async with replica(undoable) as next_one:
        await next_one.deadlines.sweep()
        assert await next_one.events(case) == ["decision.resolved"]


async def test_a_second_opinion_is_asked_for_at_the_release(undoable: World) -> None:
    await undoable.set_policy(UNDO.replace("undo: 30s", "undo: 30s, double_review: 1.0"))
    case = await undoable.case()
    await undoable.decide(case, Approve())
    await undoable.reviewing.undo(await undoable.now(case.review.id), ADA)
    await undoable.decide(await undoable.now(case.review.id), Approve(), BEN)
    assert len(await undoable.cases.of_decision(case.decision.pk)) == 1
    await undoable.pass_time(WINDOW)
    double = await undoable.sibling(case, "double")
    assert await undoable.decide(double, Approve(), BEN) == Refusal("second_opinion")

    held = await undoable.decide(double, WRONG, CHEN)
    assert held.state is ReviewState.DISPUTED
    assert (await undoable.decide(double, WRONG, DORA)).state is ReviewState.HELD
    await undoable.pass_time(WINDOW)
    assert await undoable.events(case) == ["decision.resolved", "decision.rollback_requested"]


async def test_who_sent_it_for_review_is_told_at_the_release(undoable: World) -> None:
    case = await undoable.case(requested_by="U0EMIL")
    async with undoable.engine.begin() as connection:
        await connection.execute(update(t.apps).values(name="slack"))
    await undoable.decide(await undoable.now(case.review.id), Approve())
    assert await undoable.messages(case, "notice") == []
    await undoable.pass_time(WINDOW)
    [told] = await undoable.messages(case, "notice")
    assert (told.channel, told.body) == ("U0EMIL", {"what": "verdict"})
