"""Fixtures of the command line's tests: settings of their own, and the command."""

import os
from pathlib import Path

import pytest
from slack_bolt.listener.async_listener import AsyncCustomListener

from tests.support.bot import PATIENCE, POLICY
from tests.support.hitl import Hitl


@pytest.fixture(autouse=True)
def nobody_hurries(monkeypatch: pytest.MonkeyPatch) -> None:
    """How soon the bot helps itself when a form takes long is for the tests of that: a slow machine is no reason."""
    for limit in ("reception.OPEN_WITHIN", "listeners.OPEN_WITHIN", "reception._ANSWER_WITHIN"):
        monkeypatch.setattr(f"bot.slack.{limit}", PATIENCE)
    monkeypatch.setattr("bot.app._FINISH_STORE", PATIENCE)
    bolts = property(lambda _: PATIENCE, lambda _, __: None)
    monkeypatch.setattr(AsyncCustomListener, "ack_timeout", bolts, raising=False)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of a fresh installation on SQLite, in an empty folder that is also the working directory."""
    for name in list(os.environ):
        if name.startswith(("HITL_", "SLACK_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policy.yml").write_text(POLICY)
    made = {
        "HITL_DATABASE_URL": f"sqlite:///{tmp_path}/hitl.db",
        "HITL_POLICY": str(tmp_path / "policy.yml"),
        "HITL_PORT": "0",
        "SLACK_BOT_TOKEN": "xoxb-sandbox",
        "SLACK_SIGNING_SECRET": "sandbox-signing-secret",
        "SLACK_API_URL": "http://127.0.0.1:9/api/",
    }
    for name, value in made.items():
        monkeypatch.setenv(name, value)
    return made


@pytest.fixture
def hitl(settings: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Hitl:
    """Logging is left as the tests have it: it would be set up for all of them, and write to what this one closes."""
    monkeypatch.setattr("bot.cli.session.set_up_logging", lambda style: None)
    return Hitl(capsys)


@pytest.fixture
def migrated(hitl: Hitl, monkeypatch: pytest.MonkeyPatch) -> Hitl:
    """The command on a database that is ready, without anything of Slack's."""
    for name in ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"):
        monkeypatch.delenv(name)
    assert hitl("migrate").code == 0
    return hitl
