"""From a click in Slack to the waiting app: `python -m benchmarks.click_to_app`.

A person clicks Approve in the sandbox while the app waits in a long poll. Measured from the click to the app's answer,
and from the click to Slack's acknowledgement; first alone, then beside a steady load of new decisions.
"""

import asyncio
import statistics
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.load import Load
from benchmarks.report import Line, show
from benchmarks.servers import Server, serving
from bot.clock import SystemClock
from bot.sandbox.server import Sandbox
from bot.slack.endpoint import PATH

_CLICKS = 30
_LOAD = 100.0
_LOADED_SECONDS = 60
_TARGET_MS = 150.0
_CHANNEL, _PERSON = "C0REVIEW", "U0ADA"
_WAITING = {"task_type": "label", "input": "Where is my parcel?", "output": "shipping", "confidence": 0.5}


@dataclass
class Clicks:
    """Milliseconds, one entry a click."""

    to_app: list[float] = field(default_factory=list)
    to_ack: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Scene:
    sandbox: Sandbox
    server: Server
    app: aiohttp.ClientSession

    async def clicks(self, name: str, load: asyncio.Task[Load] | None = None) -> Clicks:
        """Decides one after another, each as soon as its card is there; ends with the load, if there is one."""
        measured = Clicks()
        for number in range(_CLICKS):
            if load is not None and load.done():
                break
            decision_id = f"{name}-{number}"
            async with self.app.post("/v1/decisions", json={**_WAITING, "id": decision_id}) as posted:
                assert posted.status == 201, await posted.text()
            await self._click(decision_id, measured)
        return measured

    async def _click(self, decision_id: str, measured: Clicks) -> None:
        waiting = asyncio.create_task(self._wait(decision_id))
        card = await self._card(decision_id)
        began = time.perf_counter()
        ack = await self.sandbox.click(_PERSON, _CHANNEL, card["ts"], "review.approve")
        measured.to_ack.append((time.perf_counter() - began) * 1000)
        assert ack.ok, ack
        measured.to_app.append((await waiting - began) * 1000)

    async def _wait(self, decision_id: str) -> float:
        """When the app heard of the verdict."""
        async with self.app.get(f"/v1/decisions/{decision_id}?wait=60") as answer:
            resolved = await answer.json()
        heard = time.perf_counter()
        assert resolved["outcome"]["result"] == "approved", resolved
        return heard

    async def _card(self, decision_id: str) -> dict[str, Any]:
        async with asyncio.timeout(60):
            while True:
                for message in self.sandbox.messages(_CHANNEL)[::-1]:
                    if decision_id in str(message["blocks"]):
                        return message
                await asyncio.sleep(0.02)


async def _measure() -> tuple[Clicks, Clicks, float]:
    async with AsyncExitStack() as opened:
        sandbox = Sandbox(SystemClock())
        sandbox.rates.enabled = False
        await sandbox.start()
        opened.push_async_callback(sandbox.stop)
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="hitl-bench-")))
        server = await opened.enter_async_context(serving(folder, f"sqlite:///{folder}/hitl.db", sandbox.api_url))
        sandbox.connect(server.url + PATH)
        bearer = {"Authorization": f"Bearer {server.key}"}
        app = await opened.enter_async_context(aiohttp.ClientSession(server.url, headers=bearer))
        scene = _Scene(sandbox, server, app)
        alone = await scene.clicks("alone")
        load = asyncio.create_task(server.load(int(_LOAD * _LOADED_SECONDS), first=1, rate=_LOAD))
        beside = await scene.clicks("beside", load)
        return alone, beside, (await load).rate


def main() -> None:
    alone, beside, rate = asyncio.run(_measure())
    lines = []
    for state, clicks in (("alone", alone), (f"beside {rate:.0f} decisions/s", beside)):
        name = f"{state}, {len(clicks.to_app)} clicks"
        median = statistics.median(clicks.to_app)
        lines.append(
            Line(f"click to waiting app, {name}: median", f"{median:.0f} ms", "≤ 150 ms", median <= _TARGET_MS)
        )
        lines.append(Line(f"click to waiting app, {name}: worst", f"{max(clicks.to_app):.0f} ms"))
        cuts = statistics.quantiles(clicks.to_ack, n=100, method="inclusive")
        lines.append(Line(f"click to acknowledgement, {name}: p50, p99", f"{cuts[49]:.0f}, {cuts[98]:.0f} ms"))
    show("Clicks in the sandbox", lines)


if __name__ == "__main__":
    main()
