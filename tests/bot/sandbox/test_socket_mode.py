"""Socket Mode brings the app what HTTP brings it, and what a broken connection makes of that."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.courier import TROUBLE
from bot.sandbox.demo_world import REVIEW
from bot.sandbox.server import Sandbox
from tests.bot.sandbox.blockkit import actions, button, field, home, modal
from tests.bot.sandbox.receiver import Receiver
from tests.bot.sandbox.socket_app import SocketApp
from tests.support.clock import ManualClock

Json = dict[str, Any]
CARD = [actions(button(action_id="approve", value="r1"), block_id="verdict")]
REASON = field(block_id="reason")

DAY = [
    "thread_broadcast",
    "message_changed",
    "message_deleted",
    "app_home_opened",
    "block_actions",
    "shortcut",
    "message_action",
    "/hitl-stats",
    "block_actions",
    "block_actions",
    "view_submission",
    "view_closed",
]


@pytest.fixture
async def socket_app(sandbox: Sandbox) -> AsyncIterator[SocketApp]:
    app = SocketApp(sandbox.api_url)
    await app.open()
    yield app
    await app.close()


async def live_a_day(sandbox: Sandbox, slack: AsyncWebClient, app: Receiver | SocketApp) -> list[Json]:
    """Everything a person can do once; what the app hears of each."""
    heard: list[Json] = []

    async def after(doing: Any) -> Any:
        done = await doing
        heard.append(app.last)
        return done

    ts = (await sandbox.say("U0ADA", REVIEW, "look")).ts
    posted = await slack.chat_postMessage(channel=REVIEW, text="card", blocks=CARD)
    while len(app.payloads) < 2:  # the event about the card comes in the background
        await asyncio.sleep(0.001)
    reply = await after(sandbox.reply("U0ADA", REVIEW, ts, "hm", broadcast=True))
    await after(sandbox.edit_message("U0ADA", REVIEW, reply.ts, "approve"))
    await after(sandbox.delete_message("U0ADA", REVIEW, reply.ts))
    await after(sandbox.open_home("U0ADA"))
    await slack.views_publish(user_id="U0ADA", view=home(*CARD))
    await after(sandbox.click_in_home("U0ADA", "approve"))
    await after(sandbox.shortcut("U0ADA", "review_queue"))
    await after(sandbox.message_shortcut("U0ADA", "send_for_review", REVIEW, ts))
    await after(sandbox.command("U0ADA", REVIEW, "/hitl-stats"))
    await after(sandbox.click("U0ADA", REVIEW, str(posted["ts"]), "approve"))
    view = modal(REASON, *CARD, notify_on_close=True)
    opened = await slack.views_open(trigger_id=app.last["trigger_id"], view=view)
    await after(sandbox.click_in_view("U0ADA", opened["view"]["id"], "approve"))
    app.answer = {"response_action": "update", "view": view}
    await after(sandbox.submit_view("U0ADA", opened["view"]["id"], {"reason": "x"}))
    app.answer = None
    await after(sandbox.close_view("U0ADA", opened["view"]["id"]))
    return heard


def kind(payload: Json) -> str:
    event = payload.get("event", {})
    return str(event.get("subtype") or event.get("type") or payload.get("type") or payload["command"])


async def test_requests_bring_a_day(sandbox: Sandbox, slack: AsyncWebClient, app: Receiver) -> None:
    assert [kind(payload) for payload in await live_a_day(sandbox, slack, app)] == DAY
    assert sandbox.views("U0ADA") == []


async def test_a_socket_brings_the_same_day(sandbox: Sandbox, slack: AsyncWebClient, socket_app: SocketApp) -> None:
    assert [kind(payload) for payload in await live_a_day(sandbox, slack, socket_app)] == DAY
    assert sandbox.views("U0ADA") == []
    types = {kind(envelope["payload"]): envelope["type"] for envelope in socket_app.envelopes}
    assert {types["shortcut"], types["view_closed"]} == {"interactive"}
    assert (types["/hitl-stats"], types["app_home_opened"]) == ("slash_commands", "events_api")


async def test_an_event_lost_with_its_connection_comes_on_the_next(
    sandbox: Sandbox, socket_app: SocketApp, clock: ManualClock
) -> None:
    socket_app.silent = True
    said = asyncio.create_task(sandbox.say("U0ADA", REVIEW, "approve"))
    await clock.run_until(lambda: bool(socket_app.envelopes))
    sandbox.drop_sockets()
    ack = (await said).ack
    assert ack is not None
    assert (ack.failure, sandbox.socket.connected) == ("connection_failed", False)
    began = clock.now()
    socket_app.silent = False
    await socket_app.open()
    while len(socket_app.envelopes) < 2:
        await asyncio.sleep(0.001)
    first, again = socket_app.envelopes
    assert clock.now() == began
    assert (first["retry_attempt"], first["retry_reason"]) == (0, "")
    assert (again["payload"], again["retry_reason"]) == (first["payload"], "connection_failed")
    assert again["envelope_id"] != first["envelope_id"]


async def test_what_is_said_while_the_app_is_away_is_told_when_it_is_back(
    sandbox: Sandbox, socket_app: SocketApp
) -> None:
    sandbox.drop_sockets()
    await sandbox.say("U0ADA", REVIEW, "approve")
    await socket_app.open()
    while not socket_app.envelopes:
        await asyncio.sleep(0.001)
    assert socket_app.last["event"]["text"] == "approve"


async def test_a_click_lost_with_its_connection_is_trouble(
    sandbox: Sandbox, socket_app: SocketApp, clock: ManualClock
) -> None:
    socket_app.silent = True
    with sandbox.world.feed.watch("U0ADA") as screen:
        click = asyncio.create_task(sandbox.shortcut("U0ADA", "review_queue"))
        await clock.run_until(lambda: bool(socket_app.envelopes))
        sandbox.drop_sockets()
        ack = await click
        assert (ack.error, ack.failure) == (TROUBLE, "connection_failed")
        assert screen.get_nowait() == {"type": "toast", "text": TROUBLE, "level": "error"}
    await socket_app.open()
    await clock.advance(600)
    assert len(socket_app.envelopes) == 1


async def test_a_warning_leaves_the_connection_until_the_next_one_stands(
    sandbox: Sandbox, socket_app: SocketApp
) -> None:
    await sandbox.disconnect_sockets("warning")
    assert (await sandbox.shortcut("U0ADA", "review_queue")).ok
    await socket_app.open()
    assert (await sandbox.shortcut("U0ADA", "review_queue")).ok
    assert (len(socket_app.envelopes), socket_app.goodbyes) == (2, ["warning"])


async def test_a_refresh_closes_every_connection(sandbox: Sandbox, socket_app: SocketApp) -> None:
    await socket_app.open()
    await sandbox.disconnect_sockets()
    while socket_app.goodbyes != ["refresh_requested"] * 2:
        await asyncio.sleep(0.001)
    assert not sandbox.socket.connected
    await socket_app.open()
    assert (await sandbox.shortcut("U0ADA", "review_queue")).ok
