"""A stand-in for the app: records each request and answers what it was told to."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from tests.support.clock import ManualClock

Json = dict[str, Any]


@dataclass(frozen=True)
class Received:
    """`payload` is the interaction, the event's envelope or the command's form."""

    payload: Json
    body: bytes
    headers: dict[str, str]


class Receiver:
    """`answer` is sent as JSON (None: an empty body), with `status`, after `delay` seconds of the clock."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.received: list[Received] = []
        self.answer: Any = None
        self.status = 200
        self.delay = 0.0
        self.headers: dict[str, str] = {}
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/slack/events", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/slack/events"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def payloads(self) -> list[Json]:
        return [received.payload for received in self.received]

    @property
    def last(self) -> Json:
        return self.received[-1].payload

    async def _handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.received.append(Received(_parsed(request, body), body, dict(request.headers)))
        await self._clock.sleep(self.delay)
        content = b"" if self.answer is None else json.dumps(self.answer).encode()
        return web.Response(body=content, status=self.status, headers=self.headers)


def _parsed(request: web.Request, body: bytes) -> Json:
    parsed: Json
    if request.content_type == "application/json":
        parsed = json.loads(body)
    else:
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        parsed = json.loads(form["payload"]) if "payload" in form else form
    return parsed
