"""What the page asks the server, and what the server pushes."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.courier import TROUBLE
from bot.sandbox.demo_world import REVIEW
from bot.sandbox.server import Sandbox
from bot.sandbox.world import Channel
from tests.bot.sandbox.blockkit import actions, button, field, home, modal, option, options, section
from tests.bot.sandbox.receiver import Receiver
from tests.support.bot import PATIENCE
from tests.support.clock import ManualClock

Json = dict[str, Any]
MENU: Json = {"type": "overflow", "action_id": "more", "options": options(2)}


class Page:
    def __init__(self, session: aiohttp.ClientSession, site: str) -> None:
        self.session = session
        self.site = site

    async def get(self, path: str, **query: str) -> Json:
        async with self.session.get(f"{self.site}/ui/{path}", params=query) as response:
            return await _checked(response)

    async def post(self, path: str, **body: Any) -> Json:
        async with self.session.post(f"{self.site}/ui/{path}", json=body) as response:
            return await _checked(response)


async def _checked(response: aiohttp.ClientResponse) -> Json:
    answer: Json = await response.json()
    refused = answer.get("ok") is False and not {"errors"} & set(answer) and answer.get("error") != TROUBLE
    assert response.status == (400 if refused else 200)
    return answer


async def frame(socket: aiohttp.ClientWebSocketResponse) -> Json:
    received: Json = await socket.receive_json(timeout=PATIENCE)
    return received


@pytest.fixture
async def page(sandbox: Sandbox) -> AsyncIterator[Page]:
    async with aiohttp.ClientSession() as session:
        yield Page(session, sandbox.url)


async def test_a_fresh_page_shows_the_first_person(page: Page) -> None:
    state = await page.get("state")
    assert (state["me"]["id"], state["bot"]["id"]) == ("U0ADA", "U0BOT")
    assert [person["real_name"] for person in state["people"]] == ["Ada", "Ben", "Chen", "Dana"]
    assert [channel["name"] for channel in state["channels"]] == ["ai-review", "refunds"]
    assert (state["views"], state["home"]) == ([], None)
    assert state["commands"] == [{"command": "/hitl-stats", "description": "Metrics of the reviews"}]
    assert {entry["type"] for entry in state["shortcuts"]} == {"message", "global"}


@pytest.mark.parametrize("name", ["U0BOT", "U0NONE", ""])
async def test_nobody_acts_as_a_bot_or_a_stranger(page: Page, name: str) -> None:
    assert (await page.get("state", **{"as": name}))["ok"] is False
    assert (await page.post("home", **{"as": name}))["ok"] is False


async def test_a_message_is_shown_to_everyone_and_a_whisper_to_one(
    sandbox: Sandbox, slack: AsyncWebClient, page: Page
) -> None:
    ada = await page.session.ws_connect(f"{page.site}/ui/ws?as=U0ADA")
    ben = await page.session.ws_connect(f"{page.site}/ui/ws?as=U0BEN")
    assert (await frame(ada)) == (await frame(ben)) == {"type": "presence", "now": sandbox.world.now().isoformat()}
    answer = await page.post("message", **{"as": "U0ADA", "channel": REVIEW, "text": "a < b"})
    shown = await frame(ada)
    assert (shown["message"]["text"], shown["message"]["username"]) == ("a &lt; b", "Ada")
    assert await frame(ben) == shown
    await slack.chat_postEphemeral(channel=REVIEW, user="U0ADA", text="psst")
    await slack.chat_postMessage(channel=REVIEW, text="note", thread_ts=answer["ts"])
    assert (await frame(ada))["message"]["ephemeral"] is True
    reply, parent = await frame(ben), await frame(ben)
    assert (reply["message"]["text"], parent["message"]["reply_count"]) == ("note", 1)
    listed = (await page.get("messages", **{"as": "U0ADA", "channel": REVIEW}))["messages"]
    assert [message["text"] for message in listed] == ["a &lt; b", "psst"]
    thread = (await page.get("messages", **{"as": "U0BEN", "channel": REVIEW, "thread": answer["ts"]}))["messages"]
    assert [message["text"] for message in thread] == ["a &lt; b", "note"]
    await ada.close()
    await ben.close()


async def test_at_most_two_hundred_messages_are_listed(sandbox: Sandbox, page: Page) -> None:
    for number in range(201):
        await sandbox.say("U0ADA", REVIEW, str(number))
    listed = (await page.get("messages", **{"as": "U0BEN", "channel": REVIEW}))["messages"]
    assert [listed[0]["text"], listed[-1]["text"], len(listed)] == ["1", "200", 200]


async def test_a_foreign_channel_is_not_readable(sandbox: Sandbox, slack: AsyncWebClient, page: Page) -> None:
    dm = (await slack.conversations_open(users="U0ADA"))["channel"]["id"]
    sandbox.world.channels["C0SHUT"] = Channel("C0SHUT", "shut", ["U0ADA"], is_private=True)
    for channel in (dm, "C0SHUT", "C0NONE"):
        assert (await page.get("messages", **{"as": "U0BEN", "channel": channel}))["ok"] is False
        sent = await page.post("message", **{"as": "U0BEN", "channel": channel, "text": "x"})
        assert sent["ok"] is False
    names = [channel["id"] for channel in (await page.get("state", **{"as": "U0BEN"}))["channels"]]
    assert not {dm, "C0SHUT"} & set(names)


async def test_an_action_and_a_modal(
    sandbox: Sandbox, slack: AsyncWebClient, page: Page, app: Receiver, clock: ManualClock
) -> None:
    sandbox.scopes.granted.remove("channels:history")
    card = [actions(button(action_id="approve", value="r1"), MENU, block_id="verdict")]
    ts = (await slack.chat_postMessage(channel=REVIEW, text="card", blocks=card))["ts"]
    where = {"as": "U0ADA", "channel": REVIEW, "ts": ts, "block_id": "verdict"}
    chosen = {"type": "overflow", "selected_option": option(1)}
    assert await page.post("action", **where, action_id="more", action=chosen) == {"ok": True}
    await clock.run_until(lambda: len(app.received) == 1)
    assert app.last["actions"][0]["selected_option"] == option(1)
    gone = await page.post("action", **where, action_id="reject", action={"type": "button"})
    assert gone == {"ok": False, "error": "no element reject to use"}

    view = modal(field(block_id="reason"), notify_on_close=True)
    opened = await slack.views_open(trigger_id=app.last["trigger_id"], view=view)
    submit = {"as": "U0ADA", "view_id": opened["view"]["id"]}
    typed = {"reason": {"text": {"type": "plain_text_input", "value": "why"}}}
    app.answer = {"response_action": "errors", "errors": {"reason": "Say more"}}
    assert await page.post("view_submit", **submit, values=typed) == {"ok": False, "errors": {"reason": "Say more"}}
    app.status = 500
    assert await page.post("view_submit", **submit, values=typed) == {"ok": False, "error": TROUBLE}
    app.status, app.answer = 200, None
    socket = await page.session.ws_connect(f"{page.site}/ui/ws?as=U0ADA")
    await frame(socket)
    assert await page.post("view_submit", **submit, values=typed) == {"ok": True}
    assert await frame(socket) == {"type": "views", "views": []}
    assert (await page.post("view_close", **submit))["ok"] is False
    await socket.close()


async def test_commands_shortcuts_and_home_reach_the_app(
    sandbox: Sandbox, slack: AsyncWebClient, page: Page, app: Receiver, clock: ManualClock
) -> None:
    await page.post("command", **{"as": "U0ADA", "channel": REVIEW, "command": "/hitl-stats", "text": "7d"})
    await page.post("shortcut", **{"as": "U0ADA", "callback_id": "review_queue"})
    await clock.run_until(lambda: len(app.received) == 2)
    assert {payload.get("command", payload.get("type")) for payload in app.payloads} == {"/hitl-stats", "shortcut"}
    await page.post("home", **{"as": "U0ADA"})
    await clock.run_until(lambda: len(app.received) == 3)
    assert app.last["event"]["type"] == "app_home_opened"
    await slack.views_publish(user_id="U0ADA", view=home(section("waiting")))
    assert (await page.get("state", **{"as": "U0ADA"}))["home"]["blocks"][0]["text"]["text"] == "waiting"


async def test_a_dead_app_is_a_toast(sandbox: Sandbox, page: Page) -> None:
    socket = await page.session.ws_connect(f"{page.site}/ui/ws?as=U0ADA")
    await frame(socket)
    await page.post("shortcut", **{"as": "U0ADA", "callback_id": "review_queue"})
    assert await frame(socket) == {"type": "toast", "text": TROUBLE, "level": "error"}
    await socket.close()


async def test_faults_are_ordered_from_the_page_too(sandbox: Sandbox, page: Page) -> None:
    await page.post("faults", op="add", method="chat.update", mode="late", seconds=5)
    [fault] = (await page.get("faults"))["faults"]
    assert (fault["method"], fault["mode"], fault["seconds"]) == ("chat.update", "late", 5)
    assert (await page.post("faults", op="add", method="chat.update", mode="explode"))["ok"] is False
    assert (await page.post("faults", op="add", colour="red"))["ok"] is False
    assert (await page.post("faults", op="forget"))["ok"] is False
    assert await page.post("faults", op="clear") == {"ok": True, "faults": []}


async def test_the_apps_lines_are_shown(sandbox: Sandbox, page: Page) -> None:
    socket = await page.session.ws_connect(f"{page.site}/ui/ws?as=U0ADA")
    await frame(socket)
    sandbox.show_app_line("refund-1 approved")
    line = {"at": sandbox.world.now().isoformat(), "text": "refund-1 approved", "level": "info"}
    assert await frame(socket) == {"type": "app", "line": line}
    assert await page.get("app") == {"receiver": [line]}
    await socket.close()


async def test_another_sites_page_can_neither_act_nor_listen(sandbox: Sandbox, page: Page) -> None:
    body = json.dumps({"as": "U0ADA", "channel": REVIEW, "text": "forged"})
    async with page.session.post(f"{page.site}/ui/message", data=body) as response:
        assert response.status == 400
    assert sandbox.messages(REVIEW) == []
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await page.session.ws_connect(f"{page.site}/ui/ws?as=U0ADA", origin="https://elsewhere.example")
    assert caught.value.status == 403


async def test_the_page_itself_is_served(page: Page) -> None:
    async with page.session.get(f"{page.site}/") as response:
        assert (response.status, response.content_type) == (200, "text/html")
    async with page.session.get(f"{page.site}/page/app.js") as response:
        assert (response.status, response.content_type.endswith("/javascript")) == (200, True)
