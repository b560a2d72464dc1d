"""The connections of Socket Mode: whatever becomes of one, the next is there before anybody misses it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox.arguments import Arguments
from bot.sandbox.server import APP_TOKEN
from tests.bot.slack.at_work import by_socket, waiting
from tests.support.bot import Bot, Json, running_bot, until

SOON = 4.0
"""Seconds in which a connection that was cut must be replaced: a person tries again about then."""


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    database = f"sqlite:///{tmp_path}/hitl.db"
    async with running_bot(tmp_path, database, slack_app_token=APP_TOKEN, slack_signing_secret=None) as running:
        await by_socket(running)
        yield running


def openings(bot: Bot) -> int:
    return sum(call.method == "apps.connections.open" for call in bot.sandbox.calls)


async def test_every_click_gets_through_while_a_connection_is_replaced(bot: Bot) -> None:
    card = await waiting(bot)
    await bot.sandbox.disconnect_sockets("warning")
    while openings(bot) < 2:
        await card.press("U0BEN", "reject")
    for _ in range(10):
        await card.press("U0BEN", "reject")


async def test_a_refreshed_connection_is_replaced_by_one(bot: Bot) -> None:
    await bot.sandbox.disconnect_sockets()
    await until(lambda: bot.sandbox.socket.connected)
    await (await waiting(bot)).press("U0BEN", "reject")
    assert openings(bot) == 2


async def test_a_connection_that_is_cut_is_replaced_at_once(bot: Bot) -> None:
    card = await waiting(bot)
    bot.sandbox.drop_sockets()
    await until(lambda: bot.sandbox.socket.connected, patience=SOON)
    await card.press("U0BEN", "reject")


async def test_each_attempt_asks_for_a_url_of_its_own(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    methods = bot.sandbox._api.methods
    issue = methods["apps.connections.open"]

    def issue_one_that_is_used(arguments: Arguments) -> Json:
        methods["apps.connections.open"] = issue
        return {"url": f"{issue(arguments)['url']}-used"}

    monkeypatch.setitem(methods, "apps.connections.open", issue_one_that_is_used)
    bot.sandbox.drop_sockets()
    await until(lambda: bot.sandbox.socket.connected, patience=SOON)
    assert openings(bot) == 3
