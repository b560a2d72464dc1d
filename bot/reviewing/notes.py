"""What people say in a review's thread, kept with it."""

import hashlib

import orjson

from bot.clock import Clock
from bot.reviewing.case import Case
from bot.reviewing.people import Reviewer
from store.messages import Place
from store.notes import KeepNote, NoteStore
from store.writer import Writer


class Notes:
    def __init__(self, *, clock: Clock, writer: Writer, store: NoteStore) -> None:
        self._clock, self._writer, self._store = clock, writer, store

    async def is_known(self, place: Place) -> bool:
        """Whether this message was taken in before."""
        return await self._store.is_known(place)

    async def is_posting(self) -> bool:
        """Whether there are cards of which nobody knows yet where they are."""
        return await self._store.is_posting()

    async def keep(self, case: Case, reviewer: Reviewer, place: Place, text: str) -> None:
        """Once, however often Slack sends it."""
        now = self._clock.now()
        # The history holds no content, but proves which one it was.
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        record = case.record(now, "reviewer:review:noted", reviewer.actor, {"content_sha256": digest})
        body = orjson.dumps({"user": reviewer.user_id, "text": text.replace("\x00", "")}).decode()
        await self._writer.submit(
            KeepNote(case.review.pk, case.decision.pk, reviewer.user_id, place, body, now, (record,))
        )
