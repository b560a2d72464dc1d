"""The demo's app against a stand-in for the bot that speaks HTTP over loopback."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from standardwebhooks import Webhook

from bot.demo.app import DemoApp, RefusedError
from bot.demo.stream import DemoDecision
from bot.demo.summary import Callbacks, Fate
from tests.support.bot import PATIENCE

SECRET = "whsec_" + "c2VjcmV0IG9mIHRoZSBkZW1vIGFwcCAwMQ=="
TICKET = DemoDecision(
    {"id": "ticket-1", "task_type": "ticket_classification", "input": "Where is my lamp?", "output": "other"},
    "late",
    False,
)


def pending(name: str) -> dict[str, Any]:
    return {"id": name, "status": "pending", "route": "QUEUE", "disposition": "wait", "risk": "low", "outcome": None}


def approved(name: str) -> dict[str, Any]:
    outcome = {"result": "approved", "output": "other", "decided_by": ["U0ADA"]}
    return pending(name) | {"status": "resolved", "disposition": "execute", "outcome": outcome}


def resolved_event(name: str) -> bytes:
    return json.dumps(
        {"type": "decision.resolved", "timestamp": "2026-11-20T10:00:00Z", "data": approved(name)}
    ).encode()


def signed(body: bytes, *, event: str = "msg_1", at: datetime | None = None, secret: str = SECRET) -> dict[str, str]:
    at = at or datetime.now(UTC)
    signature = Webhook(secret).sign(event, at, body.decode())
    return {"webhook-id": event, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}


@dataclass
class FakeBot:
    """Keeps what was posted. With `overtake` it calls back before it answers the POST."""

    bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)
    overtake: bool = False
    fetched: dict[str, Any] = field(default_factory=lambda: pending("ticket-1"))

    async def post(self, request: web.Request) -> web.Response:
        body = await request.json()
        if body["task_type"] == "unheard_of":
            return web.json_response({"title": "Not taken", "status": 422, "detail": "task_type"}, status=422)
        self.bodies.append(body)
        self.keys.append(request.headers["Authorization"])
        if self.overtake:
            await call_back(body["callback_url"], resolved_event(body["id"]))
        return web.json_response(pending(body["id"]), status=201)

    async def get(self, request: web.Request) -> web.Response:
        self.waits.append(request.query["wait"])
        return web.json_response(self.fetched)


async def call_back(url: str, body: bytes, headers: dict[str, str] | None = None) -> int:
    """Deliver an event; the status that the app answers."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=body, headers=headers or signed(body)) as answer,
    ):
        return answer.status


@dataclass
class World:
    app: DemoApp
    bot: FakeBot
    said: list[str]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    bot, said = FakeBot(), list[str]()
    server = web.Application()
    server.router.add_post("/v1/decisions", bot.post)
    server.router.add_get("/v1/decisions/ticket-1", bot.get)
    runner = web.AppRunner(server, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    app = DemoApp(key="hitl_demo", webhook_secret=SECRET, say=said.append)
    await app.start()
    await app.connect(f"http://127.0.0.1:{runner.addresses[0][1]}")
    yield World(app, bot, said)
    await app.stop()
    await runner.cleanup()


async def test_a_decision_is_posted_with_the_key_and_the_callback_url(world: World) -> None:
    assert await world.app.submit(TICKET) == pending("ticket-1")
    assert world.bot.bodies == [TICKET.request | {"callback_url": world.app.callback_url}]
    assert world.bot.keys == ["Bearer hitl_demo"]
    assert world.said == ["ticket-1: QUEUE, wait (low, confidence unknown)"]
    assert world.app.waiting() == ["ticket-1"]


async def test_a_refused_decision_raises_with_the_problem(world: World) -> None:
    odd = DemoDecision(TICKET.request | {"task_type": "unheard_of"}, None, False)
    with pytest.raises(RefusedError, match="the bot answered 422: task_type") as caught:
        await world.app.submit(odd)
    assert (caught.value.status, caught.value.problem["title"]) == (422, "Not taken")
    assert world.app.waiting() == []


async def test_a_genuine_callback_ends_the_wait(world: World) -> None:
    await world.app.submit(TICKET)
    through = asyncio.create_task(world.app.all_through())
    await asyncio.sleep(0)
    assert not through.done()
    assert await call_back(world.app.callback_url, resolved_event("ticket-1")) == 204
    await asyncio.wait_for(through, timeout=PATIENCE)
    assert world.said[-1] == "callback verified: decision.resolved ticket-1, approved by U0ADA"
    assert world.app.tally().fates == {Fate.OVERLOOKED: 1}
    assert world.app.tally().callbacks == Callbacks(verified=1, repeated=0, refused=0)


async def test_a_repeated_callback_is_acknowledged_and_counted_once(world: World) -> None:
    await world.app.submit(TICKET)
    body = resolved_event("ticket-1")
    assert [await call_back(world.app.callback_url, body) for _ in range(3)] == [204, 204, 204]
    assert world.app.tally().callbacks == Callbacks(verified=1, repeated=2, refused=0)


BODY = resolved_event("ticket-1")
OLD = datetime.now(UTC) - timedelta(hours=1)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (BODY, signed(BODY, secret="whsec_" + "YW5vdGhlciBzZWNyZXQgYWx0b2dldGhlcg==")),
        (BODY.replace(b"approved", b"rejected"), signed(BODY)),
        (BODY, signed(BODY) | {"webhook-id": "msg_2"}),
        (BODY, signed(BODY, at=OLD)),
        (BODY, {"webhook-id": "msg_1"}),
        (BODY, signed(BODY) | {"webhook-signature": "nonsense"}),
        (BODY, signed(BODY) | {"webhook-signature": "v1,%%%"}),
        (b"\xff\xfe", signed(BODY)),
    ],
    ids=["other secret", "changed body", "changed id", "old", "unsigned", "no version", "no base64", "no text"],
)
async def test_a_callback_that_is_not_the_bots_is_refused(world: World, body: bytes, headers: dict[str, str]) -> None:
    await world.app.submit(TICKET)
    assert await call_back(world.app.callback_url, body, headers) == 401
    assert world.app.waiting() == ["ticket-1"]
    assert world.said[-1] == "callback refused: its signature is not the bot's"
    assert world.app.tally().callbacks == Callbacks(verified=0, repeated=0, refused=1)


async def test_a_callback_that_overtakes_the_answer_is_the_later_word(world: World) -> None:
    world.bot.overtake = True
    await world.app.submit(TICKET)
    await asyncio.wait_for(world.app.all_through(), timeout=PATIENCE)
    assert world.app.tally().verdicts.total() == 1


async def test_asking_waits_at_the_bot_and_an_old_answer_changes_nothing(world: World) -> None:
    await world.app.submit(TICKET)
    world.bot.fetched = approved("ticket-1")
    assert await world.app.fetch("ticket-1", wait=30) == approved("ticket-1")
    world.bot.fetched = pending("ticket-1")
    await world.app.fetch("ticket-1")
    assert world.bot.waits == ["30", "0"]
    assert world.app.waiting() == []


async def test_the_app_can_stop_before_it_was_connected() -> None:
    app = DemoApp(key="hitl_demo", webhook_secret=SECRET, say=lambda _: None)
    await app.start()
    await app.stop()
    with pytest.raises(aiohttp.ClientConnectorError):
        await call_back(app.callback_url, BODY)
