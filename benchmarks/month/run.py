"""Plays days of the world: what arrives goes in, people decide, the clock does its work."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, cast

import orjson
from standardwebhooks import Webhook

from benchmarks.month.staff import Staff
from benchmarks.month.stage import MonthClock, Stage
from benchmarks.month.world import TZ, Arrival, World
from bot.assembly.services import Services
from bot.demo.stream import DemoDecision
from bot.executions import Executions
from bot.web.auth import sha256_of_key
from routing.decision import DecisionRequest
from store.keys import ApiKey, KeyStore
from tests.support.bot import KEY, Bot, running_bot

_STEP_BY_DAY, _STEP_BY_NIGHT = timedelta(minutes=60), timedelta(minutes=120)
_TOGETHER = timedelta(minutes=10)
_DAY = range(7, 21)
DATABASE = "month.db"
ROLLBACK = "decision.rollback_requested"


@dataclass
class Play:
    """A running bot with its people. `decisions` are all that came in, by id."""

    bot: Bot
    stage: Stage
    staff: Staff
    key: ApiKey
    executions: Executions
    decisions: dict[str, DemoDecision]
    answered: int = 0

    async def day(self, world: World, number: int) -> None:
        """One day, from its local midnight to the next."""
        coming = _together(world.day(number), world.begins(number))
        upcoming = next(coming, None)
        for step_ends in _steps(world.begins(number), world.begins(number + 1)):
            while True:
                finish = self.staff.next_finish()
                moments = [at for at in (finish, upcoming[0] if upcoming else None) if at is not None]
                if not moments or min(moments) > step_ends:
                    break
                self.stage.clock.set(min(moments))
                if finish is not None and finish == min(moments):
                    await self.staff.finish_one()
                elif upcoming is not None:
                    await self._take_in(upcoming[1])
                    upcoming = next(coming, None)
                await self.staff.take(self.stage.clock.now())
            self.stage.clock.set(step_ends)
            await self.stage.step()
            await self._answer_rollbacks()
            self.staff.look_again()
            await self.staff.take(self.stage.clock.now())

    async def morning_after(self, midnight: datetime) -> None:
        """The last week's digest, and what is still to be sent."""
        for hour in (8, 9, 10):
            self.stage.clock.set(midnight + timedelta(hours=hour, minutes=1))
            await self.stage.step()
            await self._answer_rollbacks()

    async def _take_in(self, arrivals: list[Arrival]) -> None:
        for arrival in arrivals:
            self.decisions[arrival.decision.id] = arrival.decision
        intake = self.bot.services.intake
        answers = await asyncio.gather(
            *(intake.submit(self.key, _request(self._body(each)), self._body(each)) for each in arrivals)
        )
        if any(answer.object["status"] == "pending" for answer in answers):
            self.staff.look_again()
        actions = [each.object for each in answers if each.object["disposition"] == "execute"]
        await asyncio.gather(*(self._execute(action) for action in actions if action["id"].startswith("refund")))

    async def _execute(self, decision: dict[str, Any]) -> None:
        """Refunds are paid at once."""
        await self.executions.begin(self.key, decision["id"], decision["action_sha256"])
        await self.executions.finish(self.key, decision["id"], ok=True)

    async def _answer_rollbacks(self) -> None:
        events, self.answered = self.bot.receiver.events[self.answered :], len(self.bot.receiver.events)
        for event in events:
            if event["type"] == ROLLBACK:
                await self.executions.answer_rollback(self.key, event["data"]["id"], ok=True, note=None)

    def _body(self, arrival: Arrival) -> dict[str, object]:
        return {**arrival.decision.request, "callback_url": self.bot.receiver.url}


@asynccontextmanager
async def playing(
    folder: Path,
    begins: datetime,
    policy: str,
    *,
    make_staff: Callable[[Services, dict[str, DemoDecision]], Staff],
    former: dict[str, DemoDecision] | None = None,
) -> AsyncIterator[Play]:
    """A bot at a moment of the world: on a fresh database, or on the one in `folder` that these decisions made."""
    clock, url = MonthClock(begins), f"sqlite:///{folder}/{DATABASE}"
    async with running_bot(folder, url, clock=clock, policy=policy, loops=False, is_new=former is None) as bot:
        bot.receiver.webhook = cast(Webhook, _Unsigned())
        key = await _key(bot)
        decisions = former or {}
        services = bot.services
        executions = Executions(clock=clock, writer=services.writer, find=services.intake.find)
        yield Play(bot, Stage(bot, clock), make_staff(services, decisions), key, executions, decisions)


async def _key(bot: Bot) -> ApiKey:
    found = await KeyStore(bot.services.engine).find(sha256_of_key(KEY))
    assert found is not None
    return found


def _request(body: dict[str, object]) -> DecisionRequest:
    return DecisionRequest.model_validate(body)


def _together(arrivals: list[Arrival], begins: datetime) -> Iterator[tuple[datetime, list[Arrival]]]:
    """What comes within ten minutes arrives together, at their end."""
    for number, together in groupby(arrivals, key=lambda arrival: (arrival.at - begins) // _TOGETHER):
        yield begins + (number + 1) * _TOGETHER, list(together)


def _steps(begins: datetime, ends: datetime) -> Iterator[datetime]:
    at = begins
    while at < ends:
        at += _STEP_BY_DAY if at.astimezone(TZ).hour in _DAY else _STEP_BY_NIGHT
        yield min(at, ends)


class _Unsigned:
    """In the place of the webhook's check: it holds times against the machine's clock, and those here are simulated."""

    def verify(self, body: bytes, headers: dict[str, str]) -> object:
        return orjson.loads(body)
