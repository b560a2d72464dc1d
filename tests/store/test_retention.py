"""Content goes when its time is over and nobody needs it; facts and history stay."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.jobs.retention import Retention
from bot.policy_in_force import PolicyInForce
from store import tables as t
from store.adjustments import AdjustmentStore
from store.engine import WRITE, open_engine, parse_url
from store.history import HistoryRecord
from store.retention import REMOVED, RetentionStore
from store.rollbacks import AnswerRollback
from store.runs import BeginRun, Tick
from store.writer import Writer
from tests.bot.proof.world import Proof
from tests.support.bot import POLICY
from tests.support.clock import ManualClock
from tests.support.databases import migrate
from tests.support.rows import NOW, add_world

DAY = timedelta(days=1)
RESOLVED: dict[str, Any] = {"status": "resolved", "outcome": "approved", "disposition": "execute", "decided_at": NOW}
SHORT = POLICY.replace("  refund:\n", "  refund:\n    retention: 30d\n    redact: ['secret-\\d+']\n")


class World(Proof):
    """A store with a policy: content of `refund` is kept for 30 days, all other for 400."""

    retention: Retention
    clock: ManualClock

    async def rows(self, *columns: Any) -> list[Any]:
        async with self.engine.connect() as connection:
            return list((await connection.execute(select(*columns).order_by(columns[0]))).all())

    async def insert(self, table: Any, **values: Any) -> None:
        async with self.engine.connect() as plain:
            connection = await plain.execution_options(**WRITE)
            async with connection.begin():
                await connection.execute(insert(table).values(values))

    async def kept(self) -> set[int]:
        """The decisions that have content."""
        return {pk for (pk,) in await self.rows(t.contents.c.decision_pk)}

    async def run(self) -> dict[str, Any]:
        return await self.retention.run(next(self.retention.ticks(self.clock.now())))


@pytest.fixture
async def world(engine: AsyncEngine, tmp_path: Path) -> AsyncIterator[World]:
    writer, clock = Writer(engine), ManualClock(NOW)
    writer.start()
    path = tmp_path / "policy.yml"
    path.write_text(SHORT)
    policy = PolicyInForce(path, writer, clock, AdjustmentStore(engine))
    await policy.load()
    made = World(engine, writer, await add_world(writer, engine))
    made.clock = clock
    made.retention = Retention(clock=clock, writer=writer, store=RetentionStore(engine), policy=policy)
    yield made
    await writer.stop()


def posted(days_ago: float) -> datetime:
    return NOW - days_ago * DAY


async def test_each_task_has_its_own_time_and_what_is_removed_is_told(world: World) -> None:
    for pk, task, days in ((1, "label", 401), (2, "label", 399), (3, "refund", 31), (4, "refund", 29), (5, "new", 401)):
        await world.add(pk, task_type=task, created_at=posted(days), **RESOLVED)
    assert await world.run() == {"decisions": 3, "alerts": 0, "runs": 0}
    assert await world.kept() == {2, 4}
    facts = [
        facts
        for _, event, facts in await world.rows(t.history.c.seq, t.history.c.event, t.history.c.facts)
        if event == REMOVED
    ]
    assert facts == [
        {"task_type": "label", "decisions": 1, "created_before": posted(400).isoformat()},
        {"task_type": "refund", "decisions": 1, "created_before": posted(30).isoformat()},
        {"task_type": "new", "decisions": 1, "created_before": posted(400).isoformat()},
    ]
    assert await world.run() == {"decisions": 0, "alerts": 0, "runs": 0}
    report = await world.verify()
    assert (report.findings, report.removed) == ([], 3)
    assert [pk for (pk,) in await world.rows(t.decisions.c.pk)] == [1, 2, 3, 4, 5]


REVIEW: dict[str, Any] = {
    "kind": "gate", "version": 1, "round": 1, "lane": "card", "channel": "#ai-review", "task_type": "label",
    "risk": "low", "urgency": 5, "opened_at": NOW, "deadline": NOW, "overdue": False, "steps_done": 0,
}  # fmt: skip
AUDIT: dict[str, Any] = {**REVIEW, "kind": "audit", "lane": "sample"}


async def test_what_somebody_may_still_need_stays(world: World) -> None:
    for pk in range(1, 10):
        await world.add(pk, created_at=posted(500), **(RESOLVED if pk > 1 else {}))
    for pk, state in ((2, "open"), (3, "disputed"), (4, "open"), (6, "decided")):
        await world.insert(t.reviews, pk=100 + pk, id=f"rev_{pk}", decision_pk=pk, state=state, **REVIEW)
    for pk, deadline in ((8, NOW + DAY), (9, NOW)):
        columns = {**AUDIT, "deadline": deadline}
        await world.insert(t.reviews, pk=100 + pk, id=f"rev_{pk}", decision_pk=pk, state="open", **columns)
    event = {
        "app_pk": world.app_pk, "position": 1, "type": "decision.resolved", "url": "https://app.example",
        "receiver": "https://app.example", "attempts": 1, "created_at": NOW, "due_at": NOW,
    }  # fmt: skip
    for pk, state in ((5, "pending"), (6, "delivered"), (7, "dead")):
        await world.insert(t.events, id=f"evt_{pk}", decision_pk=pk, state=state, **event)
    assert (await world.run())["decisions"] == 3
    assert await world.kept() == {1, 2, 3, 4, 5, 8}, "an audit is waited for up to its deadline"
    # A dead letter goes with its body: there is nothing left to deliver again.
    assert [row.decision_pk for row in await world.rows(t.events.c.pk, t.events.c.decision_pk)] == [5, 6]


async def test_a_rollback_that_nobody_answers_keeps_nothing_and_a_late_answer_is_no_removal(world: World) -> None:
    await world.add(1, created_at=posted(500), **RESOLVED)
    await world.insert(t.reviews, pk=101, id="rev_1", decision_pk=1, state="decided", **AUDIT)
    rollback = {"decision_pk": 1, "round": 1, "requested_at": NOW, "state": "requested", "reminders": 0, "due_at": NOW}
    await world.insert(t.rollbacks, review_pk=101, **rollback)
    assert (await world.run())["decisions"] == 1
    record = HistoryRecord(NOW, "rollback:failed", "app:shop", world.app_pk, 1)
    assert await world.writer.submit(AnswerRollback(1, False, '{"note": "too late"}', NOW, record)) == "taken"
    assert await world.kept() == {1}
    assert (await world.run())["decisions"] == 0
    assert await world.kept() == set()
    report = await world.verify()
    assert (report.findings, report.removed) == ([], 1)
    assert [event for _, event in await world.rows(t.history.c.seq, t.history.c.event)].count(REMOVED) == 1


async def test_many_are_removed_in_small_commits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.jobs.retention._AT_ONCE", 3)
    for pk in range(1, 11):
        await world.add(pk, created_at=posted(500), **RESOLVED)
    await world.add(11, created_at=posted(1), **RESOLVED)
    assert (await world.run())["decisions"] == 10
    assert await world.kept() == {11}
    report = await world.verify()
    assert (report.findings, report.removed) == ([], 10)


async def test_a_process_that_dies_in_the_middle_leaves_a_history_that_adds_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.jobs.retention._AT_ONCE", 2)
    for pk in range(1, 6):
        await world.add(pk, created_at=posted(500), **RESOLVED)
    submit, left = world.writer.submit, [1]

    async def dies(command: Any) -> Any:
        if not left:
            raise RuntimeError("the plug was pulled")
        left.pop()
        return await submit(command)

    monkeypatch.setattr(world.writer, "submit", dies)
    with pytest.raises(RuntimeError):
        await world.run()
    monkeypatch.setattr(world.writer, "submit", submit)
    report = await world.verify()
    assert (report.findings, report.removed) == ([], 2)
    assert (await world.run())["decisions"] == 3
    report = await world.verify()
    assert (report.findings, report.removed) == ([], 5)


async def test_what_somebody_else_took_is_told_apart(world: World) -> None:
    for pk, days in ((1, 500), (2, 500), (3, 1)):
        await world.add(pk, created_at=posted(days), **RESOLVED)
    await world.tamper("DELETE FROM contents WHERE decision_pk IN (2, 3)")
    await world.run()
    report = await world.verify()
    assert report.removed == 2
    assert [finding.what for finding in report.findings] == [
        "the request of which record 8 tells is missing",
        "the content of 1 decisions of label is missing that retention did not remove",
    ]


async def test_facts_lose_what_the_policy_hides(world: World) -> None:
    reasons = [{"code": "risk.base", "detail": "refund"}, {"code": "check.failed", "detail": "near secret-41 or so"}]
    shared = {"task_type": "refund", "created_at": posted(31), "reasons": reasons, "requested_by": "U0ADA"}
    await world.add(1, subject="customer secret-41", cohort="secret-1", **shared, **RESOLVED)
    await world.add(2, subject="customer-41", cohort="eu", **shared, **RESOLVED)
    await world.run()
    d = t.decisions.c
    first, second = await world.rows(d.pk, d.subject, d.cohort, d.requested_by, d.reasons)
    hidden = [reasons[0], {"code": "check.failed", "detail": "near [redacted 1] or so"}]
    assert first == (1, None, None, "U0ADA", hidden)
    assert second == (2, "customer-41", "eu", "U0ADA", hidden)


async def test_what_was_said_in_threads_is_forgotten_once_it_is_sent(world: World) -> None:
    await world.add(1, created_at=posted(500))
    await world.tamper(
        "UPDATE decisions SET status = 'resolved', outcome = 'approved'", "UPDATE reviews SET state = 'decided'"
    )
    for name, sent in (("sent", 1), ("unsent", 0)):
        await world.insert(
            t.messages, key=name, kind="notice", review_pk=1_000_001, channel="#ai-review", urgency=25,
            body={"note": "call her"}, wanted=1, sent=sent, live=False, attempts=0, due_at=NOW,
        )  # fmt: skip
    assert (await world.run())["decisions"] == 1
    m = t.messages.c
    said = {row.key: row.body for row in await world.rows(m.pk, m.key, m.body, m.kind) if row.kind == "notice"}
    assert said == {"sent": None, "unsent": {"note": "call her"}}


async def test_what_alerts_said_goes_too_once_they_are_closed(world: World) -> None:
    for pk, state, days in ((1, "decided", 401), (2, "open", 401), (3, "decided", 399)):
        await world.insert(
            t.reviews, pk=pk, id=f"rev_{pk}", decision_pk=None, kind="alert", state=state, version=1, round=1,
            lane="alert", channel="#ai-review", task_type="label", risk="low", urgency=40, opened_at=posted(days),
            deadline=NOW, overdue=False, steps_done=0,
        )  # fmt: skip
        await world.insert(
            t.alerts, review_pk=pk, id=f"alert-{pk}", severity="high", body_sha256="0" * 64, content={"title": "Late"}
        )
    assert (await world.run())["alerts"] == 1
    a = t.alerts.c
    assert [row.content for row in await world.rows(a.review_pk, a.content)] == [
        None,
        {"title": "Late"},
        {"title": "Late"},
    ]
    assert (await world.verify()).findings == []


async def test_old_runs_are_forgotten(world: World) -> None:
    for days in (401, 399):
        tick = Tick("", posted(days).date().isoformat(), posted(days))
        await world.writer.submit(BeginRun("retention", tick, NOW))
    assert (await world.run())["runs"] == 1
    assert [row.period for row in await world.rows(t.runs.c.pk, t.runs.c.period)] == [posted(399).date().isoformat()]


async def test_what_sqlite_deletes_is_overwritten(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/hitl.db"
    await migrate(url)
    engine = open_engine(parse_url(url))
    writer = Writer(engine)
    writer.start()
    proof = Proof(engine, writer, await add_world(writer, engine))
    for pk in range(1, 20):
        await proof.add(pk)
    await proof.tamper("DELETE FROM contents")
    await writer.stop()
    await engine.dispose()  # the last connection writes the log back and removes it
    assert b"Where is parcel" not in (tmp_path / "hitl.db").read_bytes()
