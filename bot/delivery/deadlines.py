"""The loop that keeps deadlines: it sleeps until something is due, or until a commit says that something may be."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

from bot.clock import Clock
from bot.delivery.loops import Outages, nap
from store.notify import Wakeups

# Whoever changes the policy, or dies between a commit and its wake-up, is noticed after this time.
_LONGEST_NAP = 30.0
# So many things may come about at once that looking at each would keep the database busy.
_SHORTEST_NAP = 0.1
# The machine's seconds, not the clock's: under load each commit wakes the sweep, and one look serves many.
_GATHER = 0.25


class Sweep(Protocol):
    """Rows with which time has something to do."""

    async def sweep(self, until: datetime | None = None) -> int:
        """Does everything that is due by now, or `until` then where that is later; how many rows that were."""
        ...

    async def next_due(self) -> datetime | None: ...


class DeadlineKeeper:
    """`sweeps` by their names in the log."""

    def __init__(self, *, clock: Clock, sweeps: Mapping[str, Sweep], wakeups: Wakeups) -> None:
        self._clock, self._sweeps, self._wakeups = clock, sweeps, wakeups
        self._outages = Outages("deadlines")

    async def run(self) -> None:
        """Runs until cancelled."""
        while True:
            self._wakeups.due.clear()
            waits = [await self._sweep(name, sweep) for name, sweep in self._sweeps.items()]
            if await nap(self._clock, self._wakeups.due, min(waits)):
                await asyncio.sleep(_GATHER)

    async def _sweep(self, name: str, sweep: Sweep) -> float:
        """How many seconds it may be left alone."""
        try:
            await sweep.sweep()
            due = await sweep.next_due()
        except Exception as error:  # the database may be away; the loop must outlive it
            self._outages.note(name, type(error).__name__)
            return _LONGEST_NAP
        self._outages.over(name)
        if due is None:
            return _LONGEST_NAP
        return min(max((due - self._clock.now()) / timedelta(seconds=1), _SHORTEST_NAP), _LONGEST_NAP)
