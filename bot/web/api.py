"""The HTTP API's handlers: translate, call one service method, translate back (contract §3)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from aiohttp import web

from bot.intake import Intake
from bot.secretbox import SecretBox
from bot.web.auth import Authenticator
from bot.web.body import parse_decision, read_body
from bot.web.query import choice, instant, number, only, refused, text
from routing.decision import Route
from store.decisions import ListFilter
from store.keys import ApiKey

_MAX_WAIT = 60
_MAX_PAGE = 200


class DecisionApi:
    def __init__(self, auth: Authenticator, intake: Intake, secretbox: SecretBox) -> None:
        self._auth, self._intake, self._secretbox = auth, intake, secretbox

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/v1/decisions", self.post),
            web.get("/v1/decisions", self.list, allow_head=False),
            web.get("/v1/decisions/{id}", self.get, allow_head=False),
            web.post("/v1/decisions/{id}/cancel", self.cancel),
        ]

    async def post(self, request: web.Request) -> web.Response:
        key = await self._auth.require(request, "ingest")
        decision, body = parse_decision(await read_body(request))
        submitted = await self._intake.submit(key, decision, body)
        headers = {"Idempotent-Replayed": "true"} if submitted.replayed else None
        return json_response(submitted.object, 200 if submitted.replayed else 201, headers)

    async def get(self, request: web.Request) -> web.Response:
        key = await self._auth.require(request, "read")
        wait = _wait(request.query)
        return json_response(await self._intake.get(key, request.match_info["id"], wait))

    async def list(self, request: web.Request) -> web.Response:
        key = await self._auth.require(request, "read")
        data, more = await self._intake.page(self._filter(key, request.query))
        return json_response({"data": data, "next_cursor": None if more is None else self._cursor(more)})

    async def cancel(self, request: web.Request) -> web.Response:
        key = await self._auth.require(request, "ingest")
        return json_response(await self._intake.cancel(key, request.match_info["id"]))

    def _filter(self, key: ApiKey, query: Mapping[str, str]) -> ListFilter:
        known = {"task_type", "status", "route", "cohort", "since", "cursor", "limit"}
        only(query, known)
        return ListFilter(
            app_pk=key.sees,
            task_type=text(query, "task_type"),
            status=choice(query, "status", ("pending", "resolved")),
            route=choice(query, "route", tuple(Route)),
            cohort=text(query, "cohort"),
            since=instant(query, "since"),
            after=self._read_cursor(query.get("cursor")),
            limit=number(query, "limit", 50, 1, _MAX_PAGE),
        )

    def _cursor(self, position: tuple[datetime, int]) -> str:
        return self._secretbox.sign_cursor(f"{position[0].isoformat()}|{position[1]}")

    def _read_cursor(self, cursor: str | None) -> tuple[datetime, int] | None:
        if cursor is None:
            return None
        try:
            at, _, pk = self._secretbox.verify_cursor(cursor).partition("|")
            return datetime.fromisoformat(at), int(pk)
        except ValueError:
            raise refused("cursor", "not a cursor of this server: copy next_cursor unchanged") from None


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, headers=headers, content_type="application/json")


def _wait(query: Mapping[str, str]) -> float:
    only(query, {"wait"})
    try:
        wait = float(query.get("wait", "0"))
    except ValueError:
        wait = -1.0
    if not 0 <= wait <= _MAX_WAIT:
        raise refused("wait", f"must be 0 to {_MAX_WAIT} seconds")
    return wait
