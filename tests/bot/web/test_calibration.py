"""`GET /v1/calibration/{task_type}`: the latest look, for apps that post decisions of the task."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.bot.calibrating.labelled import HOPELESS, SOUND, judged
from tests.bot.web.test_openapi import validator
from tests.support.bot import ADMIN_KEY, KEY, OTHER_KEY, UNSURE, Bot, running_bot


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    async with running_bot(tmp_path, f"sqlite:///{tmp_path}/hitl.db", loops=False) as running:
        yield running


async def look_at(bot: Bot, answers: Any, **changes: Any) -> None:
    await judged(
        bot.services.engine,
        1,
        answers,
        policy_version=bot.services.policy.current.version,
        **changes,
    )
    await bot.application.jobs.run("calibrate", bot.clock.now())


async def calibration(bot: Bot, key: str = KEY) -> dict[str, Any]:
    status, found = await bot.get("/v1/calibration/label", key)
    assert status == 200, found
    validator("CalibrationObject").validate(found)
    return found


async def test_a_threshold_with_its_table_and_reliability(bot: Bot) -> None:
    await bot.post(UNSURE, id="a")
    await look_at(bot, SOUND, model_name="gpt-x")

    found = await calibration(bot)

    assert found["model"] == {"name": "gpt-x", "version": None}
    assert (found["task_type"], found["look"], found["labels"], found["wrong"]) == ("label", 1, 300, 25)
    assert found["reason"] == "certified"
    assert found["threshold"] in [row["threshold"] for row in found["table"]]
    assert found["error_categories"] == [{"category": "tone", "count": 25}]
    assert len(found["reliability"]["bins"]) == 10


async def test_a_refusal_has_no_threshold(bot: Bot) -> None:
    await bot.post(UNSURE, id="a")
    await look_at(bot, HOPELESS)

    found = await calibration(bot)

    assert (found["threshold"], found["coverage"], found["reason"]) == (None, 0.0, "not_certified")


async def test_to_an_app_that_posts_none_of_it_the_task_does_not_exist(bot: Bot) -> None:
    await look_at(bot, SOUND)
    for key, status in ((KEY, 404), (OTHER_KEY, 404), (ADMIN_KEY, 200)):
        assert (await bot.get("/v1/calibration/label", key))[0] == status
    await bot.post(UNSURE, id="a", key=OTHER_KEY)
    await bot.post(UNSURE, id="a", task_type="draft")
    for key, status in ((KEY, 404), (OTHER_KEY, 200)):
        assert (await bot.get("/v1/calibration/label", key))[0] == status


@pytest.mark.parametrize("path", ["label", "no-such", "%00", "Label"])
async def test_where_there_is_none_it_is_not_found(bot: Bot, path: str) -> None:
    assert (await bot.get(f"/v1/calibration/{path}", ADMIN_KEY))[0] == 404


async def test_a_parameter_is_refused_by_name(bot: Bot) -> None:
    status, problem = await bot.get("/v1/calibration/label?look=2", ADMIN_KEY)
    assert (status, problem["errors"][0]["loc"]) == (422, ["query", "look"])
