"""APScheduler fires once a minute; what is due then, the runner finds out from the clock and the database.

One interval instead of a cron trigger a job: cron triggers fired twice on nights when the clocks change, and a machine
that slept through its minute fires at the next.
"""

import asyncio
from contextlib import suppress
from datetime import UTC

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bot.jobs.runner import Jobs

log = structlog.get_logger(__name__)

_EVERY = 60
_TO_BREAK_OFF = 2.0
"""Seconds for a job that is broken off to give back its lease."""


class Scheduler:
    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._turn = asyncio.Lock()

    def start(self) -> None:
        """Looks at once, for what was missed while nothing ran, and then every minute."""
        self._scheduler.add_job(self._look, misfire_grace_time=None)  # a slow start would miss it by a second
        # Two at once: while a long job is under way, the next look finds that out for itself and goes.
        self._scheduler.add_job(
            self._look, IntervalTrigger(seconds=_EVERY), coalesce=True, misfire_grace_time=None, max_instances=2
        )
        self._scheduler.start()

    async def stop(self) -> None:
        """Fires no more; a job that is under way is finished, or broken off where the caller does not wait for it."""
        if not self._scheduler.running:
            return
        self._scheduler.pause()
        try:
            async with self._turn:
                pass
        finally:
            self._scheduler.shutdown(wait=False)
            with suppress(TimeoutError):
                async with asyncio.timeout(_TO_BREAK_OFF), self._turn:
                    pass

    async def _look(self) -> None:
        if self._turn.locked():
            return
        async with self._turn:
            try:
                await self._jobs.run_due()
            except asyncio.CancelledError:  # by stop(); to APScheduler it would be an error with a traceback
                log.info("jobs.broken_off", remedy="done by the next process")
            except Exception as error:  # the database may be away; the next minute looks again
                log.error("jobs.trouble", error=type(error).__name__, remedy="looked at again every minute")
