"""The waiting line: which reviews wait where, for one person's walk, for App Home and for the batch messages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, bindparam, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from routing.review import WAITING
from store import tables as t
from store.insert_new import insert_new
from store.messages import CARDS
from store.writer import SingleCommand

IN_LINE = ("card", "batch")
"""The lanes where people meet what somebody waits for: not audits, nor second opinions."""


@dataclass(frozen=True, slots=True)
class Skip(SingleCommand[None]):
    """One person leaves a review to others."""

    review_pk: int
    user_id: str
    at: datetime

    async def apply(self, connection: AsyncConnection) -> None:
        await insert_new(connection, t.skips, {"review_pk": self.review_pk, "user_id": self.user_id, "at": self.at})


@dataclass(frozen=True, slots=True)
class Group:
    """Waiting reviews that the same people may decide."""

    lane: str
    channel: str
    task_type: str
    risk: str
    state: str
    count: int
    oldest: datetime
    most_urgent: int
    newest_pk: int


@dataclass(frozen=True, slots=True)
class Scope:
    """Which waiting reviews a person walks through or is shown. `channel` None: all. `groups`, where given: only
    reviews of these (channel, task type, risk, state)."""

    user_id: str
    now: datetime
    channel: str | None = None
    groups: Sequence[tuple[str, str, str, str]] | None = None
    with_cards: bool = True
    """Also those whose card is in the channel already, with buttons of its own."""
    with_skipped: bool = False
    with_claimed: bool = False
    """Also those that somebody else is at."""
    with_own: bool = True
    """Also those that this person is at."""


def waits(reviews: FromClause = t.reviews) -> ColumnElement[bool]:
    """What waits for a verdict: an alert does not."""
    # Written out: SQLite takes a partial index only for a condition that it sees, and not for a parameter.
    waiting = reviews.c.state.in_(bindparam("waiting", [*WAITING], expanding=True, literal_execute=True))
    return and_(waiting, reviews.c.lane != "alert")


class QueueStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def groups(self, channel: str | None = None) -> list[Group]:
        """What waits, by who may decide it."""
        r = t.reviews.c
        keys = (r.lane, r.channel, r.task_type, r.risk, r.state)
        query = (
            select(*keys, func.count(), func.min(r.opened_at), func.max(r.urgency), func.max(r.pk))
            .where(waits())
            .group_by(*keys)
        )
        if channel is not None:
            query = query.where(r.channel == channel)
        async with self._engine.connect() as connection:
            return [Group(*row) for row in await connection.execute(query)]

    async def waiting_by_app(self) -> list[tuple[str, str, int, datetime]]:
        """What people are waited for with, audits and second opinions apart: app, task type, how many, since when."""
        r, d = t.reviews.c, t.decisions.c
        query = (
            select(t.apps.c.name, r.task_type, func.count(), func.min(r.opened_at))
            .join_from(t.reviews, t.decisions, d.pk == r.decision_pk)
            .join(t.apps, t.apps.c.pk == d.app_pk)
            .where(waits(), r.lane.in_(IN_LINE))
            .group_by(t.apps.c.name, r.task_type)
        )
        async with self._engine.connect() as connection:
            return [(*row,) for row in await connection.execute(query)]

    async def waiting(self, scope: Scope, limit: int, offset: int = 0) -> list[int]:
        """Review pks, most urgent first, then oldest."""
        r = t.reviews.c
        query = select(r.pk).where(*_conditions(scope)).order_by(r.urgency.desc(), r.pk).limit(limit).offset(offset)
        async with self._engine.connect() as connection:
            return list(await connection.scalars(query))

    async def count(self, scope: Scope) -> int:
        query = select(func.count()).select_from(t.reviews).where(*_conditions(scope))
        async with self._engine.connect() as connection:
            return await connection.scalar(query) or 0

    async def claimed(self, user_id: str, now: datetime, limit: int) -> list[int]:
        r = t.reviews.c
        query = (
            select(r.pk)
            .where(r.claimed_by == user_id, r.claimed_until > now, waits())
            .order_by(r.urgency.desc(), r.pk)
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            return list(await connection.scalars(query))

    async def decided_by(self, user_id: str, limit: int) -> list[int]:
        """The reviews on which this person gave a verdict last, the latest first."""
        v = t.verdicts.c
        query = (
            select(v.review_pk, func.max(v.at).label("last"))
            .where(v.user_id == user_id)
            .group_by(v.review_pk)
            .order_by(func.max(v.at).desc())
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            return [row.review_pk for row in await connection.execute(query)]


def _conditions(scope: Scope) -> list[ColumnElement[bool]]:
    r = t.reviews.c
    conditions: list[Any] = [waits()]
    if scope.channel is not None:
        conditions.append(r.channel == scope.channel)
    if scope.groups is not None:
        keys = (r.channel, r.task_type, r.risk, r.state)
        conditions.append(
            or_(*(and_(*(key == value for key, value in zip(keys, group, strict=True))) for group in scope.groups))
            if scope.groups
            else r.pk < 0
        )
    if not scope.with_claimed:
        conditions.append(or_(r.claimed_by.is_(None), r.claimed_by == scope.user_id, r.claimed_until <= scope.now))
    if not scope.with_own:
        not_mine = or_(r.claimed_by.is_(None), r.claimed_by != scope.user_id, r.claimed_until <= scope.now)
        conditions.append(not_mine)
    if not scope.with_skipped:
        s = t.skips.c
        conditions.append(~exists().where(s.review_pk == r.pk, s.user_id == scope.user_id))
    if not scope.with_cards:
        m = t.messages.c
        conditions.append(~exists().where(m.review_pk == r.pk, m.kind.in_(CARDS), m.message_ts.is_not(None)))
        conditions.append(r.lane != "sample")  # its post is on the way, and no batch counts it
    d = t.decisions.c
    conditions.append(~exists().where(d.pk == r.decision_pk, d.requested_by == scope.user_id))
    # Whoever voted in this round, or on the same decision where a second opinion is asked for, has no say in it.
    conditions += [r.pk.not_in(_voted_on(scope.user_id)), or_(r.lane != "blind", ~_judged_before(scope.user_id))]
    return conditions


def _voted_on(user_id: str) -> Select[Any]:
    """Beginning with what waits, which is little: PostgreSQL without statistics would else read all that the person
    ever said for each waiting review."""
    own, v = t.reviews.alias(), t.verdicts.c
    votes = select(own.c.pk).join_from(own, t.verdicts, and_(v.review_pk == own.c.pk, v.round == own.c.round))
    return votes.where(waits(own), v.user_id == user_id)


def _judged_before(user_id: str) -> ColumnElement[bool]:
    other, v = t.reviews.alias(), t.verdicts.c
    said = exists().where(v.review_pk == other.c.pk, v.user_id == user_id)
    return exists().where(other.c.decision_pk == t.reviews.c.decision_pk, said.correlate_except(t.verdicts))
