"""The bot in an Enterprise Grid: people of several workspaces, whose ids begin with W."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.clock import SystemClock
from bot.sandbox.server import Sandbox
from tests.bot.sandbox.grid import grid_world
from tests.support.bot import POLICY, UNSURE, Bot, running_bot, until


@pytest.fixture
async def in_grid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bot]:
    made = Sandbox

    def of_grid(clock: SystemClock, **options: object) -> Sandbox:
        return made(clock, world=grid_world, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("tests.support.bot.Sandbox", of_grid)
    url = f"sqlite:///{tmp_path}/hitl.db"
    async with running_bot(tmp_path, url, policy=POLICY.replace("U0ADA", "W0ADA")) as running:
        yield running


@pytest.mark.parametrize("user", ["W0ADA", "W0EVE"])
async def test_people_of_every_workspace_of_the_grid_decide(in_grid: Bot, user: str) -> None:
    bot = in_grid
    await bot.post(UNSURE, id="a-1")
    card = await bot.card("a-1")
    ack = await bot.sandbox.click(user, "C0REVIEW", card["ts"], "review.approve")
    assert ack.ok
    _, decision = await bot.get("/v1/decisions/a-1?wait=20")
    assert (decision["outcome"]["result"], decision["outcome"]["decided_by"]) == ("approved", [user])
    await until(lambda: f"<@{user}>" in str(bot.cards("a-1")[0]["blocks"]))


async def test_a_member_of_another_organisation_decides_nothing(in_grid: Bot) -> None:
    bot = in_grid
    await bot.post(UNSURE, id="a-1")
    card = await bot.card("a-1")
    await bot.sandbox.click("W0MAL", "C0REVIEW", card["ts"], "review.approve")
    assert await until(lambda: bot.sandbox.ephemerals("W0MAL"))
    _, decision = await bot.get("/v1/decisions/a-1")
    assert decision["status"] == "pending"
