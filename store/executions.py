"""Executions: what an app told of carrying its decision's action out. Each action is begun once."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Row, Select, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from store import tables as t
from store.history import HistoryRecord, append
from store.writer import SingleCommand

ExecutionState = Literal["executing", "executed", "failed", "rolled_back"]

_MAY_BEGIN_AGAIN = ("failed", "rolled_back")

_MAY_EXECUTE = ("execute", "execute_provisional")


@dataclass(frozen=True, slots=True)
class Execution:
    """How far an app is with one action."""

    state: ExecutionState
    started_at: datetime
    finished_at: datetime | None


Refused = Literal["not_allowed", "hash_mismatch", "already_executed"]


@dataclass(frozen=True, slots=True)
class BeginExecution(SingleCommand[Refused | None]):
    """The app begins with an action. None: it may, and nobody else will; else why it may not.

    Whoever changes the decision at the same moment does so before or after: its row is locked while this is judged.
    """

    decision_pk: int
    action_sha256: str
    at: datetime
    history: HistoryRecord

    async def apply(self, connection: AsyncConnection) -> Refused | None:
        d, e = t.decisions.c, t.executions.c
        locked = select(d.disposition, d.action_sha256).where(d.pk == self.decision_pk).with_for_update()
        decision = (await connection.execute(locked)).one()
        if decision.disposition not in _MAY_EXECUTE:
            return "not_allowed"
        if decision.action_sha256 != self.action_sha256:
            return "hash_mismatch"
        this = (e.decision_pk == self.decision_pk, e.action_sha256 == self.action_sha256)
        state = await connection.scalar(select(e.state).where(*this))
        if state is not None and state not in _MAY_BEGIN_AGAIN:
            return "already_executed"
        begun = {"state": "executing", "started_at": self.at, "finished_at": None}
        if state is not None:
            await connection.execute(update(t.executions).where(*this).values(begun))
        else:
            key = {"decision_pk": self.decision_pk, "action_sha256": self.action_sha256}
            await connection.execute(insert(t.executions).values(**key, **begun))
        await _show(connection, self.decision_pk, self.action_sha256, "executing")
        await append(connection, [self.history])
        return None


@dataclass(frozen=True, slots=True)
class FinishExecution(SingleCommand[bool]):
    """The app is done with what it began last, well or not. True also for what was told before; False: nothing was
    begun, or it ended the other way."""

    decision_pk: int
    state: Literal["executed", "failed"]
    at: datetime
    history: HistoryRecord

    async def apply(self, connection: AsyncConnection) -> bool:
        d, e = t.decisions.c, t.executions.c
        await connection.execute(select(d.pk).where(d.pk == self.decision_pk).with_for_update())
        began = (await connection.execute(self._begun_last())).one_or_none()
        if began is None or began.state != "executing":
            return began is not None and bool(began.state == self.state)
        await connection.execute(
            update(t.executions)
            .where(e.decision_pk == self.decision_pk, e.action_sha256 == began.action_sha256)
            .values(state=self.state, finished_at=self.at)
        )
        await _show(connection, self.decision_pk, began.action_sha256, self.state)
        await append(connection, [self.history])
        return True

    def _begun_last(self) -> Select[tuple[str, str]]:
        """What is under way comes first: an action may be edited, and the new one begun, before the former is done."""
        e = t.executions.c
        return (
            select(e.state, e.action_sha256)
            .where(e.decision_pk == self.decision_pk)
            .order_by((e.state == "executing").desc(), e.started_at.desc(), e.action_sha256)
            .limit(1)
        )


async def note_undone(connection: AsyncConnection, decision_pk: int, at: datetime) -> None:
    """The app has undone what it did for this decision: should the decision stand again, it is to be done again. The
    caller holds the decision's lock."""
    e = t.executions.c
    undone = update(t.executions).where(e.decision_pk == decision_pk, e.state.not_in(_MAY_BEGIN_AGAIN))
    values = {"state": "rolled_back", "finished_at": func.coalesce(e.finished_at, at)}
    for action_sha256 in await connection.scalars(undone.values(values).returning(e.action_sha256)):
        await _show(connection, decision_pk, action_sha256, "rolled_back")


async def _show(connection: AsyncConnection, decision_pk: int, action_sha256: str, state: ExecutionState) -> None:
    """The decision tells of its present action only."""
    d = t.decisions.c
    present = update(t.decisions).where(d.pk == decision_pk, d.action_sha256 == action_sha256)
    await connection.execute(present.values(execution=state))


async def executions_of(
    connection: AsyncConnection, decision_pks: Collection[int]
) -> defaultdict[int, dict[str, Execution]]:
    """By decision and action, also of actions that were edited since."""
    found: defaultdict[int, dict[str, Execution]] = defaultdict(dict)
    query = select(t.executions).where(t.executions.c.decision_pk.in_(decision_pks))
    for row in await connection.execute(query):
        found[row.decision_pk][row.action_sha256] = _execution(row)
    return found


class ExecutionStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def of(self, decision_pks: Collection[int]) -> Mapping[int, Mapping[str, Execution]]:
        """By decision and action."""
        if not decision_pks:
            return {}
        async with self._engine.connect() as connection:
            return await executions_of(connection, decision_pks)


def _execution(row: Row[tuple[object, ...]]) -> Execution:
    return Execution(row.state, row.started_at, row.finished_at)
