"""One attempt at a real receiver on this machine, and the signature it can check."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port
from standardwebhooks import Webhook, WebhookVerificationError

from bot.delivery.webhook import Delivered, Failed, Gone, deliver, sign
from bot.egress import AllowList, Answer, Egress
from bot.secretbox import new_webhook_secret

BODY = '{"type": "decision.resolved", "data": {"reason": "zu hoch — 100 €"}}'.encode()

Receive = Callable[[web.Request], web.StreamResponse]
RECEIVE = web.AppKey("receive", list[Receive])


class Receiver:
    """Answers as the test last said."""

    def __init__(self, server: TestServer, egress: Egress) -> None:
        self._server, self._egress = server, egress

    def answers(self, status: int, **headers: str) -> None:
        plain = {name.replace("_", "-"): value for name, value in headers.items()}
        self.does(lambda _: web.Response(status=status, headers=plain))

    def does(self, receive: Receive) -> None:
        self._server.app[RECEIVE][:] = [receive]

    async def gets(self, **headers: str) -> Delivered | Gone | Failed:
        return await deliver(self._egress, str(self._server.make_url("/hook?key=hunter2")), headers, BODY)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async def receive(request: web.Request) -> web.StreamResponse:
        assert await request.read() == BODY
        return request.app[RECEIVE][0](request)

    app = web.Application()
    app[RECEIVE] = []
    app.router.add_route("*", "/hook", receive)
    server = TestServer(app)
    async with server:
        egress = Egress(AllowList.parse(str(server.make_url("/"))))
        yield Receiver(server, egress)
        await egress.close()


def test_the_receiver_can_verify_with_the_new_secret_and_with_the_former_one() -> None:
    current, former = new_webhook_secret(), new_webhook_secret()
    now = datetime.now(UTC)
    headers = sign([current, former], "evt_1", now.astimezone(timezone(timedelta(hours=9))), BODY)
    assert headers["webhook-id"] == "evt_1"
    assert headers["webhook-timestamp"] == str(int(now.timestamp()))
    assert headers["webhook-signature"].count("v1,") == 2
    for secret in (current, former):
        assert Webhook(secret).verify(BODY, headers)["type"] == "decision.resolved"


def test_a_signature_holds_for_this_body_id_and_secret_only() -> None:
    secret = new_webhook_secret()
    headers = sign([secret], "evt_1", datetime.now(UTC), BODY)
    forgeries = [
        (secret, BODY + b" ", headers),
        (secret, BODY, {**headers, "webhook-id": "evt_2"}),
        (new_webhook_secret(), BODY, headers),
    ]
    for key, body, sent in forgeries:
        with pytest.raises(WebhookVerificationError):
            Webhook(key).verify(body, sent)


def test_the_signature_is_the_standards_own_example() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = sign([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}')
    assert headers == {
        "content-type": "application/json",
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_2xx_acknowledges(receiver: Receiver, status: int) -> None:
    receiver.answers(status)
    assert await receiver.gets() == Delivered()


async def test_the_headers_reach_the_receiver(receiver: Receiver) -> None:
    receiver.does(lambda request: web.Response(status=200 if request.headers["webhook-id"] == "evt_1" else 400))
    assert await receiver.gets(**{"webhook-id": "evt_1"}) == Delivered()


async def test_410_says_that_the_receiver_is_gone(receiver: Receiver) -> None:
    receiver.answers(410)
    assert await receiver.gets() == Gone()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_a_failure(receiver: Receiver, status: int) -> None:
    receiver.answers(status, Location="/hook")
    assert await receiver.gets() == Failed(f"HTTP {status}: redirects are not followed")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry_After": "120"}, 120.0),
        ({"Retry_After": "9" * 400}, float("inf")),
        ({"Retry_After": "-5"}, None),
        ({"Retry_After": "soon"}, None),
        ({"Retry_After": "Fri, 20 Nov 2026 10:01:30 GMT", "Date": "Fri, 20 Nov 2026 10:00:00 GMT"}, 90.0),
        ({"Retry_After": "Fri, 20 Nov 2026 09:00:00 GMT", "Date": "Fri, 20 Nov 2026 10:00:00 GMT"}, 0.0),
        ({"Retry_After": "Fri, 20 Nov 2026 09:00:00 GMT", "Date": "today"}, None),
        ({"Retry_After": "Fri, 20 Nov 2026 09:00:00", "Date": "Fri, 20 Nov 2026 10:00:00 GMT"}, None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_a_refusal_is_a_failure_that_may_name_a_wait(
    receiver: Receiver, status: int, headers: dict[str, str], seconds: float | None
) -> None:
    receiver.answers(status, **headers)
    assert await receiver.gets() == Failed(f"HTTP {status}", seconds)


async def test_an_acknowledgement_whose_body_breaks_off_still_counts(receiver: Receiver) -> None:
    def break_off(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf of it")
        request.transport.close()
        return web.Response()

    receiver.does(break_off)
    assert await receiver.gets() == Delivered()


async def test_a_connection_cut_before_the_answer_is_a_failure(receiver: Receiver) -> None:
    def hang_up(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    receiver.does(hang_up)
    result = await receiver.gets()
    assert isinstance(result, Failed)
    assert "hunter2" not in result.reason


async def attempt(url: str, allow: str) -> Delivered | Gone | Failed:
    egress = Egress(AllowList.parse(allow))
    try:
        return await deliver(egress, url, {}, BODY)
    finally:
        await egress.close()


async def test_a_closed_port_is_told_as_such() -> None:
    origin = f"http://127.0.0.1:{unused_port()}"
    assert await attempt(f"{origin}/?key=hunter2", origin) == Failed("no connection: Connection refused")


async def test_a_receiver_off_limits_is_told_as_such() -> None:
    result = await attempt("http://127.0.0.1:9/?key=hunter2", "")
    assert result == Failed("refused: a receiver over plain http is reached only when HITL_CALLBACK_ALLOW lists it")


async def talk_to(answer: bytes, scheme: str) -> Delivered | Gone | Failed:
    """What comes of a server that says these bytes and hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        origin = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        return await attempt(origin, origin)


async def test_a_port_without_tls_is_told_as_such() -> None:
    result = await talk_to(b"HTTP/1.1 200 OK\r\n\r\n", "https")
    assert isinstance(result, Failed)
    assert result.reason.startswith("TLS failed")


async def test_an_answer_that_is_not_http_is_a_failure() -> None:
    assert await talk_to(b"220 mail.example ESMTP\r\n", "http") == Failed("no HTTP answer (ClientResponseError)")


class SilentEgress(Egress):
    """Stands for a receiver that lets the time run out."""

    async def post(self, *_: object) -> Answer:
        raise TimeoutError


async def test_a_silent_receiver_is_given_up() -> None:
    egress = SilentEgress(AllowList())
    try:
        assert await deliver(egress, "https://app.example/", {}, BODY) == Failed("no answer within 15 seconds")
    finally:
        await egress.close()
