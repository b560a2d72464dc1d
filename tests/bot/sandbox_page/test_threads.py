"""What one says in a thread, and how one takes it back; on a phone, where the thread fills the screen."""

import pytest
from playwright.async_api import Page, expect

from tests.bot.sandbox_page import canned
from tests.bot.sandbox_page.canned import CARD_TS
from tests.bot.sandbox_page.fake_server import FakeServer
from tests.support.browser import PHONE

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

THREAD = '[data-pane="thread"]'
MINE = "1795255300.000100"
ANSWER = "1795255310.000100"


async def open_thread(page: Page) -> None:
    await page.get_by_role("button", name="1 reply").click()
    await expect(page.locator(f"{THREAD} [data-ts]")).to_have_count(2)


async def test_ones_own_reply_is_edited_and_deleted(page: Page, server: FakeServer) -> None:
    await page.set_viewport_size(PHONE)
    await open_thread(page)
    theirs = page.locator(f'{THREAD} [data-ts="1795255260.000100"]')
    await theirs.get_by_role("button", name="Message menu").click()
    await expect(page.get_by_role("menuitem")).to_have_text(["Send for reviewHITL"])
    await page.keyboard.press("Escape")
    text = "reject: &lt; 5 <@U0BEN>"
    await server.push_message(canned.message(MINE, text, user="U0ADA", thread_ts=CARD_TS))
    menu = page.locator(f'{THREAD} [data-ts="{MINE}"]').get_by_role("button", name="Message menu")
    await menu.click()
    await page.get_by_role("menuitem", name="Edit message").click()
    dialog = page.get_by_role("dialog", name="Edit message")
    await expect(dialog.get_by_label("Message")).to_have_value("reject: < 5 @ben")
    await dialog.get_by_label("Message").fill("reject: < 7 @ben")
    await page.keyboard.press("Enter")
    mine = {"as": "U0ADA", "channel": canned.REVIEW, "ts": MINE}
    assert await server.heard("/ui/edit") == [{**mine, "text": "reject: < 7 <@U0BEN>"}]
    await menu.click()
    await page.get_by_role("menuitem", name="Delete message").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    assert await server.heard("/ui/delete") == [mine]
    await server.push(type="message_deleted", channel=canned.REVIEW, ts=MINE)
    await expect(page.locator(f"{THREAD} [data-ts]")).to_have_count(2)
    assert await page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


async def test_a_reply_can_go_to_the_channel_too(page: Page, server: FakeServer) -> None:
    await open_thread(page)
    also = page.get_by_label("Also send to #ai-review")
    await also.check()
    await page.get_by_label("Reply…").fill("approve")
    await page.keyboard.press("Enter")
    (body,) = await server.heard("/ui/message")
    assert (body["thread_ts"], body["broadcast"]) == (CARD_TS, True)
    await expect(also).not_to_be_checked()


async def test_a_private_answer_in_a_thread_is_never_missed(page: Page, server: FakeServer) -> None:
    await page.locator("[data-action-id=approve]").click()
    await server.heard("/ui/action")
    answer = {"ephemeral": True, "username": "HITL", "thread_ts": CARD_TS}
    await server.push_message(canned.from_bot(ANSWER, "Ben was faster", [], **answer))
    await expect(page.locator(".toast")).to_contain_text("HITL answered you in a thread of #ai-review.")
    await page.get_by_role("button", name="1 reply").click()
    await expect(page.locator(f'{THREAD} [data-ts="{ANSWER}"]')).to_contain_text("Only visible to you")
    await page.get_by_label("Reply…").fill("approve")
    await page.keyboard.press("Enter")
    await server.push_message(canned.from_bot("1795255320.000100", "Not you", [], **answer))
    await expect(page.get_by_text("Not you")).to_be_visible()
    await expect(page.locator(".toast")).to_have_count(1)
