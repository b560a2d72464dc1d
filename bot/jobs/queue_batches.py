"""The job `queue-batches`: looks at how far reviewers are behind, and at what the messages tell that lead to queues."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from bot.delivery.batches import BatchKeeper
from bot.jobs.calendar import moments_until
from bot.reviewing.load import Load
from routing.decision import Json
from store.runs import Tick

_EVERY = timedelta(minutes=15)


class QueueBatches:
    name = "queue-batches"
    owed = 1

    def __init__(self, load: Load, batches: BatchKeeper) -> None:
        self._load, self._batches = load, batches

    def ticks(self, now: datetime) -> Iterator[Tick]:
        return moments_until(now, _EVERY)

    async def run(self, tick: Tick) -> dict[str, Json]:
        """How things stand can only be seen now, whatever time the tick has."""
        told = await self._load.look()
        await self._batches.look()
        return told
