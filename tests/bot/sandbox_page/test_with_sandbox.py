"""The page and the real sandbox understand each other: a person's way from a card through a modal to the app."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession, web
from playwright.async_api import Browser, expect

from bot.clock import SystemClock
from bot.sandbox.server import BOT_TOKEN, Sandbox
from tests.bot.sandbox_page import canned
from tests.support.bot import PATIENCE
from tests.support.browser import PHONE
from tests.support.slack_entries import ENTRIES

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Json = dict[str, Any]


def item(number: int) -> Json:
    """One step of a walk over many items."""
    answer = canned.text_input(f"answer-{number}", f"Answer {number}")
    titles = {"title": canned.plain("Review"), "submit": canned.plain("Next")}
    return {"type": "modal", "callback_id": "walk", **titles, "blocks": [answer]}


class SmallApp:
    """Posts one card; Edit opens a modal, and what is submitted is kept, except a refund over the cap.

    The global shortcut opens a walk: every item that is submitted makes place for the next.
    """

    def __init__(self, sandbox: Sandbox, session: ClientSession) -> None:
        self._sandbox = sandbox
        self._session = session
        self.commands: list[str] = []
        self.submitted: list[str] = []
        self.walked = 0

    async def call(self, method: str, **arguments: Any) -> None:
        headers = {"Authorization": f"Bearer {BOT_TOKEN}"}
        async with self._session.post(f"{self._sandbox.api_url}{method}", json=arguments, headers=headers) as answer:
            assert (await answer.json())["ok"] is True

    async def handle(self, request: web.Request) -> web.Response:
        if request.content_type == "application/json":
            return web.Response()
        form = {name: str(value) for name, value in (await request.post()).items()}
        if "payload" not in form:
            self.commands.append(f"{form['command']} {form['text']}")
            return web.json_response({"response_type": "ephemeral", "text": "*22 %* went to people"})
        return await self._interact(json.loads(form["payload"]))

    async def _interact(self, payload: Json) -> web.Response:
        if payload["type"] == "shortcut":
            await self.call("views.open", trigger_id=payload["trigger_id"], view=item(0))
        elif payload["type"] == "view_submission" and payload["view"]["callback_id"] == "walk":
            self.walked += 1
            return web.json_response({"response_action": "update", "view": item(self.walked)})
        elif payload["type"] == "block_actions":
            view = {name: canned.edit_view()[name] for name in ("type", "title", "submit", "close", "blocks")}
            await self.call("views.open", trigger_id=payload["trigger_id"], view=view)
        elif payload["type"] == "view_submission":
            answer = payload["view"]["state"]["values"]["answer"]["value"]["value"]
            if answer == "Refund 9000":
                return web.json_response({"response_action": "errors", "errors": {"answer": "Over the cap"}})
            self.submitted.append(answer)
        return web.Response()


@asynccontextmanager
async def small_app() -> AsyncIterator[tuple[Sandbox, SmallApp]]:
    sandbox = Sandbox(SystemClock(), entries=ENTRIES, ack_seconds=PATIENCE)
    await sandbox.start()
    async with ClientSession() as session:
        app = SmallApp(sandbox, session)
        site = web.Application()
        site.router.add_post("/slack/events", app.handle)
        runner = web.AppRunner(site)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        sandbox.connect(f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events")
        try:
            yield sandbox, app
        finally:
            await runner.cleanup()
            await sandbox.stop()


async def test_from_card_to_app(browser: Browser) -> None:
    async with small_app() as (sandbox, app):
        await app.call("chat.postMessage", channel=canned.REVIEW, text="Refund of 120", blocks=canned.card_blocks())
        page = await browser.new_page()
        await page.goto(sandbox.url)
        await page.locator("[data-action-id=edit]").click()
        await page.get_by_label("Answer").fill("Refund 9000")
        await page.get_by_label("Category").select_option("policy")
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator("[data-block-id=answer] .b-error")).to_have_text("Over the cap")
        await page.get_by_label("Answer").fill("Refund 100")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await page.get_by_role("textbox", name="Message #ai-review").fill("/hitl-stats refund 7d")
        await page.keyboard.press("Enter")
        await expect(page.locator(".ephemeral")).to_contain_text("22 % went to people")
        await page.locator("[data-action-id=edit]").hover()
        await page.get_by_role("button", name="Reply in thread").click()
        await page.get_by_label("Reply…").fill("approve & close")
        await page.keyboard.press("Enter")
        await expect(page.locator('[data-pane="thread"] [data-ts]')).to_have_count(2)
        await expect(page.get_by_role("button", name="1 reply")).to_be_visible()
        (card,) = sandbox.messages(canned.REVIEW)
        thread = {"channel": canned.REVIEW, "thread_ts": card["ts"], "reply_broadcast": True}
        await app.call("chat.postMessage", text="Taken back", **thread)
        await expect(page.locator(".main [data-ts]", has_text="Taken back")).to_contain_text("Also in a thread")
        await page.close()
    assert app.submitted == ["Refund 100"]
    assert app.commands == ["/hitl-stats refund 7d"]
    assert sandbox.thread(canned.REVIEW, card["ts"])[1]["text"] == "approve &amp; close"


async def test_a_walk_a_thread_and_a_direct_message(browser: Browser) -> None:
    async with small_app() as (sandbox, app):
        await app.call("chat.postMessage", channel=canned.REVIEW, text="Refund of 120")
        (card,) = sandbox.messages(canned.REVIEW)
        page = await browser.new_page(viewport=PHONE)
        await page.goto(f"{sandbox.url}/#//{canned.REVIEW}/thread/{card['ts']}")
        await page.get_by_label("Also send to #ai-review").check()
        await page.get_by_label("Reply…").fill("maybe")
        await page.keyboard.press("Enter")
        thread = page.locator('[data-pane="thread"]')
        await expect(thread.locator("[data-ts]")).to_have_count(2)
        await thread.get_by_role("button", name="Message menu").last.click()
        await page.get_by_role("menuitem", name="Edit message").click()
        await page.get_by_role("dialog").get_by_label("Message").fill("approve")
        await page.get_by_role("button", name="Save").click()
        await expect(thread.get_by_text("approve (edited)")).to_be_visible()
        assert [message["text"] for message in sandbox.messages(canned.REVIEW)] == ["Refund of 120", "approve"]
        await thread.get_by_role("button", name="Message menu").last.click()
        await page.get_by_role("menuitem", name="Delete message").click()
        await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        await expect(thread.locator("[data-ts]")).to_have_count(1)
        await page.get_by_role("button", name="Close thread").click()
        await page.get_by_role("button", name="Shortcuts", exact=True).click()
        await page.get_by_role("menuitem", name="Review queue").click()
        for number in range(10):
            await expect(page.get_by_label(f"Answer {number}")).to_be_focused()
            await page.keyboard.type("good")
            await page.keyboard.press("Enter")
        await page.get_by_role("dialog").get_by_role("button", name="Close").last.click()
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await app.call("chat.postMessage", channel="U0ADA", text="You are on duty")
        await page.get_by_role("button", name="Open the side bar").click()
        await page.get_by_role("group", name="Direct messages").get_by_role("link").click()
        await expect(page.get_by_text("You are on duty")).to_be_visible()
        await page.close()
    assert (app.walked, sandbox.thread(canned.REVIEW, card["ts"])[0]["text"]) == (10, "Refund of 120")
