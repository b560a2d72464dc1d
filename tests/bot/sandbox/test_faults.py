import asyncio
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.demo_world import REFUNDS, REVIEW
from bot.sandbox.faults import Fault, Mode
from bot.sandbox.rates import PER_MINUTE
from bot.sandbox.server import Sandbox
from tests.bot.sandbox.blockkit import actions, button
from tests.bot.sandbox.receiver import Receiver
from tests.support.clock import ManualClock

POST = "chat.postMessage"
REFUSALS: list[tuple[Mode, int]] = [("ratelimit", 429), ("status", 500)]


async def post(slack: AsyncWebClient, channel: str = REVIEW, **more: Any) -> None:
    await slack.chat_postMessage(channel=channel, text="card", **more)


def posted(sandbox: Sandbox) -> int:
    return len(sandbox.messages(REVIEW))


async def test_a_lost_answer_was_carried_out(sandbox: Sandbox, slack: AsyncWebClient) -> None:
    sandbox.faults.add(Fault(POST, "lose_answer"))
    with pytest.raises(aiohttp.ClientError):
        await post(slack)
    assert posted(sandbox) == 1
    assert sandbox.calls[-1].outcome == "ok, answer lost"
    await post(slack)
    assert posted(sandbox) == 2


async def test_a_lost_request_was_not(sandbox: Sandbox, slack: AsyncWebClient) -> None:
    sandbox.faults.add(Fault(POST, "lose_request", times=2))
    for _ in range(2):
        with pytest.raises(aiohttp.ClientError):
            await post(slack)
    assert posted(sandbox) == 0
    assert [call.outcome for call in sandbox.calls] == ["lost_request"] * 2


@pytest.mark.parametrize(("carried_out", "meanwhile"), [("before", 1), ("after", 0)])
async def test_a_late_answer_comes_by_the_clock(
    sandbox: Sandbox, slack: AsyncWebClient, clock: ManualClock, carried_out: Any, meanwhile: int
) -> None:
    sandbox.faults.add(Fault(POST, "late", seconds=20, carried_out=carried_out))
    call = asyncio.create_task(post(slack))
    await clock.advance(19)
    assert (call.done(), posted(sandbox)) == (False, meanwhile)
    await clock.advance(1)
    await call
    assert posted(sandbox) == 1


@pytest.mark.parametrize(("carried_out", "outcome"), [("before", "ok, never answered"), ("after", "never answered")])
async def test_a_hanging_call_is_cut_off_when_the_faults_are_cleared(
    sandbox: Sandbox, slack: AsyncWebClient, clock: ManualClock, carried_out: Any, outcome: str
) -> None:
    sandbox.faults.add(Fault(POST, "hang", carried_out=carried_out))
    call = asyncio.create_task(post(slack))
    await clock.run_until(lambda: bool(sandbox.calls) and sandbox.calls[-1].outcome == outcome)
    await clock.advance(86_400)
    assert not call.done()
    sandbox.faults.clear()
    with pytest.raises(aiohttp.ClientError):
        await call
    assert posted(sandbox) == (1 if carried_out == "before" else 0)


@pytest.mark.parametrize("method", sorted(PER_MINUTE))
async def test_every_method_can_be_struck(sandbox: Sandbox, slack: AsyncWebClient, method: str) -> None:
    for mode, wanted in REFUSALS:
        sandbox.faults.add(Fault(method, mode))
        with pytest.raises(SlackApiError) as caught:
            await slack.api_call(method)
        assert caught.value.response.status_code == wanted
    sandbox.faults.add(Fault(method, "lose_answer"))
    with pytest.raises(aiohttp.ClientError):
        await slack.api_call(method)
    assert "unknown_method" not in sandbox.calls[-1].outcome


async def test_an_ordered_rate_limit(sandbox: Sandbox, slack: AsyncWebClient) -> None:
    sandbox.faults.add(Fault(POST, "ratelimit", seconds=30))
    with pytest.raises(SlackApiError) as caught:
        await post(slack)
    response = caught.value.response
    assert (response.status_code, response["error"], response.headers["Retry-After"]) == (429, "ratelimited", "30")
    assert posted(sandbox) == 0


async def test_an_ordered_error(sandbox: Sandbox, slack: AsyncWebClient) -> None:
    sandbox.faults.add(Fault(POST, "error", error="fatal_error"))
    with pytest.raises(SlackApiError, match="fatal_error"):
        await post(slack)
    assert sandbox.calls[-1].outcome == "fatal_error"


async def test_an_ordered_status(sandbox: Sandbox, slack: AsyncWebClient) -> None:
    sandbox.faults.add(Fault("*", "status", status=503))
    with pytest.raises(SlackApiError) as caught:
        await slack.auth_test()
    assert caught.value.response.status_code == 503


async def test_a_fault_can_be_for_one_channel_and_until_cleared(sandbox: Sandbox, slack: AsyncWebClient) -> None:
    sandbox.faults.add(Fault(POST, "error", times=None, channel=REFUNDS))
    await post(slack)
    for _ in range(3):
        with pytest.raises(SlackApiError):
            await post(slack, REFUNDS)
    sandbox.faults.clear()
    await post(slack, REFUNDS)


async def test_a_click_sent_twice(sandbox: Sandbox, slack: AsyncWebClient, app: Receiver) -> None:
    sandbox.scopes.granted.remove("channels:history")
    await post(slack, blocks=[actions(button(action_id="approve", value="r1"))])
    ts = sandbox.messages(REVIEW)[0]["ts"]
    sandbox.faults.add(Fault("block_actions", "duplicate"))
    await sandbox.click("U0ADA", REVIEW, ts, "approve")
    first, second = app.received
    assert first.body == second.body
    await sandbox.click("U0ADA", REVIEW, ts, "approve")
    assert len(app.received) == 3


async def test_a_response_url_can_fail(sandbox: Sandbox, app: Receiver) -> None:
    await sandbox.command("U0ADA", REVIEW, "/hitl-stats")
    sandbox.faults.add(Fault("response_url", "status"))
    url = app.last["response_url"]
    async with aiohttp.ClientSession() as session, session.post(url, json={"text": "x"}) as response:
        assert response.status == 500
    assert sandbox.ephemerals("U0ADA") == []


async def test_a_fault_for_all_methods_leaves_interactions_alone(sandbox: Sandbox, app: Receiver) -> None:
    sandbox.faults.add(Fault("*", "error", times=None))
    await sandbox.command("U0ADA", REVIEW, "/hitl-stats")
    assert len(app.received) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": POST, "mode": "explode"},
        {"method": POST, "mode": "duplicate"},
        {"method": "block_actions", "mode": "late"},
        {"method": POST, "mode": "late", "seconds": -1},
        {"method": POST, "mode": "error", "times": 0},
        {"method": POST, "mode": "status", "status": 200},
        {"method": POST, "mode": "late", "carried_out": "never"},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"mode|times|out of range"):
        Fault(**wrong)
