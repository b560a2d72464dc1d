"""Runs of scheduled jobs: what was due, who is at it, what came of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, insert, not_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from routing.decision import Json
from store import tables as t
from store.writer import SingleCommand

LEASE = timedelta(minutes=10)
"""How long one replica may be at a run without saying so again, before another takes it over: the first has died."""


@dataclass(frozen=True, slots=True)
class Tick:
    """One time at which a job is due. `period` makes it one, whatever the clocks do: a local day, an ISO week or a UTC
    minute. `scope` says for what, "" for all; `at` is when it is due."""

    scope: str
    period: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Run:
    """One tick of a job that somebody has begun."""

    pk: int
    job: str
    tick: Tick
    state: str
    attempts: int
    started_at: datetime
    finished_at: datetime | None
    told: dict[str, Json] | None
    last_error: str | None

    def is_done(self, now: datetime) -> bool:
        """What was finished before it was due, as an operator may ask for, counts only until it is due."""
        if self.state != "done" or self.finished_at is None:
            return False
        return self.finished_at >= self.tick.at or now < self.tick.at


def _too_early() -> ColumnElement[bool]:
    return and_(t.runs.c.state == "done", t.runs.c.finished_at < t.runs.c.at)


@dataclass(frozen=True, slots=True)
class BeginRun(SingleCommand[int | None]):
    """The pk of the run that is the caller's to do; None: it is done (`Run.is_done`), or somebody is at it, or it
    failed and its time to be tried again has not come (`at_once`: it is not waited for)."""

    job: str
    tick: Tick
    now: datetime
    at_once: bool = False

    async def apply(self, connection: AsyncConnection) -> int | None:
        r, tick = t.runs.c, self.tick
        mine = and_(r.job == self.job, r.scope == tick.scope, r.period == tick.period)
        values: dict[str, Any] = {"state": "running", "started_at": self.now, "leased_until": self.now + LEASE}
        over = or_(r.leased_until.is_(None), r.leased_until <= self.now)
        free = and_(r.state != "done", or_(over, r.state == "failed") if self.at_once else over)
        free = or_(free, and_(_too_early(), r.at <= self.now))
        again = update(t.runs).where(mine, free).values(attempts=r.attempts + 1, **values).returning(r.pk)
        pk: int | None = await connection.scalar(again)
        if pk is not None or await connection.scalar(select(r.pk).where(mine)) is not None:
            return pk
        # Two replicas that come here at once meet at the unique constraint, and the later one looks again.
        first = insert(t.runs).values(
            job=self.job, scope=tick.scope, period=tick.period, at=tick.at, attempts=1, **values
        )
        begun: int = (await connection.execute(first.returning(r.pk))).scalar_one()
        return begun


@dataclass(frozen=True, slots=True)
class ExtendRun(SingleCommand[None]):
    """Whoever is at it is so still."""

    pk: int
    now: datetime

    async def apply(self, connection: AsyncConnection) -> None:
        mine = update(t.runs).where(t.runs.c.pk == self.pk, t.runs.c.state == "running")
        await connection.execute(mine.values(leased_until=self.now + LEASE))


@dataclass(frozen=True, slots=True)
class FinishRun(SingleCommand[None]):
    pk: int
    at: datetime
    told: dict[str, Json]

    async def apply(self, connection: AsyncConnection) -> None:
        values = {"state": "done", "finished_at": self.at, "leased_until": None, "told": self.told, "last_error": None}
        await connection.execute(update(t.runs).where(t.runs.c.pk == self.pk).values(**values))


@dataclass(frozen=True, slots=True)
class FailRun(SingleCommand[None]):
    """It is tried again from `again_at` on, unless somebody has taken it over and done it."""

    pk: int
    again_at: datetime
    error: str

    async def apply(self, connection: AsyncConnection) -> None:
        values = {"state": "failed", "leased_until": self.again_at, "last_error": self.error[:500]}
        mine = update(t.runs).where(t.runs.c.pk == self.pk, t.runs.c.state == "running")
        await connection.execute(mine.values(**values))


class RunStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def find(self, job: str, tick: Tick) -> Run | None:
        r = t.runs.c
        query = select(t.runs).where(r.job == job, r.scope == tick.scope, r.period == tick.period)
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else _run(row)

    async def done(self, job: str, since: datetime, *, in_time: bool = False) -> set[tuple[str, str]]:
        """(scope, period) of the ticks that were due at `since` or later and are done; `in_time`: and not too early."""
        r = t.runs.c
        query = select(r.scope, r.period).where(r.job == job, r.at >= since, r.state == "done")
        if in_time:
            query = query.where(not_(_too_early()))
        async with self._engine.connect() as connection:
            return {(row.scope, row.period) for row in await connection.execute(query)}

    async def last(self, job: str) -> Run | None:
        """The run of the latest tick that was begun."""
        r = t.runs.c
        query = select(t.runs).where(r.job == job).order_by(r.at.desc(), r.pk.desc()).limit(1)
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else _run(row)

    async def installed_at(self) -> datetime | None:
        """When this database was first used; what was due before is owed to nobody."""
        async with self._engine.connect() as connection:
            found: datetime | None = await connection.scalar(select(func.min(t.policies.c.first_used_at)))
        return found


def _run(row: Row[Any]) -> Run:
    return Run(
        pk=row.pk,
        job=row.job,
        tick=Tick(row.scope, row.period, row.at),
        state=row.state,
        attempts=row.attempts,
        started_at=row.started_at,
        finished_at=row.finished_at,
        told=row.told,
        last_error=row.last_error,
    )
