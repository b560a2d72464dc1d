"""Rollbacks: what apps were asked to undo, and whether they did.

A request is a row of the commit that turned the decision. `due_at` is when the clock has something to do with it: a
reminder, or people who have to be told.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Row, Select, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from routing.review import EventType
from routing.rollback import is_overdue, next_reminder
from store import tables as t
from store.contents import put_content
from store.events import NewEvent, insert_event
from store.executions import note_undone
from store.history import HistoryRecord, append
from store.messages import NewMessage, add
from store.notify import Topic, notify
from store.writer import SingleCommand

RollbackState = Literal["requested", "done", "failed", "withdrawn"]

_OPEN = ("requested", "failed")
"""The states in which something that is wrong still stands."""


@dataclass(frozen=True, slots=True)
class LastEvent:
    """The event that asked for it last. `body` None: retention has removed it."""

    state: str
    error: str | None
    url: str
    body: str | None


@dataclass(frozen=True, slots=True)
class Rollback:
    """One request with what a reminder needs. `first_pk`: the first answer of the decision's chain of retries."""

    pk: int
    decision_pk: int
    decision_id: str
    first_pk: int
    app_pk: int
    review_pk: int
    channel: str
    requested_at: datetime
    state: RollbackState
    reminders: int
    due_at: datetime | None
    answered_at: datetime | None
    note: str | None
    """JSON of what the app said with its answer."""
    event: LastEvent | None
    """None: the decision has no receiver."""


async def request_rollback(
    connection: AsyncConnection, decision_pk: int, review_pk: int, round_: int, at: datetime, *, heard: bool
) -> None:
    """`heard`: an event is on its way to the app; else people are told at once."""
    row = {"decision_pk": decision_pk, "review_pk": review_pk, "round": round_, "requested_at": at}
    due_at = next_reminder(at, at) if heard else at
    await connection.execute(insert(t.rollbacks).values(**row, state="requested", reminders=0, due_at=due_at))
    await notify(connection, Topic.REVIEWS)


async def withdraw_rollbacks(connection: AsyncConnection, decision_pk: int, at: datetime) -> None:
    """The decision stands again, so there is nothing left to undo."""
    r = t.rollbacks.c
    still_open = update(t.rollbacks).where(r.decision_pk == decision_pk, r.state.in_(_OPEN))
    await connection.execute(still_open.values(state="withdrawn", due_at=None, answered_at=at))


Answered = Literal["taken", "repeated", "nothing_requested", "withdrawn", "done_before"]


@dataclass(frozen=True, slots=True)
class AnswerRollback(SingleCommand[Answered]):
    """The app says whether it undid what it was asked to undo last. A failure is told to people at once; a later
    success still counts, and what was undone may be executed again once the decision stands again."""

    decision_pk: int
    ok: bool
    note: str | None
    """JSON."""
    at: datetime
    history: HistoryRecord

    async def apply(self, connection: AsyncConnection) -> Answered:
        r, d = t.rollbacks.c, t.decisions.c
        # The decision before its rollback, as a verdict does it: the two must not lock them crosswise.
        await connection.execute(select(d.pk).where(d.pk == self.decision_pk).with_for_update())
        last = select(r.pk, r.state).where(r.decision_pk == self.decision_pk).order_by(r.pk.desc()).limit(1)
        row = (await connection.execute(last.with_for_update())).one_or_none()
        if row is None:
            return "nothing_requested"
        if row.state == "withdrawn":
            return "withdrawn"
        state = "done" if self.ok else "failed"
        if row.state == state:
            return "repeated"
        if row.state == "done":
            return "done_before"
        values = {"state": state, "answered_at": self.at, "due_at": None if self.ok else self.at}
        await connection.execute(update(t.rollbacks).where(r.pk == row.pk).values(values))
        if self.ok:
            await note_undone(connection, self.decision_pk, self.at)
        if self.note is not None:
            await put_content(connection, self.decision_pk, f"rollback:{row.pk}", self.note)
        await append(connection, [self.history])
        await notify(connection, Topic.REVIEWS)
        return "taken"


@dataclass(frozen=True, slots=True)
class AdvanceRollback(SingleCommand[bool]):
    """What time brings for an open rollback. False: it has changed since it was `seen`, and nothing was done."""

    seen: Rollback
    at: datetime
    reminders: int
    due_at: datetime | None
    event: NewEvent | None
    messages: tuple[NewMessage, ...]
    history: tuple[HistoryRecord, ...]

    async def apply(self, connection: AsyncConnection) -> bool:
        r, seen = t.rollbacks.c, self.seen
        won = await connection.execute(
            update(t.rollbacks)
            .where(r.pk == seen.pk, r.state == seen.state, r.reminders == seen.reminders, r.due_at == seen.due_at)
            .values(reminders=self.reminders, due_at=self.due_at)
        )
        if won.rowcount == 0:
            return False
        if self.event is not None:
            await insert_event(connection, seen.app_pk, seen.decision_pk, self.event, self.at)
        await add(connection, self.messages, self.at)
        await append(connection, self.history)
        return True


@dataclass(frozen=True, slots=True)
class PutOffRollback(SingleCommand[None]):
    """The clock failed with one that is due, and looks at it again at `due_at`."""

    pk: int
    now: datetime
    due_at: datetime

    async def apply(self, connection: AsyncConnection) -> None:
        r = t.rollbacks.c
        mine = update(t.rollbacks).where(r.pk == self.pk, r.due_at <= self.now)
        await connection.execute(mine.values(due_at=self.due_at))


@dataclass(frozen=True, slots=True)
class OpenRollback:
    """One that was not done: nobody has answered, or the app could not."""

    decision_id: str
    app: str
    task_type: str
    requested_at: datetime
    state: RollbackState
    age: timedelta
    is_overdue: bool


@dataclass(frozen=True, slots=True)
class RollbackCounts:
    """Of a span of time: what was requested and answered within it, what was open at its end, and how much of that had
    been for a day or longer."""

    requested: int
    done: int
    failed: int
    withdrawn: int
    open: int
    overdue: int


class RollbackStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def due(self, now: datetime, limit: int) -> list[int]:
        """The pks of those with which the clock has something to do, the longest due first."""
        r = t.rollbacks.c
        query = select(r.pk).where(r.due_at <= now).order_by(r.due_at).limit(limit)
        async with self._engine.connect() as connection:
            return list(await connection.scalars(query))

    async def next_due(self) -> datetime | None:
        r = t.rollbacks.c
        async with self._engine.connect() as connection:
            found: datetime | None = await connection.scalar(select(func.min(r.due_at)).where(r.due_at.is_not(None)))
        return found

    async def find(self, pk: int) -> Rollback:
        """Raises LookupError."""
        b, d = t.rollbacks.c, t.decisions.c
        query = (
            select(t.rollbacks, d.id, d.first_pk, d.app_pk, t.reviews.c.channel)
            .join_from(t.rollbacks, t.decisions, d.pk == b.decision_pk)
            .join(t.reviews, t.reviews.c.pk == b.review_pk)
            .where(b.pk == pk)
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
            if row is None:
                raise LookupError(f"there is no rollback {pk}")
            note = await connection.scalar(_part(row.decision_pk, f"rollback:{pk}"))
            return _rollback(row, note, await _last_event(connection, row.decision_pk))

    async def open(self, now: datetime) -> list[OpenRollback]:
        """All that are open, the oldest first."""
        b, d = t.rollbacks.c, t.decisions.c
        query = (
            select(d.id, t.apps.c.name, d.task_type, b.requested_at, b.state)
            .join_from(t.rollbacks, t.decisions, d.pk == b.decision_pk)
            .join(t.apps, t.apps.c.pk == d.app_pk)
            .where(b.state.in_(_OPEN))
            .order_by(b.requested_at, b.pk)
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        return [OpenRollback(*row, age=now - row.requested_at, is_overdue=is_overdue(row[3], now)) for row in rows]

    async def between(self, since: datetime, until: datetime) -> RollbackCounts:
        """From `since` on and before `until`; what was answered later still counts as open."""
        b = t.rollbacks.c
        before = b.requested_at < until
        query = select(b.requested_at, b.state, b.answered_at).where(
            before, or_(b.state.in_(_OPEN), b.requested_at >= since, b.answered_at >= since)
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        answers = [row.state for row in rows if row.answered_at is not None and since <= row.answered_at < until]
        still_open = [row for row in rows if row.state in _OPEN or row.answered_at >= until]
        return RollbackCounts(
            requested=sum(row.requested_at >= since for row in rows),
            done=answers.count("done"),
            failed=answers.count("failed"),
            withdrawn=answers.count("withdrawn"),
            open=len(still_open),
            overdue=sum(is_overdue(row.requested_at, until) for row in still_open),
        )


def _part(decision_pk: int, part: str) -> Select[Any]:
    c = t.contents.c
    return select(c.body).where(c.decision_pk == decision_pk, c.part == part)


async def _last_event(connection: AsyncConnection, decision_pk: int) -> LastEvent | None:
    e = t.events.c
    query = (
        select(e.id, e.state, e.last_error, e.url)
        .where(e.decision_pk == decision_pk, e.type == EventType.ROLLBACK_REQUESTED)
        .order_by(e.position.desc())
        .limit(1)
    )
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return None
    body = await connection.scalar(_part(decision_pk, f"event:{row.id}"))
    return LastEvent(row.state, row.last_error, row.url, body)


def _rollback(row: Row[Any], note: str | None, event: LastEvent | None) -> Rollback:
    return Rollback(
        pk=row.pk,
        decision_pk=row.decision_pk,
        decision_id=row.id,
        first_pk=row.first_pk or row.decision_pk,
        app_pk=row.app_pk,
        review_pk=row.review_pk,
        channel=row.channel,
        requested_at=row.requested_at,
        state=row.state,
        reminders=row.reminders,
        due_at=row.due_at,
        answered_at=row.answered_at,
        note=note,
        event=event,
    )
