"""The outbox of events to apps: in order per decision, at least once, one slow receiver in nobody's way."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from yarl import URL

from routing.review import EventType
from store import tables as t
from store.contents import put_content
from store.history import HistoryRecord, append
from store.notify import Topic, notify
from store.writer import SingleCommand

LEASE = timedelta(seconds=60)

_WAITING = ("pending", "dead")

GONE = "410 Gone: the receiver asked for no more"
"""The error of events that were never sent, or never again, because their receiver was stopped."""


def receiver_of(url: str) -> str:
    """Scheme, host and port: one machine, however many paths and spellings it has. It holds no secret, so it may be
    logged."""
    origin = URL(url).origin()  # in lower case, IDNA, and without a default port
    return str(origin.with_host((origin.raw_host or "").removesuffix(".")))[:300]


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to the app; `body` is frozen here and never made again."""

    id: str
    type: str
    url: str
    body: str


async def insert_event(
    connection: AsyncConnection, app_pk: int, decision_pk: int, event: NewEvent, at: datetime
) -> bool:
    """Adds it after the decision's others. False: its receiver was stopped, so it is a dead letter from the start."""
    highest = await connection.scalar(
        select(func.coalesce(func.max(t.events.c.position), 0)).where(t.events.c.decision_pk == decision_pk)
    )
    stopped = t.stopped_receivers.c
    gone = await connection.scalar(select(stopped.url).where(stopped.app_pk == app_pk, stopped.url == event.url))
    await put_content(connection, decision_pk, f"event:{event.id}", event.body)
    await connection.execute(
        insert(t.events).values(
            id=event.id,
            app_pk=app_pk,
            decision_pk=decision_pk,
            position=(highest or 0) + 1,
            type=event.type,
            url=event.url,
            receiver=receiver_of(event.url),
            state="pending" if gone is None else "dead",
            attempts=0,
            created_at=at,
            due_at=at,
            last_error=None if gone is None else GONE,
        )
    )
    await notify(connection, Topic.EVENTS)
    return gone is None


@dataclass(frozen=True, slots=True)
class EventJob:
    pk: int
    id: str
    app_pk: int
    decision_pk: int
    type: str
    url: str
    receiver: str
    attempts: int
    created_at: datetime
    body: str


def _is_free(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Whether an event is still to be delivered, and nobody is at it."""
    e = t.events.c
    return and_(e.state == "pending", or_(e.leased_until.is_(None), e.leased_until < now))


def _is_due(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    return and_(_is_free(now), t.events.c.due_at <= now)


_ANY_DUE = select(exists().where(_is_due(bindparam("now", type_=t.events.c.due_at.type))))
"""Mostly there is nothing, and looking that up takes a fraction of ranking what there is."""


@dataclass(frozen=True, slots=True)
class ClaimEvents(SingleCommand[list[EventJob]]):
    """Leases due events, `limit` at most.

    An event is due only when none before it of the same decision is still pending. A receiver gets no more than
    `per_receiver` requests at a time, and an app has no more than `per_app` under way, those in `receivers` (by
    receiver) and `apps` (by app_pk) included.
    """

    now: datetime
    receivers: Mapping[str, int]
    apps: Mapping[int, int]
    limit: int
    per_receiver: int
    per_app: int

    async def apply(self, connection: AsyncConnection) -> list[EventJob]:
        if not await connection.scalar(_ANY_DUE, {"now": self.now}):
            return []
        e = t.events
        # Receivers first: what waits for a slow one must not take the places of its app's other receivers.
        ranked = self._due().add_columns(_place(e.c.receiver)).subquery()
        within = (
            select(ranked.c.pk, ranked.c.app_pk, _place(ranked.c.app_pk, ranked.c.pk))
            .where(ranked.c.place + _under_way(self.receivers, ranked.c.receiver) <= self.per_receiver)
            .subquery()
        )
        chosen = (
            select(e, t.contents.c.body)
            .join(within, within.c.pk == e.c.pk)
            .outerjoin(
                t.contents, and_(t.contents.c.decision_pk == e.c.decision_pk, t.contents.c.part == "event:" + e.c.id)
            )
            .where(within.c.place + _under_way(self.apps, within.c.app_pk) <= self.per_app)
            .order_by(e.c.pk)
            .limit(self.limit)
            .with_for_update(of=e, skip_locked=True)
        )
        rows = (await connection.execute(chosen)).all()
        if not rows:
            return []
        # Judged again on the locked rows: another replica may have leased one between the look and the lock.
        leased = await connection.execute(
            update(e)
            .where(e.c.pk.in_([row.pk for row in rows]), _is_free(self.now))
            .values(leased_until=self.now + LEASE, attempts=e.c.attempts + 1)
            .returning(e.c.pk)
        )
        mine = {row.pk for row in leased}
        return [
            EventJob(
                pk=row.pk,
                id=row.id,
                app_pk=row.app_pk,
                decision_pk=row.decision_pk,
                type=row.type,
                url=row.url,
                receiver=row.receiver,
                attempts=row.attempts + 1,
                created_at=row.created_at,
                body=row.body or "",
            )
            for row in rows
            if row.pk in mine
        ]

    def _due(self) -> Select[tuple[int, int, str]]:
        e, earlier = t.events, t.events.alias("earlier")
        blocked = exists().where(
            earlier.c.decision_pk == e.c.decision_pk,
            earlier.c.position < e.c.position,
            earlier.c.state == "pending",
        )
        return select(e.c.pk, e.c.app_pk, e.c.receiver).where(_is_due(self.now), ~blocked)


def _place(owner: ColumnElement[Any], pk: ColumnElement[int] = t.events.c.pk) -> ColumnElement[int]:
    """Counts from 1 among the events of one owner, the oldest first."""
    return func.row_number().over(partition_by=owner, order_by=pk).label("place")


def _under_way(load: Mapping[Any, int], owner: ColumnElement[Any]) -> ColumnElement[int]:
    return case(dict(load), value=owner, else_=0) if load else literal(0)


@dataclass(frozen=True, slots=True)
class MarkDelivered(SingleCommand[None]):
    pk: int
    at: datetime
    history: HistoryRecord

    async def apply(self, connection: AsyncConnection) -> None:
        await connection.execute(
            update(t.events)
            .where(t.events.c.pk == self.pk)
            .values(state="delivered", delivered_at=self.at, leased_until=None, last_error=None)
        )
        await append(connection, [self.history])


@dataclass(frozen=True, slots=True)
class RetryLater(SingleCommand[None]):
    pk: int
    due_at: datetime
    error: str

    async def apply(self, connection: AsyncConnection) -> None:
        await connection.execute(
            update(t.events)
            .where(t.events.c.pk == self.pk)
            .values(due_at=self.due_at, leased_until=None, last_error=self.error[:500])
        )


@dataclass(frozen=True, slots=True)
class MarkDead(SingleCommand[None]):
    """Gives an event up, which unblocks the next one of its decision."""

    pk: int
    at: datetime
    error: str
    history: HistoryRecord

    async def apply(self, connection: AsyncConnection) -> None:
        await _bury(connection, t.events.c.pk == self.pk, self.error, self.at)
        await append(connection, [self.history])


@dataclass(frozen=True, slots=True)
class StopReceiver(SingleCommand[None]):
    """The receiver answered 410: nothing more goes to this URL of this app until a redelivery is asked for.

    What is pending becomes a dead letter, and what comes later is born as one.
    """

    app_pk: int
    url: str
    at: datetime
    history: HistoryRecord

    async def apply(self, connection: AsyncConnection) -> None:
        s = t.stopped_receivers
        known = await connection.scalar(select(s.c.url).where(s.c.app_pk == self.app_pk, s.c.url == self.url))
        if known is None:
            await connection.execute(insert(s).values(app_pk=self.app_pk, url=self.url, stopped_at=self.at))
        e = t.events.c
        waiting = and_(e.app_pk == self.app_pk, e.url == self.url, e.state == "pending")
        await _bury(connection, waiting, GONE, self.at)
        await append(connection, [self.history])


async def _bury(connection: AsyncConnection, condition: ColumnElement[bool], error: str, at: datetime) -> None:
    """Makes dead letters of them. Where one asked for a rollback, the clock looks at once: people have to know that
    nobody heard of it."""
    e, r = t.events.c, t.rollbacks.c
    values = {"state": "dead", "leased_until": None, "last_error": error[:500]}
    dead = await connection.execute(update(t.events).where(condition).values(values).returning(e.decision_pk, e.type))
    unheard = [row.decision_pk for row in dead if row.type == EventType.ROLLBACK_REQUESTED]
    if unheard:
        asked = update(t.rollbacks).where(r.decision_pk.in_(unheard), r.state == "requested")
        await connection.execute(asked.values(due_at=at))
        await notify(connection, Topic.REVIEWS)


@dataclass(frozen=True, slots=True)
class Redeliver(SingleCommand[int]):
    """Makes dead letters pending again, all of them or the named ones, and lifts their receivers' stop."""

    event_ids: tuple[str, ...]
    at: datetime

    async def apply(self, connection: AsyncConnection) -> int:
        e, s = t.events.c, t.stopped_receivers
        chosen = e.state == "dead"
        if self.event_ids:
            chosen = and_(chosen, e.id.in_(self.event_ids))
        rows = (await connection.execute(select(e.pk, e.app_pk, e.url).where(chosen))).all()
        for app_pk, url in {(row.app_pk, row.url) for row in rows}:
            await connection.execute(s.delete().where(s.c.app_pk == app_pk, s.c.url == url))
        # Three days of tries begin anew with `created_at`; the body keeps the time of the event itself.
        await connection.execute(
            update(t.events)
            .where(e.pk.in_([row.pk for row in rows]))
            .values(state="pending", attempts=0, created_at=self.at, due_at=self.at, last_error=None)
        )
        await append(
            connection,
            [HistoryRecord(self.at, "operator:event:redelivered", "operator", facts={"events": len(rows)})],
        )
        await notify(connection, Topic.EVENTS)
        return len(rows)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    id: str
    app: str
    type: str
    receiver: str
    error: str


class EventStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def dead_letters(self) -> list[DeadLetter]:
        query = (
            select(t.events, t.apps.c.name)
            .join(t.apps, t.apps.c.pk == t.events.c.app_pk)
            .where(t.events.c.state == "dead")
            .order_by(t.events.c.pk)
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        return [DeadLetter(row.id, row.name, row.type, row.receiver, row.last_error or "") for row in rows]

    async def waiting(self) -> dict[tuple[str, str], int]:
        """How many events are pending and how many dead, by app and state; 0 too, for every app."""
        e = t.events.c
        counted = (
            select(t.apps.c.name, e.state, func.count().label("events"))
            .join(t.apps, t.apps.c.pk == e.app_pk)
            .where(e.state.in_(_WAITING))
            .group_by(t.apps.c.name, e.state)
        )
        async with self._engine.connect() as connection:
            apps = await connection.scalars(select(t.apps.c.name))
            counts = {(app, state): 0 for app in apps for state in _WAITING}
            return counts | {(row.name, row.state): row.events for row in await connection.execute(counted)}
