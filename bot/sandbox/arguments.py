"""The arguments of a Web API call, as slack_sdk sends them: query, form or JSON, nested values also as JSON strings."""

import json
from collections.abc import Sequence
from typing import Any, TypeVar

from aiohttp import web

from bot.sandbox.errors import SlackError

T = TypeVar("T")
Json = dict[str, Any]


class Arguments(dict[str, Any]):
    """Reading a wrong argument raises the SlackError that Slack would answer."""

    def text(self, name: str) -> str:
        value = self.get(name)
        if value is None or value == "":
            raise SlackError("invalid_arguments", messages=[f"[ERROR] missing required field: {name}"])
        return str(value)

    def optional_text(self, name: str) -> str | None:
        value = self.get(name)
        return None if value is None or value == "" else str(value)

    def flag(self, name: str) -> bool:
        return self.get(name) in (True, 1, "1", "true", "True")

    def number(self, name: str, default: int, high: int) -> int:
        try:
            value = int(self.get(name) or default)
        except (TypeError, ValueError):
            raise SlackError("invalid_arguments", messages=[f"[ERROR] must be an integer: {name}"]) from None
        if value < 1:
            raise SlackError("invalid_limit")
        return min(value, high)

    def nested(self, name: str, error: str) -> Any:
        """A JSON value given as such or as a string; None if absent."""
        value = self.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError:
            raise SlackError(error) from None

    def objects(self, name: str, error: str) -> list[Any]:
        value = self.nested(name, error)
        if value is None:
            return []
        if not isinstance(value, list):
            raise SlackError(error)
        return value

    def page(self, found: Sequence[T], default: int, high: int) -> tuple[list[T], str]:
        """One page of `found` by `limit` and `cursor`, and the next cursor, empty at the end."""
        cursor = self.optional_text("cursor") or "from:0"
        if not cursor.startswith("from:") or not cursor[5:].isdigit():
            raise SlackError("invalid_cursor")
        start = int(cursor[5:])
        end = start + self.number("limit", default, high)
        return list(found[start:end]), f"from:{end}" if end < len(found) else ""


async def read_arguments(request: web.Request) -> Arguments:
    arguments = Arguments(request.query)
    if request.content_type == "application/json":
        body = await request.read()
        try:
            parsed = json.loads(body) if body else {}
        except ValueError:
            raise SlackError("invalid_json") from None
        if not isinstance(parsed, dict):
            raise SlackError("json_not_object")
        arguments.update(parsed)
    elif request.method == "POST":
        arguments.update(await request.post())
    return arguments
