"""The two short-lived passes an interaction hands to the app: trigger ids and response URLs."""

from dataclasses import dataclass
from datetime import datetime

from bot.sandbox import limits
from bot.sandbox.errors import SlackError
from bot.sandbox.world import World


@dataclass
class _Trigger:
    user: str
    issued_at: datetime
    used: bool = False


@dataclass
class ResponseUrl:
    user: str
    channel: str
    ts: str | None
    """The message that was acted on; None for a slash command."""
    issued_at: datetime
    uses: int = 0


class Passes:
    def __init__(self, world: World, trigger_seconds: float) -> None:
        self._world, self._trigger_seconds = world, trigger_seconds
        self._triggers: dict[str, _Trigger] = {}
        self._response_urls: dict[str, ResponseUrl] = {}

    def issue_trigger(self, user: str) -> str:
        trigger_id = self._world.new_id("trigger.")
        self._triggers[trigger_id] = _Trigger(user, self._world.now())
        return trigger_id

    def redeem_trigger(self, trigger_id: str) -> str:
        """The user it belongs to. Works once, for some seconds."""
        trigger = self._triggers.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if (self._world.now() - trigger.issued_at).total_seconds() > self._trigger_seconds:
            raise SlackError("expired_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        trigger.used = True
        return trigger.user

    def issue_response_url(self, user: str, channel: str, ts: str | None) -> str:
        """The id that ends the URL."""
        key = self._world.new_id("response")
        self._response_urls[key] = ResponseUrl(user, channel, ts, self._world.now())
        return key

    def use_response_url(self, key: str) -> ResponseUrl:
        """Works five times within half an hour."""
        target = self._response_urls.get(key)
        if target is None or (self._world.now() - target.issued_at).total_seconds() > limits.RESPONSE_URL_SECONDS:
            raise SlackError("expired_url")
        if target.uses >= limits.RESPONSE_URL_USES:
            raise SlackError("used_url")
        target.uses += 1
        return target
