"""What a digest tells beside its facts, and the message that carries it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, and_, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from routing.decision import Json
from routing.review import WAITING, ReviewState
from store import tables as t
from store.facts import Window
from store.messages import CARDS, NewMessage, Place, add
from store.recount import final_verdicts
from store.writer import SingleCommand


@dataclass(frozen=True, slots=True)
class KeepDigest(SingleCommand[None]):
    """Has a digest sent. It is frozen in the message's body: one that is there already stays as it is, unless it was
    made before it was due, of a week that was not over. Then this one takes its place, in Slack too."""

    message: NewMessage
    due_at: datetime
    at: datetime

    async def apply(self, connection: AsyncConnection) -> None:
        await add(connection, [self.message], self.at)
        m = t.messages.c
        mine = m.key == self.message.key
        kept = (await connection.scalars(select(m.body).where(mine).with_for_update())).one()
        if datetime.fromisoformat(kept["digest"]["made_at"]) >= self.due_at or kept == self.message.body:
            return
        values = {"body": self.message.body, "wanted": m.wanted + 1, "due_at": self.at, "attempts": 0}
        await connection.execute(update(t.messages).where(mine).values(**values))


@dataclass(frozen=True, slots=True)
class NoteInBody(SingleCommand[None]):
    """Keeps a member in a message's body, for the next attempt to send it as it was `wanted`."""

    message_pk: int
    wanted: int
    name: str
    value: Json

    async def apply(self, connection: AsyncConnection) -> None:
        c = t.messages.c
        mine = and_(c.pk == self.message_pk, c.wanted == self.wanted)
        row = (await connection.execute(select(c.body).where(mine).with_for_update())).one_or_none()
        if row is not None:
            noted = {**(row.body or {}), self.name: self.value}
            await connection.execute(update(t.messages).where(mine).values(body=noted))


@dataclass(frozen=True, slots=True)
class Shown:
    """A decision that people judged, and where its card is; None: it has none in Slack."""

    decision_id: str
    place: Place | None


async def with_cards(connection: AsyncConnection, query: Select[str, int]) -> list[Shown]:
    """`query` selects ids of decisions with the pks of their reviews."""
    rows, m = (await connection.execute(query)).all(), t.messages.c
    cards = select(m.review_pk, m.message_channel, m.message_ts).where(
        m.review_pk.in_([review_pk for _, review_pk in rows]), m.kind.in_(CARDS), m.message_ts.is_not(None)
    )
    # Of several cards the first stands: it is where people talked.
    ordered = await connection.execute(cards.order_by(m.pk.desc()))
    places = {row.review_pk: Place(row.message_channel, row.message_ts) for row in ordered}
    return [Shown(decision_id, places.get(review_pk)) for decision_id, review_pk in rows]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Reviews that wait now: audits, those of them that are late, and disputes."""

    audits: int
    audits_overdue: int
    disputes: int


class DigestStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def corrected(self, window: Window, category: str, cohort: str | None, limit: int) -> list[Shown]:
        """The latest that were corrected for this category; of one cohort where it is named."""
        d, final = t.decisions.c, final_verdicts(window.condition)
        query = (
            select(d.id, final.c.review_pk)
            .join_from(final, t.decisions, d.pk == final.c.decision_pk)
            .where(final.c.category == category, final.c.verdict != "approve")
            .order_by(d.created_at.desc(), d.pk.desc())
            .limit(limit)
        )
        if cohort is not None:
            query = query.where(d.cohort == cohort)
        async with self._engine.connect() as connection:
            return await with_cards(connection, query)

    async def waiting(self, now: datetime) -> Waiting:
        r = t.reviews.c
        is_audit = r.kind == "audit"
        query = select(
            func.count().filter(is_audit),
            func.count().filter(and_(is_audit, r.deadline <= now)),
            func.count().filter(r.state == ReviewState.DISPUTED),
        ).where(r.state.in_(WAITING))
        async with self._engine.connect() as connection:
            return Waiting(*(await connection.execute(query)).one())
