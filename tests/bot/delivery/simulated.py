"""A whole bot in simulated time: nothing moves on before the test says so, and real work gets its turn meanwhile."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.reviewing.case import Case
from bot.reviewing.people import Reviewer
from bot.reviewing.verdicts import Decided
from bot.sandbox.webapi import Call
from routing.review import Approve, Reject, Verdict
from store import tables as t
from store.messages import NewMessage, add
from store.writer import SingleCommand
from tests.support.bot import Bot, Json
from tests.support.clock import ManualClock
from tests.support.stillness import stillness

Found = TypeVar("Found")


class LeapingClock(ManualClock):
    """Skips hours at once, as after a suspended machine."""

    async def leap(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        while (due := self._next_due()) is not None and due <= self._now:
            heapq.heappop(self._sleepers)[2].set_result(None)
        await stillness()


async def in_time(
    clock: LeapingClock, look: Callable[[], Found | None], *, limit: float = 300.0, step: float = 1.0
) -> Found:
    """What `look` finds, after as many simulated seconds as it takes."""
    end = clock.now() + timedelta(seconds=limit)
    while not (found := look()):
        assert clock.now() < end, f"not within {limit} simulated seconds"
        await clock.leap(step)
    return found


async def pass_time(clock: LeapingClock, seconds: float, *, step: float = 1.0) -> None:
    end = clock.now() + timedelta(seconds=seconds)
    while clock.now() < end:
        await clock.leap(step)


async def case_of(bot: Bot, decision_id: str) -> Case:
    """The first review of a decision."""
    query = select(t.reviews.c.pk).join(t.decisions, t.decisions.c.pk == t.reviews.c.decision_pk)
    async with bot.services.engine.connect() as connection:
        pk = await connection.scalar(query.where(t.decisions.c.id == decision_id).order_by(t.reviews.c.pk))
    assert pk is not None
    return await bot.services.cases.by_pk(pk)


async def approve(bot: Bot, decision_id: str) -> int:
    """Ada's verdict without the click; the decision's pk."""
    return await _decide(bot, decision_id, Approve())


async def reject(bot: Bot, decision_id: str) -> int:
    """The same, but she finds it wrong."""
    return await _decide(bot, decision_id, Reject("tone", reason="No."))


async def _decide(bot: Bot, decision_id: str, verdict: Verdict) -> int:
    case = await case_of(bot, decision_id)
    answer = await bot.services.reviewing.decide(case, Reviewer("T0SANDBOX", "U0ADA"), verdict)
    assert isinstance(answer, Decided)
    return case.decision.pk


def calls(bot: Bot, method: str, outcome: str | None = None) -> list[Call]:
    return [call for call in bot.sandbox.calls if call.method == method and outcome in (None, call.outcome)]


def of_kind(bot: Bot, kind: str, channel: str = "C0REVIEW") -> list[Json]:
    """Our messages of a kind in a channel, in threads too, oldest first. Notices are named as their keys begin."""
    top = bot.sandbox.messages(channel)
    found = {reply["ts"]: reply for message in top for reply in bot.sandbox.thread(channel, message["ts"])}
    keys = {
        ts: message.get("metadata", {}).get("event_payload", {}).get("message", "") for ts, message in found.items()
    }
    return [found[ts] for ts in sorted(found) if keys[ts].startswith(kind)]


@dataclass(frozen=True, slots=True)
class Say(SingleCommand[None]):
    """Adds a message in a commit of its own."""

    message: NewMessage
    at: datetime

    async def apply(self, connection: AsyncConnection) -> None:
        await add(connection, [self.message], self.at)


async def say(bot: Bot, decision_id: str, body: Json, channel: str = "#ai-review", name: str = "said") -> None:
    """Has a notice about a decision sent; its key begins with `name`."""
    case = await case_of(bot, decision_id)
    key = f"{name}:{case.review.pk}@{channel}"
    message = NewMessage(key, "notice", channel, 25, case.review.pk, body)
    await bot.services.writer.submit(Say(message, bot.clock.now()))
