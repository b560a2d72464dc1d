"""The loop that keeps deadlines: it sleeps until something is due, or until a commit says that something may be."""

import asyncio

from bot.clock import Clock
from bot.delivery.loops import Outages, nap
from bot.reviewing.deadlines import Deadlines
from store.notify import Wakeups

# Whoever changes the policy, or dies between a commit and its wake-up, is noticed after this time.
_LONGEST_NAP = 30.0
# So many things may come about at once that looking at each would keep the database busy.
_SHORTEST_NAP = 0.1
# The machine's seconds, not the clock's: under load each commit wakes the sweep, and one look serves many.
_GATHER = 0.25


class DeadlineKeeper:
    def __init__(self, *, clock: Clock, deadlines: Deadlines, wakeups: Wakeups) -> None:
        self._clock, self._deadlines, self._wakeups = clock, deadlines, wakeups
        self._outages = Outages("deadlines")

    async def run(self) -> None:
        """Runs until cancelled."""
        while True:
            self._wakeups.due.clear()
            wait = _LONGEST_NAP
            try:
                await self._deadlines.sweep()
                due = await self._deadlines.next_due()
                if due is not None:
                    wait = min(max((due - self._clock.now()).total_seconds(), _SHORTEST_NAP), _LONGEST_NAP)
                self._outages.over("store")
            except Exception as error:  # the database may be away; the loop must outlive it
                self._outages.note("store", type(error).__name__)
            if await nap(self._clock, self._wakeups.due, wait):
                await asyncio.sleep(_GATHER)
