"""How soon people are acknowledged while 500 decisions a second come in: `python -m benchmarks.ack_under_load`.

Four people open their Home, write in the threads of cards, click, and send forms; each answer is timed as Slack sees
it, who hangs up after three seconds. The load comes from a process of its own.
"""

import asyncio
import itertools
import statistics
import tempfile
from collections import defaultdict
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import uvloop

from benchmarks.load import Load
from benchmarks.report import Line, show
from benchmarks.servers import Server, serving
from benchmarks.workload import POLICY
from bot.clock import SystemClock
from bot.sandbox.courier import Ack
from bot.sandbox.demo_world import BOT_USER, PEOPLE
from bot.sandbox.server import Sandbox
from bot.sandbox.world import Channel
from bot.slack import reject_modal
from bot.slack.endpoint import PATH
from tests.support.bot import PATIENCE, until

_RATE = 500.0
_SECONDS = 40
_WARM_UP = 1_000
_DESKS, _CARDS = 5, 20
"""Channels with as many live cards each as a policy allows unless it says more."""
_POSTED_WITHIN = 60.0
_TARGET_MS = 500.0
_POLICY = POLICY + "".join(
    f'  desk_{desk}: {{risk: low, channel: "#desk-{desk}", matrix: *cards}}\n' for desk in range(_DESKS)
)
_UNSURE = {"input": "Where is my parcel?", "output": "shipping", "confidence": 0.5}
_WRONG = {"category": "tone", "severity": "minor", "reason": "It sounds annoyed."}


@dataclass(frozen=True, slots=True)
class _Card:
    channel: str
    ts: str


@dataclass
class _People:
    """They work side by side, each through their own cards. Latencies in milliseconds, by what was done."""

    sandbox: Sandbox
    latencies: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    async def work(self, cards: list[_Card]) -> None:
        """All of the cards, spread evenly over the time of the load."""
        now = asyncio.get_running_loop().time()
        between = _SECONDS / len(cards)
        starts = [(now + number * between, card) for number, card in enumerate(cards)]
        turns = [starts[number :: len(PEOPLE)] for number in range(len(PEOPLE))]
        await asyncio.gather(*map(self._work_through, PEOPLE, turns))

    async def _work_through(self, person: str, turns: list[tuple[float, _Card]]) -> None:
        for number, (start, card) in enumerate(turns):
            await asyncio.sleep(start - asyncio.get_running_loop().time())
            self._note("open Home", await self.sandbox.open_home(person))
            said = await self.sandbox.reply(person, card.channel, card.ts, "Looks like the one of last week.")
            self._note("reply in a thread", said.ack)
            if number % 2:
                await self._reject(person, card)
            else:
                self._note("click", await self.sandbox.click(person, card.channel, card.ts, "review.approve"))

    async def _reject(self, person: str, card: _Card) -> None:
        self._note("click", await self.sandbox.click(person, card.channel, card.ts, "review.reject"))
        form = await until(lambda: self._form(person))
        self._note("send a form", await self.sandbox.submit_view(person, form["id"], _WRONG))

    def _form(self, person: str) -> dict[str, Any] | None:
        """In front of this person. What tells of a form that was saved late is none."""
        views = self.sandbox.views(person)
        return views[-1] if views and views[-1]["callback_id"] == reject_modal.CALLBACK else None

    def _note(self, what: str, ack: Ack | None) -> None:
        assert ack is not None, f"{what}: the app was not told"
        assert ack.ok, f"{what}: {ack}"
        self.latencies[what].append(ack.latency * 1000)


async def _measure() -> tuple[_People, Load]:
    async with AsyncExitStack() as opened:
        sandbox = Sandbox(SystemClock())
        sandbox.rates.enabled = False
        for desk in range(_DESKS):
            sandbox.world.channels[f"C0DESK{desk}"] = Channel(f"C0DESK{desk}", f"desk-{desk}", [*PEOPLE, BOT_USER])
        await sandbox.start()
        opened.push_async_callback(sandbox.stop)
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="hitl-bench-")))
        url = f"sqlite:///{folder}/hitl.db"
        server = await opened.enter_async_context(serving(folder, url, sandbox.api_url, policy=_POLICY))
        sandbox.connect(server.url + PATH)
        bearer = {"Authorization": f"Bearer {server.key}"}
        app = await opened.enter_async_context(aiohttp.ClientSession(server.url, headers=bearer))
        await server.load(_WARM_UP, first=1)
        cards = await _cards(sandbox, app)
        people = _People(sandbox)
        load = asyncio.create_task(_load(server))
        await _has_begun(app)
        await people.work(cards)
        loaded = await load
        await _is_through(app)
        return people, loaded


async def _load(server: Server) -> Load:
    return await server.load(int(_RATE * _SECONDS), first=1 + _WARM_UP, rate=_RATE)


async def _has_begun(app: aiohttp.ClientSession) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            async with app.get(f"/v1/decisions/refund-{1 + _WARM_UP}") as answer:
                if answer.status == 200:
                    return
            await asyncio.sleep(0.05)


async def _is_through(app: aiohttp.ClientSession) -> None:
    """Every verdict was acknowledged; each must come out too."""
    for desk in range(_DESKS):
        async with app.get(f"/v1/decisions?status=pending&task_type=desk_{desk}") as answer:
            pending = (await answer.json())["data"]
        for decision in pending:
            async with app.get(f"/v1/decisions/{decision['id']}?wait=30") as answer:
                assert (await answer.json())["status"] == "resolved", f"lost: the verdict on {decision['id']}"


async def _cards(sandbox: Sandbox, app: aiohttp.ClientSession) -> list[_Card]:
    """The desks' cards once all are posted, one a second in each channel, taken from the desks in turn."""
    for number, desk in itertools.product(range(_CARDS), range(_DESKS)):
        decision: dict[str, Any] = {**_UNSURE, "id": f"desk-{desk}-{number}", "task_type": f"desk_{desk}"}
        async with app.post("/v1/decisions", json=decision) as posted:
            assert posted.status == 201, await posted.text()
    channels = [f"C0DESK{desk}" for desk in range(_DESKS)]
    desks = [await until(partial(_posted, sandbox, channel), _POSTED_WITHIN) for channel in channels]
    return [card for row in zip(*desks, strict=True) for card in row]


def _posted(sandbox: Sandbox, channel: str) -> list[_Card] | None:
    messages = sandbox.messages(channel)
    return [_Card(channel, message["ts"]) for message in messages] if len(messages) == _CARDS else None


def main() -> None:
    people, load = uvloop.run(_measure())
    lines = []
    for what, latencies in people.latencies.items():
        cuts = statistics.quantiles(latencies, n=100, method="inclusive")
        figure = f"{cuts[49]:.0f}, {cuts[98]:.0f} ms"
        lines.append(Line(f"{what}, {len(latencies)} times: p50, p99", figure, "p99 < 500 ms", cuts[98] < _TARGET_MS))
    lines.append(Line(f"decisions meanwhile, {_RATE:.0f}/s wanted", f"{load.rate:,.0f}/s"))
    lines.append(Line("their answers: p50, p99", f"{load.p50:.0f}, {load.p99:.0f} ms"))
    show(f"Acknowledgements under load, {_SECONDS} s on SQLite", lines)


if __name__ == "__main__":
    main()
