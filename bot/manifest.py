"""The Slack app manifest: what the app may do and where Slack finds it. `hitl manifest` prints it.

Source: docs.slack.dev, "App manifest reference". Slack's own schema does not notice a mistyped scope, nor Socket Mode
being off without a request URL; the tests here do.
"""

import json
from collections.abc import Mapping
from typing import Any

from bot.slack.endpoint import PATH

SCOPES: Mapping[str, str] = {
    "chat:write": "posts and updates cards",
    "users:read": "tells guests and bots from colleagues",
    "usergroups:read": "knows who is in a reviewer group",
    "channels:read": "finds channels and their members",
    "groups:read": "the same for private channels the bot is in",
    "channels:history": "finds a card again whose posting was not confirmed",
    "groups:history": "the same in private channels",
}

EVENTS = ("message.channels", "message.groups")
"""They tell when somebody deletes a card that still waits for a verdict."""


class ManifestError(ValueError):
    """Neither Socket Mode nor a URL that Slack could call: it would not know where to send clicks."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"{problem}: give --url https://… (or set HITL_PUBLIC_URL), or use --socket.")


def manifest(public_url: str | None, *, socket: bool) -> dict[str, Any]:
    """Raises ManifestError."""
    interactivity: dict[str, Any] = {"is_enabled": True}
    events: dict[str, Any] = {"bot_events": list(EVENTS)}
    if not socket:
        if not public_url:
            raise ManifestError("Slack must know where to send clicks")
        if not public_url.startswith("https://"):
            raise ManifestError("The URL has to begin with https://, as Slack calls no other")
        interactivity["request_url"] = events["request_url"] = public_url.rstrip("/") + PATH
    return {
        "_metadata": {"major_version": 2, "minor_version": 1},
        "display_information": {
            "name": "HITL",
            "description": "Asks people about AI decisions",
            "background_color": "#2c2d30",
        },
        "features": {"bot_user": {"display_name": "HITL", "always_online": True}},
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
            lines += [lead, *("  " * (depth + 1) + f"- {json.dumps(item)}" for item in member)]
        else:
            lines.append(f"{lead} {json.dumps(member)}")
    return lines
