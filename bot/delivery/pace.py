"""Slack's pace: one new message a second and channel, the tiers of the other methods, and what a 429 asked for.

Source: docs.slack.dev, "Rate limits" (chat.postMessage about 1 per second and channel; tier 3 is 50 a minute).
"""

from datetime import datetime, timedelta
from typing import TypeVar

from bot.clock import Clock

POST_INTERVAL = timedelta(seconds=1)
UPDATE_INTERVAL = timedelta(seconds=60 / 50)
# What changes again meanwhile is shown by one further update.
SETTLES = timedelta(seconds=1)
_UPDATE_BURST = 20

Key = TypeVar("Key", str, int)


class Pace:
    """Says what must wait. Kept per process; what replicas add up to is corrected by Slack's 429."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next_post: dict[str, datetime] = {}
        self._resting: dict[str, datetime] = {}
        self._paused: dict[str, datetime] = {}
        self._settling: dict[int, datetime] = {}
        self._updates_until = clock.now()

    def took(self, method: str, channel: str) -> None:
        """A call is about to be made."""
        now = self._clock.now()
        if method == "chat.postMessage":
            self._next_post[channel] = now + POST_INTERVAL
        else:
            self._updates_until = max(self._updates_until, now) + UPDATE_INTERVAL

    def changed(self, message_pk: int) -> None:
        """A message was updated: Slack is not asked to change it again at once."""
        self._settling[message_pk] = self._clock.now() + SETTLES

    def settling(self) -> set[int]:
        """Messages that were updated a moment ago, by pk."""
        return self._ahead(self._settling)

    def pause(self, method: str, channel: str, seconds: float) -> None:
        """Slack answered 429. For a post it speaks of the channel, for the rest of the method in this workspace."""
        until = self._clock.now() + timedelta(seconds=seconds)
        paused, key = (self._next_post, channel) if method == "chat.postMessage" else (self._paused, method)
        paused[key] = max(until, paused.get(key, until))

    def rest(self, channel: str, until: datetime) -> None:
        """Nothing goes to the channel before that time: it is not there, or Slack is not."""
        self._resting[channel] = until

    def resting(self) -> set[str]:
        return self._ahead(self._resting)

    def may_not_post(self) -> set[str]:
        """Channels that had their post of this second, or were told to wait."""
        return self._ahead(self._next_post)

    def may_update(self) -> bool:
        return self._ahead(self._paused).isdisjoint({"chat.update"}) and self._updates_free_at() <= self._clock.now()

    def may_look(self) -> bool:
        """Whether a lost message may be looked for: no other method than chat.update is paused."""
        return self._ahead(self._paused) <= {"chat.update"}

    def until_free(self) -> float:
        """Seconds until something that must wait now may go on; 60 when nothing waits."""
        now = self._clock.now()
        kept = (self._next_post, self._resting, self._paused, self._settling)
        waits = [self._updates_free_at(), *(at for times in kept for at in times.values())]
        ahead = [(at - now).total_seconds() for at in waits if at > now]
        return max(min(ahead, default=60.0), 0.01)

    def _updates_free_at(self) -> datetime:
        return self._updates_until - UPDATE_INTERVAL * _UPDATE_BURST

    def _ahead(self, times: dict[Key, datetime]) -> set[Key]:
        """What still waits; what is over is forgotten."""
        now = self._clock.now()
        for key in [key for key, at in times.items() if at <= now]:
            del times[key]
        return set(times)
