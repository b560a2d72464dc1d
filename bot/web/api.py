"""The HTTP API's handlers: translate, call one service method, translate back (contract §3)."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import orjson
from aiohttp import web

from bot.intake import Intake
from bot.problem import Problem, invalid_body
from bot.secretbox import SecretBox
from bot.web.auth import Authenticator
from bot.web.body import parse_decision, read_body
from routing.decision import Route
from routing.json_value import UNSTORABLE_TEXT
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
        for name in query:
            if name not in known:
                raise _refused(name, f"unknown; use one of {', '.join(sorted(known))}")
        return ListFilter(
            app_pk=None if "admin" in key.scopes else key.app_pk,
            task_type=_text(query, "task_type"),
            status=_choice(query, "status", ("pending", "resolved")),
            route=_choice(query, "route", tuple(Route)),
            cohort=_text(query, "cohort"),
            since=_instant(query, "since"),
            after=self._read_cursor(query.get("cursor")),
            limit=_number(query, "limit", 50, 1, _MAX_PAGE),
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
            raise _refused("cursor", "not a cursor of this server: copy next_cursor unchanged") from None


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, headers=headers, content_type="application/json")


def _refused(name: str, message: str) -> Problem:
    return invalid_body([{"loc": ["query", name], "msg": message}])


def _wait(query: Mapping[str, str]) -> float:
    for name in query:
        if name != "wait":
            raise _refused(name, "unknown; use wait")
    try:
        wait = float(query.get("wait", "0"))
    except ValueError:
        wait = -1.0
    if not 0 <= wait <= _MAX_WAIT:
        raise _refused("wait", f"must be 0 to {_MAX_WAIT} seconds")
    return wait


def _number(query: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and low <= int(text) <= high):
        raise _refused(name, f"must be a whole number from {low} to {high}")
    return int(text)


def _text(query: Mapping[str, str], name: str) -> str | None:
    text = query.get(name)
    if text is not None and UNSTORABLE_TEXT.search(text):
        raise _refused(name, "holds a character that no stored value has")
    return text


def _choice(query: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str | None:
    text = query.get(name)
    if text is not None and text not in allowed:
        raise _refused(name, f"must be one of {', '.join(allowed)}")
    return text


def _instant(query: Mapping[str, str], name: str) -> datetime | None:
    text = query.get(name)
    if text is None:
        return None
    # A plus sign in a query that nobody escaped arrives as a space.
    for spelling in (text, text.replace(" ", "+")):
        with suppress(ValueError, OverflowError):
            at = datetime.fromisoformat(spelling)
            return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    raise _refused(name, "must be an ISO 8601 time such as 2026-11-20T10:00:00Z")
