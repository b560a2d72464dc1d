"""A whole bot for the tests of this folder, once over HTTP and once over Socket Mode."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.clock import Clock
from bot.sandbox.server import APP_TOKEN
from tests.bot.slack.at_work import by_socket
from tests.support.bot import POLICY, Bot, running_bot


@pytest.fixture
def policy() -> str:
    """To be overridden where a file's tests need another."""
    return POLICY


@pytest.fixture
def clock() -> Clock | None:
    """Likewise; None: the machine's."""
    return None


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bot waits a moment for what a form shows, and twice that for what comes of it."""
    monkeypatch.setattr("bot.slack.reception.OPEN_WITHIN", 0.3)
    monkeypatch.setattr("bot.slack.listeners.OPEN_WITHIN", 0.3)
    monkeypatch.setattr("bot.slack.reception._ANSWER_WITHIN", 0.6)


@pytest.fixture(params=["http", "socket"])
async def bot(request: pytest.FixtureRequest, tmp_path: Path, policy: str, clock: Clock | None) -> AsyncIterator[Bot]:
    """In Socket Mode Slack has no URL of the bot, and the bot no secret to check a signature with."""
    database = f"sqlite:///{tmp_path}/hitl.db"
    if request.param == "http":
        async with running_bot(tmp_path, database, clock=clock, policy=policy) as running:
            yield running
        return
    async with running_bot(
        tmp_path, database, clock=clock, policy=policy, slack_app_token=APP_TOKEN, slack_signing_secret=None
    ) as running:
        await by_socket(running)
        yield running


_TROUBLES = {"429", "silent"}
"""What the short suite plays of Slack's faults."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Past Bolt the two transports are one: `make test` plays all over HTTP with some of Slack's faults, and what is
    the socket's own; `make long` plays all of it over both."""
    for item in items:
        if not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
            continue
        trouble, transport = item.callspec.params.get("trouble"), item.callspec.params.get("bot")
        is_of_the_socket = "socket" in item.originalname or "did_not_get_through" in item.originalname
        repeated = transport == "socket" and not is_of_the_socket
        if repeated or (transport == "http" and trouble is not None and trouble not in _TROUBLES):
            item.add_marker("long")
