"""A clock that stands still until a test moves it."""

import asyncio
import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from tests.support.stillness import stillness

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


class ManualClock:
    """Simulated time, which moves on only when the bot and its database have nothing left to do.

    Sleepers wake in the order of their due times, each finding `now()` at its own due time. A thousand simulated
    seconds take about one real second.
    """

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._order = 0

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._order += 1
        heapq.heappush(self._sleepers, (self._now + timedelta(seconds=seconds), self._order, woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Move time forward, waking whoever is due on the way, also those who go to sleep again meanwhile."""
        target = self._now + timedelta(seconds=seconds)
        await stillness()
        while (due := self._next_due()) is not None and due <= target:
            await self._wake(due)
        self._now = target
        await stillness()

    async def run_until(self, condition: Callable[[], bool], *, limit: float = 86_400.0) -> None:
        """Jump from sleeper to sleeper until `condition()` holds; TimeoutError after `limit` simulated seconds.

        While nobody sleeps, time stands still and real work goes on.
        """
        end = self._now + timedelta(seconds=limit)
        await stillness()
        while not condition():
            due = self._next_due()
            if due is None:
                await asyncio.sleep(0.001)
            elif due > end:
                raise TimeoutError(f"not reached within {limit} simulated seconds")
            else:
                await self._wake(due)

    def _next_due(self) -> datetime | None:
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)  # cancelled
        return self._sleepers[0][0] if self._sleepers else None

    async def _wake(self, due: datetime) -> None:
        self._now = max(self._now, due)
        while self._next_due() == due:
            heapq.heappop(self._sleepers)[2].set_result(None)
        await stillness()
