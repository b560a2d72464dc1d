"""Jobs that a test steers, in a real store."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from bot.jobs.calendar import moments_until
from bot.jobs.job import Job
from bot.jobs.runner import Jobs
from routing.decision import Json
from store.engine import open_engine
from store.runs import RunStore, Tick
from store.writer import Writer
from tests.support.clock import ManualClock
from tests.support.rows import add_world

HOUR = timedelta(hours=1)


class LostError(Exception):
    """What a job raises here."""


@dataclass
class Chores:
    """Due each full hour. `fails`: so many of its runs raise; `holds`, where given, is waited for in each run."""

    name: str = "chores"
    owed: int = 1
    due: Callable[[datetime], Iterator[Tick]] = lambda now: moments_until(now, HOUR)
    fails: int = 0
    holds: asyncio.Event | None = None
    begun: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    def ticks(self, now: datetime) -> Iterator[Tick]:
        return self.due(now)

    async def run(self, tick: Tick) -> dict[str, Json]:
        self.begun.append(tick.period)
        if self.holds is not None:
            await self.holds.wait()
        if self.fails:
            self.fails -= 1
            raise LostError("the broom")
        self.done.append(tick.period)
        return {"swept": len(self.done)}


@asynccontextmanager
async def replica(engine: AsyncEngine, clock: ManualClock, jobs: Sequence[Job]) -> AsyncIterator[Jobs]:
    """One process: connections and a writer of its own on the engine's database, first used at NOW."""
    own = open_engine(engine.url)
    writer = Writer(own)
    writer.start()
    if await RunStore(own).installed_at() is None:
        await add_world(writer, own)
    yield Jobs(clock=clock, writer=writer, runs=RunStore(own), jobs=jobs)
    await writer.stop()
    await own.dispose()
