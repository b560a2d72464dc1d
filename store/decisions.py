"""Decisions: taken in by the batch, read one by one or as a list."""

import asyncio
import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, and_, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from routing.decision import Json
from routing.review import WAITING, ReviewState
from store import tables as t
from store.counters import counting, note
from store.history import HistoryRecord, append
from store.messages import NewMessage, card_of, refresh_cards
from store.notify import Topic, notify
from store.recount import AT_INTAKE
from store.row_insert import RowInsert
from store.tallies import Tally, quarter_of
from store.writer import SingleCommand, Writer


@dataclass(frozen=True, slots=True)
class Decision:
    """One row of `decisions`, member for member."""

    pk: int
    app_pk: int
    id: str
    task_type: str
    variant: str
    cohort: str | None
    subject: str | None
    model_name: str | None
    model_version: str | None
    reversible: bool
    compare_to: str | None
    requested_by: str | None
    first_pk: int | None
    created_at: datetime
    body_sha256: str
    policy_version: str
    risk: str
    route: str
    threshold: float
    confidence: float | None
    confidence_source: str
    confident: bool
    reasons: list[dict[str, str]]
    draw: float
    inclusion: float | None
    """Of what ran alone: the probability with which its day's audit took it; None until that day was drawn."""
    deadline: datetime | None
    callback_url: str | None
    status: str
    disposition: str
    action_sha256: str
    execution: str | None
    outcome: str | None
    decided_by: list[str]
    decided_at: datetime | None
    category: str | None
    severity: str | None
    labels: dict[str, str]


_FIELDS = tuple(field.name for field in dataclasses.fields(Decision))


def from_row(row: Row[Any]) -> Decision:
    return Decision(**{name: row._mapping[name] for name in _FIELDS})


class _Content(NamedTuple):
    """One row of `contents`."""

    decision_pk: int
    part: str
    body: str


_INSERT_DECISIONS, _INSERT_CONTENTS = RowInsert(t.decisions), RowInsert(t.contents)


@dataclass(frozen=True, slots=True)
class NewReview:
    """A review to open, and what shows it in Slack."""

    pk: int
    id: str
    kind: str
    lane: str
    """Where people meet it: on a `card` of its own, in a `batch`, `blind`, without anything of the first verdict, or as
    a `sample` in the thread of its day's post."""
    channel: str
    task_type: str
    risk: str
    urgency: int
    deadline: datetime
    due_at: datetime | None
    """When the clock first has something to do with it."""

    @property
    def messages(self) -> tuple[NewMessage, ...]:
        return (card_of(self.pk, self.channel, self.urgency),) if self.lane == "card" else ()

    def row(self, decision_pk: int, at: datetime) -> dict[str, Any]:
        return {
            "pk": self.pk,
            "id": self.id,
            "decision_pk": decision_pk,
            "kind": self.kind,
            "state": ReviewState.OPEN,
            "version": 1,
            "round": 1,
            "lane": self.lane,
            "channel": self.channel,
            "task_type": self.task_type,
            "risk": self.risk,
            "urgency": self.urgency,
            "opened_at": at,
            "deadline": self.deadline,
            "overdue": False,
            "steps_done": 0,
            "due_at": self.due_at,
        }


@dataclass(frozen=True, slots=True)
class Taken:
    """The decision is in; it was not there before."""

    decision: Decision


@dataclass(frozen=True, slots=True)
class AlreadyThere:
    """This app posted this id before; whether the bodies are equal is for the caller to judge."""

    decision: Decision


@dataclass(frozen=True, slots=True)
class TakeIn:
    """Stores a decision, its content, its review and card, and its history: all or nothing."""

    decision: Decision
    contents: Mapping[str, str]
    """JSON texts by part: request, and where there are any metadata and outcome."""
    review: NewReview | None
    history: tuple[HistoryRecord, ...]

    @property
    def tallies(self) -> Iterator[Tally]:
        """What it counts for, as the recount has it of a decision about which nobody has said anything yet."""
        decision, review = self.decision, self.review
        if decision.variant == "shadow":
            return
        of = (quarter_of(decision.created_at), decision.app_pk, decision.task_type, decision.cohort or "")
        yield Tally(*of, "decisions")
        if review is not None and review.kind in AT_INTAKE:
            yield Tally(*of, "escalated")

    @property
    def group(self) -> "type[TakeIn]":
        return TakeIn

    @classmethod
    async def apply_all(
        cls, connection: AsyncConnection, commands: Sequence["TakeIn"]
    ) -> Sequence[Taken | AlreadyThere]:
        # Looking first keeps one duplicate from failing the whole batch. What two replicas insert at the same moment
        # still meets the unique constraint, and is then run again alone.
        known = await _known(connection, [(c.decision.app_pk, c.decision.id) for c in commands])
        results: list[Taken | AlreadyThere] = []
        fresh: list[TakeIn] = []
        for command in commands:
            key = (command.decision.app_pk, command.decision.id)
            if key in known:
                results.append(AlreadyThere(known[key]))
                continue
            known[key] = command.decision
            fresh.append(command)
            results.append(Taken(command.decision))
        await _insert(connection, fresh)
        return results


async def _known(connection: AsyncConnection, keys: list[tuple[int, str]]) -> dict[tuple[int, str], Decision]:
    by_app: defaultdict[int, list[str]] = defaultdict(list)
    for app_pk, decision_id in keys:
        by_app[app_pk].append(decision_id)
    # One lookup of ids an app: SQLite would answer an IN of (app, id) pairs by reading the whole table.
    c = t.decisions.c
    wanted = or_(*(and_(c.app_pk == app_pk, c.id.in_(ids)) for app_pk, ids in by_app.items()))
    rows = (await connection.execute(select(t.decisions).where(wanted))).all()
    return {(row.app_pk, row.id): from_row(row) for row in rows}


async def _insert(connection: AsyncConnection, fresh: list[TakeIn]) -> None:
    if not fresh:
        return
    note(connection, Counter(tally for command in fresh for tally in command.tallies))
    contents: list[_Content] = []
    reviews: list[dict[str, Any]] = []
    messages: list[dict[str, Any]] = []
    history: list[HistoryRecord] = []
    for command in fresh:
        decision, review = command.decision, command.review
        contents.extend(_Content(decision.pk, part, body) for part, body in command.contents.items())
        history.extend(command.history)
        if review is None:
            continue
        reviews.append(review.row(decision.pk, decision.created_at))
        messages.extend(message.row(decision.created_at) for message in review.messages)
    await _INSERT_DECISIONS.execute(connection, [command.decision for command in fresh])
    await _INSERT_CONTENTS.execute(connection, contents)
    if reviews:
        await connection.execute(insert(t.reviews), reviews)
        if messages:
            await connection.execute(insert(t.messages), messages)
        await notify(connection, Topic.REVIEWS)
    await append(connection, history)


@dataclass(frozen=True, slots=True)
class Cancel(SingleCommand[bool]):
    """Withdraws a pending decision and closes its review. False: it was resolved already."""

    pk: int
    at: datetime
    outcome: str
    history: tuple[HistoryRecord, ...]

    async def apply(self, connection: AsyncConnection) -> bool:
        async with counting(connection, [self.pk]):
            return await self._withdraw(connection)

    async def _withdraw(self, connection: AsyncConnection) -> bool:
        c = t.reviews.c
        closed = await connection.execute(
            update(t.reviews)
            .where(c.decision_pk == self.pk, c.state.in_([*WAITING, ReviewState.HELD]), _is_pending(self.pk))
            .values(state=ReviewState.CANCELLED, version=c.version + 1, closed_at=self.at, due_at=None, release_at=None)
            .returning(c.pk)
        )
        review_pks = [row.pk for row in closed]
        changed = await connection.execute(
            update(t.decisions)
            .where(t.decisions.c.pk == self.pk, t.decisions.c.status == "pending")
            .values(
                status="resolved", outcome="cancelled", disposition="do_not_execute", deadline=None, decided_at=self.at
            )
        )
        if changed.rowcount == 0:
            return False
        await connection.execute(insert(t.contents).values(decision_pk=self.pk, part="outcome", body=self.outcome))
        await refresh_cards(connection, review_pks, self.at)
        await append(connection, self.history)
        await notify(connection, Topic.REVIEWS)
        await notify(connection, Topic.RESOLVED, self.pk)
        return True


def _is_pending(pk: int) -> ColumnElement[bool]:
    """A decision that is resolved may have reviews that wait: a second opinion is none of the app's to withdraw."""
    d = t.decisions.c
    return exists().where(d.pk == pk, d.status == "pending")


@dataclass(frozen=True, slots=True)
class _ReserveBlock(SingleCommand[int]):
    size: int

    async def apply(self, connection: AsyncConnection) -> int:
        """The first number of the block. PostgreSQL serialises replicas on the row's lock."""
        row = (
            await connection.execute(
                update(t.id_blocks)
                .where(t.id_blocks.c.name == "main")
                .values(next=t.id_blocks.c.next + self.size)
                .returning(t.id_blocks.c.next)
            )
        ).one()
        return int(row.next) - self.size


class PrimaryKeys:
    """Numbers for rows that are built before their transaction begins. Gaps are harmless: a number is no count."""

    _SIZE = 1000

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._next = self._end = 0
        self._lock = asyncio.Lock()

    async def take(self) -> int:
        while self._next >= self._end:
            async with self._lock:
                if self._next >= self._end:
                    self._next = await self._writer.submit(_ReserveBlock(self._SIZE))
                    self._end = self._next + self._SIZE
        number = self._next
        self._next += 1
        return number


@dataclass(frozen=True, slots=True)
class ListFilter:
    """Which decisions, newest first. `after` is the (created_at, pk) of the last one already seen."""

    app_pk: int | None
    task_type: str | None = None
    status: str | None = None
    route: str | None = None
    cohort: str | None = None
    since: datetime | None = None
    after: tuple[datetime, int] | None = None
    limit: int = 50


class DecisionStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def find(self, app_pk: int | None, decision_id: str, *, own_first: int) -> Decision | None:
        """By the app's own id. With `app_pk` None (scope admin) any app's: one's own first, then the newest."""
        query = (
            select(t.decisions)
            .where(t.decisions.c.id == decision_id)
            .order_by((t.decisions.c.app_pk == own_first).desc(), t.decisions.c.pk.desc())
            .limit(1)
        )
        if app_pk is not None:
            query = query.where(t.decisions.c.app_pk == app_pk)
        return await self._one(query)

    async def get(self, pk: int) -> Decision | None:
        return await self._one(select(t.decisions).where(t.decisions.c.pk == pk))

    async def has_task(self, task_type: str) -> bool:
        """Whether any app has posted a decision of this task. Goes through all where none has."""
        query = select(t.decisions.c.pk).where(t.decisions.c.task_type == task_type).limit(1)
        async with self._engine.connect() as connection:
            return await connection.scalar(query) is not None

    async def retries_of(self, first_pk: int) -> int:
        """How many retries the chain of a first answer has."""
        query = select(func.count()).where(t.decisions.c.first_pk == first_pk)
        async with self._engine.connect() as connection:
            return await connection.scalar(query) or 0

    async def sizes(self, pks: Sequence[int], *parts: str) -> dict[int, int]:
        """Characters of the named parts together, by decision pk."""
        c = t.contents.c
        query = (
            select(c.decision_pk, func.sum(func.length(c.body)).label("size"))
            .where(c.decision_pk.in_(pks), c.part.in_(parts))
            .group_by(c.decision_pk)
        )
        async with self._engine.connect() as connection:
            return {row.decision_pk: int(row.size) for row in await connection.execute(query)}

    async def _one(self, query: Select[Any]) -> Decision | None:
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else from_row(row)

    async def contents(self, pks: Sequence[int], *parts: str) -> dict[tuple[int, str], str]:
        """The JSON texts by (decision pk, part); a missing part was never there or retention has removed it."""
        query = select(t.contents).where(t.contents.c.decision_pk.in_(pks), t.contents.c.part.in_(parts))
        async with self._engine.connect() as connection:
            return {(row.decision_pk, row.part): row.body for row in await connection.execute(query)}

    async def decided_about(self, app_pk: int, subject: str, *, before: int, limit: int) -> Sequence[Decision]:
        """What people decided about a subject before the decision of this pk came in, the latest first."""
        c = t.decisions.c
        query = (
            select(t.decisions)
            .where(c.app_pk == app_pk, c.subject == subject, c.pk < before)
            .where(c.outcome.in_(["approved", "edited", "rejected"]))
            .order_by(c.pk.desc())
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            return [from_row(row) for row in await connection.execute(query)]

    async def list(self, wanted: ListFilter) -> list[Decision]:
        c = t.decisions.c
        query = select(t.decisions).order_by(c.created_at.desc(), c.pk.desc()).limit(wanted.limit)
        for column, value in (
            (c.app_pk, wanted.app_pk),
            (c.task_type, wanted.task_type),
            (c.status, wanted.status),
            (c.route, wanted.route),
            (c.cohort, wanted.cohort),
        ):
            if value is not None:
                query = query.where(column == value)
        if wanted.since is not None:
            query = query.where(c.created_at >= wanted.since)
        if wanted.after is not None:
            created_at, pk = wanted.after
            # The range comes first, so that the index finds where the page begins.
            query = query.where(c.created_at <= created_at, or_(c.created_at < created_at, c.pk < pk))
        async with self._engine.connect() as connection:
            return [from_row(row) for row in await connection.execute(query)]


def outcome_content(output: Json, reason: str | None = None, correct_answer: Json = None) -> dict[str, Json]:
    """What `contents` keeps of an outcome."""
    return {"output": output, "reason": reason, "correct_answer": correct_answer}
