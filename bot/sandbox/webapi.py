"""POST /api/<method>: who calls, may it, how often, does something go wrong, and then what the method does."""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from aiohttp import web

from bot.clock import Clock
from bot.sandbox.arguments import Arguments, read_arguments
from bot.sandbox.chat import Chat
from bot.sandbox.errors import SlackError
from bot.sandbox.faults import Fault, Faults
from bot.sandbox.passes import Passes
from bot.sandbox.rates import RateLimitedError, Rates
from bot.sandbox.scopes import Scopes
from bot.sandbox.world import World

Json = dict[str, Any]
Method = Callable[[Arguments], Json]


@dataclass
class Call:
    """One request that reached the sandbox.

    `outcome` is `ok`, Slack's error, `status_500`, `lost_request`, with a lost answer `ok, answer lost`, with a hanging
    one `ok, never answered` or just `never answered`; `pending` until it is known.
    """

    method: str
    args: Json
    at: datetime
    outcome: str = "pending"
    answer: Json | None = None


class WebApi:
    def __init__(
        self,
        world: World,
        clock: Clock,
        *,
        token: str,
        tokens: Mapping[str, str],
        scopes: Scopes,
        rates: Rates,
        faults: Faults,
        methods: Mapping[str, Method],
    ) -> None:
        self._suffer = partial(suffer, clock=clock, faults=faults)
        self._world = world
        self._clock = clock
        self._token = token
        self._tokens = tokens
        """Methods that want another token than the bot's."""
        self._scopes = scopes
        self._rates = rates
        self._faults = faults
        self.methods = {"api.test": lambda args: {"args": dict(args)}, "auth.test": self._auth_test, **methods}
        self.calls: list[Call] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        call = Call(method, {}, self._clock.now())
        self.calls.append(call)
        try:
            args = await read_arguments(request)
        except SlackError as error:
            return self._refuse(call, error)
        call.args = {name: value for name, value in args.items() if name != "token"}
        fault = self._faults.take(method, args.get("channel") or args.get("channel_id"))
        return await self._suffer(fault, request, call, lambda: self._answer(call, args, request))

    def _answer(self, call: Call, args: Arguments, request: web.Request) -> web.Response:
        try:
            self._authenticate(call.method, args, request)
            method = self._method(call.method)
            self._rates.spend(call.method, args.get("channel"))
            body = {"ok": True, **method(args)}
        except SlackError as error:
            return self._refuse(call, error)
        call.outcome, call.answer = "ok", body
        return web.json_response(body, headers={"x-oauth-scopes": str(self._scopes)})

    def _refuse(self, call: Call, error: SlackError) -> web.Response:
        call.outcome, call.answer = error.code, error.answer()
        return refusal(error, {"x-oauth-scopes": str(self._scopes)})

    def _method(self, name: str) -> Method:
        if name not in self.methods:
            raise SlackError("unknown_method", req_method=name)
        return self.methods[name]

    def _authenticate(self, method: str, args: Arguments, request: web.Request) -> None:
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        token = bearer or str(args.get("token") or "")
        if not token:
            raise SlackError("not_authed")
        if not hmac.compare_digest(token.encode(), self._tokens.get(method, self._token).encode()):
            raise SlackError("invalid_auth")

    def _auth_test(self, args: Arguments) -> Json:
        world = self._world
        organisation: Json = {"team": world.enterprise_name, "team_id": world.enterprise_id}
        return {
            "url": f"https://{world.team_domain}.slack.com/",
            "team": "Sandbox",
            "user": world.bot.name,
            "team_id": world.team_id,
            "user_id": world.bot.id,
            "bot_id": world.bot_id,
            **({**organisation, "enterprise_id": world.enterprise_id} if world.enterprise else {}),
            "is_enterprise_install": world.enterprise is not None,
        }


class ResponseUrls:
    """POST /response/<key>: the URL that came with an interaction."""

    def __init__(self, clock: Clock, passes: Passes, chat: Chat, faults: Faults, calls: list[Call]) -> None:
        self._suffer = partial(suffer, clock=clock, faults=faults)
        self._clock = clock
        self._passes = passes
        self._chat = chat
        self._faults = faults
        self._calls = calls

    async def handle(self, request: web.Request) -> web.StreamResponse:
        call = Call("response_url", {}, self._clock.now())
        self._calls.append(call)
        try:
            args = await read_arguments(request)
        except SlackError as error:
            call.outcome = error.code
            return web.json_response(error.answer(), status=400)
        call.args = dict(args)
        fault = self._faults.take(call.method)
        return await self._suffer(fault, request, call, lambda: self._answer(call, args, request))

    def _answer(self, call: Call, args: Arguments, request: web.Request) -> web.Response:
        try:
            self._chat.respond(self._passes.use_response_url(request.match_info["key"]), args)
        except SlackError as error:
            call.outcome = error.code
            return web.json_response(error.answer(), status=404 if error.code in ("expired_url", "used_url") else 400)
        call.outcome = "ok"
        return web.Response(text="ok")


async def suffer(
    fault: Fault | None,
    request: web.Request,
    call: Call,
    answer: Callable[[], web.Response],
    *,
    clock: Clock,
    faults: Faults,
) -> web.StreamResponse:
    """Carry the call out, with what the fault makes of it."""
    match fault:
        case None:
            response = answer()
        case Fault(mode="lose_request"):
            call.outcome = "lost_request"
            response = _hang_up(request)
        case Fault(mode="lose_answer"):
            answer()
            call.outcome += ", answer lost"
            response = _hang_up(request)
        case Fault(mode="hang"):
            call.outcome = "never answered"
            if fault.carried_out == "before":
                answer()
                call.outcome += ", never answered"
            await faults.cleared()
            response = _hang_up(request)
        case Fault(mode="late", carried_out="after"):
            await clock.sleep(fault.seconds)
            response = answer()
        case Fault(mode="late"):
            response = answer()
            await clock.sleep(fault.seconds)
        case _:
            response = _refuse_as_ordered(fault, call)
    return response


def _refuse_as_ordered(fault: Fault, call: Call) -> web.Response:
    if fault.mode == "status":
        call.outcome = f"status_{fault.status}"
        return web.Response(status=fault.status, text="upstream connect error")
    error = RateLimitedError(fault.seconds) if fault.mode == "ratelimit" else SlackError(fault.error)
    call.outcome = error.code
    return refusal(error, {})


def refusal(error: SlackError, headers: Mapping[str, str]) -> web.Response:
    if isinstance(error, RateLimitedError):
        return web.json_response(error.answer(), status=429, headers={**headers, "Retry-After": str(error.retry_after)})
    return web.json_response(error.answer(), headers=headers)


def _hang_up(request: web.Request) -> web.Response:
    """Drop the connection; the response is never seen."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
