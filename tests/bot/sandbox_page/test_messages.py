"""Messages: what is shown of them, and that a change of one leaves the others alone."""

import pytest
from playwright.async_api import Page, expect

from tests.bot.sandbox_page import canned
from tests.bot.sandbox_page.canned import CARD_TS
from tests.bot.sandbox_page.fake_server import FakeServer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

CARD = f'[data-ts="{CARD_TS}"]'
LATER = "1795255500.000100"


async def test_messages_stand_under_their_day(page: Page) -> None:
    await expect(page.locator(".day-label")).to_have_text(["Yesterday", "Today"])
    await expect(page.locator(f".day:nth-child(2) {CARD} .badge")).to_have_text("APP")
    await expect(page.get_by_role("log", name="Messages in #ai-review")).to_be_visible()


async def test_ephemeral_and_edited_messages_say_so(page: Page, server: FakeServer) -> None:
    await server.push_message(canned.from_bot(LATER, "Only *you*", [], ephemeral=True))
    await server.push_message(canned.message("1795255510.000100", "Now right", edited={"ts": LATER}))
    await expect(page.locator(f'[data-ts="{LATER}"]')).to_contain_text("Only visible to you")
    await expect(page.locator('[data-ts="1795255510.000100"]')).to_contain_text("Now right (edited)")


async def test_an_update_redraws_that_message_only(page: Page, server: FakeServer) -> None:
    await page.evaluate("document.querySelectorAll('[data-ts]').forEach((node) => { node.sameNode = true; })")
    decided = [{"type": "section", "block_id": "done", "text": canned.mrkdwn("Approved by <@U0ADA>")}]
    await server.push_message(canned.from_bot(CARD_TS, "Approved", decided))
    await expect(page.locator(CARD)).to_contain_text("Approved by @Ada")
    await expect(page.locator(f"{CARD} button[data-action-id]")).to_have_count(0)
    kept = "[...document.querySelectorAll('[data-ts]')].map((node) => node.sameNode === true)"
    assert await page.evaluate(kept) == [True, False]


async def test_a_deleted_message_goes_with_its_empty_day(page: Page, server: FakeServer) -> None:
    await server.push(type="message_deleted", channel=canned.REVIEW, ts="1795168800.000100")
    await expect(page.locator(".day-label")).to_have_text(["Today"])


async def test_a_message_that_comes_late_finds_its_place(page: Page, server: FakeServer) -> None:
    await server.push_message(canned.message("1795255199.000100", "before the card"))
    order = "[...document.querySelectorAll('[data-ts]')].map((node) => node.dataset.ts)"
    await expect(page.get_by_text("before the card")).to_be_visible()
    assert await page.evaluate(order) == ["1795168800.000100", "1795255199.000100", CARD_TS]


async def test_who_reads_further_up_is_not_moved(page: Page, server: FakeServer) -> None:
    for number in range(40):
        await server.push_message(canned.message(f"17952560{number:02}.000100", f"line {number}"))
    await expect(page.get_by_text("line 39")).to_be_in_viewport()
    scroller = page.locator(".main .scroller")
    await scroller.evaluate("(node) => { node.scrollTop = 100; }")
    await expect(scroller).to_have_js_property("scrollTop", 100)
    await server.push_message(canned.message("1795256100.000100", "the newest"))
    await expect(page.get_by_role("button", name="New messages")).to_be_visible()
    assert await scroller.evaluate("(node) => node.scrollTop") == 100
    await page.get_by_role("button", name="New messages").click()
    await expect(page.get_by_text("the newest")).to_be_in_viewport()


async def test_a_broadcast_of_a_thread_is_shown_at_once(page: Page, server: FakeServer) -> None:
    broadcast = canned.from_bot(LATER, "Taken back", [], thread_ts=CARD_TS, subtype="thread_broadcast")
    await server.push_message(broadcast)
    await expect(page.locator(f'[data-ts="{LATER}"]')).to_contain_text("Also in a thread")


async def test_arrow_keys_walk_through_the_messages(page: Page) -> None:
    await page.locator(".main .scroller").focus()
    await page.keyboard.press("ArrowDown")
    await expect(page.locator(CARD)).to_be_focused()
    await page.keyboard.press("ArrowUp")
    await expect(page.locator('[data-ts="1795168800.000100"]')).to_be_focused()


async def test_what_was_missed_while_offline_is_fetched(page: Page, server: FakeServer) -> None:
    await server.stop()
    await expect(page.get_by_text("Connection lost")).to_be_visible()
    server.messages.append(canned.message(LATER, "while you were away"))
    await server.start()
    await expect(page.get_by_text("while you were away")).to_be_visible()
    await expect(page.get_by_text("Connection lost")).to_be_hidden()


async def test_messages_elsewhere_mark_their_channel(page: Page, server: FakeServer) -> None:
    await server.push_message(canned.message(LATER, "over here", channel="C0REFUND"))
    await expect(page.locator('[data-channel="C0REFUND"]')).to_have_class("side-link unread")
    await page.locator('[data-channel="C0REFUND"]').click()
    await expect(page.get_by_text("over here")).to_be_visible()
    await expect(page.locator('[data-channel="C0REFUND"]')).to_have_class("side-link")


async def test_a_message_shortcut_names_its_message(page: Page, server: FakeServer) -> None:
    await page.locator(CARD).hover()
    await page.locator(CARD).get_by_role("button", name="Message menu").click()
    await page.get_by_role("menuitem", name="Send for review").click()
    await expect(page.get_by_role("menu")).to_have_count(0)
    assert await server.heard("/ui/shortcut") == [
        {"as": "U0ADA", "channel": canned.REVIEW, "callback_id": "send_for_review", "ts": CARD_TS}
    ]


async def test_an_uploaded_file_is_shown(page: Page, server: FakeServer) -> None:
    await server.push_message(canned.from_bot(LATER, "The chart", [], files=["F1"]))
    await expect(page.get_by_role("link", name="Open the file")).to_have_attribute("href", "/files/F1")
