"""`GET /v1/stats`: the contract's keys, an app's own numbers only, and arguments that are refused by name."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.web.openapi import document
from tests.bot.web.test_openapi import validator
from tests.support.bot import ADMIN_KEY, KEY, OTHER_KEY, POLICY, SURE, UNSURE, Bot, running_bot
from tests.support.clock import ManualClock

SHARES = {"escalation_rate", "auto_resolve_rate", "reviewer_agreement", "feedback_utilization"}
PERCENTILES = {"review_latency", "feedback_to_update"}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def bot(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Bot]:
    policy = POLICY.replace("version: 1", "version: 1\ncost: {review_minute: 1}", 1)
    url = f"sqlite:///{tmp_path}/hitl.db"
    async with running_bot(tmp_path, url, clock=clock, policy=policy, loops=False) as running:
        yield running


async def stats(bot: Bot, query: str = "", key: str = KEY) -> dict[str, Any]:
    status, found = await bot.get(f"/v1/stats?{query}", key)
    assert status == 200, found
    validator("StatsObject").validate(found)
    return found


async def test_without_decisions_every_value_is_null(bot: Bot) -> None:
    found = await stats(bot)
    for key in SHARES:
        assert found[key] == {"value": None, "numerator": 0, "denominator": 0}
    for key in PERCENTILES:
        assert found[key] == {"p50": None, "p95": None, "n": 0}
    for key in ("error_escape_rate", "inter_reviewer_agreement"):
        assert (found[key]["value"], found[key]["n"]) == (None, 0)
    assert (found["from"], found["to"]) == ("2026-11-13T09:00:00Z", "2026-11-20T09:00:00Z")
    assert found["cohorts_that_stand_out"] == []
    assert found["cost"]["review"] == 0


async def test_an_app_sees_its_own_and_admin_all_whatever_is_asked_for(bot: Bot, clock: ManualClock) -> None:
    await bot.post(SURE, id="a", cohort="eu")
    await bot.post(UNSURE, id="b", cohort="us")
    await bot.post(UNSURE, id="c", task_type="refund")
    await bot.post(UNSURE, id="d", variant="shadow")
    await bot.post(UNSURE, id="e", key=OTHER_KEY)
    await clock.advance(60)
    for query, key, numerator, denominator in (
        ("", KEY, 2, 3),
        ("", OTHER_KEY, 1, 1),
        ("", ADMIN_KEY, 3, 4),
        ("task_type=label", KEY, 1, 2),
        ("task_type=label&cohort=us", KEY, 1, 1),
        ("cohort=eu", OTHER_KEY, 0, 0),
        ("window=1h", KEY, 2, 3),
        ("from=2026-11-20", KEY, 2, 3),
        ("from=2026-11-20T09:00:00Z&to=2026-11-21", KEY, 2, 3),
        ("from=2026-11-19&to=2026-11-20", KEY, 0, 0),
    ):
        found = (await stats(bot, query, key))["escalation_rate"]
        assert (found["numerator"], found["denominator"]) == (numerator, denominator), (query, key)
    found = await stats(bot)
    assert set(found["by_task"]) == {"label", "refund"}
    assert set(found["by_cohort"]) == {"eu", "us"}


async def test_wrong_arguments_are_refused_by_name_with_what_to_write(bot: Bot) -> None:
    for query, name, words in (
        ("window=week", "window", "24h or 7d"),
        ("window=", "window", "24h or 7d"),
        ("window=7d&from=2026-11-09", "window", "one or the other"),
        ("to=2026-11-09", "to", "needs from"),
        ("from=09.11.2026", "from", "2026-11-09"),
        ("from=2026-11-09&to=2026-11-09", "from", "before"),
        ("from=2026-11-21", "from", "before now"),
        ("task=label", "task", "task_type"),
        ("cohort=a%00b", "cohort", "no stored value"),
    ):
        status, problem = await bot.get(f"/v1/stats?{query}")
        assert (status, problem["type"]) == (422, "urn:hitl:problem:invalid_body"), query
        assert [error["loc"] for error in problem["errors"]] == [["query", name]], query
        assert words in problem["detail"], query


async def test_it_takes_a_key_that_may_read(bot: Bot) -> None:
    assert (await bot.get("/v1/stats", "hitl_wrong"))[0] == 401
    assert document()["paths"]["/v1/stats"]["get"]["security"] == [{"bearer": ["read"]}]
