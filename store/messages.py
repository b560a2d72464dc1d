"""Messages: which ones Slack still has to be given, and where the ones it has are."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, and_, bindparam, case, false, func, not_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from routing.decision import Json
from routing.review import WAITING
from store import tables as t
from store.insert_new import insert_new
from store.notify import Topic, notify
from store.writer import SingleCommand

LEASE = timedelta(seconds=60)
"""How long one replica may work on a message before another takes it over."""


MessageKind = Literal[
    "card", "sample", "notice", "batch", "more", "audit", "digest", "load", "alert", "proposal", "report"
]
"""A `card` shows one review, and so does a `sample`, in the thread of its day's `audit`. A `notice` is said once, in
the thread of a review's card or to one person. A `batch` leads to the queue of a channel, `more` to the cards for which
there is no room. A `digest` sums a week up, `load` tells that reviewers are behind, an `alert` shows an anomaly, a
`proposal` what the policy should be changed to, or was. A `report` says once what a calibration has found."""

CARDS = ("card", "sample")
"""The kinds that show a review with its buttons. Only a `card` takes a place among those that may wait in a channel."""


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message to send. `key` makes it one: a second with the same key is dropped."""

    key: str
    kind: MessageKind
    channel: str
    urgency: int
    review_pk: int | None = None
    body: dict[str, Json] | None = None

    def row(self, at: datetime) -> dict[str, Any]:
        return {
            "key": self.key,
            "kind": self.kind,
            "review_pk": self.review_pk,
            "channel": self.channel,
            "urgency": self.urgency,
            "body": self.body,
            "wanted": 1,
            "sent": 0,
            "live": False,
            "attempts": 0,
            "due_at": at,
        }


def card_of(review_pk: int, channel: str, urgency: int) -> NewMessage:
    """The card of a review in a channel; there is one."""
    return NewMessage(f"card:{review_pk}@{channel}", "card", channel, urgency, review_pk)


async def add(connection: AsyncConnection, messages: Sequence[NewMessage], at: datetime) -> None:
    """Inserts on the caller's transaction those whose key is not there yet."""
    if not messages:
        return
    await insert_new(connection, t.messages, *(message.row(at) for message in messages))
    await notify(connection, Topic.REVIEWS)


CALLS = ("step", "dispute")
"""How the keys of notices begin that call for a verdict: they are not to call when there is nothing left to say."""


async def refresh_cards(connection: AsyncConnection, review_pks: Sequence[int], at: datetime) -> None:
    """Every card of these reviews is shown anew, and every call for a verdict once nobody waits for one. Whether a card
    still counts as live is what the review says now."""
    c = t.messages.c
    waits = select(t.reviews.c.state.in_(WAITING)).where(t.reviews.c.pk == c.review_pk).scalar_subquery()
    calls = or_(*(c.key.startswith(f"{name}.") for name in CALLS))
    obsolete = and_(c.kind == "notice", calls, c.message_ts.is_not(None), not_(waits))
    await connection.execute(
        update(t.messages)
        .where(c.review_pk.in_(review_pks), or_(c.kind.in_(CARDS), obsolete))
        .values(wanted=c.wanted + 1, live=c.live & waits, due_at=at, attempts=0)
    )


async def refresh(connection: AsyncConnection, key: str, at: datetime) -> None:
    """The message with this key is shown anew."""
    c = t.messages.c
    await connection.execute(update(t.messages).where(c.key == key).values(wanted=c.wanted + 1, due_at=at, attempts=0))
    await notify(connection, Topic.REVIEWS)


async def refresh_post(connection: AsyncConnection, review_pk: int, at: datetime) -> None:
    """The post of the day is shown anew, in whose thread this audit is: it tells how many are looked at."""
    c = t.messages.c
    key = await _post_of(connection, review_pk)
    await connection.execute(update(t.messages).where(c.key == key).values(wanted=c.wanted + 1, due_at=at))


async def _post_of(connection: AsyncConnection, review_pk: int) -> str:
    """The key of that post; "" for what is no audit."""
    c = t.messages.c
    body = await connection.scalar(select(c.body).where(c.review_pk == review_pk, c.kind == "sample"))
    return str((body or {}).get("thread", ""))


@dataclass(frozen=True, slots=True)
class Job:
    """A message that Slack has to be given.

    `message_ts` None: not posted. `sought` tells that a post was begun before and its answer never noted, so the
    message may be there and must be looked for, from `posting_since` on.
    """

    pk: int
    key: str
    kind: MessageKind
    review_pk: int | None
    channel: str
    urgency: int
    body: dict[str, Json] | None
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
class Card:
    """A card of a review: the channel as the policy names it, and where the message is once it is posted."""

    channel: str
    place: Place | None


def card_from(row: Row[Any]) -> Card:
    place = None if row.message_ts is None else Place(row.message_channel, row.message_ts)
    return Card(row.channel, place)


@dataclass(frozen=True, slots=True)
class ClaimMessage(SingleCommand[Job | None]):
    """Leases one message that is due, or None.

    A message that is there, or may be, is put right before anything new is posted: a button that no longer works
    costs trust. New ones go out to channels in `free`, the most urgent first.

    Args:
        busy: channels that get nothing now.
        no_posts: channels where no new message may be posted now.
        full: channels of `free` that take no further card, but other messages.
        settling: pks of messages that were changed a moment ago.
        may_update, may_look: False while Slack's pace forbids changing a message, or looking for a lost one.
    """

    now: datetime
    busy: Collection[str]
    no_posts: Collection[str]
    free: Collection[str]
    full: Collection[str] = ()
    settling: Collection[int] = ()
    may_update: bool = True
    may_look: bool = True

    async def apply(self, connection: AsyncConnection) -> Job | None:
        row = await self._first(connection, *self._begun())
        for channel in self.free:
            # One look a channel, each at the head of its index, however many cards wait there.
            row = row or await self._first(connection, *self._new(channel))
        return None if row is None else await self._lease(connection, row)

    def _new(self, channel: str) -> list[ColumnElement[bool]]:
        c = t.messages.c
        conditions = [c.posting_since.is_(None), c.channel == channel]
        return [*conditions, c.kind != "card"] if channel in self.full else conditions

    def _begun(self) -> list[ColumnElement[bool]]:
        """Cards that Slack has, and those whose post was begun and may have to be made again."""
        c = t.messages.c
        conditions = [
            c.posting_since.is_not(None),
            c.channel.not_in(self.busy),
            c.pk.not_in(self.settling),
            or_(c.message_ts.is_not(None), c.channel.not_in(self.no_posts)),
        ]
        if not self.may_update:
            conditions.append(c.message_ts.is_(None))
        if not self.may_look:
            conditions.append(c.message_ts.is_not(None))
        return conditions

    async def _lease(self, connection: AsyncConnection, row: Row[Any]) -> Job:
        c = t.messages.c
        since = row.posting_since or self.now
        await connection.execute(
            update(t.messages)
            .where(c.pk == row.pk)
            # It takes its place among the live cards now: its post may arrive though we never hear of it.
            .values(leased_until=self.now + LEASE, posting_since=since, attempts=c.attempts + 1, live=_is_open())
        )
        return Job(
            pk=row.pk,
            key=row.key,
            kind=row.kind,
            review_pk=row.review_pk,
            channel=row.channel,
            urgency=row.urgency,
            body=row.body,
            wanted=row.wanted,
            message_channel=row.message_channel,
            message_ts=row.message_ts,
            posting_since=since,
            sought=row.posting_since is not None and row.message_ts is None,
            attempts=row.attempts + 1,
        )

    async def _first(self, connection: AsyncConnection, *conditions: ColumnElement[bool]) -> Row[Any] | None:
        return (await connection.execute(_DUE.where(*conditions), {"now": self.now})).one_or_none()


# Built once: it is asked for each channel, at each turn.
_NOW = bindparam("now", type_=t.messages.c.due_at.type)
_DUE = (
    select(t.messages)
    .where(
        t.messages.c.wanted > t.messages.c.sent,
        t.messages.c.due_at <= _NOW,
        or_(t.messages.c.leased_until.is_(None), t.messages.c.leased_until < _NOW),
    )
    .order_by(t.messages.c.urgency.desc(), t.messages.c.pk)
    .limit(1)
    .with_for_update(skip_locked=True)
)


def _is_open() -> ColumnElement[bool]:
    """Whether it is a card and nobody has decided its review: a decided one takes no place among the live cards."""
    state = select(t.reviews.c.state).where(t.reviews.c.pk == t.messages.c.review_pk).scalar_subquery()
    return and_(t.messages.c.kind == "card", func.coalesce(state.in_(WAITING), false()))


@dataclass(frozen=True, slots=True)
class MarkSent(SingleCommand[bool]):
    """Slack shows version `wanted`. `place` None: there is nothing to show and never was.

    False: another replica, which took over when the lease had ended, noted another message first. `place` is then a
    duplicate. With the first posting of its card a review's escalation begins to count.
    """

    pk: int
    wanted: int
    place: Place | None
    at: datetime

    async def apply(self, connection: AsyncConnection) -> bool:
        c = t.messages.c
        mine = [c.pk == self.pk]
        values: dict[str, object] = {"sent": self.wanted, "leased_until": None, "attempts": 0, "last_error": None}
        if self.place is None:
            values["live"] = False
            # Slack has nothing, so that there will be nothing to look for either.
            values["posting_since"] = case((c.message_ts.is_not(None), c.posting_since))
        else:
            values |= {"message_channel": self.place.channel, "message_ts": self.place.ts, "live": _is_open()}
            values["posted_at"] = func.coalesce(c.posted_at, self.at)
            mine.append(or_(c.message_ts.is_(None), c.message_ts == self.place.ts))
        await self._lock_review(connection)
        noted = await connection.execute(
            update(t.messages).where(*mine).values(**values).returning(c.kind, c.review_pk, c.posted_at)
        )
        row = noted.one_or_none()
        if row is not None and row.kind in CARDS and row.posted_at == self.at:
            r = t.reviews.c
            await connection.execute(
                update(t.reviews)
                .where(r.pk == row.review_pk, r.posted_at.is_(None))
                # The clock looks again: the steps of a card count from here, also after a passed deadline.
                .values(posted_at=self.at, due_at=case((r.state.in_(WAITING), self.at), else_=r.due_at))
            )
            await notify(connection, Topic.REVIEWS)
        return row is not None

    async def _lock_review(self, connection: AsyncConnection) -> None:
        """Reviews before messages, as a verdict does it: two replicas must not lock them crosswise."""
        review_pk = select(t.messages.c.review_pk).where(t.messages.c.pk == self.pk).scalar_subquery()
        await connection.execute(select(t.reviews.c.pk).where(t.reviews.c.pk == review_pk).with_for_update())


@dataclass(frozen=True, slots=True)
class PutOff(SingleCommand[None]):
    """The card could not be given to Slack now.

    `untouched`: Slack certainly did nothing (429, a refusal), so the next attempt need not look for a message.
    `forget`: the message is gone or closed to changes, so the next attempt posts anew.
    """

    pk: int
    due_at: datetime
    error: str
    untouched: bool = False
    forget: bool = False

    async def apply(self, connection: AsyncConnection) -> None:
        values: dict[str, object] = {"due_at": self.due_at, "leased_until": None, "last_error": self.error[:500]}
        if self.forget:
            values |= {"message_channel": None, "message_ts": None}
        if self.untouched or self.forget:
            values |= {"posting_since": None, "live": False, "posted_at": None}
        await connection.execute(update(t.messages).where(t.messages.c.pk == self.pk).values(**values))


@dataclass(frozen=True, slots=True)
class MoveMessage(SingleCommand[None]):
    """The policy names another channel by now, and Slack refuses the former one: the message is posted anew there, and
    the review that it shows belongs there. A day's audits go together, each that waits, with the post of the day.

    A key names the channel where a message is one for each channel. One that is in the new channel already stays alone.
    """

    job: Job
    channel: str
    now: datetime

    async def apply(self, connection: AsyncConnection) -> None:
        c, r, job = t.messages.c, t.reviews.c, self.job
        mine = and_(await self._together(connection), c.channel == job.channel)
        shown = r.pk.in_(select(c.review_pk).where(mine, c.review_pk.is_not(None)))
        await connection.execute(update(t.reviews).where(shown).values(channel=self.channel, version=r.version + 1))
        key = job.key.replace(job.channel, self.channel)
        if key != job.key and await connection.scalar(select(c.pk).where(c.key == key)) is not None:
            done = {"sent": c.wanted, "leased_until": None, "last_error": None, "live": False}
            await connection.execute(update(t.messages).where(c.pk == job.pk).values(**done))
            return
        values: dict[str, object] = {"channel": self.channel, "due_at": self.now, "leased_until": None, "attempts": 0}
        values["key"] = func.replace(c.key, job.channel, self.channel)
        values |= {"message_channel": None, "message_ts": None, "posting_since": None, "live": False}
        # A sample that was there is to be shown again.
        values["sent"] = case((c.wanted > c.sent, c.sent), else_=c.wanted - 1)
        await connection.execute(update(t.messages).where(mine).values(**values))
        await notify(connection, Topic.REVIEWS)

    async def _together(self, connection: AsyncConnection) -> ColumnElement[bool]:
        c, r = t.messages.c, t.reviews.c
        post = self.job.key if self.job.kind == "audit" else str((self.job.body or {}).get("thread", ""))
        body = await connection.scalar(select(c.body).where(c.key == post, c.kind == "audit"))
        waiting = select(r.pk).where(r.pk.in_((body or {}).get("reviews", [])), r.state.in_(WAITING))
        return or_(c.pk == self.job.pk, c.key == post, and_(c.kind == "sample", c.review_pk.in_(waiting)))


@dataclass(frozen=True, slots=True)
class RefreshCards(SingleCommand[None]):
    """Somebody saw a card that was behind: all of the review's are sent once more."""

    review_pk: int
    now: datetime

    async def apply(self, connection: AsyncConnection) -> None:
        c = t.messages.c
        await connection.execute(
            update(t.messages)
            .where(c.review_pk == self.review_pk, c.kind.in_(CARDS), c.wanted == c.sent)
            .values(wanted=c.wanted + 1, due_at=self.now)
        )
        await notify(connection, Topic.REVIEWS)


@dataclass(frozen=True, slots=True)
class AdoptMessage(SingleCommand[None]):
    """A message of ours turned up whose posting was never noted: it is the card."""

    review_pk: int
    place: Place

    async def apply(self, connection: AsyncConnection) -> None:
        c = t.messages.c
        lost = select(func.min(c.pk)).where(c.review_pk == self.review_pk, c.kind.in_(CARDS), c.message_ts.is_(None))
        await connection.execute(
            update(t.messages)
            .where(c.pk == lost.scalar_subquery())
            .values(
                message_channel=self.place.channel,
                message_ts=self.place.ts,
                posting_since=func.coalesce(c.posting_since, c.due_at),
                wanted=c.wanted + 1,
            )
        )


@dataclass(frozen=True, slots=True)
class QueueMessage:
    """A `batch` or `more` message, and what it counted when it was last looked at."""

    pk: int
    key: str
    kind: MessageKind
    channel: str
    body: dict[str, Json]
    wanted: int
    sent: int
    posted_at: datetime | None
    message_ts: str | None


@dataclass(frozen=True, slots=True)
class ReleaseLeases(SingleCommand[None]):
    """At the start of the one process that works on this database: what is leased was left by one that died."""

    async def apply(self, connection: AsyncConnection) -> None:
        for table in (t.messages, t.events):
            await connection.execute(update(table).where(table.c.leased_until.is_not(None)).values(leased_until=None))
        # What failed waits for its time, whoever begins anew.
        await connection.execute(update(t.runs).where(t.runs.c.state == "running").values(leased_until=None))


class MessageStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def live_counts(self) -> dict[str, int]:
        """Cards of open reviews that are posted or about to be, by the channel as the policy names it."""
        query = (
            select(t.messages.c.channel, func.count().label("cards"))
            .where(t.messages.c.live)
            .group_by(t.messages.c.channel)
        )
        async with self._engine.connect() as connection:
            return {row.channel: row.cards for row in await connection.execute(query)}

    async def live_counts_by_app(self) -> dict[tuple[str, str], int]:
        """The same, by app and channel."""
        query = (
            select(t.apps.c.name, t.messages.c.channel, func.count().label("cards"))
            .join_from(t.messages, t.reviews, t.reviews.c.pk == t.messages.c.review_pk)
            .join(t.decisions, t.decisions.c.pk == t.reviews.c.decision_pk)
            .join(t.apps, t.apps.c.pk == t.decisions.c.app_pk)
            .where(t.messages.c.live)
            .group_by(t.apps.c.name, t.messages.c.channel)
        )
        async with self._engine.connect() as connection:
            return {(row.name, row.channel): row.cards for row in await connection.execute(query)}

    async def waiting_channels(self) -> set[str]:
        """Channels with messages that were never posted. Reads them all: for the start, not for every turn."""
        c = t.messages.c
        query = select(c.channel).where(c.wanted > c.sent, c.message_ts.is_(None)).distinct()
        async with self._engine.connect() as connection:
            return set(await connection.scalars(query))

    async def waiting_beside_cards(self) -> set[str]:
        """Channels, and people, with other messages than cards to post: these are few."""
        c = t.messages.c
        query = select(c.channel).where(c.wanted > c.sent, c.posting_since.is_(None), c.kind != "card").distinct()
        async with self._engine.connect() as connection:
            return set(await connection.scalars(query))

    async def card_at(self, place: Place) -> int | None:
        """The pk of the review whose card this message is."""
        c = t.messages.c
        query = select(c.review_pk).where(
            c.message_channel == place.channel, c.message_ts == place.ts, c.kind.in_(CARDS)
        )
        async with self._engine.connect() as connection:
            found: int | None = await connection.scalar(query)
        return found

    async def place_of(self, pk: int) -> Place | None:
        m = t.messages.c
        async with self._engine.connect() as connection:
            row = (await connection.execute(select(m.message_channel, m.message_ts).where(m.pk == pk))).one_or_none()
        return None if row is None or row[1] is None else Place(row[0], row[1])

    async def post_of(self, review_pk: int) -> Place | None:
        """Where the post of the day is in whose thread an audit is shown; None while it is not posted."""
        m = t.messages.c
        async with self._engine.connect() as connection:
            key = await _post_of(connection, review_pk)
            row = (await connection.execute(select(m.message_channel, m.message_ts).where(m.key == key))).one_or_none()
        return None if row is None or row[1] is None else Place(row[0], row[1])

    async def queue_messages(self) -> list[QueueMessage]:
        """Those that lead to a queue."""
        m = t.messages.c
        query = select(m.pk, m.key, m.kind, m.channel, m.body, m.wanted, m.sent, m.posted_at, m.message_ts)
        async with self._engine.connect() as connection:
            rows = await connection.execute(query.where(t.LEADS_TO_A_QUEUE))
        return [QueueMessage(*row) for row in rows]

    async def unposted_cards(self) -> dict[str, tuple[int, int]]:
        """How many cards of reviews that wait are still to be posted, and the newest review's pk, by channel."""
        m, r = t.messages.c, t.reviews.c
        query = (
            select(m.channel, func.count(), func.max(m.review_pk))
            .join_from(t.messages, t.reviews, r.pk == m.review_pk)
            .where(m.wanted > m.sent, m.posting_since.is_(None), m.kind == "card", r.state.in_(WAITING))
            .group_by(m.channel)
        )
        async with self._engine.connect() as connection:
            return {channel: (count, newest) for channel, count, newest in await connection.execute(query)}

    async def thread_root(self, first_pk: int, channel: str) -> Place | None:
        """Where the first card is, in this channel, of a chain of retries: of the first answer or a later one."""
        d = t.decisions.c
        query = (
            select(t.messages.c.message_channel, t.messages.c.message_ts)
            .join_from(t.messages, t.reviews, t.reviews.c.pk == t.messages.c.review_pk)
            .join(t.decisions, d.pk == t.reviews.c.decision_pk)
            .where(or_(d.pk == first_pk, d.first_pk == first_pk))
            .where(t.messages.c.channel == channel, t.messages.c.kind == "card", t.messages.c.message_ts.is_not(None))
            .order_by(t.reviews.c.pk)
            .limit(1)
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else Place(row[0], row[1])

    async def stuck(self) -> list[tuple[str, str, int]]:
        """(channel, last error, cards) of what could not be posted."""
        c = t.messages.c
        query = (
            select(c.channel, c.last_error, func.count())
            .where(and_(c.wanted > c.sent, c.last_error.is_not(None)))
            .group_by(c.channel, c.last_error)
        )
        async with self._engine.connect() as connection:
            return [(channel, error or "", count) for channel, error, count in await connection.execute(query)]
