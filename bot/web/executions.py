"""The HTTP API's handlers for what apps report about their actions (contract §3)."""

from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from bot.executions import Executions
from bot.web.api import json_response
from bot.web.auth import Authenticator
from bot.web.body import parse_as, read_body
from bot.web.schema import Sha256


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


class ExecuteRequest(_Body):
    action_sha256: Sha256
    """Copied from the decision object."""


class ExecutedRequest(_Body):
    ok: bool
    """False: it failed, and may be executed again."""


class RolledBackRequest(_Body):
    ok: bool
    """False: it could not be undone. People are told; a later true still counts."""
    note: Annotated[str, Field(max_length=2000)] | None = None
    """What the reviewers should know."""


class ExecutionApi:
    def __init__(self, auth: Authenticator, executions: Executions) -> None:
        self._auth, self._executions = auth, executions

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/v1/decisions/{id}/execute", self.execute),
            web.post("/v1/decisions/{id}/executed", self.executed),
            web.post("/v1/decisions/{id}/rolled-back", self.rolled_back),
        ]

    async def execute(self, request: web.Request) -> web.Response:
        key = await self._auth.require(request, "ingest")
        body, _ = parse_as(ExecuteRequest, await read_body(request))
        return json_response(await self._executions.begin(key, request.match_info["id"], body.action_sha256))

    async def executed(self, request: web.Request) -> web.Response:
        key = await self._auth.require(request, "ingest")
        body, _ = parse_as(ExecutedRequest, await read_body(request))
        return json_response(await self._executions.finish(key, request.match_info["id"], ok=body.ok))

    async def rolled_back(self, request: web.Request) -> web.Response:
        key = await self._auth.require(request, "ingest")
        body, _ = parse_as(RolledBackRequest, await read_body(request))
        answered = self._executions.answer_rollback(key, request.match_info["id"], ok=body.ok, note=body.note)
        return json_response(await answered)
