"""The job `deadlines`: what is due is done by a loop as it falls due; this finds what a loop has missed."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from bot.jobs.calendar import moments_until
from bot.reviewing.deadlines import Deadlines
from routing.decision import Json
from store.runs import Tick

_EVERY = timedelta(minutes=15)


class DeadlineJob:
    name = "deadlines"
    owed = 1

    def __init__(self, deadlines: Deadlines) -> None:
        self._deadlines = deadlines

    def ticks(self, now: datetime) -> Iterator[Tick]:
        return moments_until(now, _EVERY)

    async def run(self, tick: Tick) -> dict[str, Json]:
        """Whoever names a time in the future has done what is due by then."""
        return {"reviews": await self._deadlines.sweep(tick.at)}
