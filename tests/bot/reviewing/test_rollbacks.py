"""Rollbacks: asked for once, reminded until they are answered, and told to people where nobody undoes them."""

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from bot.reviewing.case import Case
from bot.reviewing.rollbacks import Rollbacks
from routing.review import Approve, Edit, Reject, Verdict
from store import tables as t
from store.events import GONE, MarkDead, MarkDelivered, Redeliver, StopReceiver
from store.executions import BeginExecution, FinishExecution
from store.history import HistoryRecord, read
from store.rollbacks import AnswerRollback, Rollback, RollbackCounts, RollbackStore
from tests.bot.reviewing.world import BEN, World, replica

WRONG = Reject("factual_error", reason="No.")
HOUR = timedelta(hours=1)
URL = "https://app.example"


class Undoing:
    """A world in which apps are asked to undo; `sweep` is one process's turn."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.store = RollbackStore(world.engine)
        self.rollbacks = Rollbacks(clock=world.clock, writer=world.writer, store=self.store, new_id=world.new_id)

    async def wrong(self, **changes: Any) -> Case:
        """Something that went out, and is found wrong."""
        case = await self.world.case(kind="provisional", **changes)
        await self.world.decide(case, WRONG)
        return await self.world.now(case.review.id)

    async def of(self, case: Case) -> list[Any]:
        return await self.world.rows(t.rollbacks, "decision_pk", case.decision.pk)

    async def only(self, case: Case) -> Rollback:
        [row] = await self.of(case)
        return await self.store.find(row.pk)

    async def pass_time(self, passed: timedelta, *others: "Undoing") -> None:
        await self.world.clock.advance(passed.total_seconds())
        await asyncio.gather(*(each.rollbacks.sweep() for each in (self, *others)))

    async def deliver(self, case: Case) -> None:
        """Everything that is on its way arrives."""
        record = self.record("bot:event:delivered", case)
        for event in await self.world.rows(t.events, "decision_pk", case.decision.pk):
            if event.state == "pending":
                await self.world.writer.submit(MarkDelivered(event.pk, self.world.clock.now(), record))

    async def last_event(self, case: Case) -> Any:
        return max(await self.world.rows(t.events, "decision_pk", case.decision.pk), key=lambda row: row.position)

    async def answer(self, case: Case, *, ok: bool, note: str | None = None) -> str:
        record = self.record(f"app:rollback:{'done' if ok else 'failed'}", case)
        body = None if note is None else json.dumps({"note": note})
        return await self.world.writer.submit(
            AnswerRollback(case.decision.pk, ok, body, self.world.clock.now(), record)
        )

    def record(self, event: str, case: Case) -> HistoryRecord:
        return HistoryRecord(self.world.clock.now(), event, "app:shop", case.decision.app_pk, case.decision.pk)

    async def told(self, case: Case) -> list[str]:
        """What people are told about it, in order."""
        notices = await self.world.messages(case, "notice")
        return [row.body["told"] for row in notices if row.body["what"] == "rollback"]

    async def asked(self, case: Case) -> int:
        """How often the app was asked."""
        return (await self.world.events(case)).count("decision.rollback_requested")


@pytest.fixture
async def undoing(world: World) -> Undoing:
    return Undoing(world)


# Asked for ------------------------------------------------------------------------------------------------------------


async def test_the_commit_that_finds_it_wrong_asks_for_the_rollback(undoing: Undoing) -> None:
    case = await undoing.wrong()
    asked = await undoing.only(case)
    assert (asked.state, asked.reminders, asked.requested_at) == ("requested", 0, undoing.world.clock.now())
    assert (asked.review_pk, asked.due_at) == (case.review.pk, asked.requested_at + HOUR)
    *_, last = await read(undoing.world.engine, case.decision.pk)
    assert last.facts["rollback"] == "requested"


@pytest.mark.parametrize("verdicts", [[Approve()], [Edit("billing")], [Approve(), Edit("billing"), Approve()]])
async def test_nothing_is_undone_that_nobody_finds_wrong(undoing: Undoing, verdicts: Sequence[Verdict]) -> None:
    case = await undoing.world.case(kind="provisional")
    await undoing.world.decide(case, verdicts[0])
    for verdict in verdicts[1:]:
        await undoing.world.reviewing.change(await undoing.world.now(case.review.id), BEN, verdict)
    assert await undoing.of(case) == []


async def test_what_waited_was_never_done_and_is_not_undone(undoing: Undoing) -> None:
    case = await undoing.world.case()
    await undoing.world.decide(case, WRONG)
    assert await undoing.of(case) == []


async def test_each_turn_to_wrong_asks_once_and_each_turn_back_withdraws_it(undoing: Undoing) -> None:
    case = await undoing.wrong()
    for verdict in (Reject("tone"), Approve(), WRONG, Edit("billing"), Edit("returns"), WRONG):
        await undoing.world.reviewing.change(await undoing.world.now(case.review.id), BEN, verdict)
    assert [row.state for row in await undoing.of(case)] == ["withdrawn", "withdrawn", "requested"]
    assert await undoing.asked(case) == 3


async def test_a_withdrawn_one_is_not_reminded_and_not_answered(undoing: Undoing) -> None:
    case = await undoing.wrong()
    await undoing.deliver(case)
    await undoing.world.reviewing.change(await undoing.world.now(case.review.id), BEN, Approve())
    await undoing.pass_time(30 * HOUR)
    assert (await undoing.asked(case), await undoing.told(case)) == (1, [])
    assert await undoing.answer(case, ok=True) == "withdrawn"
    assert await undoing.store.next_due() is None


async def test_the_request_names_the_action_that_was_executed(undoing: Undoing) -> None:
    world = undoing.world
    case = await world.case(kind="provisional")
    await world.decide(case, Edit("billing"))
    edited = (await world.now(case.review.id)).decision
    for command in (
        BeginExecution(edited.pk, edited.action_sha256, world.clock.now(), undoing.record("a:b:c", case)),
        FinishExecution(edited.pk, "executed", world.clock.now(), undoing.record("a:b:c", case)),
    ):
        assert await world.writer.submit(command) in (None, True)
    await world.reviewing.change(await world.now(case.review.id), BEN, WRONG)
    asked = (await world.told(case))[-1]
    assert asked["action_sha256"] == edited.action_sha256
    assert asked["execution"] == {
        "state": "executed",
        "started_at": "2026-11-20T10:00:00Z",
        "finished_at": "2026-11-20T10:00:00Z",
    }


# Reminded -------------------------------------------------------------------------------------------------------------


async def test_reminders_come_at_their_times_until_it_is_answered(undoing: Undoing) -> None:
    case = await undoing.wrong()
    began, asked_at, told_at = undoing.world.clock.now(), [], []
    for hours in (*[1] * 30, *[6] * 31):
        await undoing.deliver(case)
        before = (await undoing.asked(case), len(await undoing.told(case)))
        await undoing.pass_time(hours * HOUR)
        since = (undoing.world.clock.now() - began) // HOUR
        asked_at += [since] * (await undoing.asked(case) - before[0])
        told_at += [since] * (len(await undoing.told(case)) - before[1])
    assert asked_at == [1, 4, *range(24, 217, 24)]
    assert told_at == [*range(24, 217, 24)]
    assert set(await undoing.told(case)) == {"open"}
    [open_] = await undoing.store.open(undoing.world.clock.now())
    assert (open_.decision_id, open_.age, open_.is_overdue) == (case.decision.id, 216 * HOUR, True)
    assert await undoing.store.next_due() == began + 240 * HOUR
    assert await undoing.answer(case, ok=True) == "taken"
    assert await undoing.store.next_due() is None


async def test_a_reminder_says_the_same_under_an_id_of_its_own(undoing: Undoing) -> None:
    case = await undoing.wrong()
    await undoing.deliver(case)
    await undoing.pass_time(HOUR)
    first, again = sorted(
        await undoing.world.rows(t.events, "decision_pk", case.decision.pk), key=lambda row: row.position
    )
    assert (again.type, again.url, again.position) == (first.type, first.url, first.position + 1)
    assert again.id != first.id
    bodies = await undoing.world.rows(t.contents, "decision_pk", case.decision.pk)
    texts = {row.part: row.body for row in bodies}
    assert texts[f"event:{again.id}"] == texts[f"event:{first.id}"]


async def test_what_is_on_its_way_is_not_sent_a_second_time(undoing: Undoing) -> None:
    case = await undoing.wrong()
    await undoing.pass_time(5 * HOUR)
    assert await undoing.asked(case) == 1
    await undoing.deliver(case)
    await undoing.pass_time(20 * HOUR)
    assert await undoing.asked(case) == 2


async def test_times_that_were_missed_are_one_reminder(undoing: Undoing) -> None:
    case = await undoing.wrong()
    await undoing.deliver(case)
    await undoing.pass_time(50 * HOUR)
    assert (await undoing.asked(case), await undoing.told(case)) == (2, ["open"])
    assert (await undoing.only(case)).reminders == 4


async def test_who_names_a_time_to_come_has_done_what_is_due_by_then_and_it_is_sent_now(undoing: Undoing) -> None:
    case = await undoing.wrong()
    await undoing.deliver(case)
    now = undoing.world.clock.now()
    assert await undoing.rollbacks.sweep(now + 25 * HOUR) == 1
    assert await undoing.rollbacks.sweep(now + 25 * HOUR) == 0
    assert (await undoing.asked(case), await undoing.told(case)) == (2, ["open"])
    assert (await undoing.last_event(case)).due_at == now


async def test_two_replicas_remind_once(any_world: World) -> None:
    undoing = Undoing(any_world)
    cases = [await undoing.wrong() for _ in range(3)]
    async with replica(any_world) as second:
        other = Undoing(second)
        for hours in (1, 3, 20):
            for case in cases:
                await undoing.deliver(case)
            await undoing.pass_time(hours * HOUR, other)
    for case in cases:
        assert (await undoing.asked(case), await undoing.told(case)) == (4, ["open"])
        records = [each.event for each in await read(any_world.engine, case.decision.pk)]
        assert records.count("bot:rollback:reminded") == 3


async def test_one_that_cannot_be_looked_at_stops_no_other(undoing: Undoing, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, whole = await undoing.wrong(), await undoing.wrong()
    for case in (broken, whole):
        await undoing.deliver(case)
    find, bad = undoing.store.find, (await undoing.only(broken)).pk

    async def stumble(pk: int) -> Rollback:
        if pk == bad:
            raise ValueError("broken")
        return await find(pk)

    with monkeypatch.context() as stumbling:
        stumbling.setattr(undoing.store, "find", stumble)
        await undoing.pass_time(HOUR)
    assert [await undoing.asked(case) for case in (broken, whole)] == [1, 2]
    await undoing.pass_time(timedelta(minutes=1))
    assert await undoing.asked(broken) == 2


# Answered -------------------------------------------------------------------------------------------------------------


async def test_an_answer_ends_it_and_counts_once(undoing: Undoing) -> None:
    case = await undoing.wrong()
    await undoing.deliver(case)
    assert await undoing.answer(case, ok=True, note="Refund taken back.") == "taken"
    assert await undoing.answer(case, ok=True) == "repeated"
    assert await undoing.answer(case, ok=False) == "done_before"
    await undoing.pass_time(100 * HOUR)
    assert (await undoing.asked(case), await undoing.told(case)) == (1, [])
    done = await undoing.only(case)
    assert (done.state, json.loads(done.note or "")) == ("done", {"note": "Refund taken back."})
    assert await undoing.store.open(undoing.world.clock.now()) == []


async def test_a_failure_is_told_at_once_and_stays_open_until_it_is_done(undoing: Undoing) -> None:
    case = await undoing.wrong()
    assert [await undoing.answer(case, ok=False), await undoing.answer(case, ok=False)] == ["taken", "repeated"]
    await undoing.rollbacks.sweep()
    await undoing.pass_time(30 * HOUR)
    assert (await undoing.asked(case), await undoing.told(case)) == (1, ["failed"])
    assert [each.state for each in await undoing.store.open(undoing.world.clock.now())] == ["failed"]
    assert await undoing.answer(case, ok=True) == "taken"
    assert await undoing.store.open(undoing.world.clock.now()) == []


async def test_what_was_undone_is_executed_once_more_when_the_decision_stands_again(undoing: Undoing) -> None:
    world = undoing.world
    case = await world.case(kind="provisional")

    async def begin() -> str | None:
        record, now = undoing.record("a:b:c", case), world.clock.now()
        return await world.writer.submit(BeginExecution(case.decision.pk, case.decision.action_sha256, now, record))

    async def execution() -> str | None:
        decision = (await world.now(case.review.id)).decision
        [row] = await world.rows(t.executions, "decision_pk", decision.pk)
        assert decision.execution == row.state
        return decision.execution

    assert await begin() is None
    record = undoing.record("a:b:c", case)
    assert await world.writer.submit(FinishExecution(case.decision.pk, "executed", world.clock.now(), record))
    await world.decide(case, WRONG)
    assert (await undoing.answer(case, ok=False), await execution()) == ("taken", "executed")
    assert (await undoing.answer(case, ok=True), await execution()) == ("taken", "rolled_back")
    await world.reviewing.change(await world.now(case.review.id), BEN, Approve())
    told = (await world.told(case))[-1]["execution"]
    assert (told["state"], told["finished_at"]) == ("rolled_back", "2026-11-20T10:00:00Z")
    assert [await begin(), await begin()] == [None, "already_executed"]
    # The app repeats its former answer: what was begun since is not undone by it.
    assert (await undoing.answer(case, ok=True), await execution()) == ("repeated", "executing")


async def test_nothing_is_answered_that_was_not_asked(undoing: Undoing) -> None:
    case = await undoing.world.case()
    assert await undoing.answer(case, ok=True) == "nothing_requested"


async def test_an_answer_that_races_with_a_reminder_is_before_or_after_it(any_world: World) -> None:
    undoing = Undoing(any_world)
    async with replica(any_world) as second:
        other = Undoing(second)
        for _ in range(4):
            case = await undoing.wrong()
            await undoing.deliver(case)
            await any_world.clock.advance(HOUR.total_seconds())
            answered, _ = await asyncio.gather(other.answer(case, ok=True), undoing.rollbacks.sweep())
            done = await undoing.only(case)
            assert (answered, done.state, done.due_at) == ("taken", "done", None)
            assert await undoing.asked(case) == 1 + done.reminders
            await undoing.pass_time(4 * HOUR)
            assert await undoing.asked(case) == 1 + done.reminders


# Nobody hears it ------------------------------------------------------------------------------------------------------


async def test_where_the_app_has_no_receiver_people_are_told_at_once(undoing: Undoing) -> None:
    case = await undoing.wrong(callback_url=None)
    await undoing.rollbacks.sweep()
    await undoing.rollbacks.sweep()
    assert await undoing.told(case) == ["no_receiver"]
    await undoing.pass_time(25 * HOUR)
    assert await undoing.told(case) == ["no_receiver", "open"]
    assert await undoing.answer(case, ok=True) == "taken"


async def test_where_the_receiver_was_gone_before_people_are_told_at_once(undoing: Undoing) -> None:
    earlier = await undoing.wrong()
    await undoing.deliver(earlier)
    await stop(undoing, earlier)
    case = await undoing.wrong()
    await undoing.rollbacks.sweep()
    assert (await undoing.told(case), await undoing.told(earlier)) == (["gone"], [])


async def stop(undoing: Undoing, case: Case) -> None:
    record = undoing.record("bot:event:stopped", case)
    await undoing.world.writer.submit(StopReceiver(case.decision.app_pk, URL, undoing.world.clock.now(), record))


async def test_a_410_is_told_once_and_nothing_more_is_sent(any_world: World) -> None:
    undoing = Undoing(any_world)
    async with replica(any_world) as second:
        case = await undoing.wrong()
        await stop(undoing, case)
        await undoing.pass_time(timedelta(0), Undoing(second))
        assert (await undoing.last_event(case)).last_error == GONE
        assert await undoing.told(case) == ["gone"]
        for _ in range(5):
            await undoing.pass_time(24 * HOUR, Undoing(second))
    assert await undoing.asked(case) == 1
    assert await undoing.told(case) == ["gone", *["open"] * 5]


async def test_a_dead_letter_is_told_and_a_redelivery_lets_reminders_go_on(undoing: Undoing) -> None:
    case = await undoing.wrong()
    event, record = await undoing.last_event(case), undoing.record("bot:event:dead", case)
    await undoing.world.clock.advance(72 * 3600)
    await undoing.world.writer.submit(MarkDead(event.pk, undoing.world.clock.now(), "500", record))
    await undoing.rollbacks.sweep()
    assert sorted(await undoing.told(case)) == ["dead", "open"]
    await undoing.world.writer.submit(Redeliver((), undoing.world.clock.now()))
    await undoing.deliver(case)
    await undoing.pass_time(24 * HOUR)
    assert await undoing.asked(case) == 2


async def test_other_dead_letters_are_nobodys_rollback(undoing: Undoing) -> None:
    case = await undoing.world.case()
    await undoing.world.decide(case, Approve())
    event, record = await undoing.last_event(case), undoing.record("bot:event:dead", case)
    await undoing.world.writer.submit(MarkDead(event.pk, undoing.world.clock.now(), "500", record))
    assert await undoing.rollbacks.sweep() == 0


# Counted --------------------------------------------------------------------------------------------------------------


async def test_a_week_counts_what_was_asked_and_answered_in_it_and_what_stood_open_at_its_end(undoing: Undoing) -> None:
    clock = undoing.world.clock
    start = clock.now()
    late, done, failed, turned = [await undoing.wrong() for _ in range(4)]
    await clock.advance(HOUR.total_seconds())
    await undoing.answer(done, ok=True)
    await undoing.answer(failed, ok=False)
    await undoing.world.reviewing.change(turned, BEN, Approve())
    await clock.advance(48 * 3600)
    week_ends = clock.now()
    await undoing.wrong()
    await undoing.answer(late, ok=True)

    first = RollbackCounts(requested=4, done=1, failed=1, withdrawn=1, open=2, overdue=2)
    assert await undoing.store.between(start, week_ends) == first
    second = RollbackCounts(requested=1, done=1, failed=0, withdrawn=0, open=2, overdue=1)
    assert await undoing.store.between(week_ends, week_ends + HOUR) == second
    assert await undoing.store.between(start - HOUR, start) == RollbackCounts(0, 0, 0, 0, 0, 0)
