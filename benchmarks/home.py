"""App Home and the walk with much or little that waits: `python -m benchmarks.home`.

The application runs beside the sandbox in this process, so a figure holds what the sandbox costs too. A bot for which
little waits and one for which much does take turns; the ratio of the two says how it grows.
"""

import asyncio
import logging
import statistics
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from benchmarks.load import post
from benchmarks.report import Line, show
from bot.logs import set_up_logging
from bot.reviewing.case import Case
from bot.reviewing.claims import Claimed
from bot.reviewing.people import Reviewer
from bot.reviewing.verdicts import Decided
from bot.sandbox.webapi import Call
from bot.slack.walk import SHORTCUT
from routing.review import Approve
from store.queue import Scope
from tests.support.bot import KEY, Bot, running_bot, until
from tests.support.databases import new_postgres_database, postgres_server

_DECIDED = 500
_LITTLE, _MUCH = 100, 10_000
_CLAIMED = 0.1
"""Of what waits, so much more is with somebody else, and stands at the head of the line."""
_TIMES = 40
_TOGETHER = 50
_TARGET_MS = 300.0
_ASKER, _OTHER = Reviewer("T0SANDBOX", "U0ADA"), Reviewer("T0SANDBOX", "U0BEN")
# Every refund that the load is not sure of waits for its turn in the queue.
_POLICY = """
version: 1
defaults:
  channel: "#ai-review"
  reviewers: {channel_members: true, users: [U0ADA, U0BEN, U0CHEN]}
  double_review: 0.05
tasks:
  refund: {risk: medium, threshold: 0.90, channel: "#refunds"}
"""


@dataclass
class _Desk:
    """A bot with so many reviews that are free for the asker, and its times in milliseconds."""

    bot: Bot
    waiting: int
    home: list[float] = field(default_factory=list)
    walk: list[float] = field(default_factory=list)

    async def fill(self) -> None:
        self.bot.sandbox.rates.enabled = False
        claimed = int(self.waiting * _CLAIMED)
        await post(self.bot.application.url, KEY, _DECIDED + claimed + self.waiting, first=1, reviewed=1)
        for cases in await self._first(_DECIDED):
            decided = await asyncio.gather(*(self._decide(case) for case in cases))
            assert all(isinstance(each, Decided) for each in decided), decided
        for cases in await self._first(claimed):
            taken = await asyncio.gather(*(self._claim(case) for case in cases))
            assert all(isinstance(each, Claimed) for each in taken), taken
        assert await self.bot.services.line.left(_ASKER, None) == self.waiting

    async def _first(self, count: int) -> list[Sequence[Case]]:
        """The first of the line, some at a time."""
        pks = await self.bot.services.stores.queue.waiting(Scope(_ASKER.user_id, self.bot.clock.now()), count)
        cases = await self.bot.services.cases.by_pks(pks)
        return [cases[at : at + _TOGETHER] for at in range(0, count, _TOGETHER)]

    async def _decide(self, case: Case) -> object:
        return await self.bot.services.reviewing.decide(case, _ASKER, Approve())

    async def _claim(self, case: Case) -> object:
        return await self.bot.services.claims.claim(case, _OTHER, recent=True)

    async def open_home(self) -> None:
        """From the event to the call of views.publish."""
        calls, began = len(self.bot.sandbox.calls), self.bot.clock.now()
        assert (await self.bot.sandbox.open_home(_ASKER.user_id)).ok
        published = await until(lambda: _published(self.bot.sandbox.calls[calls:]))
        self.home.append((published.at - began).total_seconds() * 1000)

    async def start_walk(self) -> None:
        assert (await self.bot.sandbox.shortcut(_ASKER.user_id, SHORTCUT)).ok
        await until(lambda: self.bot.sandbox.views(_ASKER.user_id))

    async def approve(self) -> None:
        """From the form's sending to the answer, which shows the next review."""
        [view] = self.bot.sandbox.views(_ASKER.user_id)
        ack = await self.bot.sandbox.submit_view(_ASKER.user_id, view["id"])
        assert ack.ok, ack
        assert ack.response["view"]["callback_id"] == "walk.item", "the walk should have gone on"
        self.walk.append(ack.latency * 1000)


def _published(calls: Sequence[Call]) -> Call | None:
    return next((call for call in calls if call.method == "views.publish" and call.outcome == "ok"), None)


async def _measure() -> dict[str, list[_Desk]]:
    async with AsyncExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="hitl-bench-")))
        postgres = opened.enter_context(postgres_server())
        found: dict[str, list[_Desk]] = {"SQLite": [], "PostgreSQL": []}
        for count in (_LITTLE, _MUCH):
            own = folder / str(count)
            own.mkdir()
            sqlite = f"sqlite:///{own}/hitl.db"
            for store, url in (("SQLite", sqlite), ("PostgreSQL", await new_postgres_database(postgres))):
                desk = _Desk(await opened.enter_async_context(running_bot(own, url, policy=_POLICY)), count)
                await desk.fill()
                found[store].append(desk)
        for desks in found.values():
            await _take_turns(desks)
        return found


async def _take_turns(desks: list[_Desk]) -> None:
    for desk in desks * _TIMES:
        await desk.open_home()
    for desk in desks:
        await desk.start_walk()
    for desk in desks * _TIMES:
        await desk.approve()


def _lines(name: str, little: list[float], much: list[float]) -> list[Line]:
    lines = []
    for count, times in ((_LITTLE, little), (_MUCH, much)):
        median, p95 = statistics.median(times), statistics.quantiles(times, n=20, method="inclusive")[18]
        target = f"median < {_TARGET_MS:.0f} ms" if count == _MUCH else None
        figure = f"{median:.0f}, {p95:.0f} ms"
        lines.append(Line(f"{name}, {count:,} wait: median, p95", figure, target, median < _TARGET_MS))
    return [*lines, Line(f"{name}: ratio", f"{statistics.median(much) / statistics.median(little):.1f}")]


def main() -> None:
    set_up_logging("text", logging.WARNING)
    lines = []
    for store, (little, much) in uvloop.run(_measure()).items():
        lines += _lines(f"{store}, Home", little.home, much.home)
        lines += _lines(f"{store}, verdict and next in the walk", little.walk, much.walk)
    show(f"App Home and the walk, {_TIMES} times each", lines)


if __name__ == "__main__":
    main()
