"""What Slack says when it refuses."""

from collections.abc import Sequence
from typing import Any


class SlackError(Exception):
    """A Web API answer with `ok: false`. `messages` land in `response_metadata`, `extra` beside `error`."""

    def __init__(self, code: str, *, messages: Sequence[str] = (), **extra: Any) -> None:
        super().__init__(code, *messages)
        self.code = code
        self.messages = list(messages)
        self.extra = extra

    def answer(self) -> dict[str, Any]:
        body: dict[str, Any] = {"ok": False, "error": self.code, **self.extra}
        if self.messages:
            body["response_metadata"] = {"messages": self.messages}
        return body
