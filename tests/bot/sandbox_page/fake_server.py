"""The other side of the page's protocol with a canned world: records what the page sends, pushes what a test says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import WSCloseCode, web

import bot.sandbox
from tests.bot.sandbox_page import canned

Json = dict[str, Any]
PAGE = Path(bot.sandbox.__file__).parent / "page"


class FakeServer:
    """`sent` holds (path, body) of every POST; `answers[path]` replaces the usual {"ok": true}."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Json]] = []
        self.answers: dict[str, tuple[int, Json]] = {}
        self.messages = canned.messages()
        self.views: list[Json] = []
        """Ada's modals; nobody else has any."""
        self.home: Json | None = None
        self.receiver: list[Json] = []
        self.sockets: set[web.WebSocketResponse] = set()
        self.gate = asyncio.Event()
        """POSTs are answered while it is set."""
        self.gate.set()
        self.url = ""
        self._connected = asyncio.Event()
        self._news = asyncio.Event()
        self._port = 0
        self._runner: web.AppRunner | None = None

    def bodies(self, path: str) -> list[Json]:
        return [body for sent_path, body in self.sent if sent_path == path]

    async def heard(self, path: str) -> list[Json]:
        """Waits until the page has sent something to this path."""
        while not self.bodies(path):
            self._news.clear()
            await self._news.wait()
        return self.bodies(path)

    async def watched(self) -> None:
        """Waits until a page listens."""
        while not self.sockets:
            await self._connected.wait()

    async def push(self, **frame: Any) -> None:
        for socket in list(self.sockets):
            await socket.send_json(frame)

    async def push_message(self, message: Json) -> None:
        """New or changed, in the world and on the screens."""
        self.messages = [known for known in self.messages if known["ts"] != message["ts"]] + [message]
        self.messages.sort(key=lambda known: str(known["ts"]))
        await self.push(type="message", message=message)

    async def push_views(self, *views: Json) -> None:
        self.views = list(views)
        await self.push(type="views", views=self.views)

    async def start(self) -> None:
        """Listens on a free port; started again, on the same one."""
        app = web.Application()
        app.router.add_get("/", self._index)
        app.router.add_static("/page", PAGE)
        app.router.add_get("/ui/state", self._state)
        app.router.add_get("/ui/messages", self._messages)
        app.router.add_get("/ui/app", self._app)
        app.router.add_get("/ui/ws", self._ws)
        app.router.add_post("/ui/{call}", self._post)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = int(self._runner.addresses[0][1])
        self.url = f"http://127.0.0.1:{self._port}"

    async def stop(self) -> None:
        for socket in list(self.sockets):
            await socket.close(code=WSCloseCode.GOING_AWAY)
        self.gate.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _index(self, request: web.Request) -> web.FileResponse:
        return web.FileResponse(PAGE / "index.html")

    async def _state(self, request: web.Request) -> web.Response:
        state = canned.state(request.query.get("as", "U0ADA"))
        views = self.views if state["me"] == canned.ADA else []
        return web.json_response({**state, "views": views, "home": self.home})

    async def _messages(self, request: web.Request) -> web.Response:
        thread = request.query.get("thread")
        here = [message for message in self.messages if message["channel"] == request.query["channel"]]
        if thread is None:
            return web.json_response({"messages": [message for message in here if "thread_ts" not in message]})
        return web.json_response({"messages": [m for m in here if thread in (m["ts"], m.get("thread_ts"))]})

    async def _app(self, request: web.Request) -> web.Response:
        return web.json_response({"receiver": self.receiver})

    async def _ws(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.add(socket)
        self._connected.set()
        await socket.send_json({"type": "presence", "now": "2026-11-21T10:05:00Z"})
        async for _ in socket:
            pass
        self.sockets.discard(socket)
        self._connected.clear()
        return socket

    async def _post(self, request: web.Request) -> web.Response:
        self.sent.append((request.path, await request.json()))
        self._news.set()
        await self.gate.wait()
        status, body = self.answers.get(request.path, (200, {"ok": True}))
        return web.json_response(body, status=status)


@asynccontextmanager
async def fake_server() -> AsyncIterator[FakeServer]:
    server = FakeServer()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
