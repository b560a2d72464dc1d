"""Executions in the store: each action is begun once, whatever happens to its decision at the same moment."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from store import tables as t
from store.engine import open_engine, parse_url
from store.executions import BeginExecution, Execution, ExecutionStore, FinishExecution
from store.history import HistoryRecord, read
from store.writer import SingleCommand, Writer
from tests.support.databases import migrate
from tests.support.rows import NOW, add_world, take_in

FIRST, SECOND = "a" * 64, "b" * 64


def record(what: str) -> HistoryRecord:
    return HistoryRecord(NOW, f"app:decision:{what}", "app:shop", decision_pk=1)


def begin(action: str = FIRST, after: int = 0) -> BeginExecution:
    return BeginExecution(1, action, NOW + timedelta(minutes=after), record("executing"))


def finish(*, ok: bool = True, after: int = 1) -> FinishExecution:
    at = NOW + timedelta(minutes=after)
    return FinishExecution(1, "executed" if ok else "failed", at, record("executed" if ok else "execution_failed"))


@dataclass(frozen=True, slots=True)
class Turn(SingleCommand[None]):
    """Somebody changes what is to be executed, or that anything is."""

    columns: dict[str, Any]

    async def apply(self, connection: AsyncConnection) -> None:
        await connection.execute(update(t.decisions).where(t.decisions.c.pk == 1).values(self.columns))


@dataclass(frozen=True, slots=True)
class TurnSlowly(Turn):
    """Commits only when somebody waits for it."""

    changed: asyncio.Event

    async def apply(self, connection: AsyncConnection) -> None:
        await Turn.apply(self, connection)
        self.changed.set()
        while not await connection.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
            await asyncio.sleep(0.001)


EDIT = Turn({"action_sha256": SECOND, "execution": None})
REJECT = Turn({"disposition": "do_not_execute", "status": "resolved", "outcome": "rejected"})


@dataclass
class Shop:
    """An app with one decision that it may execute, and a replica that serves it too."""

    engine: AsyncEngine
    writer: Writer
    other: Writer

    async def execution(self) -> Execution | None:
        """Of the present action, as the decision's own column and the store tell alike."""
        d = t.decisions.c
        async with self.engine.connect() as connection:
            decision = (await connection.execute(select(d.action_sha256, d.execution).where(d.pk == 1))).one()
        found = (await ExecutionStore(self.engine).of([1])).get(1, {}).get(decision.action_sha256)
        assert decision.execution == (None if found is None else found.state)
        return found

    async def history(self) -> list[str]:
        return [each.event.rsplit(":", 1)[1] for each in await read(self.engine, 1)][1:]


@pytest.fixture
async def shop(engine: AsyncEngine) -> AsyncIterator[Shop]:
    async with open_shop(engine) as made:
        yield made


@pytest.fixture
async def postgres_shop(postgres_url: str) -> AsyncIterator[Shop]:
    await migrate(postgres_url)
    engine = open_engine(parse_url(postgres_url))
    async with open_shop(engine) as made:
        yield made
    await engine.dispose()


@asynccontextmanager
async def open_shop(engine: AsyncEngine) -> AsyncIterator[Shop]:
    second = open_engine(engine.url)
    writer, other = Writer(engine), Writer(second)
    writer.start()
    other.start()
    app_pk = await add_world(writer, engine)
    await writer.submit(
        take_in(1, app_pk, status="resolved", outcome="approved", disposition="execute", action_sha256=FIRST)
    )
    yield Shop(engine, writer, other)
    await writer.stop()
    await other.stop()
    await second.dispose()


async def test_an_action_is_begun_once_and_closed_once(shop: Shop) -> None:
    assert await shop.execution() is None
    assert await shop.writer.submit(begin()) is None
    assert await shop.execution() == Execution("executing", NOW, None)
    assert await shop.writer.submit(begin()) == "already_executed"
    assert await shop.writer.submit(finish()) is True
    assert await shop.writer.submit(finish(after=9)) is True  # a retry
    assert await shop.execution() == Execution("executed", NOW, NOW + timedelta(minutes=1))
    assert await shop.writer.submit(finish(ok=False)) is False
    assert await shop.writer.submit(begin()) == "already_executed"
    assert await shop.history() == ["executing", "executed"]


async def test_what_failed_may_be_begun_again(shop: Shop) -> None:
    await shop.writer.submit(begin())
    assert [await shop.writer.submit(finish(ok=False)) for _ in range(2)] == [True, True]
    assert await shop.writer.submit(finish(ok=True)) is False
    assert await shop.execution() == Execution("failed", NOW, NOW + timedelta(minutes=1))
    assert await shop.writer.submit(begin(after=5)) is None
    assert await shop.execution() == Execution("executing", NOW + timedelta(minutes=5), None)
    assert await shop.history() == ["executing", "execution_failed", "executing"]


async def test_nothing_ends_that_was_not_begun(shop: Shop) -> None:
    assert await shop.writer.submit(finish()) is False
    assert await shop.writer.submit(finish(ok=False)) is False
    assert await shop.history() == []


async def test_an_edited_action_is_begun_once_itself(shop: Shop) -> None:
    await shop.writer.submit(begin())
    await shop.writer.submit(EDIT)
    assert await shop.execution() is None
    assert await shop.writer.submit(begin(FIRST)) == "hash_mismatch"
    await shop.writer.submit(finish())  # the former one was still under way
    assert await shop.execution() is None
    assert await shop.writer.submit(begin(SECOND, after=2)) is None
    assert await shop.writer.submit(begin(SECOND)) == "already_executed"
    await shop.writer.submit(finish(after=3))
    assert await shop.execution() == Execution("executed", NOW + timedelta(minutes=2), NOW + timedelta(minutes=3))
    found = (await ExecutionStore(shop.engine).of([1]))[1]
    assert {action: each.state for action, each in found.items()} == {FIRST: "executed", SECOND: "executed"}


@pytest.mark.parametrize("disposition", ["wait", "do_not_execute"])
async def test_nothing_is_executed_that_waits_or_must_not(shop: Shop, disposition: str) -> None:
    await shop.writer.submit(Turn({"disposition": disposition}))
    assert await shop.writer.submit(begin()) == "not_allowed"
    assert await shop.writer.submit(begin(SECOND)) == "not_allowed"


async def test_of_many_replicas_that_begin_at_once_one_may(shop: Shop) -> None:
    asked = [writer.submit(begin()) for writer in (shop.writer, shop.other) for _ in range(5)]
    answers = await asyncio.gather(*asked)
    assert sorted(map(str, answers)) == ["None", *["already_executed"] * 9]
    assert await shop.history() == ["executing"]


@pytest.mark.parametrize("change", [EDIT, REJECT], ids=["edit", "reject"])
@pytest.mark.parametrize("verdict_first", [True, False])
async def test_a_verdict_at_the_same_moment_is_before_or_after(
    shop: Shop, change: Turn, *, verdict_first: bool
) -> None:
    commands: list[SingleCommand[Any]] = [change, begin()] if verdict_first else [begin(), change]
    turn, begun = (0, 1) if verdict_first else (1, 0)
    answers = await asyncio.gather(shop.writer.submit(commands[0]), shop.other.submit(commands[1]))
    assert answers[turn] is None
    late = "hash_mismatch" if change is EDIT else "not_allowed"
    executed = (await ExecutionStore(shop.engine).of([1])).get(1, {})
    # Either it was executed before, or it was refused: never both, never neither.
    assert (answers[begun], list(executed)) in ((None, [FIRST]), (late, []))


@pytest.mark.parametrize(("change", "late"), [(EDIT, "hash_mismatch"), (REJECT, "not_allowed")], ids=["edit", "reject"])
async def test_who_would_begin_waits_for_a_verdict_that_is_being_committed(
    postgres_shop: Shop, change: Turn, late: str
) -> None:
    changed = asyncio.Event()
    verdict = asyncio.create_task(postgres_shop.writer.submit(TurnSlowly(change.columns, changed)))
    await changed.wait()
    assert await postgres_shop.other.submit(begin()) == late
    await verdict
    assert await postgres_shop.execution() is None
