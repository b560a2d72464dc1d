"""The real slack_bolt and slack_sdk against the sandbox, over loopback and on the machine's clock."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import SystemClock
from bot.sandbox.server import Sandbox
from tests.support.bot import PATIENCE
from tests.support.clock import ManualClock
from tests.support.slack_entries import ENTRIES

Json = dict[str, Any]
CARD: list[Json] = [
    {"type": "section", "block_id": "what", "text": {"type": "mrkdwn", "text": "Refund 120?"}},
    {
        "type": "actions",
        "block_id": "verdict",
        "elements": [
            {"type": "button", "action_id": "reject", "value": "r1", "text": {"type": "plain_text", "text": "Reject"}}
        ],
    },
]
MODAL: Json = {
    "type": "modal",
    "callback_id": "reject",
    "private_metadata": "r1",
    "title": {"type": "plain_text", "text": "Reject"},
    "submit": {"type": "plain_text", "text": "Reject"},
    "blocks": [
        {
            "type": "input",
            "block_id": "reason",
            "label": {"type": "plain_text", "text": "Why?"},
            "element": {"type": "plain_text_input", "action_id": "text", "multiline": True},
        }
    ],
}


@pytest.fixture
async def live() -> AsyncIterator[Sandbox]:
    sandbox = Sandbox(SystemClock(), entries=ENTRIES, ack_seconds=PATIENCE)
    await sandbox.start()
    yield sandbox
    await sandbox.stop()


async def _serve(sandbox: Sandbox, bolt: AsyncApp) -> web.AppRunner:
    runner = web.AppRunner(bolt.web_app("/slack/events"), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sandbox.connect(f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events")
    return runner


async def test_a_card_is_rejected_through_a_modal(live: Sandbox) -> None:
    client = AsyncWebClient(live.bot_token, base_url=live.api_url)
    bolt = AsyncApp(client=client, signing_secret=live.signing_secret)
    heard: asyncio.Queue[str] = asyncio.Queue()
    opened, done = asyncio.Event(), asyncio.Event()

    @bolt.action("reject")
    async def ask(ack: Any, body: Json, client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=MODAL)
        opened.set()

    @bolt.view("reject")
    async def reject(ack: Any, view: Json, body: Json, client: AsyncWebClient) -> None:
        await ack()
        reason = view["state"]["values"]["reason"]["text"]["value"]
        await client.chat_update(channel="C0REVIEW", ts=ts, text=f"<@{body['user']['id']}> rejected: {reason}")
        done.set()

    @bolt.event("message")
    async def note(event: Json) -> None:
        heard.put_nowait(event["text"])

    @bolt.command("/hitl-stats")
    async def stats(ack: Any) -> None:
        await ack("nothing yet")

    runner = await _serve(live, bolt)
    try:
        assert await live.verify_url()
        posted = await client.chat_postMessage(channel="C0REVIEW", text="Refund 120?", blocks=CARD)
        ts = str(posted["ts"])

        assert (await live.click("U0ADA", "C0REVIEW", ts, "reject")).ok
        await asyncio.wait_for(opened.wait(), PATIENCE)
        assert (await live.submit_view("U0ADA", live.views("U0ADA")[0]["id"], {"reason": "too much"})).ok
        await asyncio.wait_for(done.wait(), PATIENCE)
        assert live.views("U0ADA") == []
        [card] = live.messages("C0REVIEW")
        assert card["text"] == "<@U0ADA> rejected: too much"
        assert "blocks" not in card

        said = await live.say("U0BEN", "C0REVIEW", "why < 120?", thread_ts=ts)
        assert said.ack is not None
        assert said.ack.status == 200
        assert await asyncio.wait_for(heard.get(), PATIENCE) == "why &lt; 120?"

        assert (await live.command("U0BEN", "C0REVIEW", "/hitl-stats")).ok
        assert [message["text"] for message in live.ephemerals("U0BEN")] == ["nothing yet"]
    finally:
        await runner.cleanup()


async def test_a_wrong_signature_is_refused_by_bolt(live: Sandbox) -> None:
    client = AsyncWebClient(live.bot_token, base_url=live.api_url)
    runner = await _serve(live, AsyncApp(client=client, signing_secret="another"))
    try:
        posted = await client.chat_postMessage(channel="C0REVIEW", text="Refund 120?", blocks=CARD)
        ack = await live.click("U0ADA", "C0REVIEW", str(posted["ts"]), "reject")
        assert (ack.status, ack.error) == (401, "We had some trouble connecting. Try again?")
    finally:
        await runner.cleanup()


async def test_a_picture_is_uploaded_to_a_direct_conversation(
    sandbox: Sandbox, slack: AsyncWebClient, clock: ManualClock
) -> None:
    dm = await slack.conversations_open(users="U0ADA")
    channel = dm["channel"]["id"]
    answer = await slack.files_upload_v2(filename="chart.png", content=b"\x89PNG...", channel=channel, title="Chart")
    file_id = answer["file"]["id"]
    assert sandbox.messages(channel)[0]["files"][0]["id"] == file_id
    assert (await slack.files_info(file=file_id))["file"]["mimetype"] == ""
    await clock.advance(1.05)
    assert (await slack.files_info(file=file_id))["file"]["mimetype"] == "image/png"
