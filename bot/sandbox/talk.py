"""What people say in the sandbox, and how they take it back. The app hears of it by an event."""

from dataclasses import dataclass
from typing import Any

from bot.sandbox.chat import Chat
from bot.sandbox.courier import Ack
from bot.sandbox.events import Events
from bot.sandbox.payloads import as_typed, message_json
from bot.sandbox.sight import NotPossibleError, Sight
from bot.sandbox.world import Message, World

Json = dict[str, Any]


@dataclass(frozen=True)
class Said:
    """A person's message. `ack` is the app's answer to its event; None if the app is not told of it."""

    ts: str
    ack: Ack | None


class Talk:
    """`write`, `rewrite` and `withdraw` give the event, not yet sent; the coroutines send it and wait for the app."""

    def __init__(self, world: World, *, sight: Sight, chat: Chat, events: Events) -> None:
        self._world = world
        self._sight = sight
        self._chat = chat
        self._events = events

    def write(
        self, user: str, channel_id: str, text: str, thread_ts: str | None = None, subtype: str | None = None
    ) -> tuple[Message, Json]:
        """Post as a person (or as another bot)."""
        channel = self._sight.channel(user, channel_id)
        if channel.is_archived:
            raise NotPossibleError(f"{channel.name} is archived")
        if thread_ts is not None:
            parent = self._sight.message(user, channel_id, thread_ts)
            thread_ts = parent.thread_ts or parent.ts
        message = Message(self._world.new_ts(), channel.id, user, as_typed(text), thread_ts=thread_ts)
        message.subtype = subtype
        if self._world.people[user].is_bot:
            message.bot_id, message.subtype = f"B{user[1:]}", subtype or "bot_message"
        self._world.put(message)
        event = {**message_json(self._world, message), "channel": channel.id, "event_ts": message.ts}
        return message, event

    def rewrite(self, user: str, channel: str, ts: str, text: str) -> Json:
        """Edit one's own message."""
        return self._chat.edit(self._sight.own_message(user, channel, ts), as_typed(text))

    def withdraw(self, user: str, channel: str, ts: str) -> Json:
        """Delete one's own message."""
        return self._chat.remove(self._sight.own_message(user, channel, ts))

    async def say(
        self, user: str, channel: str, text: str, thread_ts: str | None = None, subtype: str | None = None
    ) -> Said:
        """Post as a person, and wait for the app's answer to the event."""
        message, event = self.write(user, channel, text, thread_ts, subtype)
        return Said(message.ts, await self._tell(event))

    async def reply(self, user: str, channel: str, thread_ts: str, text: str, *, broadcast: bool = False) -> Said:
        """Say something in a thread; `broadcast` shows it in the channel too."""
        return await self.say(user, channel, text, thread_ts, "thread_broadcast" if broadcast else None)

    async def edit_message(self, user: str, channel: str, ts: str, text: str) -> Ack | None:
        """Edit one's own message; None if the app is not told of it."""
        return await self._tell(self.rewrite(user, channel, ts, text))

    async def delete_message(self, user: str, channel: str, ts: str) -> Ack | None:
        """Delete one's own message; None if the app is not told of it."""
        return await self._tell(self.withdraw(user, channel, ts))

    async def _tell(self, event: Json) -> Ack | None:
        return await self._events.send(event) if self._events.wanted(event) else None
