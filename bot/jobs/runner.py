"""Runs what is due. The clock may fire twice, late or on two replicas: the database says what is still to be done."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, takewhile

import structlog

from bot.clock import Clock
from bot.jobs.job import Job
from routing.decision import Json
from store.runs import LEASE, BeginRun, ExtendRun, FailRun, FinishRun, Run, RunStore, Tick
from store.writer import Writer

log = structlog.get_logger(__name__)

_AFTER_A_FAILURE = timedelta(minutes=5)
_HORIZONS = (timedelta(days=1), timedelta(days=8), timedelta(days=32))


class UnknownJobError(LookupError):
    """There is no job of this name."""


class JobFailedError(Exception):
    """The job raised; it is tried again in five minutes."""


@dataclass(frozen=True, slots=True)
class Ran:
    """One tick, done now (`again` False) or done before."""

    tick: Tick
    told: dict[str, Json]
    again: bool = False


@dataclass(frozen=True, slots=True)
class Busy:
    """Somebody else is at this tick."""

    tick: Tick


@dataclass(frozen=True, slots=True)
class Overview:
    """A job, its last run and the time of the next."""

    name: str
    last: Run | None
    next_at: datetime | None


class Jobs:
    def __init__(self, *, clock: Clock, writer: Writer, runs: RunStore, jobs: Sequence[Job]) -> None:
        self._clock, self._writer, self._runs = clock, writer, runs
        self._jobs = {job.name: job for job in jobs}

    async def run_due(self) -> None:
        """Does what is due by now and was not done, oldest first; a job that fails stops no other."""
        now, since = self._clock.now(), await self._runs.installed_at()
        if since is None:
            return
        for job in self._jobs.values():
            owed = list(takewhile(lambda tick: tick.at >= since, islice(job.ticks(now), job.owed)))
            done = await self._runs.done(job.name, owed[-1].at, in_time=True) if owed else set()
            for tick in reversed(owed):
                if (tick.scope, tick.period) not in done:
                    with suppress(JobFailedError):
                        await self._run(job, tick)

    async def run(self, name: str, at: datetime) -> Ran | Busy:
        """Does the latest tick that is due by `at`. Raises UnknownJobError, JobFailedError."""
        job = self._jobs.get(name)
        if job is None:
            raise UnknownJobError(f"There is no job {name}: {', '.join(self._jobs)}.")
        tick = next(job.ticks(at))
        found = await self._runs.find(name, tick)
        if found is not None and found.is_done(self._clock.now()):
            return Ran(tick, found.told or {}, again=True)
        return await self._run(job, tick, at_once=True) or Busy(tick)

    async def overview(self) -> list[Overview]:
        now = self._clock.now()
        return [Overview(job.name, await self._runs.last(job.name), _next(job, now)) for job in self._jobs.values()]

    async def _run(self, job: Job, tick: Tick, *, at_once: bool = False) -> Ran | None:
        """None: somebody else is at it, or it failed lately and does not have to be tried `at_once`."""
        pk = await self._writer.submit(BeginRun(job.name, tick, self._clock.now(), at_once))
        if pk is None:
            return None
        staying = asyncio.create_task(self._stay(pk), name=f"job-{job.name}-lease")
        try:
            told = await job.run(tick)
        except Exception as error:
            log.exception("job.failed", job=job.name, scope=tick.scope, period=tick.period)
            again_at = self._clock.now() + _AFTER_A_FAILURE
            await self._writer.submit(FailRun(pk, again_at, f"{type(error).__name__}: {error}"))
            raise JobFailedError(f"{job.name} {tick.period}: {type(error).__name__}: {error}") from error
        except asyncio.CancelledError:  # the process ends: the next one need not wait for the end of the lease
            await self._writer.submit(FailRun(pk, self._clock.now(), "broken off: the process was told to end"))
            raise
        finally:
            staying.cancel()
        await self._writer.submit(FinishRun(pk, self._clock.now(), told))
        log.info("job.done", job=job.name, scope=tick.scope, period=tick.period, **told)
        return Ran(tick, told)

    async def _stay(self, pk: int) -> None:
        """Keeps others from the run for as long as it takes."""
        while True:
            await self._clock.sleep(LEASE.total_seconds() / 4)
            try:
                await self._writer.submit(ExtendRun(pk, self._clock.now()))
            except Exception as error:  # the database may be away for a while; the run is what has to fail by it
                log.warning("job.lease_not_extended", run_pk=pk, error=type(error).__name__)


def _next(job: Job, now: datetime) -> datetime | None:
    for horizon in _HORIZONS:
        coming = list(takewhile(lambda tick: tick.at > now, job.ticks(now + horizon)))
        if coming:
            return coming[-1].at
    return None
