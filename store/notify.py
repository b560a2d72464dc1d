"""Who is to be woken by a commit: waiting requests, the card sender, the callback sender.

A command says with `notify` what it changed. The writer wakes its own process after the commit; on PostgreSQL a NOTIFY
in the same transaction wakes the other replicas, which so hear of the commit and of nothing that was rolled back.
"""

import asyncio
from collections import defaultdict
from contextlib import suppress
from enum import StrEnum
from typing import Any

import asyncpg
import structlog
from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection

log = structlog.get_logger(__name__)

_CHANNEL = "hitl"


class Topic(StrEnum):
    REVIEWS = "reviews"
    EVENTS = "events"
    RESOLVED = "resolved"


async def notify(connection: AsyncConnection, topic: Topic, pk: int | None = None) -> None:
    """Whoever waits is woken when this transaction commits: here by the writer, elsewhere by PostgreSQL."""
    noted(connection).append((topic, pk))
    if connection.dialect.name == "postgresql":
        await connection.execute(
            text("SELECT pg_notify(:channel, :payload)"), {"channel": _CHANNEL, "payload": f"{topic}:{pk or ''}"}
        )


def noted(connection: AsyncConnection) -> list[tuple[Topic, int | None]]:
    """What was notified on this connection since the writer last emptied the list."""
    wakeups: list[tuple[Topic, int | None]] = connection.info.setdefault("hitl_wakeups", [])
    return wakeups


class Wakeups:
    """Events to wait on, by topic or by decision."""

    def __init__(self) -> None:
        self.closing = False
        """The process is going down: nobody should begin to wait."""
        self.cards = asyncio.Event()
        self.queues = asyncio.Event()
        self.homes = asyncio.Event()
        self.due = asyncio.Event()
        self.events = asyncio.Event()
        self._waiting: defaultdict[int, set[asyncio.Event]] = defaultdict(set)

    def wake(self, topic: Topic, pk: int | None = None) -> None:
        match topic:
            case Topic.REVIEWS:
                for shown in (self.cards, self.queues, self.homes, self.due):
                    shown.set()
            case Topic.EVENTS:
                self.events.set()
            case Topic.RESOLVED:
                for event in self._waiting.get(pk or 0, ()):
                    event.set()

    def wake_all(self) -> None:
        """After a gap in listening: whatever may have been missed is looked at again."""
        for shared in (self.cards, self.queues, self.homes, self.due, self.events):
            shared.set()
        for events in self._waiting.values():
            for event in events:
                event.set()

    def close(self) -> None:
        """Long polls answer with what they have."""
        self.closing = True
        self.wake_all()

    @property
    def waiting(self) -> int:
        """How many wait for a decision now."""
        return sum(map(len, self._waiting.values()))

    def watch(self, pk: int) -> asyncio.Event:
        event = asyncio.Event()
        self._waiting[pk].add(event)
        return event

    def unwatch(self, pk: int, event: asyncio.Event) -> None:
        self._waiting[pk].discard(event)
        if not self._waiting[pk]:
            del self._waiting[pk]


class PostgresListener:
    """Hears the other replicas' commits. A lost connection is opened again, and everybody is woken once."""

    _RETRY_SECONDS = 1.0

    def __init__(self, url: URL, wakeups: Wakeups) -> None:
        self._arguments = _connect_arguments(url)
        self._wakeups = wakeups
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="store-listener")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            try:
                await self._listen()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("store.listener.lost", error=type(error).__name__)
            await asyncio.sleep(self._RETRY_SECONDS)

    async def _listen(self) -> None:
        connection = await asyncpg.connect(timeout=5, **self._arguments)
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _connection: lost.set())
        try:
            await connection.add_listener(_CHANNEL, self._heard)
            self._wakeups.wake_all()
            await lost.wait()
        finally:
            await connection.close(timeout=1)

    def _heard(self, _connection: object, _pid: int, _channel: str, payload: str) -> None:
        topic, _, pk = payload.partition(":")
        self._wakeups.wake(Topic(topic), int(pk) if pk else None)


def _connect_arguments(url: URL) -> dict[str, Any]:
    return {
        "host": url.query.get("host", url.host),
        "port": url.query.get("port", url.port),
        "user": url.username,
        "password": url.password,
        "database": url.database,
        "ssl": url.query.get("ssl"),
    }
