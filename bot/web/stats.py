"""The HTTP API's handler for the statistics (contract §7)."""

import asyncio
from zoneinfo import ZoneInfo

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.clock import Clock
from bot.policy_in_force import PolicyInForce
from bot.reporting.days import SpanError, asked_for
from bot.reporting.statistics import read_prices, read_statistics, statistics_object
from bot.web.api import json_response
from bot.web.auth import Authenticator
from bot.web.query import only, refused, text
from store.facts import FactStore
from store.load import LoadStore

_PARAMETERS = ("task_type", "cohort", "window", "from", "to")


class StatsApi:
    def __init__(self, auth: Authenticator, engine: AsyncEngine, policy: PolicyInForce, clock: Clock) -> None:
        self._auth, self._policy, self._clock = auth, policy, clock
        self._facts, self._load = FactStore(engine), LoadStore(engine)

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/v1/stats", self.get, allow_head=False)]

    async def get(self, request: web.Request) -> web.Response:
        key = await self._auth.require(request, "read")
        query, policy = request.query, self._policy.current
        only(query, _PARAMETERS)
        task_type, cohort = text(query, "task_type"), text(query, "cohort")
        stretch = query.get("window"), query.get("from"), query.get("to")
        try:
            span = asked_for(*stretch, now=self._clock.now(), tz=ZoneInfo(policy.timezone))
        except SpanError as error:
            raise refused(error.name, str(error)) from error
        app_pk = key.sees
        found = await read_statistics(self._facts, span, task_type, app_pk=app_pk, cohort=cohort)
        prices = await read_prices(self._load, found.window, policy.cost)
        return json_response(await asyncio.to_thread(statistics_object, found, prices))
