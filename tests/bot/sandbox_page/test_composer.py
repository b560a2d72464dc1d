"""Writing: messages, lines, mentions and slash commands."""

import pytest
from playwright.async_api import Page, expect

from tests.bot.sandbox_page import canned
from tests.bot.sandbox_page.fake_server import FakeServer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LABEL = "Message #ai-review"


async def test_enter_sends_and_shift_enter_makes_a_line(page: Page, server: FakeServer) -> None:
    composer = page.get_by_role("textbox", name=LABEL)
    await expect(composer).to_be_focused()
    await page.keyboard.type("one")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("two @ben in #refunds & ada@example.com")
    await page.keyboard.press("Enter")
    await expect(composer).to_have_value("")
    text = "one\ntwo <@U0BEN> in <#C0REFUND> & ada@example.com"
    assert await server.heard("/ui/message") == [{"as": "U0ADA", "channel": canned.REVIEW, "text": text}]


async def test_a_message_that_was_not_taken_stays_written(page: Page, server: FakeServer) -> None:
    server.answers["/ui/message"] = (400, {"ok": False, "error": "ai-review is archived"})
    await page.get_by_role("textbox", name=LABEL).fill("important")
    await page.keyboard.press("Enter")
    await expect(page.locator(".toast-error")).to_contain_text("ai-review is archived")
    await expect(page.get_by_role("textbox", name=LABEL)).to_have_value("important")


async def test_a_draft_waits_in_its_channel(page: Page) -> None:
    await page.get_by_role("textbox", name=LABEL).fill("half a thought")
    await page.locator('[data-channel="C0REFUND"]').click()
    await expect(page.get_by_role("textbox", name="Message #refunds")).to_have_value("")
    await page.locator('[data-channel="C0REVIEW"]').click()
    await expect(page.get_by_role("textbox", name=LABEL)).to_have_value("half a thought")


async def test_a_slash_command_is_offered_completed_and_sent(page: Page, server: FakeServer) -> None:
    await page.keyboard.type("/hi")
    await expect(page.get_by_role("option", name="/hitl-stats")).to_have_attribute("aria-selected", "true")
    await page.keyboard.press("Tab")
    await page.keyboard.type("refund 7d")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("textbox", name=LABEL)).to_have_value("")
    assert await server.heard("/ui/command") == [
        {"as": "U0ADA", "channel": canned.REVIEW, "command": "/hitl-stats", "text": "refund 7d"}
    ]


async def test_an_unknown_command_is_refused_and_kept(page: Page, server: FakeServer) -> None:
    await page.keyboard.type("/nope now")
    await page.keyboard.press("Enter")
    await expect(page.locator(".toast-error")).to_contain_text("/nope is not a valid command.")
    await expect(page.get_by_role("textbox", name=LABEL)).to_have_value("/nope now")
    assert server.sent == []


async def test_a_global_shortcut_starts_from_the_composer(page: Page, server: FakeServer) -> None:
    await page.get_by_role("button", name="Shortcuts", exact=True).click()
    await page.get_by_role("menuitem", name="Review queue").click()
    await expect(page.get_by_role("menu")).to_have_count(0)
    assert [body["callback_id"] for body in await server.heard("/ui/shortcut")] == ["review_queue"]
