"""A decision whose content is gone: everybody who meets it copes, and nothing about it changes any more."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bot.clock import SystemClock
from bot.jobs.runner import Ran
from bot.proof.content import ContentCheck
from bot.proof.verify import Verification
from store.retention import RetentionStore
from store.seals import SealStore
from tests.bot.slack.at_work import Card, shown, sql, until_true, waiting
from tests.support.bot import UNSURE, Bot, running_bot, until

GONE = "Removed at the end of its retention"
FACTS: dict[str, Any] = {"subject": "customer-41", "metadata": {"trace_id": "t-1"}}


class LaterClock(SystemClock):
    """The machine's clock, ahead by what a test says."""

    ahead = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.ahead


async def test_who_meets_it_copes_and_nothing_about_it_changes(tmp_path: Path) -> None:
    clock = LaterClock()
    async with running_bot(tmp_path, f"sqlite:///{tmp_path}/hitl.db", clock=clock) as bot:
        card = await waiting(bot, "d-old", **FACTS)
        await card.press("U0ADA", "approve")
        await card.shows("Change verdict…")
        assert (await card.outcome())["output"] == "shipping"
        await until_true(lambda: delivered(tmp_path))
        clock.ahead = timedelta(days=401)
        ran = await bot.application.jobs.run("retention", clock.now())
        assert isinstance(ran, Ran)
        assert ran.told["decisions"] == 1

        # The app
        told = await card.decision()
        assert (told["outcome"]["result"], told["outcome"]["output"], told["metadata"]) == ("approved", None, {})
        body = {**UNSURE, "id": "d-old", "callback_url": bot.receiver.url, **FACTS}
        assert (await bot.post(body))[0] == 200
        assert (await bot.post(body, output="refunds"))[0] == 409
        status, listed = await bot.get("/v1/decisions")
        assert (status, len(listed["data"])) == (200, 1)

        # People
        assert GONE in shown(await card.menu("U0ADA", "details"))
        assert "so it stays as it is" in shown(await card.menu("U0ADA", "change"))
        await bot.sandbox.open_home("U0ADA")
        await until(lambda: GONE in shown(bot.sandbox.home("U0ADA") or {"blocks": []}))
        again = await waiting(bot, "d-new", **FACTS)
        assert "customer-41" in again.blocks
        assert (await bot.post(UNSURE, id="d-retry", retry_of="d-old"))[0] == 201
        await until_true(lambda: in_thread(card))
        assert (await card.outcome())["decided_by"] == ["U0ADA"]

        assert await findings(bot) == ([], 1)


async def delivered(folder: Path) -> bool:
    return (await sql(folder)).execute("SELECT state FROM events").fetchall() == [("delivered",)]


async def in_thread(card: Card) -> bool:
    return "d-retry" in await card.thread()


async def findings(bot: Bot) -> tuple[list[object], int]:
    seals = SealStore(bot.services.engine)
    report = await Verification(seals, ContentCheck(seals, RetentionStore(bot.services.engine))).run()
    return list(report.findings), report.removed
