"""Recounting from the decisions what was counted as they came, and putting right what differs."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncEngine

from bot.reporting.terminal import harmless
from store.counter_check import CounterCheck, Difference, Repair
from store.drift import DriftStore, ForgetDays
from store.tallies import QUARTER, beginning_of
from store.writer import Writer

_NAMED = 5


@dataclass(slots=True)
class Recounted:
    """How many counts were repaired, how many are wrong and were not, and the first of these in words."""

    repaired: int = 0
    wrong: int = 0
    named: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Recounting:
    """Reads all decisions. `progress`, told how many steps there are, gives what is told of each. `repair`: what is
    wrong is put right."""

    progress: Callable[[int], AbstractContextManager[Callable[[int], None]]]
    repair: bool = False

    async def counters(self, engine: AsyncEngine) -> Recounted:
        check, writer, recounted = CounterCheck(engine), Writer(engine), Recounted()
        blocks = await check.blocks()
        writer.start()
        try:
            with self.progress(len(blocks)) as step:
                for block in blocks:
                    wrong = await check.differences(block)
                    if wrong and self.repair:
                        recounted.repaired += await writer.submit(Repair(block))
                    else:
                        recounted.wrong += len(wrong)
                        recounted.named += map(_named, wrong[: _NAMED - len(recounted.named)])
                    step(1)
        finally:
            await writer.stop()
        return recounted

    async def days(self, engine: AsyncEngine) -> Recounted:
        """Those that are kept for drift."""
        store, writer = DriftStore(engine), Writer(engine)
        wrong = [day for day, models in (await store.kept()).items() if models != await store.came(day)]
        if not wrong or not self.repair:
            named = [f"from {day.since.isoformat(timespec='minutes')}" for day in wrong[:_NAMED]]
            return Recounted(wrong=len(wrong), named=named)
        writer.start()
        try:
            await writer.submit(ForgetDays(wrong))
        finally:
            await writer.stop()
        return Recounted(repaired=len(wrong))


def _named(wrong: Difference) -> str:
    of, since = wrong.tally, beginning_of(wrong.tally.quarter).isoformat(timespec="minutes")
    cohort = f", cohort {of.cohort}" if of.cohort else ""
    bucket = f"{wrong.grain * QUARTER} from {since}"
    return harmless(f"{of.name} of {of.task_type}{cohort}, {bucket}: {wrong.counted}, not {wrong.recounted}")
