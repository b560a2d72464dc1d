"""The demo as a newcomer meets it: cards in the browser, a click, and the app's verified callback.

With UPDATE_SCREENSHOTS=1 the pictures of the README are taken anew.
"""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from bot.demo.run import Stage, set_up
from bot.demo.stream import DemoDecision, sample
from tests.support.browser import DESKTOP, PHONE, launch

pytestmark = pytest.mark.browser

IMAGES = Path(__file__).parents[3] / "docs" / "images"
APPROVE = '[data-action-id="review.approve"]'


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with launch() as running:
        yield running


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as opened:
        yield await set_up(tmp_path, opened)


async def test_a_click_releases_a_decision_and_the_app_gets_its_callback(browser: Browser, stage: Stage) -> None:
    for decision in sample(50, 7)[:25]:
        await stage.app.submit(decision)
    page = await _page(browser, stage, DESKTOP)
    card = await _open_card(page)
    await _take(page, "sandbox.png")

    await card.locator(APPROVE).click()

    await expect(card.locator(APPROVE)).to_have_count(0)
    await expect(card).to_contain_text("Approved")
    await page.locator('[data-open="app"]').click()
    await expect(page.locator('[data-pane="app"]')).to_contain_text("callback verified: decision.resolved")
    assert stage.app.tally().callbacks.verified == 1


async def test_an_edit_on_a_phone(browser: Browser, stage: Stage) -> None:
    await stage.app.submit(_refund_that_waits())
    page = await _page(browser, stage, PHONE, channel="C0REFUND")
    card = await _open_card(page)
    await card.locator('[data-action-id="review.edit"]').click()
    form = page.get_by_role("dialog")
    amount = form.get_by_label("amount")
    await expect(amount).to_be_visible()
    await _take(page, "edit-on-a-phone.png")

    await amount.fill("12.5")
    await form.locator('[data-modal="submit"]').click()

    await expect(form).to_have_count(0)
    await expect(card).to_contain_text("Edited")
    answer = await stage.app.fetch(_refund_that_waits().id, wait=10)
    assert answer["outcome"]["output"]["amount"] == 12.5


def _refund_that_waits() -> DemoDecision:
    return next(
        d for d in sample(500, 7) if d.request["task_type"] == "refund" and (d.request["confidence"] or 0) < 0.7
    )


async def _page(browser: Browser, stage: Stage, size: object, *, channel: str = "C0REVIEW") -> Page:
    context = await browser.new_context(viewport=size, timezone_id="UTC", locale="en-GB")  # type: ignore[arg-type]
    page = await context.new_page()
    await page.goto(f"{stage.sandbox.url}/#/U0ADA/{channel}")
    return page


async def _open_card(page: Page) -> Locator:
    """The first card with buttons; found by its place from then on, since a verdict takes them away."""
    card = page.locator("[data-ts]").filter(has=page.locator(APPROVE)).first
    await expect(card).to_be_visible()
    return page.locator(f'[data-ts="{await card.get_attribute("data-ts")}"]')


async def _take(page: Page, name: str) -> None:
    if os.environ.get("UPDATE_SCREENSHOTS") == "1":
        IMAGES.mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=IMAGES / name)
