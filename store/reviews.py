"""Reviews: loaded with their decision, decided by compare-and-set."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from routing.review import ReviewState
from store import tables as t
from store.decisions import Decision, from_row
from store.events import GONE, receiver_of
from store.history import HistoryRecord, append
from store.notify import Topic, notify
from store.writer import SingleCommand


@dataclass(frozen=True, slots=True)
class VerdictRecord:
    """What one person said, without the content."""

    team_id: str
    user_id: str
    verdict: str
    category: str | None
    severity: str | None
    labels: dict[str, str]
    at: datetime


@dataclass(frozen=True, slots=True)
class Review:
    """A review with all that deciding or showing it needs. `verdict` is the one that closed it."""

    pk: int
    id: str
    kind: str
    state: str
    opened_at: datetime
    closed_at: datetime | None
    app: str
    channel: str
    """Where the policy had it posted."""
    message_channel: str | None
    """The id of the channel its card is in; None before Slack has said."""
    decision: Decision
    verdict: VerdictRecord | None


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to the app; `body` is frozen here and never made again."""

    id: str
    type: str
    url: str
    body: str


@dataclass(frozen=True, slots=True)
class Decide(SingleCommand[bool]):
    """Closes an open review with its one winning verdict. False: somebody else was first, and nothing changed."""

    review_pk: int
    app_pk: int
    decision_pk: int
    verdict: VerdictRecord
    changes: dict[str, Any]  # columns of the decision
    outcome: str
    event: NewEvent | None
    history: tuple[HistoryRecord, ...]

    async def apply(self, connection: AsyncConnection) -> bool:
        at = self.verdict.at
        won = await connection.execute(
            update(t.reviews)
            .where(t.reviews.c.pk == self.review_pk, t.reviews.c.state == ReviewState.OPEN)
            .values(state=ReviewState.DECIDED, closed_at=at)
        )
        if won.rowcount == 0:
            return False
        await connection.execute(update(t.decisions).where(t.decisions.c.pk == self.decision_pk).values(**self.changes))
        await connection.execute(insert(t.verdicts), [_verdict_row(self.review_pk, self.verdict)])
        await connection.execute(
            insert(t.contents).values(decision_pk=self.decision_pk, part="outcome", body=self.outcome)
        )
        await connection.execute(
            update(t.cards)
            .where(t.cards.c.review_pk == self.review_pk)
            .values(wanted=t.cards.c.wanted + 1, live=False, due_at=at, attempts=0)
        )
        if self.event is not None:
            await _insert_event(connection, self.app_pk, self.decision_pk, self.event, at)
        await append(connection, self.history)
        await notify(connection, Topic.CARDS)
        await notify(connection, Topic.RESOLVED, self.decision_pk)
        return True


def _verdict_row(review_pk: int, verdict: VerdictRecord) -> dict[str, Any]:
    return {
        "review_pk": review_pk,
        "team_id": verdict.team_id,
        "user_id": verdict.user_id,
        "verdict": verdict.verdict,
        "category": verdict.category,
        "severity": verdict.severity,
        "labels": verdict.labels,
        "at": verdict.at,
    }


async def _insert_event(
    connection: AsyncConnection, app_pk: int, decision_pk: int, event: NewEvent, at: datetime
) -> None:
    highest = await connection.scalar(
        select(func.coalesce(func.max(t.events.c.position), 0)).where(t.events.c.decision_pk == decision_pk)
    )
    stopped = t.stopped_receivers.c
    gone = await connection.scalar(select(stopped.url).where(stopped.app_pk == app_pk, stopped.url == event.url))
    await connection.execute(
        insert(t.contents).values(decision_pk=decision_pk, part=f"event:{event.id}", body=event.body)
    )
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


class ReviewStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def by_id(self, review_id: str) -> Review | None:
        return await self._load(t.reviews.c.id == review_id)

    async def by_pk(self, pk: int) -> Review:
        """Raises LookupError."""
        review = await self._load(t.reviews.c.pk == pk)
        if review is None:
            raise LookupError(f"there is no review {pk}")
        return review

    async def _load(self, condition: Any) -> Review | None:
        c = t.reviews.c
        query = (
            select(t.decisions, c.pk.label("review_pk"), c.id.label("review_id"), c.kind, c.state, c.opened_at)
            .add_columns(c.closed_at, t.apps.c.name.label("app"), t.cards.c.channel, t.cards.c.message_channel)
            .join_from(t.reviews, t.decisions, t.decisions.c.pk == c.decision_pk)
            .join(t.apps, t.apps.c.pk == t.decisions.c.app_pk)
            .join(t.cards, t.cards.c.review_pk == c.pk)
            .where(condition)
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
            if row is None:
                return None
            verdicts = (
                await connection.execute(
                    select(t.verdicts).where(t.verdicts.c.review_pk == row.review_pk).order_by(t.verdicts.c.pk)
                )
            ).all()
        return Review(
            pk=row.review_pk,
            id=row.review_id,
            kind=row.kind,
            state=row.state,
            opened_at=row.opened_at,
            closed_at=row.closed_at,
            app=row.app,
            channel=row.channel,
            message_channel=row.message_channel,
            decision=from_row(row),
            verdict=_last(verdicts),
        )


def _last(rows: Sequence[Any]) -> VerdictRecord | None:
    if not rows:
        return None
    row = rows[-1]
    return VerdictRecord(row.team_id, row.user_id, row.verdict, row.category, row.severity, row.labels, row.at)
