"""The audit draw of a day: what ran alone, counted by group; which of it is audited; and with which probability.

A draw is three steps on facts that never change: count the groups, look who has the smallest draws of each stratum,
and record all of it in one commit, which fails as a whole if anything was drawn in between.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, Subquery, and_, case, exists, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from routing.decision import Route
from store import tables as t
from store.audit_streams import in_stream
from store.decisions import NewReview
from store.history import HistoryRecord, append
from store.messages import NewMessage, add
from store.notify import Topic, notify
from store.recount import COUNTED
from store.writer import SingleCommand

_ALONE = (Route.AUTO, Route.AUTO_AUDIT)


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` on and before `until`."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Group:
    """How many decisions ran alone by this route, for this cohort ("": none was named), in this stream. `stream_pk`
    None: no verdict has counted in the stream yet."""

    route: str
    cohort: str
    stream_pk: int | None
    size: int


@dataclass(frozen=True, slots=True)
class Sample:
    """The groups that are drawn from as one, and how many are taken of them together."""

    groups: tuple[Group, ...]
    number: int

    @property
    def size(self) -> int:
        return sum(group.size for group in self.groups)

    @property
    def inclusion(self) -> float:
        """The probability with which each of them is taken; 0 where nothing is."""
        return self.number / self.size


@dataclass(frozen=True, slots=True)
class Drawn:
    """A decision that is to be audited; route, cohort and stream as its `Group` has them."""

    pk: int
    app_pk: int
    risk: str
    route: str
    cohort: str
    stream_pk: int | None


class DrawOutdatedError(Exception):
    """Somebody else has drawn from the same decisions in between, or there are more by now; nothing was done."""


@dataclass(frozen=True, slots=True)
class NewAudit:
    """The review of a drawn decision, and the message that shows it."""

    decision_pk: int
    review: NewReview
    message: NewMessage


@dataclass(frozen=True, slots=True)
class RecordDraw(SingleCommand[None]):
    """One task's draw of one period: each eligible decision learns its probability, and each drawn one gets its
    review. `samples` are all strata, also those of which nothing is taken. Raises DrawOutdatedError."""

    task_type: str
    period: Period
    samples: Sequence[Sample]
    audits: Sequence[NewAudit]
    post: NewMessage | None
    """The day's post, in whose thread the audits are shown."""
    history: Sequence[HistoryRecord]
    at: datetime

    async def apply(self, connection: AsyncConnection) -> None:
        d = t.decisions.c
        eligible = _eligible(self.period, self.task_type).subquery()
        placed = select(eligible.c.pk, _stratum(eligible, self.samples).label("stratum")).subquery()
        inclusion = case({place: sample.inclusion for place, sample in enumerate(self.samples)}, value=placed.c.stratum)
        # What is in no stratum has come in since, or its stream has begun since: the numbers below then differ.
        # The last condition is asked again of a row that another replica has just changed.
        mine = (
            update(t.decisions)
            .where(d.pk == placed.c.pk, placed.c.stratum.is_not(None), d.inclusion.is_(None))
            .values(inclusion=inclusion)
        )
        told = await connection.execute(mine)
        if told.rowcount != sum(sample.size for sample in self.samples):
            raise DrawOutdatedError
        if self.post is not None:
            rows = [audit.review.row(audit.decision_pk, self.at) for audit in self.audits]
            await connection.execute(insert(t.reviews), rows)
            await add(connection, [self.post, *(audit.message for audit in self.audits)], self.at)
            await notify(connection, Topic.REVIEWS)
        await append(connection, self.history)


class AuditStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def tasks(self, period: Period) -> list[str]:
        """The task types of which something is eligible."""
        eligible = _eligible(period).subquery()
        query = select(eligible.c.task_type).distinct().order_by(eligible.c.task_type)
        async with self._engine.connect() as connection:
            return list(await connection.scalars(query))

    async def groups(self, task_type: str, period: Period) -> list[Group]:
        """What is eligible, largest first."""
        eligible = _eligible(period, task_type).subquery()
        keys = (eligible.c.route, eligible.c.cohort, eligible.c.stream_pk)
        size = func.count().label("size")
        query = select(*keys, size).group_by(*keys).order_by(size.desc(), *keys)
        async with self._engine.connect() as connection:
            return [Group(*row) for row in await connection.execute(query)]

    async def drawn(self, task_type: str, period: Period, samples: Sequence[Sample]) -> list[Drawn]:
        """Of each sample the decisions with the smallest draws, as many as its number says."""
        eligible, d = _eligible(period, task_type).subquery(), t.decisions.c
        stratum = _stratum(eligible, samples)
        order = func.row_number().over(partition_by=stratum, order_by=(eligible.c.draw, eligible.c.pk))
        kind = (eligible.c.route, eligible.c.cohort, eligible.c.stream_pk)
        placed = select(eligible.c.pk, *kind, stratum.label("stratum"), order.label("place")).subquery()
        number = case({place: sample.number for place, sample in enumerate(samples)}, value=placed.c.stratum)
        query = (
            select(d.pk, d.app_pk, d.risk, placed.c.route, placed.c.cohort, placed.c.stream_pk)
            .join_from(placed, t.decisions, d.pk == placed.c.pk)
            .where(placed.c.place <= number)
            .order_by(d.pk)
        )
        async with self._engine.connect() as connection:
            return [Drawn(*row) for row in await connection.execute(query)]

    async def looked_at(self, review_pks: Sequence[int]) -> dict[str, int]:
        """How many of these audits are closed, by the outcome of their decisions."""
        r, d = t.reviews.c, t.decisions.c
        query = (
            select(d.outcome, func.count())
            .join_from(t.reviews, t.decisions, d.pk == r.decision_pk)
            .where(r.pk.in_(review_pks), r.closed_at.is_not(None))
            .group_by(d.outcome)
        )
        async with self._engine.connect() as connection:
            return {str(outcome): count for outcome, count in await connection.execute(query)}


def _eligible(period: Period, task_type: str | None = None) -> Select[tuple[int, float, str, str, str, int | None]]:
    """What ran alone in the period, was not drawn from yet, and can still be shown."""
    d, s, c = t.decisions.c, t.audit_streams.c, t.contents.c
    query = (
        select(d.pk, d.draw, d.task_type, d.route, func.coalesce(d.cohort, "").label("cohort"), s.pk.label("stream_pk"))
        .join_from(t.decisions, t.audit_streams, in_stream(), isouter=True)
        .where(d.created_at >= period.since, d.created_at < period.until, d.inclusion.is_(None))
        .where(d.route.in_(_ALONE), COUNTED)
        .where(exists().where(c.decision_pk == d.pk, c.part == "request"))
    )
    return query if task_type is None else query.where(d.task_type == task_type)


def _stratum(eligible: Subquery, samples: Sequence[Sample]) -> ColumnElement[int]:
    """The place in `samples` of the one that a decision belongs to.

    Apps may name any number of cohorts, so most are not named here: what differs by cohort comes first, and then the
    sample that has most of them takes the rest.
    """
    kinds: defaultdict[tuple[str, int | None], defaultdict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for place, sample in enumerate(samples):
        for group in sample.groups:
            kinds[group.route, group.stream_pk][place].append(group.cohort)
    cases: list[tuple[ColumnElement[bool], int]] = []
    for (route, stream_pk), cohorts in kinds.items():
        kind = and_(eligible.c.route == route, eligible.c.stream_pk.is_not_distinct_from(stream_pk))
        usual = max(cohorts, key=lambda place: len(cohorts[place]))
        named = ((names, place) for place, names in cohorts.items() if place != usual)
        cases += [(and_(kind, eligible.c.cohort.in_(names)), place) for names, place in named]
        cases.append((kind, usual))
    return case(*cases)
