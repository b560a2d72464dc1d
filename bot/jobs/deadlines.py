"""The job `deadlines`: what is due is done by a loop as it falls due; this finds what a loop has missed."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from bot.delivery.deadlines import Sweep
from bot.jobs.calendar import moments_until
from routing.decision import Json
from store.runs import Tick

_EVERY = timedelta(minutes=15)


class DeadlineJob:
    name = "deadlines"
    owed = 1

    def __init__(self, sweeps: Mapping[str, Sweep]) -> None:
        self._sweeps = sweeps

    def ticks(self, now: datetime) -> Iterator[Tick]:
        return moments_until(now, _EVERY)

    async def run(self, tick: Tick) -> dict[str, Json]:
        """Whoever names a time in the future has done what is due by then."""
        return {name: await sweep.sweep(tick.at) for name, sweep in self._sweeps.items()}
