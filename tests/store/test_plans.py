"""Reads that every decision or every turn of a loop pays for find their rows by an index, however many there are."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from store import schema
from store.agreement import AgreementStore
from store.audit_streams import StreamKey, StreamStore
from store.audits import AuditStore, Period
from store.calibrations import CalibrationStore, KeepCalibration, Look
from store.decisions import DecisionStore, ListFilter
from store.digests import DigestStore
from store.drift import DriftStore
from store.engine import open_engine, parse_url
from store.events import ClaimEvents, EventStore
from store.facts import FactStore, Window
from store.history import HistoryRecord
from store.labels import Domain
from store.load import LoadStore
from store.messages import ClaimMessage, MessageStore
from store.policies import KeepPolicy
from store.queue import QueueStore, Scope
from store.recount import tallies_of
from store.reviews import ReviewStore
from store.threshold_effect import ThresholdEffectStore
from store.uses import UnnotedUse, UseStore, put_to_use
from store.writer import Writer
from tests.support.counters import wrong_counters
from tests.support.rows import NOW, add_world, take_in

Read = Callable[[AsyncEngine, Writer, int], Awaitable[object]]
LATER = NOW + timedelta(hours=1)
PAGE = (NOW, 5)


async def _put_to_use(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await put_to_use(connection, [1], LATER)


async def _corrections_of_a_calibration(engine: AsyncEngine, writer: Writer) -> object:
    look = Look(StreamKey("label", "", "", "other"), 1, LATER, 300, 0.8, "certified", {})
    record = HistoryRecord(LATER, "bot:calibration:made", "bot", facts={})
    await writer.submit(KeepCalibration(look, Domain({"low": 0.0}), record))
    return await UseStore(engine).page(UnnotedUse(1, LATER, 0))


async def _tallies_of(engine: AsyncEngine) -> object:
    async with engine.connect() as connection:
        return await tallies_of(connection, [1])


READS: dict[str, Read] = {
    "look for replays": lambda _, writer, app: writer.submit(take_in(1, app)),
    "claim a message": lambda _, writer, app: writer.submit(ClaimMessage(LATER, ["#busy"], [], ["#ai-review"])),
    "claim a message beside cards": lambda _, writer, app: writer.submit(
        ClaimMessage(LATER, [], [], ["#ai-review"], full=["#ai-review"])
    ),
    "count live cards": lambda engine, _, app: MessageStore(engine).live_counts(),
    "look for messages beside cards": lambda engine, _, app: MessageStore(engine).waiting_beside_cards(),
    "find a thread's root": lambda engine, _, app: MessageStore(engine).thread_root(1, "#ai-review"),
    "claim events": lambda _, writer, app: writer.submit(ClaimEvents(LATER, {}, {}, 64, 4, 16)),
    "count waiting events": lambda engine, _, app: EventStore(engine).waiting(),
    "count each app's live cards": lambda engine, _, app: MessageStore(engine).live_counts_by_app(),
    "list an app's decisions": lambda engine, _, app: DecisionStore(engine).list(ListFilter(app, after=PAGE)),
    "list all decisions": lambda engine, _, app: DecisionStore(engine).list(ListFilter(None, after=PAGE)),
    "find an app's decision": lambda engine, _, app: DecisionStore(engine).find(app, "d-1", own_first=app),
    "find any app's decision": lambda engine, _, app: DecisionStore(engine).find(None, "d-1", own_first=app),
    "load a review": lambda engine, _, app: ReviewStore(engine).by_id("rev_1"),
    "look for queue messages": lambda engine, _, app: MessageStore(engine).queue_messages(),
    "find what is due": lambda engine, _, app: ReviewStore(engine).due(LATER, 100),
    "find when something is due": lambda engine, _, app: ReviewStore(engine).next_due(),
    "count what waits": lambda engine, _, app: QueueStore(engine).groups(),
    "count what waits by app": lambda engine, _, app: QueueStore(engine).waiting_by_app(),
    "time the latest verdicts": lambda engine, _, app: LoadStore(engine).verdicts(
        NOW, LATER, 100, task_type="label", app_pk=app
    ),
    "find the next to review": lambda engine, _, app: QueueStore(engine).waiting(
        Scope("U0ADA", LATER, "#ai-review"), 10
    ),
    "find what a person claimed": lambda engine, _, app: QueueStore(engine).claimed("U0ADA", LATER, 10),
    "find what a person decided": lambda engine, _, app: QueueStore(engine).decided_by("U0ADA", 10),
    "measure the load": lambda engine, _, app: LoadStore(engine).measured(LATER, timedelta(days=7)),
    "look for what may be released": lambda engine, _, app: LoadStore(engine).releasable("#ai-review", "x", LATER, 9),
    "look for cards": lambda engine, _, app: LoadStore(engine).cards("#ai-review", 9),
    "look for errors that escaped": lambda engine, _, app: LoadStore(engine).error_records(["x"], NOW),
    "find which tasks have audits to draw": lambda engine, _, app: AuditStore(engine).tasks(Period(NOW, LATER)),
    "count what ran alone": lambda engine, _, app: AuditStore(engine).groups("label", Period(NOW, LATER)),
    "count the audits that are looked at": lambda engine, _, app: AuditStore(engine).looked_at([1, 2]),
    "find what audits have found": lambda engine, _, app: StreamStore(engine).verdicts(LATER),
    "find the post of an audit": lambda engine, _, app: MessageStore(engine).post_of(1),
    "tell what a decision counts for": lambda engine, _, app: _tallies_of(engine),
    "recount the counters": lambda engine, _, app: wrong_counters(engine),
    "count the facts of a window": lambda engine, _, app: FactStore(engine).read(Window(NOW, LATER)),
    "find what was corrected": lambda engine, _, app: DigestStore(engine).corrected(
        Window(NOW, LATER), "tone", None, 2
    ),
    "find the days whose counts are kept": lambda engine, _, app: DriftStore(engine).kept(Period(NOW, LATER)),
    "count what came on a day": lambda engine, _, app: DriftStore(engine).came(Period(NOW, LATER)),
    "count what two people said": lambda engine, _, app: AgreementStore(engine).two_opinions(Window(NOW, LATER)),
    "find items on which people differ": lambda engine, _, app: AgreementStore(engine).showing(
        "guideline", Window(NOW, LATER), 2
    ),
    "count what people said of the model": lambda engine, _, app: AgreementStore(engine).on_model(Window(NOW, LATER)),
    "find the policy that was loaded last": lambda _, writer, app: writer.submit(KeepPolicy("x", {}, LATER)),
    "look for a new calibration": lambda engine, _, app: CalibrationStore(engine).last_pk(),
    "find a task's calibration": lambda engine, _, app: CalibrationStore(engine).latest("label", app),
    "count what a threshold would have changed": lambda engine, _, app: ThresholdEffectStore(engine).read(
        StreamKey("label", "", "", "other"), 0.9, Domain({"low": 0.0}), NOW, LATER
    ),
    "put corrections to use": lambda engine, _, app: _put_to_use(engine),
    "find the corrections of a calibration": lambda engine, writer, app: _corrections_of_a_calibration(engine, writer),
    "find earlier verdicts": lambda engine, _, app: DecisionStore(engine).decided_about(app, "x", before=9, limit=5),
}


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """SQLite only: its planner tells a scan by name and, without statistics, decides by the indexes alone."""
    made = open_engine(parse_url(f"sqlite:///{tmp_path}/hitl.db"))
    await schema.upgrade(made)
    yield made
    await made.dispose()


@pytest.mark.parametrize("name", READS)
async def test_no_table_that_grows_is_read_as_a_whole(engine: AsyncEngine, name: str) -> None:
    writer = Writer(engine)
    writer.start()
    app_pk = await add_world(writer, engine)
    for pk in (1, 2):
        await writer.submit(take_in(pk, app_pk))
    executed = _record(engine)
    await READS[name](engine, writer, app_pk)
    await writer.stop()

    plans = [step for statement, parameters in executed for step in await _plan(engine, statement, parameters)]

    assert plans
    assert [step for step in plans if step.startswith("SCAN") and _grows(step)] == []


def _record(engine: AsyncEngine) -> list[tuple[str, Any]]:
    executed: list[tuple[str, Any]] = []

    @event.listens_for(engine.sync_engine, "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if not many and statement.startswith(("SELECT", "UPDATE", "WITH")):
            executed.append((statement, parameters))

    return executed


async def _plan(engine: AsyncEngine, statement: str, parameters: Any) -> list[str]:
    async with engine.connect() as connection:
        steps = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return [str(step.detail) for step in steps]


def _grows(step: str) -> bool:
    """A scan by a partial or ordered index ends where the query does; CTEs and subqueries are small."""
    table = step.split()[1]
    return "USING" not in step and table in {
        "decisions",
        "contents",
        "reviews",
        "messages",
        "history",
        "events",
        "counters",
    }
