"""Seals the history, hour by hour (design.md, invariant 10)."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.jobs.calendar import moments_until
from routing.decision import Json
from store.runs import Tick
from store.seals import BLOCK, AddSeal, SealStore, sealed
from store.writer import Writer

_EVERY = timedelta(hours=1)


class SealHistory:
    name = "seal-history"
    owed = 1

    def __init__(self, *, clock: Clock, writer: Writer, seals: SealStore) -> None:
        self._clock, self._writer, self._seals = clock, writer, seals

    def ticks(self, now: datetime) -> Iterator[Tick]:
        return moments_until(now, _EVERY)

    async def run(self, tick: Tick) -> dict[str, Json]:
        """Seals what is not sealed yet, block by block. Where another replica is at it too, each block is its or ours,
        never both's."""
        former, settled = await self._seals.latest(), await self._seals.settled()
        seals = records = 0
        while block := await self._seals.records(0 if former is None else former.last_seq, settled, limit=BLOCK):
            seal, mark = sealed(former, block, self._clock.now())
            if await self._writer.submit(AddSeal(seal, mark.at)):
                former, seals, records = mark, seals + 1, records + len(block)
            else:
                former = await self._seals.latest()
        return {"seals": seals, "records": records}
