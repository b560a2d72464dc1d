"""Socket Mode: the app opens a WebSocket to us, and everything that would be a request to it goes down that way.

Source: docs.slack.dev, "Using Socket Mode": apps.connections.open gives a URL that is used once; each envelope is
acknowledged by its envelope_id; a payload goes to any one of the app's connections.
"""

import asyncio
import json
import secrets
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from bot.sandbox.arguments import Arguments
from bot.sandbox.world import World

Json = dict[str, Any]


class NoConnectionError(Exception):
    """The app has no open connection, or the one that was used broke before the acknowledgement."""


class SocketMode:
    def __init__(self, world: World) -> None:
        self._world = world
        self.methods = {"apps.connections.open": self._open}
        self.was_connected = False
        """Whether the app has ever come this way: then what it misses is kept for it a while."""
        self._tickets: set[str] = set()
        self._connections: dict[web.WebSocketResponse, asyncio.Transport | None] = {}
        """Oldest first."""
        self._arrived = asyncio.Event()
        self._waiting: dict[str, tuple[web.WebSocketResponse, asyncio.Future[Any]]] = {}

    @property
    def connected(self) -> bool:
        return bool(self._connections)

    async def arrival(self) -> None:
        """Return when the app opens its next connection."""
        await self._arrived.wait()

    def _open(self, _args: Arguments) -> Json:
        ticket = secrets.token_urlsafe(16)
        self._tickets.add(ticket)
        return {"url": f"{self._world.site.replace('http', 'ws', 1)}/socket/{ticket}"}

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """GET /socket/<ticket>: one connection, until either side ends it."""
        if request.match_info["ticket"] not in self._tickets:
            raise web.HTTPForbidden
        self._tickets.discard(request.match_info["ticket"])
        connection = web.WebSocketResponse()
        await connection.prepare(request)
        self._connections[connection] = request.transport
        await connection.send_json({"type": "hello", "num_connections": len(self._connections)})
        self.was_connected = True
        self._arrived.set()
        self._arrived = asyncio.Event()
        try:
            async for message in connection:
                if message.type is WSMsgType.TEXT:
                    self._acknowledge(json.loads(message.data))
        finally:
            self._forget(connection)
        return connection

    async def send(self, kind: str, payload: Json, retries: Json) -> Any:
        """The payload of the app's acknowledgement, None where it had none. Raises NoConnectionError."""
        if not self._connections:
            raise NoConnectionError
        connection = next(reversed(self._connections))
        envelope_id = secrets.token_hex(16)
        acknowledged: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id] = (connection, acknowledged)
        envelope = {"envelope_id": envelope_id, "payload": payload, "accepts_response_payload": kind != "events_api"}
        try:
            await connection.send_json({"type": kind, **envelope, **retries})
            return await acknowledged
        except ConnectionError as error:
            raise NoConnectionError from error
        finally:
            self._waiting.pop(envelope_id, None)

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """As Slack does every few hours: says so, and closes every connection; the app is to come back.

        `warning` comes some seconds before that: the connection stays, and the app may open the next one in peace.
        """
        for connection in list(self._connections):
            await connection.send_json({"type": "disconnect", "reason": reason})
            if reason != "warning":
                await connection.close(code=WSCloseCode.GOING_AWAY)

    def drop(self) -> None:
        """Cut every connection without a goodbye, as a network does."""
        for connection, transport in list(self._connections.items()):
            self._forget(connection)
            if transport is not None:
                transport.abort()

    def _acknowledge(self, message: Json) -> None:
        _, future = self._waiting.get(str(message.get("envelope_id")), (None, None))
        if future is not None and not future.done():
            future.set_result(message.get("payload"))

    def _forget(self, connection: web.WebSocketResponse) -> None:
        self._connections.pop(connection, None)
        for used, future in list(self._waiting.values()):
            if used is connection and not future.done():
                future.set_exception(NoConnectionError())
