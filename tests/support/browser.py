"""A real Chromium for tests that use a page as a person does."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, ViewportSize, async_playwright, expect

# The same engine without its windows needs a third of the time.
NAMES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
)
# A test browser talks to loopback only: no updates, no sync, no background traffic.
ARGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
# A card is drawn anew within seconds, and later where other tests keep the machine busy.
PATIENCE_MS = 60_000


def find_chromium() -> str:
    """The path of the system's Chromium. Without one the test is skipped, or fails where `REQUIRE_BROWSER=1`."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is not None:
        return path
    reason = f"no Chromium on this machine (looked on PATH for {', '.join(NAMES)})"
    if os.environ.get("REQUIRE_BROWSER") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@asynccontextmanager
async def launch() -> AsyncIterator[Browser]:
    """`async with launch() as browser: page = await browser.new_page(viewport=PHONE)`.

    The sandbox's page forbids eval, which `wait_for_function` needs: wait with `expect(...)` instead.
    """
    path = find_chromium()
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(ARGS), timeout=2 * PATIENCE_MS)
        try:
            yield browser
        finally:
            await browser.close()
