"""Cards: which messages Slack still has to be given, and where the ones it has are."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from routing.review import ReviewState
from store import tables as t
from store.notify import Topic, notify
from store.writer import SingleCommand

LEASE = timedelta(seconds=60)
"""How long one replica may work on a card before another takes it over."""


@dataclass(frozen=True, slots=True)
class CardJob:
    """A card that Slack has to be given.

    `message_ts` None: not posted. `sought` tells that a post was begun before and its answer never noted, so the
    message may be there and must be looked for, from `posting_since` on.
    """

    review_pk: int
    channel: str
    wanted: int
    message_channel: str | None
    message_ts: str | None
    posting_since: datetime
    sought: bool
    attempts: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message is: the channel id that Slack returned, and its ts."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True)
class ClaimCard(SingleCommand[CardJob | None]):
    """Leases one card that is due, or None.

    A message that is there, or may be, is put right before anything new is posted: a button that no longer works
    costs trust. New cards go out to channels in `free`, the most urgent first.

    Args:
        busy: channels that get nothing now.
        no_posts: channels where no new message may be posted now.
        may_update, may_look: False while Slack's pace forbids changing a message, or looking for a lost one.
    """

    now: datetime
    busy: Collection[str]
    no_posts: Collection[str]
    free: Collection[str]
    may_update: bool = True
    may_look: bool = True

    async def apply(self, connection: AsyncConnection) -> CardJob | None:
        row = await self._first(connection, *self._begun())
        for channel in self.free:
            # One look a channel, each at the head of its index, however many cards wait there.
            row = row or await self._first(connection, t.cards.c.posting_since.is_(None), t.cards.c.channel == channel)
        return None if row is None else await self._lease(connection, row)

    def _begun(self) -> list[ColumnElement[bool]]:
        """Cards that Slack has, and those whose post was begun and may have to be made again."""
        c = t.cards.c
        conditions = [
            c.posting_since.is_not(None),
            c.channel.not_in(self.busy),
            or_(c.message_ts.is_not(None), c.channel.not_in(self.no_posts)),
        ]
        if not self.may_update:
            conditions.append(c.message_ts.is_(None))
        if not self.may_look:
            conditions.append(c.message_ts.is_not(None))
        return conditions

    async def _lease(self, connection: AsyncConnection, row: Row[Any]) -> CardJob:
        c = t.cards.c
        since = row.posting_since or self.now
        await connection.execute(
            update(t.cards)
            .where(c.review_pk == row.review_pk)
            # It takes its place among the live cards now: its post may arrive though we never hear of it.
            .values(leased_until=self.now + LEASE, posting_since=since, attempts=c.attempts + 1, live=_is_open())
        )
        return CardJob(
            review_pk=row.review_pk,
            channel=row.channel,
            wanted=row.wanted,
            message_channel=row.message_channel,
            message_ts=row.message_ts,
            posting_since=since,
            sought=row.posting_since is not None and row.message_ts is None,
            attempts=row.attempts + 1,
        )

    async def _first(self, connection: AsyncConnection, *conditions: ColumnElement[bool]) -> Row[Any] | None:
        c = t.cards.c
        query = (
            select(t.cards)
            .where(
                c.wanted > c.sent,
                *conditions,
                c.due_at <= self.now,
                or_(c.leased_until.is_(None), c.leased_until < self.now),
            )
            .order_by(c.urgency.desc(), c.review_pk)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        return (await connection.execute(query)).one_or_none()


def _is_open() -> ColumnElement[bool]:
    """Whether nobody has decided the card's review: a decided one takes no place among the live cards."""
    state = select(t.reviews.c.state).where(t.reviews.c.pk == t.cards.c.review_pk).scalar_subquery()
    return state == ReviewState.OPEN


@dataclass(frozen=True, slots=True)
class MarkSent(SingleCommand[bool]):
    """Slack shows version `wanted`. `place` None: there is nothing to show and never was.

    False: another replica, which took over when the lease had ended, noted another message first. `place` is then a
    duplicate.
    """

    review_pk: int
    wanted: int
    place: Place | None

    async def apply(self, connection: AsyncConnection) -> bool:
        c = t.cards.c
        mine = [c.review_pk == self.review_pk]
        values: dict[str, object] = {"sent": self.wanted, "leased_until": None, "attempts": 0, "last_error": None}
        if self.place is None:
            values["live"] = False
        else:
            values |= {"message_channel": self.place.channel, "message_ts": self.place.ts, "live": _is_open()}
            mine.append(or_(c.message_ts.is_(None), c.message_ts == self.place.ts))
        return (await connection.execute(update(t.cards).where(*mine).values(**values))).rowcount > 0


@dataclass(frozen=True, slots=True)
class PutOff(SingleCommand[None]):
    """The card could not be given to Slack now.

    `untouched`: Slack certainly did nothing (429, a refusal), so the next attempt need not look for a message.
    `forget`: the message is gone or closed to changes, so the next attempt posts anew.
    """

    review_pk: int
    due_at: datetime
    error: str
    untouched: bool = False
    forget: bool = False

    async def apply(self, connection: AsyncConnection) -> None:
        values: dict[str, object] = {"due_at": self.due_at, "leased_until": None, "last_error": self.error[:500]}
        if self.forget:
            values |= {"message_channel": None, "message_ts": None}
        if self.untouched or self.forget:
            values |= {"posting_since": None, "live": False}
        await connection.execute(update(t.cards).where(t.cards.c.review_pk == self.review_pk).values(**values))


@dataclass(frozen=True, slots=True)
class MoveCard(SingleCommand[None]):
    """The policy names another channel by now, and Slack refuses the former one: the card is posted anew there."""

    review_pk: int
    channel: str
    now: datetime

    async def apply(self, connection: AsyncConnection) -> None:
        values: dict[str, object] = {"channel": self.channel, "due_at": self.now, "leased_until": None, "attempts": 0}
        values |= {"message_channel": None, "message_ts": None, "posting_since": None, "live": False}
        await connection.execute(update(t.cards).where(t.cards.c.review_pk == self.review_pk).values(**values))


@dataclass(frozen=True, slots=True)
class RefreshCard(SingleCommand[None]):
    """Somebody saw a card that was behind: it is sent once more."""

    review_pk: int
    now: datetime

    async def apply(self, connection: AsyncConnection) -> None:
        c = t.cards.c
        await connection.execute(
            update(t.cards)
            .where(c.review_pk == self.review_pk, c.wanted == c.sent)
            .values(wanted=c.wanted + 1, due_at=self.now)
        )
        await notify(connection, Topic.CARDS)


@dataclass(frozen=True, slots=True)
class AdoptMessage(SingleCommand[None]):
    """A message of ours turned up whose posting was never noted: it is the card."""

    review_pk: int
    place: Place

    async def apply(self, connection: AsyncConnection) -> None:
        c = t.cards.c
        await connection.execute(
            update(t.cards)
            .where(c.review_pk == self.review_pk, c.message_ts.is_(None))
            .values(
                message_channel=self.place.channel,
                message_ts=self.place.ts,
                posting_since=func.coalesce(c.posting_since, c.due_at),
                wanted=c.wanted + 1,
            )
        )


@dataclass(frozen=True, slots=True)
class ReleaseLeases(SingleCommand[None]):
    """At the start of the one process that works on this database: what is leased was left by one that died."""

    async def apply(self, connection: AsyncConnection) -> None:
        for table in (t.cards, t.events):
            await connection.execute(update(table).where(table.c.leased_until.is_not(None)).values(leased_until=None))


class CardStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def live_counts(self) -> dict[str, int]:
        """Cards of open reviews that are posted or about to be, by the channel as the policy names it."""
        query = select(t.cards.c.channel, func.count().label("cards")).where(t.cards.c.live).group_by(t.cards.c.channel)
        async with self._engine.connect() as connection:
            return {row.channel: row.cards for row in await connection.execute(query)}

    async def live_counts_by_app(self) -> dict[tuple[str, str], int]:
        """The same, by app and channel."""
        query = (
            select(t.apps.c.name, t.cards.c.channel, func.count().label("cards"))
            .join_from(t.cards, t.reviews, t.reviews.c.pk == t.cards.c.review_pk)
            .join(t.decisions, t.decisions.c.pk == t.reviews.c.decision_pk)
            .join(t.apps, t.apps.c.pk == t.decisions.c.app_pk)
            .where(t.cards.c.live)
            .group_by(t.apps.c.name, t.cards.c.channel)
        )
        async with self._engine.connect() as connection:
            return {(row.name, row.channel): row.cards for row in await connection.execute(query)}

    async def waiting_channels(self) -> set[str]:
        """Channels with cards that were never posted. Reads them all: for the start, not for every turn."""
        c = t.cards.c
        query = select(c.channel).where(c.wanted > c.sent, c.message_ts.is_(None)).distinct()
        async with self._engine.connect() as connection:
            return set(await connection.scalars(query))

    async def review_at(self, place: Place) -> int | None:
        """The pk of the review whose card this message is."""
        c = t.cards.c
        query = select(c.review_pk).where(c.message_channel == place.channel, c.message_ts == place.ts)
        async with self._engine.connect() as connection:
            found: int | None = await connection.scalar(query)
        return found

    async def place_of(self, review_pk: int) -> Place | None:
        query = select(t.cards.c.message_channel, t.cards.c.message_ts).where(t.cards.c.review_pk == review_pk)
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        return Place(row[0], row[1]) if row is not None and row[1] is not None else None

    async def thread_root(self, first_pk: int, channel: str) -> Place | None:
        """Where the first card is, in this channel, of a chain of retries: of the first answer or a later one."""
        d = t.decisions.c
        query = (
            select(t.cards.c.message_channel, t.cards.c.message_ts)
            .join_from(t.cards, t.reviews, t.reviews.c.pk == t.cards.c.review_pk)
            .join(t.decisions, d.pk == t.reviews.c.decision_pk)
            .where(or_(d.pk == first_pk, d.first_pk == first_pk))
            .where(t.cards.c.channel == channel, t.cards.c.message_ts.is_not(None))
            .order_by(t.reviews.c.pk)
            .limit(1)
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else Place(row[0], row[1])

    async def stuck(self) -> list[tuple[str, str, int]]:
        """(channel, last error, cards) of what could not be posted."""
        c = t.cards.c
        query = (
            select(c.channel, c.last_error, func.count())
            .where(and_(c.wanted > c.sent, c.last_error.is_not(None)))
            .group_by(c.channel, c.last_error)
        )
        async with self._engine.connect() as connection:
            return [(channel, error or "", count) for channel, error, count in await connection.execute(query)]
