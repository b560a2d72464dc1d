"""The weekly digest: once a week and channel, of the last whole local week."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.clock import Clock
from bot.digest import DigestSources, make_digest
from bot.jobs.calendar import weeks_until
from bot.policy_in_force import PolicyInForce
from bot.reporting.days import week_before
from routing.decision import Json
from store.digests import KeepDigest
from store.messages import NewMessage
from store.runs import Tick
from store.writer import Writer

_URGENCY = 3


class WeeklyDigest:
    name = "weekly-digest"
    owed = 1
    """A Monday that was missed is made up for, those before it are not: their weeks are in the chart."""

    def __init__(self, *, clock: Clock, writer: Writer, policy: PolicyInForce, sources: DigestSources) -> None:
        self._clock, self._writer, self._policy, self._sources = clock, writer, policy, sources

    def ticks(self, now: datetime) -> Iterator[Tick]:
        policy = self._policy.current
        weekday, at = policy.file.digest.at
        return weeks_until(now, weekday, at, ZoneInfo(policy.timezone), policy.digest_channel)

    async def run(self, tick: Tick) -> dict[str, Json]:
        """Freezes the digest in the message that carries it. Whoever runs the tick again finds it there."""
        now = self._clock.now()
        digest = await make_digest(self._sources, week_before(tick.period), self._policy.current, now)
        key = f"digest:{tick.scope}:{tick.period}"
        body = {"digest": digest.model_dump(mode="json")}
        message = NewMessage(key, "digest", tick.scope, _URGENCY, body=body)
        await self._writer.submit(KeepDigest(message, tick.at, now))
        return {"week": digest.week, "decisions": digest.decisions, "corrected": digest.corrected}
