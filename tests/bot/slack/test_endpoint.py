"""Slack's door: what is not signed by Slack, now, is never read."""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from slack_bolt.async_app import AsyncAck
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.endpoint import PATH, SlackEndpoint, bolt_app
from bot.web.problem import problem_middleware
from tests.support.clock import ManualClock

SECRET = "a signing secret"
CLICK = {
    "type": "block_actions",
    "team": {"id": "T0HOME"},
    "user": {"id": "U0ADA", "team_id": "T0HOME"},
    "actions": [{"type": "button", "action_id": "review.approve", "block_id": "b", "value": "rev_1"}],
    "trigger_id": "1.2",
}
FORM = urlencode({"payload": json.dumps(CLICK)}).encode()

Door = TestClient[web.Request, web.Application]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def clicks() -> list[dict[str, Any]]:
    return []


@pytest.fixture
async def door(clock: ManualClock, clicks: list[dict[str, Any]]) -> AsyncIterator[Door]:
    # No Slack listens at this address: dispatching asks nothing of it.
    bolt = bolt_app(AsyncWebClient(token="xoxb-fake", base_url="http://127.0.0.1:9/api/"))

    async def approve(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        clicks.append(body)

    bolt.action("review.approve")(approve)
    app = web.Application(middlewares=[problem_middleware], client_max_size=10_000)
    app.add_routes(SlackEndpoint(bolt, SECRET, clock).routes())
    async with TestClient(TestServer(app)) as client:
        yield client


def headers(clock: ManualClock, body: bytes, *, age: float = 0, secret: str = SECRET) -> dict[str, str]:
    at = str(int(clock.now().timestamp() - age))
    signature = SignatureVerifier(secret).generate_signature(timestamp=at, body=body)
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": at,
        "X-Slack-Signature": signature or "",
    }


@pytest.mark.parametrize("age", [0, 299, -299])
async def test_what_slack_signed_is_dispatched(
    door: Door, clock: ManualClock, clicks: list[dict[str, Any]], age: float
) -> None:
    answer = await door.post(PATH, data=FORM, headers=headers(clock, FORM, age=age))
    assert answer.status == 200
    assert [click["actions"][0]["value"] for click in clicks] == ["rev_1"]


@pytest.mark.parametrize(
    "changes",
    [
        {"X-Slack-Signature": "v0=" + "0" * 64},
        {"X-Slack-Signature": ""},
        {"X-Slack-Signature": "v0=é"},
        {"X-Slack-Request-Timestamp": ""},
        {"X-Slack-Request-Timestamp": "soon"},
        {"X-Slack-Request-Timestamp": "²"},
        {"X-Slack-Request-Timestamp": "9" * 5000},
        {"X-Slack-Request-Timestamp": "0"},
        {"X-Slack-Request-Timestamp": "nan"},
    ],
)
async def test_a_wrong_signature_is_refused(
    door: Door, clock: ManualClock, clicks: list[dict[str, Any]], changes: dict[str, str]
) -> None:
    answer = await door.post(PATH, data=FORM, headers={**headers(clock, FORM), **changes})
    assert (answer.status, (await answer.json(content_type=None))["type"]) == (401, "urn:hitl:problem:unauthorized")
    assert clicks == []


@pytest.mark.parametrize("wrong", [{"age": 301}, {"age": -301}, {"secret": "another secret"}])
async def test_an_old_signature_and_a_strangers_are_refused(
    door: Door, clock: ManualClock, clicks: list[dict[str, Any]], wrong: dict[str, Any]
) -> None:
    assert (await door.post(PATH, data=FORM, headers=headers(clock, FORM, **wrong))).status == 401
    assert clicks == []


async def test_a_request_without_signature_is_refused(door: Door, clicks: list[dict[str, Any]]) -> None:
    assert (await door.post(PATH, data=FORM)).status == 401
    assert clicks == []


async def test_the_signature_covers_the_whole_body(
    door: Door, clock: ManualClock, clicks: list[dict[str, Any]]
) -> None:
    signed = headers(clock, FORM)
    for body in (FORM.replace(b"U0ADA", b"U0EVE"), FORM + b"&more=1", FORM[:-1], b"", b"\xff\xfe"):
        assert (await door.post(PATH, data=body, headers=signed)).status == 401
    assert clicks == []


async def test_a_body_that_no_slack_sends_is_refused(door: Door, clock: ManualClock) -> None:
    body = b"x" * 20_000
    assert (await door.post(PATH, data=body, headers=headers(clock, body))).status == 413


async def test_a_new_request_url_is_verified(door: Door, clock: ManualClock) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "abc", "token": "t"}).encode()
    signed = {**headers(clock, body), "Content-Type": "application/json"}
    answer = await door.post(PATH, data=body, headers=signed)
    assert (answer.status, await answer.json()) == (200, {"challenge": "abc"})
    unsigned = await door.post(PATH, data=body, headers={"Content-Type": "application/json"})
    assert unsigned.status == 401
