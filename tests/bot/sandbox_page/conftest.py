"""One Chromium for all these tests; a server and a page for each. A script error on the page fails the test."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.bot.sandbox_page.canned import REVIEW
from tests.bot.sandbox_page.fake_server import FakeServer, fake_server
from tests.support.browser import DESKTOP, launch


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with launch() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[FakeServer]:
    async with fake_server() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, server: FakeServer) -> AsyncIterator[Page]:
    """Ada in #ai-review, connected."""
    context = await browser.new_context(viewport=DESKTOP, timezone_id="UTC", locale="en-GB")
    page = await context.new_page()
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    await page.goto(f"{server.url}/#/U0ADA/{REVIEW}")
    await page.wait_for_selector("[data-ts]")
    await server.watched()
    yield page
    await context.close()
    assert failures == []
