"""Socket Mode: Slack's requests come down a WebSocket that we open, so that no public URL is needed.

What comes down goes the same way through Bolt as over HTTP. The connections are kept here and not by slack_sdk's
client: that one notices a cut only at its next look, every ten seconds; closes the old connection before it opens the
next; and opens two when Slack asks for one, dropping what came down the first. Each loses somebody's click.
Source: docs.slack.dev, "Using Socket Mode".
"""

import asyncio
import json
from collections.abc import Coroutine
from typing import Any

import aiohttp
import structlog
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app
from slack_bolt.async_app import AsyncApp
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.messages import SLACK_TROUBLE, error_code

log = structlog.get_logger(__name__)

_HEARTBEAT = 10.0
"""Seconds between our pings; a connection that leaves one unanswered for half of that is given up."""
_APART = 1.0
"""Seconds between two openings at least: Slack may end a connection as soon as it is open."""
_FAREWELL = 1.0
"""Seconds in which Slack may answer that it closes a connection too."""
_LONGEST_PAUSE = 30.0
"""Seconds. After each failure the pause doubles, up to this."""


class SocketMode:
    """Opens the next connection as soon as Slack says that one is about to end, or it is cut; what still comes down
    the old one is answered there."""

    def __init__(self, app: AsyncApp, app_token: str, client: AsyncWebClient) -> None:
        self._app, self._app_token, self._client = app, app_token, client
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Connects in the background and for as long as it takes: the bot serves its apps meanwhile."""
        self._spawn(self._keep_connected(), "slack-socket")

    async def stop(self) -> None:
        while tasks := list(self._tasks):
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep_connected(self) -> None:
        async with aiohttp.ClientSession() as session:
            while True:
                connection = await self._connect(session)
                ending = asyncio.Event()
                self._spawn(self._serve(connection, ending), "slack-socket-connection")
                await asyncio.gather(ending.wait(), asyncio.sleep(_APART))

    async def _connect(self, session: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
        """The next connection, whenever it can be had. The first of several failures is told."""
        pause = _APART
        while True:
            try:
                connection = await self._open(session)
            except SLACK_TROUBLE as error:
                if pause == _APART:
                    _tell(error)
                await asyncio.sleep(max(pause, _asked_pause(error)))
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                log.info("slack.socket.connected")
                return connection

    async def _open(self, session: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
        """Each attempt asks for a URL of its own: Slack lets one be used once, and not for long."""
        answer = await self._client.apps_connections_open(app_token=self._app_token)
        return await session.ws_connect(
            str(answer["url"]),
            heartbeat=_HEARTBEAT,
            proxy=self._client.proxy,
            ssl=True if self._client.ssl is None else self._client.ssl,
            max_msg_size=0,  # no limit: it is Slack that writes
            timeout=aiohttp.ClientWSTimeout(ws_close=_FAREWELL),
        )

    async def _serve(self, connection: aiohttp.ClientWebSocketResponse, ending: asyncio.Event) -> None:
        """Until Slack closes the connection. Sets `ending` as soon as the next one is needed."""
        try:
            async for frame in connection:
                if frame.type is aiohttp.WSMsgType.TEXT:
                    message = json.loads(frame.data)
                    if message.get("type") == "disconnect":
                        ending.set()
                    elif (request := SocketModeRequest.from_dict(message)) is not None:
                        self._spawn(self._answer(connection, request), "slack-socket-request")
        finally:
            ending.set()
            await connection.close()

    async def _answer(self, connection: aiohttp.ClientWebSocketResponse, request: SocketModeRequest) -> None:
        """Only a success is acknowledged: of anything else Slack tells the person that it did not get through."""
        response = await run_async_bolt_app(self._app, request)
        if response.status == 200:
            acknowledgement = SocketModeResponse(request.envelope_id, _payload(response))
            try:
                await connection.send_json(acknowledgement.to_dict())
            except ConnectionError:
                log.warning("slack.socket.unacknowledged", remedy="an event comes again; a person is told by Slack")

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("slack.socket.failed", task=task.get_name(), exc_info=task.exception())


def _payload(response: BoltResponse) -> Any:
    """What Bolt would send as the body of an HTTP answer; None where it is empty."""
    is_json = response.headers.get("content-type", [""])[0].startswith("application/json")
    return json.loads(response.body) if response.body and is_json else response.body or None


def _asked_pause(error: Exception) -> float:
    """Seconds that Slack asks to be left alone."""
    if not isinstance(error, SlackApiError):
        return 0.0
    return float(error.response.headers.get("Retry-After", 0))


def _tell(error: Exception) -> None:
    if isinstance(error, SlackApiError):
        remedy = "SLACK_APP_TOKEN: make an app-level token (xapp-…) with the scope connections:write"
        log.error("slack.socket.refused", error=error_code(error), remedy=remedy)
    else:
        log.error("slack.socket.unreachable", error=type(error).__name__, remedy="tried again until it is back")
