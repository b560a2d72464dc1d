"""What people do in a card's thread, as Slack's message events tell it."""

from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.clock import Clock
from bot.slack.reception import Reception
from store.messages import MessageStore, Place, RefreshCards
from store.writer import Writer


class ThreadListeners:
    def __init__(self, *, reception: Reception, store: MessageStore, writer: Writer, clock: Clock) -> None:
        self._reception, self._store, self._writer, self._clock = reception, store, writer, clock

    def register(self, app: AsyncApp) -> None:
        app.event({"type": "message", "subtype": "message_deleted"})(self._reception.event(self._deleted))

    async def _deleted(self, body: dict[str, Any]) -> None:
        """A message is gone. If it was the card of an open review, nobody could decide that any more."""
        event = body["event"]
        review_pk = await self._store.card_at(Place(str(event["channel"]), str(event["deleted_ts"])))
        if review_pk is not None:
            await self._writer.submit(RefreshCards(review_pk, self._clock.now()))
