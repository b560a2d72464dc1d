"""The bodies of what Slack posts when a person does something."""

import json
from typing import Any

from bot.sandbox.passes import Passes
from bot.sandbox.payloads import message_json
from bot.sandbox.world import Channel, Message, View, World

Json = dict[str, Any]


class Payloads:
    """Each carries a fresh trigger id, and a fresh response URL where Slack gives one."""

    def __init__(self, world: World, passes: Passes) -> None:
        self._world = world
        self._passes = passes

    def message_click(self, user: str, message: Message, action: Json, values: Json) -> Json:
        channel = self._world.channels[message.channel]
        ephemeral = message.ephemeral_to is not None
        container = {"type": "message", "message_ts": message.ts, "channel_id": channel.id, "is_ephemeral": ephemeral}
        if message.thread_ts:
            container["thread_ts"] = message.thread_ts
        payload = {
            **self._base("block_actions", user),
            "trigger_id": self._passes.issue_trigger(user),
            "container": container,
            "channel": _channel(channel),
            "response_url": self.response_url(user, channel.id, message.ts),
            "state": {"values": values},
            "actions": [self._stamped(action)],
        }
        return payload if ephemeral else {**payload, "message": message_json(self._world, message)}

    def view_click(self, user: str, view: View, action: Json, values: Json) -> Json:
        return {
            **self._base("block_actions", user),
            "trigger_id": self._passes.issue_trigger(user),
            "container": {"type": "view", "view_id": view.id},
            "view": self._view(view, values),
            "actions": [self._stamped(action)],
        }

    def view_submission(self, user: str, view: View, values: Json) -> Json:
        return {
            **self._base("view_submission", user),
            "trigger_id": self._passes.issue_trigger(user),
            "view": self._view(view, values),
            "response_urls": [],
        }

    def view_closed(self, user: str, view: View, *, is_cleared: bool) -> Json:
        return {**self._base("view_closed", user), "view": self._view(view, {}), "is_cleared": is_cleared}

    def shortcut(self, user: str, callback_id: str) -> Json:
        return {
            **self._base("shortcut", user),
            "callback_id": callback_id,
            "action_ts": self._world.new_ts(),
            "trigger_id": self._passes.issue_trigger(user),
        }

    def message_action(self, user: str, callback_id: str, message: Message) -> Json:
        channel = self._world.channels[message.channel]
        return {
            **self._base("message_action", user),
            "callback_id": callback_id,
            "action_ts": self._world.new_ts(),
            "trigger_id": self._passes.issue_trigger(user),
            "response_url": self.response_url(user, channel.id, message.ts),
            "message_ts": message.ts,
            "channel": _channel(channel),
            "message": message_json(self._world, message),
        }

    def command(self, user: str, channel: Channel, command: str, text: str) -> dict[str, str]:
        """Form fields, not JSON."""
        return {
            "token": "sandbox",
            "team_id": self._world.team_of(user),
            "team_domain": self._world.team_domain,
            **{f"enterprise_{name}": value for name, value in (self._world.enterprise or {}).items()},
            "channel_id": channel.id,
            "channel_name": "directmessage" if channel.is_im else channel.name,
            "user_id": user,
            "user_name": self._world.person(user).name,
            "command": command,
            "text": text,
            "api_app_id": self._world.app_id,
            "is_enterprise_install": "true" if self._world.enterprise else "false",
            "response_url": self.response_url(user, channel.id, None),
            "trigger_id": self._passes.issue_trigger(user),
        }

    def response_url(self, user: str, channel: str, ts: str | None) -> str:
        return f"{self._world.site}/response/{self._passes.issue_response_url(user, channel, ts)}"

    def _base(self, kind: str, user: str) -> Json:
        world, name = self._world, self._world.person(user).name
        return {
            "type": kind,
            "user": {"id": user, "username": name, "name": name, "team_id": world.team_of(user)},
            "api_app_id": world.app_id,
            "token": "sandbox",
            # An app of the whole organisation is not told of a workspace here.
            "team": None if world.enterprise else {"id": world.team_id, "domain": world.team_domain},
            "enterprise": world.enterprise,
            "is_enterprise_install": world.enterprise is not None,
        }

    def _view(self, view: View, values: Json) -> Json:
        return {**self._world.view_json(view), "state": {"values": values}}

    def _stamped(self, action: Json) -> Json:
        return {**action, "action_ts": self._world.new_ts()}


def _channel(channel: Channel) -> Json:
    return {"id": channel.id, "name": "directmessage" if channel.is_im else channel.name}


def as_form(payload: Json) -> dict[str, str]:
    return {"payload": json.dumps(payload)}
