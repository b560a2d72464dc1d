"""The bot on a simulated clock. No loop runs: each step of time has sent and swept what is due by then."""

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, select

from store import tables as t
from tests.support.bot import Bot
from tests.support.clock import ManualClock

_LOOK_AT_JOBS = timedelta(minutes=15)
_REAL_PATIENCE = 0.2
_MOST_TURNS = 100
_IDLE_SECONDS = 3
"""After so many seconds in which Slack was asked for nothing there is nothing left to send."""


class MonthClock(ManualClock):
    """Goes where it is told to; whoever sleeps on it wakes with the next step."""

    def set(self, at: datetime) -> None:
        self._now = max(self._now, at)


class Stage:
    """`minds_load`: whether measures are taken when reviewers fall behind."""

    def __init__(self, bot: Bot, clock: MonthClock) -> None:
        self.bot, self.clock = bot, clock
        self.minds_load = True
        self._jobs_at = clock.now()

    async def step(self) -> None:
        """What the clock, the senders and the keepers have to do by now."""
        app = self.bot.application
        await self.clock.advance(0)
        if self.clock.now() >= self._jobs_at:
            self._jobs_at = self.clock.now() + _LOOK_AT_JOBS
            if self.minds_load:
                await app.jobs.run_due()
        for sweep in app.services.sweeps.values():
            await sweep.sweep()
        await app.deliveries.batches.look()
        await self._send()

    async def _send(self) -> None:
        """Second by second, as Slack's pace has it."""
        deliveries, idle = self.bot.application.deliveries, 0
        while idle < _IDLE_SECONDS and await self._is_due(t.messages):
            before = len(self.bot.sandbox.calls)
            await deliveries.messages.turn()
            await self._settle(deliveries.messages.settled())
            idle = 0 if len(self.bot.sandbox.calls) > before else idle + 1
            self.clock.set(self.clock.now() + timedelta(seconds=1))
        for _ in range(_MOST_TURNS):  # each gives a receiver no more than it may have under way
            if not await self._is_due(t.events):
                break
            await deliveries.events.turn()
            await deliveries.events.settled()

    async def _settle(self, sending: Coroutine[Any, Any, None]) -> None:
        """Some messages take their time: a picture is looked at by Slack before it can be shown."""
        task = asyncio.create_task(sending)
        while not (await asyncio.wait([task], timeout=_REAL_PATIENCE))[0]:
            await self.clock.advance(1)

    async def _is_due(self, table: Table) -> bool:
        c = table.c
        unsent = c.wanted > c.sent if table is t.messages else c.state == "pending"
        async with self.bot.services.engine.connect() as connection:
            found = await connection.scalar(select(c.pk).where(unsent, c.due_at <= self.clock.now()).limit(1))
        return found is not None
