"""Notes: what people wrote in the thread of a review."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from store import tables as t
from store.contents import put_content
from store.history import HistoryRecord, append
from store.insert_new import insert_new
from store.messages import CARDS, Place
from store.writer import SingleCommand


@dataclass(frozen=True, slots=True)
class KeepNote(SingleCommand[bool]):
    """Keeps a message of a thread. False: it was kept before."""

    review_pk: int
    decision_pk: int
    user_id: str
    place: Place
    body: str
    at: datetime
    history: tuple[HistoryRecord, ...]

    async def apply(self, connection: AsyncConnection) -> bool:
        row = {
            "review_pk": self.review_pk,
            "user_id": self.user_id,
            "message_channel": self.place.channel,
            "message_ts": self.place.ts,
            "at": self.at,
        }
        if await insert_new(connection, t.notes, row) == 0:
            return False
        await put_content(connection, self.decision_pk, f"note:{self.place.channel}.{self.place.ts}", self.body)
        await append(connection, self.history)
        return True


class NoteStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def is_known(self, place: Place) -> bool:
        n = t.notes.c
        query = select(n.pk).where(n.message_channel == place.channel, n.message_ts == place.ts)
        async with self._engine.connect() as connection:
            return await connection.scalar(query) is not None

    async def is_posting(self) -> bool:
        """Whether the posting of any card has begun, and its answer is not known."""
        m = t.messages.c
        query = select(m.pk).where(m.kind.in_(CARDS), m.posting_since.is_not(None), m.message_ts.is_(None)).limit(1)
        async with self._engine.connect() as connection:
            return await connection.scalar(query) is not None
