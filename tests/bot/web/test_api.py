"""Decisions over HTTP: what each route answers, idempotency, tenants, withdrawal, chains of retries."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from routing.decision import DecisionRequest
from routing.policy import Policy
from routing.route import route
from store.policies import policy_document
from tests.support.bot import ADMIN_KEY, KEY, OTHER_KEY, POLICY, SURE, UNSURE, Bot, running_bot

PROBLEM = "urn:hitl:problem:"


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    async with running_bot(tmp_path, f"sqlite:///{tmp_path}/hitl.db") as running:
        yield running


@pytest.fixture
async def bot_on_both(tmp_path: Path, database_url: str) -> AsyncIterator[Bot]:
    async with running_bot(tmp_path, database_url) as running:
        yield running


async def post_raw(bot: Bot, body: str, key: str = KEY) -> tuple[int, str | None, dict[str, Any]]:
    """(status, Idempotent-Replayed, answer)."""
    headers = {"Authorization": f"Bearer {key}"}
    async with bot.http.post(bot.application.url + "/v1/decisions", data=body, headers=headers) as answer:
        return answer.status, answer.headers.get("Idempotent-Replayed"), await answer.json(content_type=None)


Shape = tuple[str, str, str, str, str | None]
SHAPES: list[tuple[dict[str, Any], Shape]] = [
    ({"confidence": 0.9}, ("resolved", "AUTO", "execute", "low", "auto")),
    (
        {"task_type": "refund", "confidence": 0.95, "output": {"amount": 5}},
        ("resolved", "AUTO_AUDIT", "execute", "medium", "auto"),
    ),
    ({}, ("pending", "ESCALATE", "wait", "low", None)),
    ({"confidence": None}, ("pending", "ESCALATE", "wait", "low", None)),
    ({"context": {"amount": 20_000}}, ("pending", "ESCALATE", "wait", "critical", None)),
    ({"task_type": "draft"}, ("pending", "QUEUE", "execute_provisional", "low", None)),
    ({"variant": "shadow"}, ("resolved", "ESCALATE", "do_not_execute", "low", "shadow")),
    (
        {"task_type": "refund", "output": {"note": "DROP TABLE users"}},
        ("resolved", "ESCALATE", "do_not_execute", "medium", "rejected"),
    ),
]


async def test_each_route_has_its_shape(bot: Bot) -> None:
    for change, shape in SHAPES:
        body = {**UNSURE, **change}
        status, answer = await bot.post(body)

        assert status == 201
        outcome = answer["outcome"]
        found = (
            answer["status"],
            answer["route"],
            answer["disposition"],
            answer["risk"],
            outcome and outcome["result"],
        )
        assert found == shape
        assert (answer["deadline"] is not None) == (answer["status"] == "pending")
        assert (answer["previous_outcome"], answer["execution"]) == (None, None)
        assert await bot.get(f"/v1/decisions/{answer['id']}") == (200, answer)
        if outcome is not None:
            assert outcome["disposition"] == answer["disposition"]
            assert outcome["output"] == (body["output"] if shape[4] == "auto" else None)
            assert (outcome["decided_by"], outcome["labels"], outcome["reason"]) == ([], {}, None)


async def test_without_an_id_the_server_makes_one_and_every_post_is_a_new_decision(bot: Bot) -> None:
    answers = [await bot.post(SURE) for _ in range(2)]
    assert [status for status, _ in answers] == [201, 201]
    ids = {answer["id"] for _, answer in answers}
    assert len(ids) == 2
    for decision_id in ids:
        assert (await bot.get(f"/v1/decisions/{decision_id}"))[0] == 200


async def test_the_stored_policy_explains_an_old_decision(bot_on_both: Bot) -> None:
    bot = bot_on_both
    body = {**UNSURE, "task_type": "refund", "context": {"amount": 20_000}}
    _, answer = await bot.post(body, id="old")
    bot.policy.write_text(POLICY.replace("10000", "30000"))
    await bot.services.policy.reload()
    _, later = await bot.post(body, id="new")

    assert (answer["risk"], later["risk"]) == ("critical", "medium")
    assert answer["policy_version"] != later["policy_version"]
    for decision in (answer, later):
        document = await policy_document(bot.services.engine, decision["policy_version"])
        assert document is not None
        policy = Policy.from_document(document)
        assert policy.version == decision["policy_version"]
        routed = route(DecisionRequest.model_validate(body), policy)
        assert [reason.as_json() for reason in routed.reasons] == decision["reasons"]
        assert (routed.route, routed.risk, routed.threshold) == tuple(
            decision[name] for name in ("route", "risk", "threshold")
        )


# Idempotency ----------------------------------------------------------------------------------------------------------


async def test_the_same_json_again_is_a_replay_and_another_body_a_conflict(bot_on_both: Bot) -> None:
    bot = bot_on_both
    first = '{"id": "r", "task_type": "label", "input": {"a": 1, "b": [1, 2.5]}, "output": "x", "confidence": 1}'
    same = '{"output":"\\u0078","confidence":1.0,"input":{"b":[1.0,2.5],"a":1},"task_type":"label","id":"r"}'
    assert (await post_raw(bot, first))[:2] == (201, None)
    stored = await bot.get("/v1/decisions/r")

    for body in (first, same):
        status, replayed, answer = await post_raw(bot, body)
        assert (status, replayed, answer) == (200, "true", stored[1])
    for body in (
        first.replace('"x"', '"y"'),
        first.replace('"a": 1', '"a": true'),
        first.replace("[1, 2.5]", "[2.5, 1]"),
        first.replace('"confidence": 1', '"confidence": 1, "reversible": true'),
    ):
        status, replayed, problem = await post_raw(bot, body)
        assert (status, replayed, problem["type"]) == (409, None, PROBLEM + "id_conflict")
        assert "new id" in problem["detail"]
    assert await bot.get("/v1/decisions/r") == stored


async def test_of_twenty_at_once_one_is_stored_and_all_are_answered(bot_on_both: Bot) -> None:
    body = json.dumps({**UNSURE, "id": "once"})
    answers = await asyncio.gather(*(post_raw(bot_on_both, body) for _ in range(20)))

    assert Counter((status, replayed) for status, replayed, _ in answers) == {(201, None): 1, (200, "true"): 19}
    assert len({json.dumps(answer, sort_keys=True) for _, _, answer in answers}) == 1
    await bot_on_both.card("once")
    assert len(bot_on_both.cards("once")) == 1


async def test_at_once_with_different_bodies_one_wins_and_the_others_conflict(bot: Bot) -> None:
    bodies = [json.dumps({**UNSURE, "id": "race", "input": f"question {number % 2}"}) for number in range(20)]
    answers = await asyncio.gather(*(post_raw(bot, body) for body in bodies))
    assert Counter(status for status, _, _ in answers) == {201: 1, 200: 9, 409: 10}


async def test_a_replay_shows_the_decision_as_it_is_now(bot: Bot) -> None:
    await bot.post(UNSURE, id="later")
    _, cancelled = await bot.call("POST", "/v1/decisions/later/cancel")
    status, answer = await bot.post(UNSURE, id="later")
    assert (status, answer) == (200, cancelled)
    assert answer["outcome"]["result"] == "cancelled"


async def test_one_id_in_two_apps_is_two_decisions(bot: Bot) -> None:
    assert (await bot.post(UNSURE, id="shared"))[0] == 201
    assert (await bot.post(SURE, OTHER_KEY, id="shared"))[0] == 201
    assert (await bot.get("/v1/decisions/shared"))[1]["status"] == "pending"
    assert (await bot.get("/v1/decisions/shared", OTHER_KEY))[1]["status"] == "resolved"


# Tenants --------------------------------------------------------------------------------------------------------------


async def test_an_app_sees_and_touches_its_own_decisions_only(bot: Bot) -> None:
    await bot.post(UNSURE, id="mine")
    await bot.post(UNSURE, OTHER_KEY, id="theirs")

    for method, path in (("GET", "/v1/decisions/theirs"), ("POST", "/v1/decisions/theirs/cancel")):
        status, problem = await bot.call(method, path)
        assert (status, problem["type"]) == (404, PROBLEM + "not_found")
        assert problem == (await bot.call(method, path.replace("theirs", "nobodys")))[1]
    assert (await bot.get("/v1/decisions/theirs", OTHER_KEY))[1]["status"] == "pending"
    assert await listed(bot, KEY) == ["mine"]
    assert await listed(bot, OTHER_KEY) == ["theirs"]
    status, problem = await bot.post(UNSURE, id="again", retry_of="theirs")
    assert (status, problem["errors"][0]["loc"]) == (422, ["retry_of"])


async def test_admin_sees_and_cancels_everyones(bot: Bot) -> None:
    await bot.post(UNSURE, id="mine")
    await bot.post(UNSURE, OTHER_KEY, id="theirs")
    await bot.post(UNSURE, ADMIN_KEY, id="mine", input="the admin's own")

    assert await listed(bot, ADMIN_KEY) == ["mine", "theirs", "mine"]
    status, answer = await bot.call("POST", "/v1/decisions/theirs/cancel", key=ADMIN_KEY)
    assert (status, answer["outcome"]["result"]) == (200, "cancelled")
    await bot.call("POST", "/v1/decisions/mine/cancel", key=ADMIN_KEY)  # of two with this id, one's own comes first
    assert (await bot.get("/v1/decisions/mine", ADMIN_KEY))[1]["status"] == "resolved"
    assert (await bot.get("/v1/decisions/mine"))[1]["status"] == "pending"


async def listed(bot: Bot, key: str) -> list[str]:
    _, page = await bot.get("/v1/decisions", key)
    return [decision["id"] for decision in page["data"]]


# Withdrawal -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", [{}, {"task_type": "draft"}], ids=["waiting", "provisional"])
async def test_a_pending_decision_can_be_withdrawn_once(bot: Bot, change: dict[str, Any]) -> None:
    await bot.post({**UNSURE, **change}, id="w")
    status, answer = await bot.call("POST", "/v1/decisions/w/cancel")
    assert (status, answer["status"], answer["disposition"]) == (200, "resolved", "do_not_execute")
    outcome = answer["outcome"]
    assert (outcome["result"], outcome["decided_by"], outcome["output"]) == ("cancelled", [], None)
    assert await bot.get("/v1/decisions/w") == (200, answer)

    status, problem = await bot.call("POST", "/v1/decisions/w/cancel")
    assert (status, problem["type"]) == (409, PROBLEM + "already_resolved")
    assert "cancelled" in problem["detail"]


async def test_what_ran_alone_cannot_be_withdrawn(bot: Bot) -> None:
    _, before = await bot.post(SURE, id="ran")
    status, problem = await bot.call("POST", "/v1/decisions/ran/cancel")
    assert (status, problem["type"]) == (409, PROBLEM + "already_resolved")
    assert (await bot.get("/v1/decisions/ran"))[1] == before


# Retries --------------------------------------------------------------------------------------------------------------


async def test_a_chain_of_retries_ends_at_max_tries_and_its_last_link_can_be_replayed(bot: Bot) -> None:
    await bot.post(UNSURE, id="try-0")
    for number in (1, 2, 3):
        assert (await bot.post(UNSURE, id=f"try-{number}", retry_of=f"try-{number - 1}"))[0] == 201

    for decision_id in ("try-4", None):
        status, problem = await bot.post({**UNSURE, "id": decision_id, "retry_of": "try-3"})
        assert (status, problem["type"]) == (409, PROBLEM + "not_allowed")
        assert "max_tries" in problem["detail"]
    assert (await bot.get("/v1/decisions/try-4"))[0] == 404
    assert (await bot.post(UNSURE, id="try-3", retry_of="try-2"))[0] == 200
    bot.policy.write_text(POLICY.replace("defaults:", "defaults:\n  max_tries: 1"))
    await bot.services.policy.reload()
    assert (await bot.post(UNSURE, id="try-3", retry_of="try-2"))[0] == 200
    assert (await bot.post(UNSURE, id="other", retry_of="try-2"))[0] == 409
