"""Slack's rate limits as token buckets on the injected clock."""

import math
from dataclasses import dataclass
from datetime import datetime

from bot.clock import Clock
from bot.sandbox.errors import SlackError

TIER_1, TIER_2, TIER_3, TIER_4 = 1, 20, 50, 100
HUNDREDS = 600
POSTS_PER_WORKSPACE = 300
"""'Several hundred' a minute; the stricter reading."""
POST_BURST = 5
CONNECTIONS_BURST = 10
"""An app may hold ten sockets (docs.slack.dev, "Using Socket Mode"), so it must get at them when all have broken."""
ROUNDING = 1e-6
"""Floating-point dust must not cost a caller a second."""

PER_MINUTE = {
    "api.test": TIER_4,
    "apps.connections.open": TIER_1,
    "auth.test": HUNDREDS,
    "chat.delete": TIER_3,
    "chat.getPermalink": HUNDREDS,
    "chat.postEphemeral": TIER_4,
    "chat.postMessage": POSTS_PER_WORKSPACE,
    "chat.update": TIER_3,
    "conversations.history": TIER_3,
    "conversations.info": TIER_3,
    "conversations.list": TIER_2,
    "conversations.members": TIER_4,
    "conversations.open": TIER_3,
    "conversations.replies": TIER_3,
    "files.completeUploadExternal": TIER_4,
    "files.getUploadURLExternal": TIER_4,
    "files.info": TIER_4,
    "reactions.add": TIER_3,
    "usergroups.list": TIER_2,
    "usergroups.users.list": TIER_2,
    "users.info": TIER_4,
    "users.list": TIER_2,
    "views.open": TIER_4,
    "views.publish": TIER_4,
    "views.push": TIER_4,
    "views.update": TIER_4,
}


class RateLimitedError(SlackError):
    """HTTP 429; `retry_after` in whole seconds, at least 1."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("ratelimited")
        self.retry_after = max(1, math.ceil(retry_after))


@dataclass
class _Bucket:
    capacity: float
    per_second: float
    tokens: float
    filled_at: datetime

    def wait_for_one(self, now: datetime) -> float:
        """Seconds until a token is there; 0 if one is."""
        gained = (now - self.filled_at).total_seconds() * self.per_second
        self.tokens = min(self.capacity, self.tokens + gained)
        self.filled_at = now
        missing = 1 - self.tokens
        return 0.0 if missing < ROUNDING else missing / self.per_second


class Rates:
    """Counts calls per method and workspace, posts also per channel. `scale` multiplies every limit."""

    def __init__(self, clock: Clock, *, scale: float = 1.0) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, str], _Bucket] = {}
        self._scale = scale
        self.enabled = True

    def spend(self, method: str, channel: str | None) -> None:
        """Take one call's token, or raise RateLimitedError and take none."""
        if not self.enabled:
            return
        burst = CONNECTIONS_BURST if method == "apps.connections.open" else PER_MINUTE[method]
        buckets = [self._bucket((method, ""), burst, PER_MINUTE[method] / 60)]
        if method == "chat.postMessage" and channel is not None:
            buckets.append(self._bucket((method, channel), POST_BURST, 1.0))
        wait = max(bucket.wait_for_one(self._clock.now()) for bucket in buckets)
        if wait > 0:
            raise RateLimitedError(wait)
        for bucket in buckets:
            bucket.tokens -= 1

    def _bucket(self, key: tuple[str, str], capacity: float, per_second: float) -> _Bucket:
        if key not in self._buckets:
            full = capacity * self._scale
            self._buckets[key] = _Bucket(full, per_second * self._scale, full, self._clock.now())
        return self._buckets[key]
