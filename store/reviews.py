"""Reviews: loaded with their decision and votes, changed by compare-and-set."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import BindParameter, Row, bindparam, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from store import tables as t
from store.contents import put_content
from store.counters import counting
from store.decisions import Decision, NewReview, from_row
from store.events import NewEvent, insert_event
from store.executions import Execution, executions_of
from store.history import HistoryRecord, append
from store.messages import CARDS, Card, NewMessage, add, card_from, refresh_cards, refresh_post
from store.notify import Topic, notify
from store.rollbacks import request_rollback, withdraw_rollbacks
from store.writer import SingleCommand


@dataclass(frozen=True, slots=True)
class VerdictRecord:
    """What one person said, without the content. `began_at`: when they claimed it; `characters`: what they had to
    read."""

    round: int
    team_id: str
    user_id: str
    adjudicates: bool
    verdict: str
    category: str | None
    severity: str | None
    labels: dict[str, str]
    at: datetime
    began_at: datetime | None
    characters: int


@dataclass(frozen=True, slots=True)
class Claim:
    user_id: str
    at: datetime
    until: datetime


NO_CLAIM: Mapping[str, None] = {"claimed_by": None, "claimed_at": None, "claimed_until": None}
"""The columns of a review that nobody is at."""


@dataclass(frozen=True, slots=True)
class Review:
    """A review with all that deciding or showing it needs. `verdicts` are those of all rounds, oldest first."""

    pk: int
    id: str
    kind: str
    state: str
    version: int
    round: int
    lane: str
    channel: str
    """Where the policy had it posted."""
    urgency: int
    opened_at: datetime
    posted_at: datetime | None
    closed_at: datetime | None
    deadline: datetime
    overdue: bool
    steps_done: int
    due_at: datetime | None
    claim: Claim | None
    release_at: datetime | None
    app: str
    decision: Decision
    verdicts: tuple[VerdictRecord, ...]
    cards: tuple[Card, ...]
    executions: Mapping[str, Execution]
    """What the app told of carrying the decision's actions out, by their hash."""

    @property
    def votes(self) -> tuple[VerdictRecord, ...]:
        """Those of the present round."""
        return tuple(verdict for verdict in self.verdicts if verdict.round == self.round)

    def verdict_part(self, verdict: VerdictRecord) -> str:
        """Under which name `contents` keeps what this person wrote."""
        return f"verdict:{self.pk}.{verdict.round}.{verdict.user_id}"


class StaleDecisionError(Exception):
    """Another review of the same decision changed it in between; nothing was done."""


@dataclass(frozen=True, slots=True)
class DecisionChange:
    """New values of the decision's columns, and its outcome content. Holds only for the decision as it was seen."""

    before: Decision
    columns: Mapping[str, Any]
    outcome: str
    event: NewEvent | None
    rollback: Literal["requested", "withdrawn"] | None = None
    """Whether the app has to undo what it may have done, or has not to any more."""


@dataclass(frozen=True, slots=True)
class ChangeReview(SingleCommand[bool]):
    """One step of a review, and all that follows from it. False: the review has changed since, and nothing was done.

    Raises StaleDecisionError.
    """

    review: Review
    at: datetime
    columns: Mapping[str, Any]
    """New values of the review's columns."""
    history: tuple[HistoryRecord, ...]
    verdict: VerdictRecord | None = None
    contents: Mapping[str, str] = field(default_factory=dict)
    """JSON texts by part, of the decision."""
    decision: DecisionChange | None = None
    messages: tuple[NewMessage, ...] = ()
    opens: NewReview | None = None
    expects: Decision | None = None
    """The decision, where it must still be as it was seen though nothing changes it."""

    async def apply(self, connection: AsyncConnection) -> bool:
        if not self._counts:
            return await self._change(connection)
        async with counting(connection, [self.review.decision.pk]):
            return await self._change(connection)

    @property
    def _counts(self) -> bool:
        """Whether it may change what the decision counts for: claims, reminders and the clock do not."""
        return self.verdict is not None or self.opens is not None or not self.columns.keys().isdisjoint(_COUNTED)

    async def _change(self, connection: AsyncConnection) -> bool:
        c = t.reviews.c
        won = await connection.execute(
            update(t.reviews)
            # Posting a card makes the clock look again without counting as a change: what was seen before it would
            # put `due_at` back.
            .where(c.pk == self.review.pk, c.version == self.review.version)
            .where(c.posted_at.is_not_distinct_from(self.review.posted_at))
            .values(version=c.version + 1, **self.columns)
        )
        if won.rowcount == 0:
            return False
        if self.decision is not None:
            await self._change_decision(connection, self.decision)
        elif self.expects is not None:
            await _set_decision(connection, self.expects, {})
        if self.verdict is not None:
            await connection.execute(insert(t.verdicts), [_verdict_row(self.review.pk, self.verdict)])
        for part, body in self.contents.items():
            await put_content(connection, self.review.decision.pk, part, body)
        if self.history:  # what leaves no trace there is nothing to show: the clock has only been set anew
            await refresh_cards(connection, await self._shown(connection), self.at)
            if self.review.lane == "sample" and (self.verdict is not None or "state" in self.columns):
                await refresh_post(connection, self.review.pk, self.at)
            await notify(connection, Topic.REVIEWS)
        await add(connection, self.messages, self.at)
        if self.opens is not None:
            await open_review(connection, self.opens, self.review.decision.pk, self.at)
        await append(connection, self.history)
        return True

    async def _shown(self, connection: AsyncConnection) -> Sequence[int]:
        """The reviews whose cards tell something else from now on."""
        if self.decision is None:
            return [self.review.pk]
        r = t.reviews.c
        return (await connection.scalars(select(r.pk).where(r.decision_pk == self.review.decision.pk))).all()

    async def _change_decision(self, connection: AsyncConnection, change: DecisionChange) -> None:
        before = change.before
        await _set_decision(connection, before, change.columns)
        await put_content(connection, before.pk, "outcome", change.outcome)
        heard = change.event is not None and await insert_event(
            connection, before.app_pk, before.pk, change.event, self.at
        )
        if change.rollback == "requested":
            round_ = self.columns.get("round", self.review.round)
            await request_rollback(connection, before.pk, self.review.pk, round_, self.at, heard=heard)
        elif change.rollback == "withdrawn":
            await withdraw_rollbacks(connection, before.pk, self.at)
        await notify(connection, Topic.RESOLVED, before.pk)


_COUNTED = ("state", "round", "opened_at", "closed_at")
"""The columns of a review that facts are made of, and that a change may set."""

_TOLD = ("status", "outcome", "disposition", "action_sha256", "decided_at", "execution")
"""The columns of a decision that each verdict sets, and that tell whether there was another one. What the app does is
among them: the event must not tell of an execution that has begun or ended since."""


async def _set_decision(connection: AsyncConnection, before: Decision, columns: Mapping[str, Any]) -> None:
    """Changes the decision as it was seen; with no columns it only makes sure. Raises StaleDecisionError."""
    c = t.decisions.c
    same = [c[name].is_not_distinct_from(getattr(before, name)) for name in _TOLD]
    values = {"status": before.status, **columns}
    changed = await connection.execute(update(t.decisions).where(c.pk == before.pk, *same).values(values))
    if changed.rowcount == 0:
        raise StaleDecisionError


@dataclass(frozen=True, slots=True)
class PutOffReview(SingleCommand[None]):
    """The clock failed with a review that is due, and looks at it again at `due_at`."""

    review_pk: int
    now: datetime
    due_at: datetime

    async def apply(self, connection: AsyncConnection) -> None:
        c = t.reviews.c
        mine = update(t.reviews).where(c.pk == self.review_pk, c.due_at <= self.now)
        await connection.execute(mine.values(due_at=self.due_at))


async def open_review(connection: AsyncConnection, review: NewReview, decision_pk: int, at: datetime) -> None:
    """Inserts a review of a decision that is there already, and its card where it has one."""
    await connection.execute(insert(t.reviews), [review.row(decision_pk, at)])
    await add(connection, review.messages, at)


def _verdict_row(review_pk: int, verdict: VerdictRecord) -> dict[str, Any]:
    return {
        "review_pk": review_pk,
        "round": verdict.round,
        "team_id": verdict.team_id,
        "user_id": verdict.user_id,
        "adjudicates": verdict.adjudicates,
        "verdict": verdict.verdict,
        "category": verdict.category,
        "severity": verdict.severity,
        "labels": verdict.labels,
        "at": verdict.at,
        "began_at": verdict.began_at,
        "characters": verdict.characters,
    }


class ReviewStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def by_id(self, review_id: str) -> Review | None:
        return next(iter(await self._load(t.reviews.c.id == review_id)), None)

    async def by_pk(self, pk: int) -> Review:
        """Raises LookupError."""
        found = await self._load(t.reviews.c.pk == pk)
        if not found:
            raise LookupError(f"there is no review {pk}")
        return found[0]

    async def by_pks(self, pks: Sequence[int]) -> list[Review]:
        """Those that are there, in the order of `pks`."""
        found = {review.pk: review for review in await self._load(t.reviews.c.pk.in_(pks))}
        return [found[pk] for pk in pks if pk in found]

    async def of_decisions(self, decision_pks: Sequence[int]) -> list[Review]:
        return await self._load(t.reviews.c.decision_pk.in_(decision_pks)) if decision_pks else []

    async def of_chain(self, first_pk: int) -> list[Review]:
        """Of a first answer and its retries, which share a thread; without those that nobody sees there."""
        d, seen = t.decisions.c, t.reviews.c.lane.not_in(("blind", "sample"))
        return await self._load(seen & ((d.pk == first_pk) | (d.first_pk == first_pk)))

    async def due(self, now: datetime, limit: int) -> list[int]:
        """The pks of reviews with which the clock has something to do, the longest due first."""
        c = t.reviews.c
        query = select(c.pk).where(c.due_at <= now).order_by(c.due_at).limit(limit)
        async with self._engine.connect() as connection:
            return list(await connection.scalars(query))

    async def next_due(self) -> datetime | None:
        async with self._engine.connect() as connection:
            found: datetime | None = await connection.scalar(
                select(func.min(t.reviews.c.due_at)).where(t.reviews.c.due_at.is_not(None))
            )
        return found

    async def _load(self, condition: Any) -> list[Review]:
        async with self._engine.connect() as connection:
            rows = (await connection.execute(_REVIEWS.where(condition))).all()
            if not rows:
                return []
            pks = {"pks": [row.review_pk for row in rows]}
            given = _grouped((await connection.execute(_VERDICTS, pks)).all())
            shown = _grouped((await connection.execute(_CARDS, pks)).all())
            executed = await executions_of(connection, {row.pk for row in rows})
        return [_review(row, given[row.review_pk], shown[row.review_pk], executed[row.pk]) for row in rows]


# Built once: reviews are what is read most, and building what asks for them takes as long as reading.
_PKS: BindParameter[int] = bindparam("pks", expanding=True)
_REVIEWS = (
    select(
        t.decisions,
        *(column.label(f"review_{column.name}") for column in t.reviews.columns),
        t.apps.c.name.label("app"),
    )
    .join_from(t.reviews, t.decisions, t.decisions.c.pk == t.reviews.c.decision_pk)
    .join(t.apps, t.apps.c.pk == t.decisions.c.app_pk)
    .order_by(t.reviews.c.pk)
)
_VERDICTS = select(t.verdicts).where(t.verdicts.c.review_pk.in_(_PKS)).order_by(t.verdicts.c.pk)
_CARDS = (
    select(t.messages.c.review_pk, t.messages.c.channel, t.messages.c.message_channel, t.messages.c.message_ts)
    .where(t.messages.c.review_pk.in_(_PKS), t.messages.c.kind.in_(CARDS))
    .order_by(t.messages.c.pk)
)


def _grouped(rows: Sequence[Any]) -> defaultdict[int, list[Any]]:
    by_review: defaultdict[int, list[Any]] = defaultdict(list)
    for row in rows:
        by_review[row.review_pk].append(row)
    return by_review


def _review(
    row: Row[Any], verdicts: Sequence[Row[Any]], cards: Sequence[Row[Any]], executions: Mapping[str, Execution]
) -> Review:
    claim = None
    if row.review_claimed_by is not None:
        claim = Claim(row.review_claimed_by, row.review_claimed_at, row.review_claimed_until)
    return Review(
        pk=row.review_pk,
        id=row.review_id,
        kind=row.review_kind,
        state=row.review_state,
        version=row.review_version,
        round=row.review_round,
        lane=row.review_lane,
        channel=row.review_channel,
        urgency=row.review_urgency,
        opened_at=row.review_opened_at,
        posted_at=row.review_posted_at,
        closed_at=row.review_closed_at,
        deadline=row.review_deadline,
        overdue=row.review_overdue,
        steps_done=row.review_steps_done,
        due_at=row.review_due_at,
        claim=claim,
        release_at=row.review_release_at,
        app=row.app,
        decision=from_row(row),
        verdicts=tuple(_verdict(verdict) for verdict in verdicts),
        cards=tuple(card_from(card) for card in cards),
        executions=executions,
    )


def _verdict(row: Row[Any]) -> VerdictRecord:
    return VerdictRecord(
        round=row.round,
        team_id=row.team_id,
        user_id=row.user_id,
        adjudicates=row.adjudicates,
        verdict=row.verdict,
        category=row.category,
        severity=row.severity,
        labels=row.labels,
        at=row.at,
        began_at=row.began_at,
        characters=row.characters,
    )
