"""`/hitl-stats` and its chart as people see them on a phone of 390 pixels and on a desk.

With UPDATE_SCREENSHOTS=1 the phone's pictures go to docs/images, the desk's to the test's temporary folder. Look at
them: is the week told in three seconds, does every line of the code blocks stand whole, can the chart be read?
"""

import os
import random
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, ViewportSize, expect
from sqlalchemy import select

from routing.evidence import Evidence
from store import tables as t
from store.audit_streams import SaveStreams, Stream, StreamKey
from tests.bot.reporting.test_digest_in_browser import SUNDAY, ShiftedClock
from tests.support.bot import POLICY, UNSURE, Bot, running_bot
from tests.support.browser import DESKTOP, PHONE, launch
from tests.support.judged import Judgement, Past, Voted

pytestmark = pytest.mark.browser

IMAGES = Path(__file__).parents[3] / "docs" / "images"
HOUR = timedelta(hours=1)


async def work(bot: Bot) -> None:
    """A week that gets slower, with one cohort that people have to see more often."""
    async with bot.services.engine.connect() as connection:
        app_pk = await connection.scalar(select(t.apps.c.pk).order_by(t.apps.c.pk).limit(1))
    past = Past(bot.services.engine, int(app_pk or 0), bot.services.policy.current.version, 10**6)
    chance = random.Random(3)
    async with past.together():
        for day in range(7):
            begin = SUNDAY - timedelta(days=7) + timedelta(days=day) + 2 * HOUR
            for number in range(30 + 4 * day):
                at, cohort = begin + chance.uniform(0, 12) * HOUR, "eu-smb" if number % 4 == 0 else "us"
                if chance.random() < (0.5 if cohort == "eu-smb" else 0.15):
                    wait = chance.uniform(20, 120 + 40 * day)
                    voted = Voted("edit", "tone", wait) if chance.random() < 0.1 else Voted("approve", None, wait)
                    second = [Judgement("double", [Voted("approve")])] if chance.random() < 0.3 else []
                    await past.add(at, Judgement("gate", [voted]), *second, task_type="refund", cohort=cohort)
                else:
                    found = Voted("reject", "wrong_action") if chance.random() < 0.02 else Voted("approve")
                    audits = [Judgement("audit", [found])] if number % 3 == 0 else []
                    await past.add(at, *audits, task_type="refund", cohort=cohort, inclusion=0.33)


async def queue_and_audits(bot: Bot) -> None:
    for number in range(3):
        await bot.post(UNSURE, id=f"d-{number}", task_type="label" if number else "refund")
    maturity = {"state": "learn", "evidence": Evidence(0.02).as_json()}
    key = StreamKey("refund", "", "", "other")
    stream = Stream(key, maturity, rate=0.25, since=bot.clock.now(), judged_to=0)
    await bot.services.writer.submit(SaveStreams([stream], (), (), bot.clock.now()))


async def test_the_numbers_and_the_chart_are_read(tmp_path: Path) -> None:
    clock = ShiftedClock(SUNDAY)
    policy = POLICY.replace("version: 1", "version: 1\ncost: {review_minute: 0.8, escaped_error: 100}", 1)
    url = f"sqlite:///{tmp_path}/hitl.db"
    async with running_bot(tmp_path, url, clock=clock, policy=policy, rate_scale=50) as bot, launch() as browser:
        await work(bot)
        await queue_and_audits(bot)
        clock.leap(timedelta(minutes=40))
        for size, folder in ((PHONE, IMAGES), (DESKTOP, tmp_path)):
            page = await browser.new_page(viewport=size, timezone_id="UTC", locale="en-GB")
            await page.goto(f"{bot.sandbox.url}/#/U0ADA/C0REVIEW")
            await page.get_by_role("combobox").or_(page.get_by_role("textbox")).first.fill("/hitl-stats")
            await page.keyboard.press("Enter")
            answer = page.locator(".main [data-ts]").filter(has_text="Statistics, last 7 days").last
            await reads(page, answer)
            await answer.get_by_role("button", name="Send me the chart").click()
            await expect(page.get_by_text("The chart is in your direct messages").last).to_be_visible()
            await picture(page, answer, size, folder / "stats.png")
            await page.goto(f"{bot.sandbox.url}/#/U0ADA/{bot.sandbox.world.open_im('U0ADA').id}")
            chart = page.get_by_role("img", name="Chart of 7 days").last
            await expect(chart).to_be_visible()
            await picture(page, chart, size, folder / "stats-chart.png")


async def reads(page: Page, answer: Locator) -> None:
    await expect(answer).to_contain_text("To people")
    await expect(answer).to_contain_text("3 wait, oldest 40 min")
    await expect(answer).to_contain_text("learning, 25 % audited")
    await expect(answer).to_contain_text("of eu-smb in refund went to people")
    blocks = await answer.locator("pre").all()
    assert len(blocks) == 3
    for block in blocks:
        assert await block.evaluate("(pre) => pre.scrollWidth <= pre.clientWidth"), "no line is cut off"
        rows = await block.evaluate("(pre) => pre.clientHeight / parseFloat(getComputedStyle(pre).lineHeight)")
        assert rows < len((await block.inner_text()).strip().split("\n")) + 1.5, "no line is broken"
    assert await page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), "nothing is cut off"


async def picture(page: Page, what: Locator, size: ViewportSize, path: Path) -> None:
    if os.environ.get("UPDATE_SCREENSHOTS") == "1":
        await page.set_viewport_size({**size, "height": 2_000})  # all of it, without scrolling
        await what.screenshot(path=path)
        await page.set_viewport_size(size)
