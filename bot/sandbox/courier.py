"""Carries signed requests to the app and watches the seconds it has for its answer."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp
from slack_sdk.signature import SignatureVerifier

from bot.clock import Clock
from bot.sandbox.faults import Faults
from bot.sandbox.socket_mode import NoConnectionError, SocketMode

TROUBLE = "We had some trouble connecting. Try again?"


@dataclass
class Ack:
    """How the app answered.

    `status` is the HTTP status, None if no answer came in time; `latency` is in seconds of the sandbox clock;
    `response` is the parsed JSON or the text. `error` is what Slack shows the person if it went wrong, `errors` what
    it shows beside the inputs of a modal, by block id. `failure` is Slack's retry reason.
    """

    status: int | None
    latency: float
    response: Any = None
    error: str | None = None
    errors: dict[str, str] = field(default_factory=dict)
    failure: str | None = None
    no_retry: bool = False

    @property
    def ok(self) -> bool:
        return self.error is None and not self.errors


@dataclass(frozen=True)
class Parcel:
    """What is to be carried, for either way: as a signed request, or down the app's WebSocket."""

    kind: str
    payload: Any
    body: bytes
    headers: Mapping[str, str]

    @property
    def envelope_type(self) -> str:
        return {"command": "slash_commands", "event": "events_api"}.get(self.kind, "interactive")

    @property
    def retries(self) -> dict[str, Any]:
        number = self.headers.get("X-Slack-Retry-Num")
        if number is None:
            return {"retry_attempt": 0, "retry_reason": ""} if self.kind == "event" else {}
        return {"retry_attempt": int(number), "retry_reason": self.headers["X-Slack-Retry-Reason"]}


class Courier:
    """`url` is the app's request URL for everything; None until the app is there. An open WebSocket goes first."""

    def __init__(
        self, clock: Clock, faults: Faults, signing_secret: str, socket: SocketMode, ack_seconds: float
    ) -> None:
        self._socket, self._ack_seconds = socket, ack_seconds
        self.url: str | None = None
        self._clock = clock
        self._faults = faults
        self._signer = SignatureVerifier(signing_secret)
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        # The clock decides how long we wait, not aiohttp.
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))

    async def stop(self) -> None:
        if self._session is not None:
            await self._session.close()

    @property
    def has_app(self) -> bool:
        """Whether there is an app to carry anything to, be it that its socket is broken for the moment."""
        return self.url is not None or self._socket.was_connected

    async def until_retry(self, seconds: float) -> None:
        """Return after `seconds`, or as soon as an app whose socket broke is back."""
        waits = [asyncio.ensure_future(self._clock.sleep(seconds))]
        if self.url is None and not self._socket.connected:
            waits.append(asyncio.ensure_future(self._socket.arrival()))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def send_form(self, kind: str, fields: Mapping[str, str]) -> Ack:
        payload = json.loads(fields["payload"]) if "payload" in fields else dict(fields)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self._send(Parcel(kind, payload, urlencode(fields).encode(), headers))

    async def send_json(self, kind: str, payload: Any, headers: Mapping[str, str]) -> Ack:
        body = json.dumps(payload).encode()
        return await self._send(Parcel(kind, payload, body, {"Content-Type": "application/json", **headers}))

    async def _send(self, parcel: "Parcel") -> Ack:
        if self._faults.take(parcel.kind) is None:
            return await self._deliver(parcel)
        first, _ = await asyncio.gather(self._deliver(parcel), self._deliver(parcel))
        return first

    async def _deliver(self, parcel: "Parcel") -> Ack:
        """Like Slack: hang up when the app took too long."""
        if self._socket.connected:
            carried = self._push(parcel)
        elif self.url is not None:
            carried = self._post(self.url, parcel.body, parcel.headers)
        else:
            return Ack(None, 0.0, error=TROUBLE, failure="connection_failed")
        began = self._clock.now()
        answer = asyncio.ensure_future(carried)
        deadline = asyncio.ensure_future(self._clock.sleep(self._ack_seconds))
        try:
            await asyncio.wait({answer, deadline}, return_when=asyncio.FIRST_COMPLETED)
            ack = answer.result() if answer.done() else Ack(None, 0.0, error=TROUBLE, failure="http_timeout")
        finally:
            answer.cancel()
            deadline.cancel()
        ack.latency = (self._clock.now() - began).total_seconds()
        return ack

    async def _push(self, parcel: "Parcel") -> Ack:
        try:
            return Ack(200, 0.0, await self._socket.send(parcel.envelope_type, parcel.payload, parcel.retries))
        except NoConnectionError:
            return Ack(None, 0.0, error=TROUBLE, failure="connection_failed")

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Ack:
        assert self._session is not None, "the sandbox is not started"  # noqa: S101  a programming error, not input
        try:
            async with self._session.post(url, data=body, headers={**headers, **self._signature(body)}) as response:
                content = await response.read()
                no_retry = response.headers.get("x-slack-no-retry") == "1"
                if not response.ok:
                    return Ack(response.status, 0.0, error=TROUBLE, failure="http_error", no_retry=no_retry)
                return Ack(response.status, 0.0, _parsed(content))
        except aiohttp.ClientError:
            return Ack(None, 0.0, error=TROUBLE, failure="connection_failed")

    def _signature(self, body: bytes) -> dict[str, str]:
        timestamp = str(int(self._clock.now().timestamp()))
        signature = self._signer.generate_signature(timestamp=timestamp, body=body)
        return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": signature or ""}


def _parsed(content: bytes) -> Any:
    text = content.decode("utf-8", "replace")
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text
