"""What the local Slack knows: people, channels, messages, views. Plain state; who may do what is decided elsewhere."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from bot.clock import Clock
from bot.sandbox.errors import SlackError
from bot.sandbox.feed import Feed

Json = dict[str, Any]


@dataclass
class Person:
    id: str
    name: str
    real_name: str
    color: str = "#4a154b"
    is_bot: bool = False
    is_restricted: bool = False
    """A multi-channel guest."""
    is_ultra_restricted: bool = False
    """A single-channel guest."""
    is_stranger: bool = False
    """Someone of another workspace, met through Slack Connect."""
    deleted: bool = False
    team_id: str | None = None
    """Their workspace in an Enterprise Grid; None is the sandbox's own."""
    enterprise_id: str | None = None
    """The Enterprise Grid they belong to: users.info then carries `enterprise_user`."""


@dataclass
class Channel:
    id: str
    name: str
    members: list[str] = field(default_factory=list)
    is_private: bool = False
    is_archived: bool = False
    is_im: bool = False
    user: str | None = None
    """The person of a direct conversation with the bot."""
    topic: str = ""


@dataclass
class Usergroup:
    id: str
    handle: str
    users: list[str]


@dataclass
class Message:
    ts: str
    channel: str
    user: str
    text: str
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    thread_ts: str | None = None
    username: str | None = None
    bot_id: str | None = None
    subtype: str | None = None
    metadata: Json | None = None
    edited_ts: str | None = None
    ephemeral_to: str | None = None
    files: list[Json] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)

    @property
    def is_top_level(self) -> bool:
        return self.thread_ts in (None, self.ts) or self.subtype == "thread_broadcast"


@dataclass
class StoredFile:
    id: str
    name: str
    length: int
    alt_text: str
    title: str = ""
    content: bytes | None = None
    ready_at: datetime | None = None
    """Slack looks at a fresh upload for a while; None until the upload was completed."""

    @property
    def mimetype(self) -> str:
        return "image/png" if self.name.lower().endswith(".png") else "application/octet-stream"


@dataclass
class View:
    """A modal or an App Home. `body` is what the app sent, with ids filled in."""

    id: str
    user: str
    body: Json
    hash: str
    previous: str | None = None
    root: str | None = None
    entered: dict[str, Json] = field(default_factory=dict)
    """`state.values` as the person left them. As in Slack they outlive an update wherever the ids stay the same."""

    @property
    def input_blocks(self) -> list[Json]:
        return [block for block in self.body["blocks"] if block["type"] == "input"]


class World:
    """One workspace, or with an `enterprise_id` an Enterprise Grid that installed the app for all its workspaces.

    Changes that a person's page shows are published to `feed`.
    """

    team_id = "T0SANDBOX"
    team_domain = "sandbox"
    app_id = "A0HITL"
    bot_id = "B0BOT"

    enterprise_name = "Sandbox Grid"

    def __init__(
        self,
        clock: Clock,
        people: Iterable[Person],
        channels: Iterable[Channel],
        usergroups: Iterable[Usergroup],
        *,
        enterprise_id: str | None = None,
    ) -> None:
        self.clock = clock
        self.enterprise_id = enterprise_id
        self.people = {person.id: person for person in people}
        self.channels = {channel.id: channel for channel in channels}
        self.usergroups = {group.id: group for group in usergroups}
        self.bot = next(person for person in self.people.values() if person.is_bot)
        self.messages: dict[str, dict[str, Message]] = defaultdict(dict)
        self.ephemerals: list[Message] = []
        self.stacks: dict[str, list[View]] = defaultdict(list)
        self.homes: dict[str, View] = {}
        self.files: dict[str, StoredFile] = {}
        self.site = ""
        """Where this workspace is served, without a slash at the end."""
        self.edit_window_seconds: float | None = None
        """How long after posting a message may be edited; None is for ever."""
        self.feed = Feed()
        self._numbers = count(1)
        self._last_tick = 0

    def now(self) -> datetime:
        return self.clock.now()

    def new_id(self, prefix: str) -> str:
        return f"{prefix}{next(self._numbers):08d}"

    def new_ts(self) -> str:
        """A time stamp no other message has: that of the clock, or the next microsecond."""
        self._last_tick = max(int(self.now().timestamp() * 1_000_000), self._last_tick + 1)
        return f"{self._last_tick // 1_000_000}.{self._last_tick % 1_000_000:06d}"

    def file(self, file_id: str) -> StoredFile:
        try:
            return self.files[file_id]
        except KeyError:
            raise SlackError("file_not_found") from None

    def is_ready(self, file: StoredFile) -> bool:
        return file.ready_at is not None and self.now() >= file.ready_at

    # -- channels and people

    def channel(self, channel_id: str) -> Channel:
        try:
            return self.channels[channel_id]
        except KeyError:
            raise SlackError("channel_not_found") from None

    def person(self, user_id: str) -> Person:
        try:
            return self.people[user_id]
        except KeyError:
            raise SlackError("user_not_found") from None

    @property
    def enterprise(self) -> Json | None:
        """Who installed the app for the whole organisation; None where one workspace did."""
        return {"id": self.enterprise_id, "name": self.enterprise_name} if self.enterprise_id else None

    def team_of(self, user_id: str) -> str:
        """The workspace of this person; the sandbox's own for who is not known, as Slackbot."""
        person = self.people.get(user_id)
        if person is None:
            return self.team_id
        return person.team_id or ("T0ELSEWHERE" if person.is_stranger else self.team_id)

    def add_person(self, person: Person, channels: Iterable[str] = ()) -> None:
        self.people[person.id] = person
        for channel_id in channels:
            self.channels[channel_id].members.append(person.id)

    def open_im(self, user_id: str) -> Channel:
        """The direct conversation of the bot with this person, made if need be."""
        person = self.person(user_id)
        if person.is_bot:
            raise SlackError("cannot_dm_bot")
        for channel in self.channels.values():
            if channel.is_im and channel.user == user_id:
                return channel
        channel = Channel(self.new_id("D"), self.bot.name, [user_id, self.bot.id], is_im=True, user=user_id)
        self.channels[channel.id] = channel
        self.feed.publish({"type": "channel", "channel": self.channel_for(channel, user_id)}, [user_id])
        return channel

    def channels_of(self, user_id: str) -> list[Channel]:
        return [channel for channel in self.channels.values() if user_id in channel.members]

    def channel_for(self, channel: Channel, user_id: str) -> Json:
        """The channel as the page shows it to this person."""
        return {
            "id": channel.id,
            "name": channel.name,
            "is_im": channel.is_im,
            "is_private": channel.is_private,
            "is_archived": channel.is_archived,
            "topic": channel.topic,
            "member": user_id in channel.members,
            **({"user": channel.user} if channel.is_im else {}),
        }

    # -- messages

    def message(self, channel_id: str, ts: str) -> Message:
        try:
            return self.messages[channel_id][ts]
        except KeyError:
            raise SlackError("message_not_found") from None

    def top_level(self, channel_id: str) -> list[Message]:
        """Oldest first."""
        return [message for message in self.messages[channel_id].values() if message.is_top_level]

    def replies(self, channel_id: str, ts: str) -> list[Message]:
        """Oldest first, without the parent."""
        return [m for m in self.messages[channel_id].values() if m.thread_ts == ts and m.ts != ts]

    def put(self, message: Message) -> None:
        """Keep a new or changed message and show it; a reply also changes what its parent shows."""
        if message.ephemeral_to is not None:
            if message not in self.ephemerals:
                self.ephemerals.append(message)
        else:
            self.messages[message.channel][message.ts] = message
        self._show(message)
        if (parent := self._parent(message)) is not None:
            parent.thread_ts = parent.ts
            self._show(parent)

    def _parent(self, message: Message) -> Message | None:
        """The message that counts this one among its replies."""
        parent = self.messages[message.channel].get(message.thread_ts or "")
        return None if parent is message or message.ephemeral_to is not None else parent

    def remove(self, message: Message) -> None:
        """A parent with replies leaves a tombstone, as in Slack."""
        if message.ephemeral_to is not None:
            self.ephemerals.remove(message)
        elif self.replies(message.channel, message.ts):
            tombstone = Message(
                message.ts, message.channel, "USLACKBOT", "This message was deleted.", thread_ts=message.ts
            )
            tombstone.subtype = "tombstone"
            self.put(tombstone)
            return
        else:
            del self.messages[message.channel][message.ts]
        gone = {"type": "message_deleted", "channel": message.channel, "ts": message.ts}
        self.feed.publish(gone, self._audience(message))
        if (parent := self._parent(message)) is not None:
            self._show(parent)

    def _audience(self, message: Message) -> list[str]:
        if message.ephemeral_to is not None:
            return [message.ephemeral_to]
        return self.channels[message.channel].members

    def _show(self, message: Message) -> None:
        shown = {"type": "message", "message": self.message_for_page(message)}
        self.feed.publish(shown, self._audience(message))

    def message_for_page(self, message: Message) -> Json:
        replies = self.replies(message.channel, message.ts)
        author = self.people.get(message.user)
        return {
            "ts": message.ts,
            "channel": message.channel,
            "user": message.user,
            "username": message.username or (author.real_name if author else "Slackbot"),
            "text": message.text,
            "blocks": message.blocks,
            "attachments": message.attachments,
            "files": message.files,
            "reactions": message.reactions,
            "reply_count": len(replies),
            "reply_users": list(dict.fromkeys(reply.user for reply in replies)),
            "is_bot": message.bot_id is not None,
            **({"subtype": message.subtype} if message.subtype else {}),
            **({"thread_ts": message.thread_ts} if message.thread_ts else {}),
            **({"latest_reply": replies[-1].ts} if replies else {}),
            **({"edited": {"ts": message.edited_ts}} if message.edited_ts else {}),
            **({"ephemeral": True} if message.ephemeral_to else {}),
        }

    # -- views

    def view(self, view_id: str) -> View:
        for view in [*(v for stack in self.stacks.values() for v in stack), *self.homes.values()]:
            if view.id == view_id:
                return view
        raise SlackError("not_found")

    def new_hash(self) -> str:
        return f"{int(self.now().timestamp())}.{next(self._numbers):08x}"

    def show_stack(self, user_id: str) -> None:
        shown = {"type": "views", "views": [self.view_json(view) for view in self.stacks[user_id]]}
        self.feed.publish(shown, [user_id])

    def show_home(self, user_id: str) -> None:
        self.feed.publish({"type": "home", "view": self.view_json(self.homes[user_id])}, [user_id])

    def view_json(self, view: View) -> Json:
        """Slack's view object."""
        absent: Json = {"callback_id": "", "private_metadata": "", "external_id": ""}
        modal: Json = {"title": None, "submit": None, "close": None, "clear_on_close": False, "notify_on_close": False}
        return {
            "id": view.id,
            "team_id": self.team_of(view.user),
            "app_id": self.app_id,
            "bot_id": self.bot_id,
            "app_installed_team_id": self.enterprise_id or self.team_id,
            **absent,
            **(modal if view.body["type"] == "modal" else {}),
            **view.body,
            "hash": view.hash,
            "state": {"values": {}},
            "previous_view_id": view.previous,
            "root_view_id": view.root,
        }

    def toast(self, user_id: str, text: str, level: str = "error") -> None:
        """What Slack itself says to a person."""
        self.feed.publish({"type": "toast", "text": text, "level": level}, [user_id])
