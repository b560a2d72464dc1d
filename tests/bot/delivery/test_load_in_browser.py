"""The message about a channel's load as people see it on a phone; with UPDATE_SCREENSHOTS=1 its picture goes to
docs/images. Look at it: is it clear within three seconds what is wrong, what was done, and what helps?"""

import os
from pathlib import Path

import pytest
from playwright.async_api import expect

from routing.load import Level
from store.load import ChannelLevel, SaveLevel
from store.messages import NewMessage
from tests.bot.slack.test_load_post import RELEASE
from tests.support.bot import running_bot
from tests.support.browser import PHONE, launch

pytestmark = pytest.mark.browser

PICTURE = Path(__file__).parents[3] / "docs" / "images" / "load.png"


async def test_a_channel_reads_that_it_is_behind(tmp_path: Path) -> None:
    async with running_bot(tmp_path, f"sqlite:///{tmp_path}/hitl.db") as bot, launch() as browser:
        now = bot.clock.now()
        body = {**RELEASE, "since": int(now.timestamp()) - 2700}
        message = NewMessage("load:#ai-review:1", "load", "#ai-review", 26, body=body)
        level = ChannelLevel("#ai-review", Level.RELEASE, now, {}, version=0)
        await bot.services.writer.submit(SaveLevel(level, now, message=message))
        page = await browser.new_page(viewport=PHONE, timezone_id="UTC", locale="en-GB")
        await page.goto(f"{bot.sandbox.url}/#/U0ADA/C0REVIEW")
        told = page.locator(".main [data-ts]").filter(has_text="fall behind")
        await expect(told).to_contain_text("48 reviews wait, the oldest for 31 min")
        await expect(told.get_by_role("button", name="Start reviewing")).to_be_visible()
        assert await page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), "nothing is cut off"
        if os.environ.get("UPDATE_SCREENSHOTS") == "1":
            await told.screenshot(path=PICTURE)
