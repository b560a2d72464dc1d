"""The conversations.*, users.* and usergroups.* methods: who and what there is, and what was said."""

from collections.abc import Callable
from math import inf
from typing import Any

from bot.sandbox.arguments import Arguments
from bot.sandbox.errors import SlackError
from bot.sandbox.payloads import channel_json, message_json, person_json
from bot.sandbox.scopes import Scopes, family
from bot.sandbox.world import Channel, Message, World

Json = dict[str, Any]
_SCOPE_OF_TYPE = {"public_channel": "channels:read", "private_channel": "groups:read", "im": "im:read"}


class Directory:
    def __init__(self, world: World, scopes: Scopes) -> None:
        self._world = world
        self._scopes = scopes
        self.methods: dict[str, Callable[[Arguments], Json]] = {
            "conversations.info": self.info,
            "conversations.list": self.list_channels,
            "conversations.members": self.members,
            "conversations.history": self.history,
            "conversations.replies": self.replies,
            "conversations.open": self.open,
            "users.info": self.user_info,
            "users.list": self.list_users,
            "usergroups.list": self.list_usergroups,
            "usergroups.users.list": self.usergroup_users,
        }

    def info(self, args: Arguments) -> Json:
        return {"channel": channel_json(self._world, self._channel(args, "read"))}

    def list_channels(self, args: Arguments) -> Json:
        types = (args.optional_text("types") or "public_channel").replace(" ", "").split(",")
        for kind in types:
            if kind not in (*_SCOPE_OF_TYPE, "mpim"):
                raise SlackError("invalid_types")
            self._scopes.require(_SCOPE_OF_TYPE.get(kind, "mpim:read"))
        found = [
            channel
            for channel in self._world.channels.values()
            if _type(channel) in types
            and (_type(channel) == "public_channel" or self._world.bot.id in channel.members)
            and not (args.flag("exclude_archived") and channel.is_archived)
        ]
        page, cursor = args.page(found, 100, 1000)
        return {"channels": [channel_json(self._world, c) for c in page], "response_metadata": {"next_cursor": cursor}}

    def members(self, args: Arguments) -> Json:
        page, cursor = args.page(self._channel(args, "read").members, 100, 1000)
        return {"members": page, "response_metadata": {"next_cursor": cursor}}

    def history(self, args: Arguments) -> Json:
        channel = self._readable(args)
        newest_first = [m for m in reversed(self._world.top_level(channel.id)) if _in_range(m, args)]
        return self._messages(newest_first, args, 100)

    def replies(self, args: Arguments) -> Json:
        channel = self._readable(args)
        asked = self._world.messages[channel.id].get(args.text("ts"))
        if asked is None:
            raise SlackError("thread_not_found")
        parent = self._world.message(channel.id, asked.thread_ts or asked.ts)
        replies = [m for m in self._world.replies(channel.id, parent.ts) if _in_range(m, args)]
        return self._messages([parent, *replies], args, 1000)

    def open(self, args: Arguments) -> Json:
        self._scopes.require("im:write")
        users = args.text("users").split(",")
        if len(users) != 1:
            self._scopes.require("mpim:write")
        channel = self._world.open_im(users[0].strip())
        return {"channel": channel_json(self._world, channel) if args.flag("return_im") else {"id": channel.id}}

    def user_info(self, args: Arguments) -> Json:
        self._scopes.require("users:read")
        return {"user": person_json(self._world, self._world.person(args.text("user")))}

    def list_users(self, args: Arguments) -> Json:
        self._scopes.require("users:read")
        page, cursor = args.page(list(self._world.people.values()), 1000, 1000)
        return {"members": [person_json(self._world, p) for p in page], "response_metadata": {"next_cursor": cursor}}

    def list_usergroups(self, args: Arguments) -> Json:
        self._scopes.require("usergroups:read")
        users = args.flag("include_users")
        return {
            "usergroups": [
                {
                    "id": group.id,
                    "team_id": self._world.team_id,
                    "name": group.handle,
                    "handle": group.handle,
                    **({"users": group.users} if users else {}),
                }
                for group in self._world.usergroups.values()
            ]
        }

    def usergroup_users(self, args: Arguments) -> Json:
        self._scopes.require("usergroups:read")
        group = self._world.usergroups.get(args.text("usergroup"))
        if group is None:
            raise SlackError("no_such_subteam")
        return {"users": group.users}

    def _channel(self, args: Arguments, right: str) -> Channel:
        channel = self._world.channel(args.text("channel"))
        self._scopes.require(f"{family(channel)}:{right}")
        if family(channel) != "channels" and self._world.bot.id not in channel.members:
            raise SlackError("channel_not_found")
        return channel

    def _readable(self, args: Arguments) -> Channel:
        channel = self._channel(args, "history")
        if self._world.bot.id not in channel.members:
            raise SlackError("not_in_channel")
        return channel

    def _messages(self, found: list[Message], args: Arguments, default: int) -> Json:
        page, cursor = args.page(found, default, 1000)
        metadata = args.flag("include_all_metadata")
        answer: Json = {
            "messages": [message_json(self._world, message, with_metadata=metadata) for message in page],
            "has_more": bool(cursor),
        }
        return answer | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})


def _type(channel: Channel) -> str:
    return {"im": "im", "groups": "private_channel", "channels": "public_channel"}[family(channel)]


def _in_range(message: Message, args: Arguments) -> bool:
    oldest, latest = _time(args, "oldest", 0.0), _time(args, "latest", inf)
    ts = float(message.ts)
    return oldest < ts < latest or (args.flag("inclusive") and ts in (oldest, latest))


def _time(args: Arguments, name: str, default: float) -> float:
    try:
        return float(args.get(name) or default)
    except (TypeError, ValueError):
        raise SlackError(f"invalid_ts_{name}") from None
