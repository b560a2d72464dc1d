"""The keyboard in the list of messages."""

import pytest
from playwright.async_api import Page, expect

from tests.bot.sandbox_page import canned
from tests.bot.sandbox_page.canned import CARD_TS
from tests.bot.sandbox_page.fake_server import FakeServer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

CARD = f'[data-ts="{CARD_TS}"]'
DECIDED_TS, OPEN_TS = "1795255500.000100", "1795255600.000100"


async def test_the_buttons_of_a_message_are_one_tab_stop(page: Page) -> None:
    await page.locator(f"{CARD} [data-action-id=approve]").focus()
    await page.keyboard.press("ArrowRight")
    await expect(page.locator(f"{CARD} [data-action-id=edit]")).to_be_focused()
    await page.keyboard.press("End")
    await expect(page.locator(f"{CARD} [data-action-id=edit]")).to_be_focused()
    await page.keyboard.press("ArrowLeft")
    await page.keyboard.press("ArrowLeft")
    await expect(page.locator(f"{CARD} [data-tool=menu]")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("textbox", name="Message #ai-review")).to_be_focused()
    await page.keyboard.press("Shift+Tab")
    await expect(page.locator(f"{CARD} [data-tool=menu]")).to_be_focused()


async def test_n_goes_to_the_next_open_card(page: Page, server: FakeServer) -> None:
    more = {"type": "overflow", "action_id": "more", "options": [canned.option("details")]}
    actions = {"type": "actions", "block_id": "a", "elements": [more]}
    await server.push_message(canned.from_bot(DECIDED_TS, "Approved", [actions]))
    await server.push_message(canned.from_bot(OPEN_TS, "Open", canned.card_blocks()))
    next_open = page.locator(f'[data-ts="{OPEN_TS}"] [data-action-id=approve]')
    await expect(next_open).to_be_visible()
    await page.locator(f"{CARD} [data-action-id=approve]").focus()
    await page.keyboard.press("n")
    await expect(next_open).to_be_focused()
    await page.keyboard.press("n")
    await expect(page.locator(f"{CARD} [data-action-id=approve]")).to_be_focused()


async def test_keys_of_an_input_in_a_message_stay_its_own(page: Page, server: FakeServer) -> None:
    await server.push_message(canned.from_bot(OPEN_TS, "Ask", [canned.text_input("note", "Note")]))
    await page.get_by_label("Note").press_sequentially("no")
    await expect(page.get_by_label("Note")).to_have_value("no")
    await page.keyboard.press("ArrowUp")
    await expect(page.get_by_label("Note")).to_be_focused()
