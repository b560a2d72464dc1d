"""Slack's pace: one new message a second and channel, the tiers of the other methods, and what a 429 asked for.

Source: docs.slack.dev, "Rate limits" (chat.postMessage about 1 per second and channel; tier 3 is 50 a minute).
"""

from datetime import datetime, timedelta

from bot.clock import Clock

POST_INTERVAL = timedelta(seconds=1)
UPDATE_INTERVAL = timedelta(seconds=60 / 50)
_UPDATE_BURST = 20


class Pace:
    """Says which channels must wait. Kept per process; what replicas add up to is corrected by Slack's 429."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next: dict[str, datetime] = {}
        self._paused: dict[str, datetime] = {}
        self._updates_until = clock.now()

    def took(self, method: str, channel: str) -> None:
        """A call is about to be made."""
        now = self._clock.now()
        if method == "chat.postMessage":
            self._next[channel] = now + POST_INTERVAL
        else:
            self._updates_until = max(self._updates_until, now) + UPDATE_INTERVAL

    def pause(self, method: str, channel: str, seconds: float) -> None:
        """Slack answered 429. For a post it speaks of the channel, for the rest of the method in this workspace."""
        until = self._clock.now() + timedelta(seconds=seconds)
        if method == "chat.postMessage":
            self._next[channel] = max(until, self._next.get(channel, until))
        else:
            self._paused[method] = until

    def busy_channels(self) -> set[str]:
        now = self._clock.now()
        self._next = {channel: at for channel, at in self._next.items() if at > now}
        return set(self._next)

    def blocked(self) -> bool:
        """True while no card at all may be sent, because updating them is paused."""
        now = self._clock.now()
        self._paused = {method: at for method, at in self._paused.items() if at > now}
        return bool(self._paused) or self._updates_until - now > UPDATE_INTERVAL * _UPDATE_BURST

    def until_free(self) -> float:
        """Seconds until the next channel may be written to; 60 when none waits."""
        now = self._clock.now()
        waits = [*self._next.values(), *self._paused.values()]
        if self._updates_until - now > UPDATE_INTERVAL * _UPDATE_BURST:
            waits.append(self._updates_until - UPDATE_INTERVAL * _UPDATE_BURST)
        ahead = [(at - now).total_seconds() for at in waits if at > now]
        return max(min(ahead, default=60.0), 0.01)
