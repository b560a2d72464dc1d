"""Fixtures of the senders' tests: simulated time, and keepers that look again at once."""

import pytest


@pytest.fixture(autouse=True)
def keepers_gather_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """They rest for a while of the machine's time after each commit, which a stepped clock would wait for each time."""
    monkeypatch.setattr("bot.delivery.batches._GATHER", 0.0)
    monkeypatch.setattr("bot.delivery.deadlines._GATHER", 0.0)
