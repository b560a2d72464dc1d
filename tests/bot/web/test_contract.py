"""The running API keeps to the description that it serves itself: whole stories, and what is generated from it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.bot.slack.at_work import Walker
from tests.support.bot import KEY, SURE, UNSURE, Bot, running_bot, until

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
METHODS = {"get", "post"}


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    async with running_bot(tmp_path, f"sqlite:///{tmp_path}/hitl.db") as running:
        yield running


async def description(bot: Bot) -> dict[str, Any]:
    _, document = await bot.get("/openapi.json")
    return document


def validator(document: dict[str, Any], name: str) -> jsonschema_rs.Draft202012Validator:
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


async def test_every_answer_and_event_of_the_flow_fits_its_schema(bot: Bot) -> None:
    document = await description(bot)
    decision, problem = validator(document, "DecisionObject"), validator(document, "ProblemObject")
    posts: list[dict[str, Any]] = [
        {**SURE, "id": "auto", "metadata": {"trace_id": "t", "deep": [{"a": None}]}},
        {**UNSURE, "id": "rejected-gate", "callback_url": bot.receiver.url},
        {**UNSURE, "id": "cancelled"},
        {**UNSURE, "id": "flagged", "task_type": "draft", "callback_url": bot.receiver.url},
        {**UNSURE, "id": "critical", "context": {"amount": 20_000}, "requested_by": "U0ADA"},
        {**UNSURE, "id": "shadow", "variant": "shadow"},
        {**UNSURE, "id": "checked", "task_type": "refund", "output": {"note": "drop table x"}},
    ]
    for body in posts:
        decision.validate((await bot.post(body))[1])
    decision.validate((await bot.call("POST", "/v1/decisions/cancelled/cancel"))[1])
    card = await bot.card("rejected-gate")
    await bot.sandbox.click("U0ADA", "C0REVIEW", card["ts"], "review.reject")
    answers = {"category": "tone", "severity": "minor", "reason": "Too curt.", "answer": "billing"}
    [view] = await until(lambda: bot.sandbox.views("U0ADA"))
    await bot.sandbox.submit_view("U0ADA", view["id"], answers)
    ada = Walker(bot, "U0ADA")  # what is out provisionally waits in the queue
    await until(lambda: not bot.sandbox.views("U0ADA"))
    await ada.start()
    await ada.fill_in("reject", answers)
    await until(lambda: len(bot.receiver.events) == 2)

    action = {"action_sha256": (await bot.get("/v1/decisions/auto"))[1]["action_sha256"]}
    for call, body in (
        ("auto/execute", action),
        ("auto/executed", {"ok": True}),
        ("flagged/rolled-back", {"ok": True, "note": "Undone."}),
    ):
        status, answer = await bot.call("POST", f"/v1/decisions/{call}", json=body)
        assert status == 200
        name = "RollbackStateObject" if "rolled" in call else "ExecutionStateObject"
        validator(document, name).validate(answer)
    decision.validate((await bot.get("/v1/decisions/auto"))[1])
    alert = {"title": "Refunds doubled", "detail": "42 of 100", "severity": "high"}
    validator(document, "AlertObject").validate((await bot.call("POST", "/v1/alerts", json=alert))[1])
    for event in bot.receiver.events:
        decision.validate(event["data"])
    _, page = await bot.get("/v1/decisions")
    validator(document, "DecisionList").validate(page)
    assert {found["id"] for found in page["data"]} == {body["id"] for body in posts}
    for asked in (
        bot.get("/v1/decisions/nobodys"),
        bot.post(SURE, id="rejected-gate"),
        bot.post(SURE, confidence=7),
        bot.call("POST", "/v1/decisions/auto/cancel"),
        bot.call("PUT", "/v1/decisions"),
        bot.get("/v1/decisions", key="hitl_wrong"),
    ):
        problem.validate((await asked)[1])


async def test_what_is_generated_from_the_description_is_answered_by_it(bot: Bot) -> None:
    """Good and bad bodies, paths and arguments; the app of the key is one of its own."""
    document = await description(bot)
    tried = await asyncio.to_thread(try_all_operations, document, bot.application.url)
    assert tried == {
        f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item if method in METHODS
    }
    assert (await bot.post(SURE))[0] == 201


def try_all_operations(document: dict[str, Any], url: str) -> set[str]:
    """The operations tried; raises the first deviation, with the request that shows it. Each has a key that is good, so
    that what is wrong is the arguments and not that."""
    tried: set[str] = set()
    for item in document["paths"].values():
        for method in METHODS & item.keys():
            item[method].pop("security", None)
    for found in schemathesis.openapi.from_dict(document).get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        for mode in GenerationMode.POSITIVE, GenerationMode.NEGATIVE:
            if mode is GenerationMode.NEGATIVE and not (operation.body or operation.query or operation.path_parameters):
                continue
            checks = [*CHECKS, refuses_what_was_sent] if mode is GenerationMode.NEGATIVE else CHECKS
            try_operation(operation, mode, checks, url)
        tried.add(operation.label)
    return tried


def refuses_what_was_sent(context: Any, response: Any, case: Any) -> None:
    """An argument that is an empty list or object is never sent, and what was wrong with the request goes with it."""
    sent = parse_qs(urlsplit(response.request.url).query, keep_blank_values=True)
    if set(case.query or ()) <= set(sent):
        negative_data_rejection(context, response, case)


def try_operation(operation: Any, mode: GenerationMode, checks: list[Any], url: str) -> None:
    @settings(
        max_examples=10,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        case.call_and_validate(base_url=url, headers={"Authorization": f"Bearer {KEY}"}, checks=checks)

    ask()
