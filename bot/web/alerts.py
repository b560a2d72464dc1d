"""The HTTP API's handler for anomalies that other systems see (contract §3)."""

from aiohttp import web

from bot.alerts import Alerts
from bot.web.api import json_response
from bot.web.auth import Authenticator
from bot.web.body import parse_as, read_body
from routing.alert import AlertRequest


class AlertApi:
    def __init__(self, auth: Authenticator, alerts: Alerts) -> None:
        self._auth, self._alerts = auth, alerts

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/v1/alerts", self.post)]

    async def post(self, request: web.Request) -> web.Response:
        key = await self._auth.require(request, "ingest")
        alert, body = parse_as(AlertRequest, await read_body(request))
        posted = await self._alerts.post(key, alert, body)
        headers = {"Idempotent-Replayed": "true"} if posted.replayed else None
        return json_response(posted.object, 200 if posted.replayed else 201, headers)
