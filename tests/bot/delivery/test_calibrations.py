"""What Slack is given of a calibration: a question with its buttons, or a report without."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.slack.proposed import APPLY
from tests.bot.calibrating.labelled import SAME, SOUND, judged
from tests.bot.delivery.simulated import of_kind
from tests.support.bot import Bot, running_bot, until


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    async with running_bot(tmp_path, f"sqlite:///{tmp_path}/hitl.db") as running:
        yield running


async def test_a_threshold_can_be_applied_and_a_refusal_is_told(bot: Bot) -> None:
    version = bot.services.policy.current.version
    await judged(bot.services.engine, 1, SOUND, policy_version=version)
    await judged(bot.services.engine, 1, SAME, policy_version=version, task_type="draft")

    await bot.application.jobs.run("calibrate", bot.clock.now())

    [asked] = await until(lambda: of_kind(bot, "proposal:"))
    [told] = await until(lambda: of_kind(bot, "calibration:"))
    assert "Calibration: label. Threshold 0." in asked["text"]
    assert asked["blocks"][-1]["elements"][0]["action_id"] == APPLY
    assert "Calibration: draft. Keep a person on everything" in told["text"]
    assert all(block["type"] != "actions" for block in told["blocks"])
