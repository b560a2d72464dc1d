"""Fixtures of the senders' tests: a bot in simulated time, whose loops look again at once."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bot.delivery.simulated import LeapingClock
from tests.support.bot import Bot, running_bot


@pytest.fixture
def clock() -> LeapingClock:
    return LeapingClock()


@pytest.fixture
async def bot(tmp_path: Path, clock: LeapingClock) -> AsyncIterator[Bot]:
    async with running_bot(tmp_path, f"sqlite:///{tmp_path}/hitl.db", clock=clock) as running:
        yield running


@pytest.fixture(autouse=True)
def nobody_gathers(monkeypatch: pytest.MonkeyPatch) -> None:
    """They rest for a while of the machine's time after each commit, which a stepped clock would wait for each time."""
    monkeypatch.setattr("bot.delivery.batches._GATHER", 0.0)
    monkeypatch.setattr("bot.delivery.deadlines._GATHER", 0.0)
    monkeypatch.setattr("bot.delivery.messages._GATHER", 0.0)
    monkeypatch.setattr("bot.slack.home._GATHER", 0.0)
