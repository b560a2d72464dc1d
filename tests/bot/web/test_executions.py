"""What apps report about their actions over HTTP: executed once, closed, rolled back, and what is refused."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.bot.delivery.simulated import approve, reject
from tests.support.bot import ADMIN_KEY, KEY, OTHER_KEY, READ_KEY, SURE, UNSURE, Bot, Json, running_bot, until

PROBLEM = "urn:hitl:problem:"


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    async with running_bot(tmp_path, f"sqlite:///{tmp_path}/hitl.db") as running:
        yield running


async def report(bot: Bot, what: str, body: Any, decision: str = "a", key: str = KEY) -> tuple[int, Any]:
    """The status, and the answer or the kind of problem."""
    status, answer = await bot.call("POST", f"/v1/decisions/{decision}/{what}", key=key, json=body)
    return status, str(answer["type"]).removeprefix(PROBLEM) if status >= 400 else answer


async def execution(bot: Bot) -> Json | None:
    _, decision = await bot.get("/v1/decisions/a")
    _, page = await bot.get("/v1/decisions")
    assert page["data"] == [decision]
    found: Json | None = decision["execution"]
    return found


async def test_an_action_is_executed_once_and_closed(bot: Bot) -> None:
    _, decision = await bot.post(SURE, id="a")
    this = {"action_sha256": decision["action_sha256"]}
    assert await execution(bot) is None
    assert await report(bot, "executed", {"ok": True}) == (409, "not_allowed")
    assert await report(bot, "execute", {"action_sha256": "0" * 64}) == (409, "hash_mismatch")
    assert await report(bot, "execute", this) == (200, {"state": "executing"})
    assert await report(bot, "execute", this) == (409, "already_executed")
    begun = await execution(bot)
    assert begun is not None
    assert (begun["state"], begun["finished_at"]) == ("executing", None)
    assert await report(bot, "executed", {"ok": False}) == (200, {"state": "failed"})
    assert await report(bot, "execute", this) == (200, {"state": "executing"})
    for _ in range(2):
        assert await report(bot, "executed", {"ok": True}) == (200, {"state": "executed"})
    done = await execution(bot)
    assert done is not None
    assert done["state"] == "executed"
    assert done["finished_at"] >= done["started_at"]
    assert (await bot.post(SURE, id="a"))[1]["execution"] == done


async def test_nothing_is_executed_before_a_person_has_decided(bot: Bot) -> None:
    _, decision = await bot.post(UNSURE, id="a")
    this = {"action_sha256": decision["action_sha256"]}
    assert await report(bot, "execute", this) == (409, "not_allowed")
    await approve(bot, "a")
    assert await report(bot, "execute", this) == (200, {"state": "executing"})


async def test_only_the_app_itself_and_admin_report(bot: Bot) -> None:
    _, decision = await bot.post(SURE, id="a")
    this = {"action_sha256": decision["action_sha256"]}
    for what, body in (("execute", this), ("executed", {"ok": True}), ("rolled-back", {"ok": True})):
        assert await report(bot, what, body, key=READ_KEY) == (403, "forbidden")
        assert await report(bot, what, body, key=OTHER_KEY) == (404, "not_found")
    assert await report(bot, "execute", this, key=ADMIN_KEY) == (200, {"state": "executing"})


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("execute", {}),
        ("execute", {"action_sha256": "short"}),
        ("execute", {"action_sha256": "0" * 64, "force": True}),
        ("executed", {"ok": "yes"}),
        ("executed", []),
        ("rolled-back", {"note": "no ok"}),
        ("rolled-back", {"ok": True, "note": "x" * 2001}),
    ],
)
async def test_other_bodies_are_refused(bot: Bot, what: str, body: Any) -> None:
    await bot.post(SURE, id="a")
    assert await report(bot, what, body) == (422, "invalid_body")


async def test_a_rollback_is_answered_and_what_is_open_is_counted(bot: Bot) -> None:
    body = {**UNSURE, "task_type": "draft", "callback_url": bot.receiver.url}
    await bot.post(body, id="a")
    assert await report(bot, "rolled-back", {"ok": True}) == (409, "not_allowed")
    await reject(bot, "a")
    [event] = await until(lambda: bot.receiver.events)
    assert event["type"] == "decision.rollback_requested"
    assert await gauges(bot) == {"hitl_open_rollbacks": 1.0}
    assert await report(bot, "rolled-back", {"ok": False, "note": "Locked."}) == (200, {"state": "rollback_failed"})
    assert await gauges(bot) == {"hitl_open_rollbacks": 1.0}
    for _ in range(2):
        assert await report(bot, "rolled-back", {"ok": True, "note": "Done."}) == (200, {"state": "rolled_back"})
    assert await report(bot, "rolled-back", {"ok": False}) == (409, "not_allowed")
    assert await gauges(bot) == {"hitl_open_rollbacks": 0.0}


async def gauges(bot: Bot) -> dict[str, float]:
    headers = {"Authorization": f"Bearer {READ_KEY}"}
    async with bot.http.get(bot.application.url + "/metrics", headers=headers) as answer:
        families = text_string_to_metric_families(await answer.text())
    found = {each.name: each.value for family in families for each in family.samples if "rollback" in each.name}
    assert found.pop("hitl_oldest_open_rollback_seconds") >= 0
    return found
