"""Slack's door: the signature is checked on the raw body before anything reads it, then Bolt dispatches."""

import logging
from collections.abc import Mapping

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import Clock as SignatureClock
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import Clock
from bot.problem import Problem

PATH = "/slack/events"


class SlackEndpoint:
    """One URL for interactions, events and commands.

    Source of the signature: docs.slack.dev, "Verifying requests from Slack" (v0 HMAC-SHA256, at most 5 minutes old).
    """

    def __init__(self, app: AsyncApp, signing_secret: str, clock: Clock) -> None:
        self._app = app
        self._verifier = SignatureVerifier(signing_secret, clock=_SharedClock(clock))

    def routes(self) -> list[web.RouteDef]:
        return [web.post(PATH, self.receive)]

    async def receive(self, request: web.Request) -> web.Response:
        if not self._is_signed(await request.read(), request.headers):
            raise Problem("unauthorized", "The Slack signature is missing, wrong or too old.")
        bolt_request: AsyncBoltRequest = await to_bolt_request(request)
        return await to_aiohttp_response(await self._app.async_dispatch(bolt_request))

    def _is_signed(self, raw: bytes, headers: Mapping[str, str]) -> bool:
        try:
            return self._verifier.is_valid_request(raw, headers)
        except (ValueError, TypeError):  # a timestamp that is no number, a body or signature in strange characters
            return False


class _SharedClock(SignatureClock):
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock.now().timestamp()


def bolt_app(client: AsyncWebClient) -> AsyncApp:
    """Bolt as dispatcher only: verification is above, and a click needs no auth.test, so it works while Slack's API
    is slow or away."""

    async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=client.token)

    # Its warnings speak of what is meant here: an authorize function beside a token.
    quiet = logging.getLogger("slack_bolt")
    quiet.setLevel(logging.ERROR)
    # Without a name it would look through the source of everything on the stack for one, for a fifth of a second.
    return AsyncApp(name="hitl", client=client, authorize=authorize, request_verification_enabled=False, logger=quiet)
