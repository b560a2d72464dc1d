"""The API's description is valid OpenAPI 3.1 and agrees with what the API takes and answers."""

from typing import Any

import jsonschema_rs
import orjson
import pytest
import schemathesis

from bot.problem import Problem
from bot.web.openapi import document
from routing.decision import DecisionRequest

DOCUMENT = document()

OUTCOME: dict[str, Any] = {
    "result": "edited",
    "disposition": "execute",
    "output": {"action": "refund", "amount": 100},
    "decided_by": ["U0ADA"],
    "decided_at": "2026-11-20T10:01:00Z",
    "category": "wrong_amount",
    "severity": "major",
    "labels": {},
    "reason": "Policy caps goodwill refunds at 100",
    "correct_answer": None,
}
DECISION: dict[str, Any] = {
    "id": "refund-8812",
    "status": "resolved",
    "route": "ESCALATE",
    "disposition": "execute",
    "risk": "critical",
    "threshold": 0.99,
    "confident": False,
    "reasons": [
        {"code": "risk.base", "detail": "refund", "result": "medium"},
        {"code": "risk.rule", "rule": "big_money", "detail": "context.amount > 10000", "result": "critical"},
        {"code": "confidence.below", "detail": "0.87 < 0.99"},
    ],
    "policy_version": "9f2c1e0ab31d",
    "action_sha256": "0" * 64,
    "deadline": None,
    "outcome": OUTCOME,
    "previous_outcome": None,
    "execution": None,
    "created_at": "2026-11-20T10:00:00Z",
    "metadata": {"trace_id": "t-1"},
}


def validator(name: str) -> jsonschema_rs.Draft202012Validator:
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    return jsonschema_rs.Draft202012Validator(schema)


def operations() -> dict[tuple[str, str], dict[str, Any]]:
    methods = ("get", "post", "put", "patch", "delete")
    return {
        (method.upper(), path): item[method]
        for path, item in DOCUMENT["paths"].items()
        for method in methods
        if method in item
    }


def test_it_is_valid_openapi_that_a_tester_can_load() -> None:
    schema = schemathesis.openapi.from_dict(document())
    schema.validate()
    assert schema.specification.version == "3.1.0"
    assert schema.statistic.operations.total == len(operations())


def test_it_survives_the_way_over_the_wire() -> None:
    assert orjson.loads(orjson.dumps(DOCUMENT)) == DOCUMENT


def test_it_lists_the_calls_with_their_scope() -> None:
    scopes = {call: operation["security"] for call, operation in operations().items()}
    ingest, read = [{"bearer": ["ingest"]}], [{"bearer": ["read"]}]
    open_to_all: list[dict[str, list[str]]] = []
    assert scopes == {
        ("POST", "/v1/decisions"): ingest,
        ("GET", "/v1/decisions"): read,
        ("GET", "/v1/decisions/{id}"): read,
        ("POST", "/v1/decisions/{id}/cancel"): ingest,
        ("POST", "/v1/decisions/{id}/execute"): ingest,
        ("POST", "/v1/decisions/{id}/executed"): ingest,
        ("POST", "/v1/decisions/{id}/rolled-back"): ingest,
        ("POST", "/v1/alerts"): ingest,
        ("GET", "/v1/stats"): read,
        ("GET", "/v1/calibration/{task_type}"): read,
        ("GET", "/healthz"): open_to_all,
        ("GET", "/readyz"): open_to_all,
        ("GET", "/metrics"): read,
        ("GET", "/openapi.json"): open_to_all,
    }


def test_each_call_lists_its_answers() -> None:
    post = operations()["POST", "/v1/decisions"]["responses"]
    assert set(post) == {"201", "200", "400", "401", "403", "409", "413", "422", "503", "default"}
    assert post["409"]["description"] == "`urn:hitl:problem:id_conflict` or `urn:hitl:problem:not_allowed`"
    assert "Idempotent-Replayed" in post["200"]["headers"]
    cancel = operations()["POST", "/v1/decisions/{id}/cancel"]["responses"]
    assert set(cancel) == {"200", "401", "403", "404", "409", "503", "default"}
    execute = operations()["POST", "/v1/decisions/{id}/execute"]["responses"]
    assert set(execute) == {"200", "400", "401", "403", "404", "409", "413", "422", "503", "default"}
    for kind in ("already_executed", "hash_mismatch", "not_allowed"):
        assert f"`urn:hitl:problem:{kind}`" in execute["409"]["description"]
    assert "Idempotent-Replayed" in operations()["POST", "/v1/alerts"]["responses"]["200"]["headers"]
    assert set(operations()["GET", "/healthz"]["responses"]) == {"200", "default"}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"status": "pending", "outcome": None, "deadline": "2026-11-20T10:05:00Z"},
        {"previous_outcome": OUTCOME},
        {"execution": {"state": "executing", "started_at": "2026-11-20T10:02:00Z", "finished_at": None}},
    ],
)
def test_the_contracts_answer_fits_its_schema(change: dict[str, Any]) -> None:
    answer = {**DECISION, **change}
    validator("DecisionObject").validate(answer)
    validator("DecisionList").validate({"data": [answer], "next_cursor": None})


@pytest.mark.parametrize(("name", "sample"), [("DecisionObject", DECISION), ("OutcomeObject", OUTCOME)])
def test_a_schema_names_exactly_the_members_and_each_is_always_there(name: str, sample: dict[str, Any]) -> None:
    schema = DOCUMENT["components"]["schemas"][name]
    assert set(schema["properties"]) == set(schema["required"]) == set(sample)


@pytest.mark.parametrize(
    "change", [{"status": "open"}, {"route": "auto"}, {"action_sha256": "short"}, {"outcome": {"result": "auto"}}]
)
def test_an_answer_that_breaks_the_contract_does_not_fit(change: dict[str, Any]) -> None:
    assert not validator("DecisionObject").is_valid({**DECISION, **change})


def test_problems_fit_their_schema() -> None:
    problem = Problem("invalid_body", "wrong", errors=[{"loc": ["sources", 0, "url"], "msg": "too long"}])
    validator("ProblemObject").validate(problem.to_json())
    validator("ProblemObject").validate(Problem("not_found", "Nothing there.").to_json())


def test_the_request_schema_is_the_models_own() -> None:
    body = operations()["POST", "/v1/decisions"]["requestBody"]["content"]["application/json"]
    request = validator("DecisionRequest")
    request.validate(body["example"])
    DecisionRequest.model_validate(body["example"])
    assert not request.is_valid({**body["example"], "confidense": 0.5})
    assert not request.is_valid({**body["example"], "confidence": 1.5})
    assert not request.is_valid({"task_type": "refund", "input": "x"})
