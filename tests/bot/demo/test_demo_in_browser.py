"""The demo as a newcomer meets it: cards in the browser, a click, and the app's verified callback.

With UPDATE_SCREENSHOTS=1 the README's first picture is taken anew.
"""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from bot.demo.run import Stage, set_up
from bot.demo.stream import story
from bot.sandbox.server import Sandbox
from tests.support.bot import PATIENCE
from tests.support.browser import DESKTOP, launch

pytestmark = pytest.mark.browser

IMAGES = Path(__file__).parents[3] / "docs" / "images"
REVIEW, REFUNDS = "C0REVIEW", "C0REFUND"
APPROVE = '[data-action-id="review.approve"]'


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with launch() as running:
        yield running


@pytest.fixture
async def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    monkeypatch.setattr("bot.demo.run.Sandbox", partial(Sandbox, ack_seconds=PATIENCE))
    async with AsyncExitStack() as opened:
        yield await set_up(tmp_path, opened)


async def test_a_newcomer_finds_cards_a_queue_an_inbox_and_shortcuts(browser: Browser, stage: Stage) -> None:
    for decision in story(25, 7):
        await stage.app.submit(decision)
    page = await _page(browser, stage, REFUNDS)
    await expect(page.get_by_text("2 people have to agree").first).to_be_visible()
    card = await _open_card(page)
    await _take(page, "sandbox.png", top=page.locator("[data-ts]").first)
    await page.goto(f"{stage.sandbox.url}/#/U0ADA/{REVIEW}")
    await expect(page.get_by_role("button", name="Start reviewing")).to_be_visible()
    await page.get_by_role("button", name="Shortcuts", exact=True).click()
    await expect(page.get_by_role("menuitem", name="Review queue")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.locator('[data-open="home"]').click()
    await expect(page.get_by_role("region", name="Home")).to_contain_text("Waiting for you: 7")
    await page.goto(f"{stage.sandbox.url}/#/U0ADA/{REFUNDS}")

    await card.locator(APPROVE).click()

    await expect(card.locator(APPROVE)).to_have_count(0)
    await expect(card).to_contain_text("Approved")
    await page.locator('[data-open="app"]').click()
    await expect(page.locator('[data-pane="app"]')).to_contain_text("callback verified: decision.resolved")
    assert stage.app.tally().callbacks.verified == 1


async def _page(browser: Browser, stage: Stage, channel: str) -> Page:
    context = await browser.new_context(viewport=DESKTOP, timezone_id="UTC", locale="en-GB")
    page = await context.new_page()
    await page.goto(f"{stage.sandbox.url}/#/U0ADA/{channel}")
    return page


async def _open_card(page: Page) -> Locator:
    """A card that one person decides; found by its place from then on, since a verdict takes its buttons away."""
    card = page.locator("[data-ts]").filter(has=page.locator(APPROVE), has_not_text="have to agree").first
    await expect(card).to_be_visible()
    return page.locator(f'[data-ts="{await card.get_attribute("data-ts")}"]')


async def _take(page: Page, name: str, *, top: Locator) -> None:
    if os.environ.get("UPDATE_SCREENSHOTS") == "1":
        await top.evaluate("(node) => node.scrollIntoView({ block: 'start' })")
        await page.screenshot(path=IMAGES / name)
