"""Fixtures of the command line's tests: settings of their own, and the command."""

import os
from pathlib import Path

import pytest

from tests.support.bot import POLICY
from tests.support.hitl import Hitl


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
def hitl(settings: dict[str, str], capsys: pytest.CaptureFixture[str]) -> Hitl:
    return Hitl(capsys)
