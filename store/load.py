"""How much work comes to a channel's reviewers, how fast it is done, and what was decided about it.

Counted is what holds somebody up: gate and provisional reviews. Audits, second opinions and alerts wait for nobody's
answer. Every read is bounded: by an index, and by what people can do in a week.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    case,
    cast,
    exists,
    extract,
    func,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from routing.decision import CORRECTED, Json, ReviewKind, Risk, Route
from routing.review import WAITING, ReviewState
from store import tables as t
from store.history import HistoryRecord, append
from store.insert_new import insert_new
from store.messages import NewMessage
from store.queue import waits
from store.queue_messages import ShowQueue
from store.writer import SingleCommand

_HOLDING_UP = (ReviewKind.GATE, ReviewKind.PROVISIONAL)
_RELEASED_RISKS = (Risk.LOW, Risk.MEDIUM)
_HOUR = 3600
_MOST_VERDICTS = 10_000


@dataclass(frozen=True, slots=True)
class Arrived:
    """How many reviews came to a channel in one hour: `hours_ago` 0 is the last one. What was released came once."""

    channel: str
    task_type: str
    hours_ago: int
    count: int


@dataclass(frozen=True, slots=True)
class Given:
    """One verdict. `began_at`: when its reviewer took the item up; None: not known."""

    channel: str
    user_id: str
    at: datetime
    began_at: datetime | None


@dataclass(frozen=True, slots=True)
class WaitingLine:
    """What waits of one task type in a channel."""

    channel: str
    task_type: str
    count: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class Measured:
    """All channels, as one look at the database sees them. `verdicts` are the latest, newest first."""

    arrived: list[Arrived]
    verdicts: list[Given]
    waiting: list[WaitingLine]


@dataclass(frozen=True, slots=True)
class ErrorRecord:
    """What is known of the errors of one task's decisions that nobody saw before they went out.

    Attributes:
        audits: how many audits were judged.
        autonomous: how many decisions ran alone, estimated from the audits (Horvitz and Thompson 1952: each stands
            for 1 / π decisions, π the probability with which it was drawn).
        judged: how many of these the judged audits stand for.
        wrong: how many of these were wrong.
        heaviest: how many the judged audit stands for that stands for most.
        reviewed, overridden: what people decided, and how much of it they edited or rejected.
        released, released_wrong: what went out because nobody had time and still waits for its review, and what was
            found wrong in its review.
    """

    task_type: str
    audits: int = 0
    autonomous: float = 0.0
    judged: float = 0.0
    wrong: float = 0.0
    heaviest: float = 0.0
    reviewed: int = 0
    overridden: int = 0
    released: int = 0
    released_wrong: int = 0


@dataclass(frozen=True, slots=True)
class ChannelLevel:
    """What is done about a channel's load. `since`: the beginning of the episode, or of the time without one."""

    channel: str
    level: int
    since: datetime
    numbers: dict[str, Json]
    version: int


@dataclass(frozen=True, slots=True)
class SaveLevel(SingleCommand[bool]):
    """The next level of a channel, its record, and the message that tells of it. False: somebody else was quicker, and
    nothing was done. `version` is the one that was seen, 0 where there was none."""

    level: ChannelLevel
    at: datetime
    history: tuple[HistoryRecord, ...] = ()
    message: NewMessage | None = None
    anew: bool = False

    async def apply(self, connection: AsyncConnection) -> bool:
        if not await self._swap(connection):
            return False
        await append(connection, self.history)
        if self.message is not None:
            if self.anew:
                await ShowQueue(self.message, self.at, anew=True).apply(connection)
            # Whether or not it may be posted anew now, it says what is true now.
            await ShowQueue(self.message, self.at).apply(connection)
        return True

    async def _swap(self, connection: AsyncConnection) -> bool:
        c, level = t.load_levels.c, self.level
        values: dict[str, Any] = {"level": level.level, "since": level.since, "numbers": level.numbers}
        values["version"] = level.version + 1
        if level.version:
            mine = update(t.load_levels).where(c.channel == level.channel, c.version == level.version)
            return (await connection.execute(mine.values(**values))).rowcount > 0
        return await insert_new(connection, t.load_levels, {"channel": level.channel, **values}) > 0


class LoadStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def levels(self) -> dict[str, ChannelLevel]:
        """By channel: those that were behind at least once."""
        c = t.load_levels.c
        query = select(c.channel, c.level, c.since, c.numbers, c.version)
        async with self._engine.connect() as connection:
            return {row.channel: ChannelLevel(*row) for row in await connection.execute(query)}

    async def measured(self, now: datetime, window: timedelta) -> Measured:
        """All channels over the last `window`."""
        r, since = t.reviews.c, now - window
        hours_ago = (int(now.timestamp()) - cast(extract("epoch", r.opened_at), BigInteger)) // _HOUR
        arrived = (
            select(r.channel, r.task_type, hours_ago.label("hours_ago"), func.count())
            .where(_holds_up(), r.opened_at > since, r.opened_at <= now, not_(_went_out_before()))
            .group_by(r.channel, r.task_type, "hours_ago")
        )
        waiting = (
            select(r.channel, r.task_type, func.count(), func.min(r.opened_at))
            .where(waits(), _holds_up())
            .group_by(r.channel, r.task_type)
        )
        async with self._engine.connect() as connection:
            return Measured(
                [Arrived(*row) for row in await connection.execute(arrived)],
                [Given(*row) for row in await connection.execute(_verdicts(since, now, _MOST_VERDICTS))],
                [WaitingLine(*row) for row in await connection.execute(waiting)],
            )

    async def verdicts(
        self, since: datetime, until: datetime, most: int, *, task_type: str | None = None, app_pk: int | None = None
    ) -> list[Given]:
        """Those of a task type, and of an app, among the latest of all, after `since` and up to `until`, newest
        first."""
        d, query = t.decisions.c, _verdicts(since, until, most)
        if task_type is not None:
            query = query.where(t.reviews.c.task_type == task_type)
        if app_pk is not None:
            query = query.join(t.decisions, d.pk == t.reviews.c.decision_pk).where(d.app_pk == app_pk)
        async with self._engine.connect() as connection:
            return [Given(*row) for row in await connection.execute(query)]

    async def error_records(self, task_types: Collection[str], since: datetime) -> dict[str, ErrorRecord]:
        """By task type, of the reviews that were opened since then."""
        r, d = t.reviews.c, t.decisions.c
        # An audit of which nobody kept the probability stands for itself alone.
        stands_for = 1.0 / func.coalesce(d.inclusion, 1.0)
        judged = r.state == ReviewState.DECIDED
        wrong = and_(judged, d.outcome.in_(CORRECTED))
        went_out = and_(r.kind == ReviewKind.PROVISIONAL, _went_out_before())
        people = and_(judged, r.kind != ReviewKind.AUDIT)
        audit = r.kind == ReviewKind.AUDIT
        query = (
            select(
                r.task_type,
                _count(and_(audit, judged)),
                _sum(audit, stands_for),
                _sum(and_(audit, judged), stands_for),
                _sum(and_(audit, wrong), stands_for),
                func.max(case((and_(audit, judged), stands_for), else_=0.0)),
                _count(people),
                _count(and_(people, wrong)),
                _count(and_(went_out, r.state.in_(WAITING))),
                _count(and_(went_out, wrong)),
            )
            .join_from(t.reviews, t.decisions, d.pk == r.decision_pk)
            .where(r.kind.in_((ReviewKind.AUDIT, *_HOLDING_UP)), r.opened_at >= since, r.task_type.in_(task_types))
            .group_by(r.task_type)
        )
        async with self._engine.connect() as connection:
            return {row.task_type: ErrorRecord(*row) for row in await connection.execute(query)}

    async def releasable(self, channel: str, task_type: str, now: datetime, limit: int) -> list[int]:
        """The pks of gate reviews in the queue that nobody is at or has voted on, the most confident model first. What
        is never released (`routing.route.may_be_released`: what cannot be undone, high risk) takes nobody's room."""
        r, d, v = t.reviews.c, t.decisions.c, t.verdicts.c
        query = (
            select(r.pk)
            .join_from(t.reviews, t.decisions, d.pk == r.decision_pk)
            .where(waits(), r.channel == channel, r.task_type == task_type)
            .where(r.lane == "batch", r.kind == ReviewKind.GATE, r.state == ReviewState.OPEN)
            .where(d.route == Route.QUEUE, d.confidence.is_not(None), d.reversible, d.risk.in_(_RELEASED_RISKS))
            .where(or_(r.claimed_by.is_(None), r.claimed_until <= now))
            .where(~exists().where(v.review_pk == r.pk))
            .order_by(d.confidence.desc(), r.pk)
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            return list(await connection.scalars(query))

    async def cards(self, channel: str, limit: int) -> list[int]:
        """The pks of reviews whose card stands in the channel and waits, the most urgent first."""
        r = t.reviews.c
        query = (
            select(r.pk)
            .where(waits(), _holds_up(), r.channel == channel, r.lane == "card", r.posted_at.is_not(None))
            .order_by(r.urgency.desc(), r.pk)
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            return list(await connection.scalars(query))


def _verdicts(since: datetime, until: datetime, most: int) -> Select[Any]:
    """The latest first, and only then what they were about: so the join is never with more than these. What came after
    `until` was read, or by the clock of a replica that is ahead, is for the next look."""
    r, v = t.reviews.c, t.verdicts.c
    within = and_(v.at > since, v.at <= until)
    latest = select(t.verdicts).where(within).order_by(v.at.desc()).limit(most).subquery()
    return (
        select(r.channel, latest.c.user_id, latest.c.at, latest.c.began_at)
        .join_from(latest, t.reviews, r.pk == latest.c.review_pk)
        .where(_holds_up())
        .order_by(latest.c.at.desc())
    )


def _holds_up() -> ColumnElement[bool]:
    return t.reviews.c.kind.in_(_HOLDING_UP)


def _went_out_before() -> ColumnElement[bool]:
    """Of a provisional review: whether the decision waited behind a gate first, and was released from there."""
    gate, r = t.reviews.alias(), t.reviews.c
    behind = exists().where(gate.c.decision_pk == r.decision_pk, gate.c.kind == ReviewKind.GATE)
    return and_(r.kind == ReviewKind.PROVISIONAL, behind)


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def _sum(condition: ColumnElement[bool], value: ColumnElement[Any]) -> ColumnElement[float]:
    return func.coalesce(func.sum(case((condition, value), else_=0.0)), 0.0)
