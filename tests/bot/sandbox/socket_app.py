"""A stand-in for an app in Socket Mode: keeps each envelope and acknowledges it, unless told to keep silent."""

import asyncio
from typing import Any

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.server import APP_TOKEN

Json = dict[str, Any]


class SocketApp:
    """`answer` goes into the acknowledgement; with `silent` there is none. It does not come back by itself."""

    def __init__(self, api_url: str) -> None:
        self._client = AsyncWebClient(APP_TOKEN, base_url=api_url, retry_handlers=[])
        self._session = aiohttp.ClientSession()
        self._readers: list[asyncio.Task[None]] = []
        self.envelopes: list[Json] = []
        self.goodbyes: list[str] = []
        self.answer: Any = None
        self.silent = False

    async def open(self) -> None:
        """One more connection; returns once the server has said hello."""
        url = str((await self._client.apps_connections_open(app_token=APP_TOKEN))["url"])
        socket = await self._session.ws_connect(url)
        assert (await socket.receive_json())["type"] == "hello"
        self._readers.append(asyncio.create_task(self._read(socket)))

    async def close(self) -> None:
        await self._session.close()
        await asyncio.gather(*self._readers)

    @property
    def payloads(self) -> list[Json]:
        return [envelope["payload"] for envelope in self.envelopes]

    @property
    def last(self) -> Json:
        return self.payloads[-1]

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in socket:
            message = frame.json()
            if message["type"] == "disconnect":
                self.goodbyes.append(message["reason"])
                continue
            self.envelopes.append(message)
            if not self.silent:
                answer = {} if self.answer is None else {"payload": self.answer}
                await socket.send_json({"envelope_id": message["envelope_id"], **answer})
