"""What operators and machines ask: alive, ready, metrics, the API's description."""

from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from bot.metrics import Metrics
from bot.problem import Problem
from bot.web.api import json_response
from bot.web.auth import Authenticator
from bot.web.openapi import document

log = structlog.get_logger(__name__)


class Health:
    """`ready` raises when the database cannot be reached or its schema is too old."""

    def __init__(self, auth: Authenticator, metrics: Metrics, ready: Callable[[], Awaitable[None]]) -> None:
        self._auth, self._metrics, self._ready = auth, metrics, ready
        self._openapi = document()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/healthz", self.alive),
            web.get("/readyz", self.ready),
            web.get("/metrics", self.metrics),
            web.get("/openapi.json", self.openapi),
        ]

    async def alive(self, _request: web.Request) -> web.Response:
        return json_response({"status": "ok"})

    async def ready(self, _request: web.Request) -> web.Response:
        try:
            await self._ready()
        except Exception as error:
            log.warning("readiness.failed", error=type(error).__name__)
            raise Problem("unavailable", "The database cannot be reached, or its schema is too old.") from error
        return json_response({"status": "ok"})

    async def metrics(self, request: web.Request) -> web.Response:
        key = await self._auth.require(request, "read")
        text = await self._metrics.scrape(None if "admin" in key.scopes else key.app)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def openapi(self, _request: web.Request) -> web.Response:
        return json_response(self._openapi)
