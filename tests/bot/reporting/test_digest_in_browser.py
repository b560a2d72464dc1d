"""The weekly digest as people see it, on a desk and on a phone of 390 pixels.

With UPDATE_SCREENSHOTS=1 the phone's picture goes to docs/images, the desk's to the test's temporary folder. Look at
them: is the week told in three seconds, can the chart be read, is anything cut off?
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from sqlalchemy import select

from bot.reviewing.people import Reviewer
from routing.review import Reject
from store import tables as t
from store.adjustments import AdjustmentStore
from tests.bot.calibrating.labelled import SOUND, judged
from tests.bot.delivery.simulated import case_of
from tests.support.bot import PATIENCE, POLICY, UNSURE, Bot, running_bot
from tests.support.browser import DESKTOP, PHONE, launch
from tests.support.judged import Judgement, Past, Voted

pytestmark = pytest.mark.browser

IMAGES = Path(__file__).parents[3] / "docs" / "images"
SUNDAY = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class ShiftedClock:
    """The machine's clock on another day."""

    def __init__(self, start: datetime) -> None:
        self._shift = start - datetime.now(UTC)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._shift

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(seconds, 0))

    def leap(self, passed: timedelta) -> None:
        self._shift += passed


@asynccontextmanager
async def monday(folder: Path) -> AsyncIterator[Bot]:
    """The Monday after eight weeks of work, with the digest on its way."""
    clock = ShiftedClock(SUNDAY)
    async with running_bot(folder, f"sqlite:///{folder}/hitl.db", clock=clock, policy=POLICY, rate_scale=50) as bot:
        await work(bot)
        for name in ("refund-8812", "refund-8830", "refund-8841"):
            await bot.post(UNSURE, id=name, cohort="eu-smb")
            await bot.card(name)
            rejected = Reject("wrong_action", "major", {}, "The parcel had arrived")
            await bot.services.reviewing.decide(await case_of(bot, name), Reviewer("T0SANDBOX", "U0ADA"), rejected)
        await tuned(bot)
        clock.leap(timedelta(hours=21))
        await bot.application.jobs.run("seal-history", clock.now())
        await bot.application.jobs.run("weekly-digest", clock.now())
        yield bot


async def tuned(bot: Bot) -> None:
    """A threshold that waits for somebody to apply it, and a task that was paused."""
    of = {"task_type": "refund", "policy_version": bot.services.policy.current.version}
    await judged(bot.services.engine, await app_pk_of(bot), SOUND, created_at=SUNDAY - timedelta(days=10), **of)
    await bot.application.jobs.run("calibrate", bot.clock.now())
    async with asyncio.timeout(PATIENCE):
        while any(each.place is None for each in await AdjustmentStore(bot.services.engine).asked()):
            await asyncio.sleep(0.01)
    await bot.services.adjusting.pause("label", by="operator", why="odd answers")


async def app_pk_of(bot: Bot) -> int:
    async with bot.services.engine.connect() as connection:
        return int(await connection.scalar(select(t.apps.c.pk).order_by(t.apps.c.pk).limit(1)) or 0)


async def work(bot: Bot) -> None:
    """Eight weeks that get better, the last but one with a bad Tuesday."""
    past = Past(bot.services.engine, await app_pk_of(bot), bot.services.policy.current.version, 10**6)
    chance = random.Random(5)
    async with past.together():
        for week in range(8):
            begin = SUNDAY - timedelta(days=6, hours=11) - timedelta(weeks=7 - week)
            for _ in range(24 - week):
                after = chance.uniform(20, 290) * (2.2 if week == 6 else 1.0)
                wrong = chance.random() < 0.22 - 0.015 * week
                voted = (
                    Voted("reject", chance.choice(["wrong_action", "tone"]), after)
                    if wrong
                    else Voted("approve", None, after)
                )
                second = [Judgement("double", [Voted(voted.verdict)])] if chance.random() < 0.4 else []
                at = begin + timedelta(hours=chance.uniform(0, 120))
                of = {"task_type": "refund", "cohort": "eu-smb", "confidence": 0.4 if wrong else 0.86}
                await past.add(at, Judgement("gate", [voted]), *second, **of)
            for number in range(50):
                verdict = Voted("reject", "wrong_action") if number == 7 and week in (0, 1, 3) else Voted("approve")
                audits = [Judgement("audit", [verdict])] if number < 25 else []
                await past.add(begin, *audits, inclusion=0.5)


async def test_the_digest_is_read_with_its_chart(tmp_path: Path) -> None:
    async with monday(tmp_path) as bot, launch() as browser:
        for size, picture in ((PHONE, IMAGES / "digest.png"), (DESKTOP, tmp_path / "digest.png")):
            page = await browser.new_page(viewport=size, timezone_id="UTC", locale="en-GB")
            await page.goto(f"{bot.sandbox.url}/#/U0ADA/C0REVIEW")
            await reads_it(page)
            if os.environ.get("UPDATE_SCREENSHOTS") == "1":
                await page.set_viewport_size({**size, "height": 2_000})  # all of it, without scrolling
                await page.locator(".main [data-ts]").filter(has_text="Weekly digest").screenshot(path=picture)


async def reads_it(page: Page) -> None:
    digest = page.locator(".main [data-ts]").filter(has_text="Weekly digest")
    chart = digest.get_by_role("img", name="Chart of 8 weeks")
    await expect(chart).to_be_visible()
    await expect(digest).to_contain_text("Weekly digest, 16 to 22 Nov 2026")
    await expect(digest).to_contain_text("wrong_action in label, cohort eu-smb: 3 times")
    await expect(digest.get_by_role("link", name="card")).to_have_count(3)
    await expect(digest).to_contain_text("👉 refund: Certified from ")
    await expect(digest).to_contain_text("⚠️ label: Paused on 22 Nov: everything goes to people")
    await expect(digest).to_contain_text("History seal 1: ")
    assert await chart.evaluate("(image) => image.naturalWidth") == 800
    assert await page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), "nothing is cut off"
