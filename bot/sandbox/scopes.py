"""What the app was allowed at its installation."""

from collections.abc import Iterable

from bot.sandbox.errors import SlackError
from bot.sandbox.world import Channel

DEFAULT_SCOPES = (
    "chat:write",
    "commands",
    "files:write",
    "files:read",
    "im:write",
    "users:read",
    "channels:read",
    "groups:read",
    "channels:history",
    "groups:history",
    "usergroups:read",
)


def family(channel: Channel) -> str:
    """The first half of the scope that speaks of this kind of conversation."""
    if channel.is_im:
        return "im"
    return "groups" if channel.is_private else "channels"


class Scopes:
    def __init__(self, granted: Iterable[str] = DEFAULT_SCOPES) -> None:
        self.granted = list(granted)

    def __contains__(self, scope: str) -> bool:
        return scope in self.granted

    def __str__(self) -> str:
        return ",".join(self.granted)

    def require(self, scope: str) -> None:
        if scope not in self.granted:
            raise SlackError("missing_scope", needed=scope, provided=str(self))
