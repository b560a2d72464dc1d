"""Socket Mode: Slack's requests come down a WebSocket that we open, so that no public URL is needed.

The connection is opened and kept by slack_sdk; what comes down goes the same way through Bolt as over HTTP.
Source: docs.slack.dev, "Using Socket Mode".
"""

import asyncio
import logging
from contextlib import suppress

import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.messages import SLACK_TROUBLE, error_code

log = structlog.get_logger(__name__)


class SocketMode:
    def __init__(self, app: AsyncApp, app_token: str, client: AsyncWebClient) -> None:
        self._app, self._app_token, self._client = app, app_token, client
        self._handler: AsyncSocketModeHandler | None = None
        self._connecting: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Connects in the background and for as long as it takes: the bot serves its apps meanwhile."""
        self._connecting = asyncio.create_task(self._connect(), name="slack-socket")

    async def stop(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
            with suppress(asyncio.CancelledError):
                await self._connecting
        if self._handler is not None:
            await self._handler.close_async()  # type: ignore[no-untyped-call]  # slack_bolt leaves it untyped

    async def _connect(self) -> None:
        url = await self._first_url()
        # It repeats each failed attempt with a traceback; the first is told above, in a sentence.
        quiet = logging.getLogger("slack_sdk.socket_mode")
        quiet.setLevel(logging.CRITICAL)
        self._handler = AsyncSocketModeHandler(self._app, self._app_token, logger=quiet, web_client=self._client)
        self._handler.client.wss_uri = url  # None: it asks for one itself, until it gets one
        await self._handler.connect_async()  # type: ignore[no-untyped-call]
        log.info("slack.socket.connected")

    async def _first_url(self) -> str | None:
        try:
            answer = await self._client.apps_connections_open(app_token=self._app_token)
        except SlackApiError as error:
            remedy = "SLACK_APP_TOKEN: make an app-level token (xapp-…) with the scope connections:write"
            log.error("slack.socket.refused", error=error_code(error), remedy=remedy)
        except SLACK_TROUBLE as error:
            log.error("slack.socket.unreachable", error=type(error).__name__, remedy="tried again until it is back")
        else:
            return str(answer["url"])
        return None
