"""An app's receiver that notes every attempt and answers as the test says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from aiohttp import web
from standardwebhooks import Webhook

from bot.clock import Clock


@dataclass(frozen=True)
class Attempt:
    at: datetime
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event_id(self) -> str:
        return self.headers["webhook-id"]

    def signatures(self) -> list[str]:
        return self.headers["webhook-signature"].split(" ")

    def signature_with(self, secret: str) -> str:
        """What the library signs for this request. Its `verify` looks at the machine's clock."""
        at = datetime.fromtimestamp(int(self.headers["webhook-timestamp"]), self.at.tzinfo)
        return Webhook(secret).sign(self.event_id, at, self.body.decode())


@dataclass
class Hook:
    """`answers` come before the usual 204, oldest first. While `hangs`, requests get no answer."""

    clock: Clock
    origin: str = ""
    attempts: list[Attempt] = field(default_factory=list)
    answers: list[web.Response] = field(default_factory=list)
    hangs: bool = False
    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    under_way: int = 0
    most_under_way: int = 0

    @property
    def url(self) -> str:
        return f"{self.origin}/hook"

    def paths(self) -> list[str]:
        return [attempt.path for attempt in self.attempts]

    async def receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.attempts.append(Attempt(self.clock.now(), request.path_qs, headers, body))
        self.under_way += 1
        self.most_under_way = max(self.under_way, self.most_under_way)
        try:
            if self.hangs:
                await self.let_go.wait()
        finally:
            self.under_way -= 1
        return self.answers.pop(0) if self.answers else web.Response(status=204)


@asynccontextmanager
async def listening(clock: Clock) -> AsyncIterator[Hook]:
    hook = Hook(clock)
    app = web.Application(client_max_size=4 << 20)
    app.router.add_route("*", "/{path:.*}", hook.receive)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hook.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield hook
    finally:
        hook.let_go.set()
        await runner.cleanup()
