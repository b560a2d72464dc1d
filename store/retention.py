"""Removing content whose time is over. Facts and history stay: they hold hashes of it, and a record tells that it was
removed, so that it is not missed as if somebody had taken it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, exists, func, not_, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from routing.decision import Json, ReviewKind
from routing.review import WAITING, ReviewState
from store import tables as t
from store.counters import counting
from store.history import HistoryRecord, append
from store.writer import SingleCommand

REMOVED = "bot:retention:removed"
"""The history's event for it."""

_OUT_OF_ORDER = 10_000
_UNFINISHED = (*WAITING, ReviewState.HELD)


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """Content of what was created before its task's time is over; `others` holds for task types without their own."""

    tasks: Mapping[str, datetime]
    others: datetime

    def of(self, task_type: str) -> datetime:
        return self.tasks.get(task_type, self.others)

    @property
    def latest(self) -> datetime:
        return max([self.others, *self.tasks.values()])

    def passed(self, created_at: ColumnElement[Any], task_type: ColumnElement[Any]) -> ColumnElement[bool]:
        """The same as a condition on rows."""
        own = [and_(task_type == task, created_at < before) for task, before in sorted(self.tasks.items())]
        return or_(*own, and_(task_type.not_in(sorted(self.tasks)), created_at < self.others))


@dataclass(frozen=True, slots=True)
class Expired:
    """A decision whose content's time is over, with the facts that an app may have put words into."""

    pk: int
    task_type: str
    subject: str | None
    cohort: str | None
    reasons: list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class RemoveContent(SingleCommand[int]):
    """Removes all content of these decisions of one task, but of those that turned out to be needed still; how many
    that left. `facts`: new values of columns, by decision."""

    task_type: str
    pks: Sequence[int]
    facts: Mapping[int, Mapping[str, Any]]
    created_before: datetime
    at: datetime

    async def apply(self, connection: AsyncConnection) -> int:
        d, c, e = t.decisions.c, t.contents.c, t.events.c
        # Whoever is about to change one of them is waited for, or waits: what is judged below holds until the commit.
        # Decisions before events, as a verdict has it.
        await connection.execute(select(d.pk).where(d.pk.in_(self.pks)).order_by(d.pk).with_for_update())
        await connection.execute(select(e.pk).where(e.decision_pk.in_(self.pks)).order_by(e.pk).with_for_update())
        pks = (await connection.scalars(select(d.pk).where(d.pk.in_(self.pks), *_over(self.at)))).all()
        if not pks:
            return 0
        # What an app said of a rollback may come after all else is gone, and is no decision more.
        whole = select(func.count()).where(c.decision_pk.in_(pks), c.part == "request")
        removed: int = (await connection.execute(whole)).scalar_one()
        await connection.execute(delete(t.contents).where(c.decision_pk.in_(pks)))
        await self._silence(connection, pks)
        # A dead letter without its body is nothing that could be delivered again.
        await connection.execute(delete(t.events).where(e.decision_pk.in_(pks), e.state == "dead"))
        await self._forget(connection, self.facts.keys() & set(pks))
        if removed:
            await append(connection, [self._record(removed)])
        return removed

    async def _forget(self, connection: AsyncConnection, pks: Collection[int]) -> None:
        """What was counted for a cohort whose name goes is counted without one from now on."""
        if not pks:
            return
        async with counting(connection, pks):
            for pk in pks:
                await connection.execute(update(t.decisions).where(t.decisions.c.pk == pk).values(self.facts[pk]))

    async def _silence(self, connection: AsyncConnection, pks: Sequence[int]) -> None:
        """Forgets what was said in threads for good: a notice may hold a person's own words."""
        m, r = t.messages.c, t.reviews.c
        reviews = select(r.pk).where(r.decision_pk.in_(pks))
        said = update(t.messages).where(m.kind == "notice", m.review_pk.in_(reviews), m.sent >= m.wanted)
        await connection.execute(said.values(body=null()))

    def _record(self, decisions: int) -> HistoryRecord:
        before = self.created_before.isoformat()
        facts: dict[str, Json] = {"task_type": self.task_type, "decisions": decisions, "created_before": before}
        return HistoryRecord(self.at, REMOVED, "bot", facts=facts)


def _over(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Nobody needs the content of a decision any more: it is resolved, and nothing of it is under way.

    An audit that nobody judged in time, and a rollback that nobody answers, may stay open for ever: they are no reason
    to keep content for as long.
    """
    d, r, e = t.decisions.c, t.reviews.c, t.events.c
    late_audit = and_(r.kind == ReviewKind.AUDIT, r.deadline <= now)
    return (
        d.status == "resolved",
        exists().where(t.contents.c.decision_pk == d.pk),
        ~exists().where(r.decision_pk == d.pk, r.state.in_(_UNFINISHED), not_(late_audit)),
        ~exists().where(e.decision_pk == d.pk, e.state == "pending"),
    )


@dataclass(frozen=True, slots=True)
class RemoveAlertContent(SingleCommand[int]):
    """Removes what alerts said that are closed and were opened before their task's time; of `limit` alerts, oldest
    first. How many that were."""

    cutoffs: Cutoffs
    limit: int
    at: datetime

    async def apply(self, connection: AsyncConnection) -> int:
        a, r = t.alerts.c, t.reviews.c
        over = (
            select(a.review_pk)
            .join_from(t.alerts, t.reviews, r.pk == a.review_pk)
            .where(a.content.is_not(None), r.state.not_in(_UNFINISHED))
            .where(self.cutoffs.passed(r.opened_at, r.task_type))
            .order_by(a.review_pk)
            .limit(self.limit)
        )
        pks = (await connection.scalars(over)).all()
        if pks:
            await connection.execute(update(t.alerts).where(a.review_pk.in_(pks)).values(content=null()))
            await append(connection, [HistoryRecord(self.at, REMOVED, "bot", facts={"alerts": len(pks)})])
        return len(pks)


@dataclass(frozen=True, slots=True)
class ForgetRuns(SingleCommand[int]):
    """Deletes the runs of jobs that were due before; how many that were."""

    before: datetime

    async def apply(self, connection: AsyncConnection) -> int:
        return (await connection.execute(delete(t.runs).where(t.runs.c.at < self.before))).rowcount


@dataclass(frozen=True, slots=True)
class Removal:
    """What the history tells of one removal: so many decisions of a task, all created before."""

    task_type: str
    decisions: int
    created_before: datetime


class RetentionStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def expired(self, cutoffs: Cutoffs, now: datetime, *, after: int, limit: int) -> list[Expired]:
        """Decisions with a pk above `after` whose content may go `now`, in order.

        Begins where content begins and ends where nothing is old enough: what was removed before and what is young is
        not gone through.
        """
        d = t.decisions.c
        first = select(func.min(t.contents.c.decision_pk)).where(t.contents.c.decision_pk > after).scalar_subquery()
        # Replicas take numbers in blocks, so that the youngest of the old ones need not have the highest.
        old = select(d.pk).where(d.created_at < cutoffs.latest).order_by(d.created_at.desc(), d.pk.desc())
        last = select(func.max(old.limit(_OUT_OF_ORDER).subquery().c.pk)).scalar_subquery()
        query = (
            select(d.pk, d.task_type, d.subject, d.cohort, d.reasons)
            .where(d.pk >= first, d.pk <= last, cutoffs.passed(d.created_at, d.task_type), *_over(now))
            .order_by(d.pk)
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            return [Expired(*row) for row in await connection.execute(query)]

    async def removals(self, *, after: int) -> tuple[list[Removal], int]:
        """What the history tells of removed content in records with a seq above `after`, and the seq up to which that
        was looked for."""
        h = t.history.c
        query = select(h.facts).where(h.event == REMOVED, h.seq > after).order_by(h.seq)
        async with self._engine.connect() as connection:
            to = await connection.scalar(select(func.coalesce(func.max(h.seq), 0))) or 0
            rows = (await connection.execute(query.where(h.seq <= to))).all()
        return [_removal(row.facts) for row in rows if "decisions" in row.facts], to


def _removal(facts: Mapping[str, Any]) -> Removal:
    return Removal(facts["task_type"], facts["decisions"], datetime.fromisoformat(facts["created_before"]))
