"""The Slack app manifest: what the app may do and where Slack finds it. `hitl manifest` prints it.

Source: docs.slack.dev, "App manifest reference". Slack's own schema does not notice a mistyped scope, nor Socket Mode
being off without a request URL; the tests here do.
"""

import json
from collections.abc import Mapping
from typing import Any

from bot.slack.endpoint import PATH
from bot.slack.send_for_review import SHORTCUT as SEND_FOR_REVIEW
from bot.slack.stats_message import COMMAND as STATS
from bot.slack.walk import SHORTCUT as REVIEW_QUEUE

SCOPES: Mapping[str, str] = {
    "chat:write": "posts and updates cards, and tells people what became of what they sent",
    "commands": "offers the shortcuts and /hitl-stats",
    "users:read": "tells guests and bots from colleagues",
    "usergroups:read": "knows who is in a reviewer group",
    "files:write": "brings the weekly digest its chart, and who asks for one theirs",
    "files:read": "sees when Slack has finished with the chart, so that the digest can show it",
    "channels:read": "finds channels and their members",
    "groups:read": "the same for private channels the bot is in",
    "channels:history": "finds a card again whose posting was not confirmed",
    "groups:history": "the same in private channels",
}

EVENTS = ("app_home_opened", "message.channels", "message.groups")
"""App Home, replies in the threads of cards, and cards that somebody deletes while they wait."""

SHORTCUTS = (
    {
        "name": "Review queue",
        "type": "global",
        "callback_id": REVIEW_QUEUE,
        "description": "Walk through what waits for you",
    },
    {
        "name": "Send for review",
        "type": "message",
        "callback_id": SEND_FOR_REVIEW,
        "description": "Let a reviewer judge this message",
    },
)


COMMANDS = (
    {
        "command": STATS,
        "description": "How the reviews go: metrics, trend, what waits",
        "usage_hint": "[task] [7d|30d]",
        "should_escape": False,
    },
)


class ManifestError(ValueError):
    """Neither Socket Mode nor a URL that Slack could call: it would not know where to send clicks."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"{problem}: give --url https://… (or set HITL_PUBLIC_URL), or use --socket.")


def manifest(public_url: str | None, *, socket: bool) -> dict[str, Any]:
    """Raises ManifestError."""
    interactivity: dict[str, Any] = {"is_enabled": True}
    events: dict[str, Any] = {"bot_events": list(EVENTS)}
    commands: list[dict[str, Any]] = [dict(command) for command in COMMANDS]
    if not socket:
        if not public_url:
            raise ManifestError("Slack must know where to send clicks")
        if not public_url.startswith("https://"):
            raise ManifestError("The URL has to begin with https://, as Slack calls no other")
        address = public_url.rstrip("/") + PATH
        interactivity["request_url"] = events["request_url"] = address
        commands = [{**command, "url": address} for command in commands]
    return {
        "_metadata": {"major_version": 2, "minor_version": 1},
        "display_information": {
            "name": "HITL",
            "description": "Asks people about AI decisions",
            "background_color": "#2c2d30",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": True,
            },
            "bot_user": {"display_name": "HITL", "always_online": True},
            "shortcuts": [dict(shortcut) for shortcut in SHORTCUTS],
            "slash_commands": commands,
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": events,
            "interactivity": interactivity,
            "org_deploy_enabled": False,
            "socket_mode_enabled": socket,
            "token_rotation_enabled": False,
        },
    }


def as_yaml(document: Mapping[str, Any]) -> str:
    """YAML as Slack's page takes it. Every scalar is written as JSON, which is YAML too."""
    return "\n".join(_lines(document, 0)) + "\n"


def _lines(value: Mapping[str, Any], depth: int) -> list[str]:
    lines = []
    for name, member in value.items():
        lead = "  " * depth + f"{name}:"
        if isinstance(member, Mapping):
            lines += [lead, *_lines(member, depth + 1)]
        elif isinstance(member, list):
            lines += [lead, *(line for item in member for line in _item(item, depth + 1))]
        else:
            lines.append(f"{lead} {json.dumps(member)}")
    return lines


def _item(value: Any, depth: int) -> list[str]:
    """One member of a list."""
    dash = "  " * depth + "- "
    if not isinstance(value, Mapping):
        return [dash + json.dumps(value)]
    first, *rest = _lines(value, depth + 1)
    return [dash + first.strip(), *rest]
