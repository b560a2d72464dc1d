"""The description of the HTTP API (OpenAPI 3.1), served at /openapi.json."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from bot.problem import KINDS, MEDIA_TYPE, TYPE_PREFIX, Kind
from bot.web.executions import ExecutedRequest, ExecuteRequest, RolledBackRequest
from bot.web.schema import (
    AlertObject,
    CalibrationObject,
    DecisionList,
    DecisionObject,
    ExecutionStateObject,
    HealthObject,
    ProblemObject,
    RollbackStateObject,
    StatsObject,
)
from routing.alert import AlertRequest
from routing.decision import DecisionId, DecisionRequest, Route, TaskType

Fragment = dict[str, Any]

_REF: Final = "#/components/schemas/{model}"
_MODELS: Final = (
    DecisionRequest, DecisionObject, DecisionList, ExecuteRequest, ExecutedRequest, ExecutionStateObject,
    RolledBackRequest, RollbackStateObject, AlertRequest, AlertObject, StatsObject, CalibrationObject, HealthObject,
    ProblemObject,
)  # fmt: skip
_EXAMPLE: Final = {
    "id": "refund-8812",
    "task_type": "refund",
    "input": "I want my money back",
    "output": {"action": "refund", "amount": 120},
    "confidence": 0.87,
    "context": {"amount": 120, "is_new_user": False},
    "callback_url": "https://app.example/hitl",
}


@cache
def document() -> Fragment:
    """The whole description; made once, to be read only."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "hitl",
            "version": "1",
            "summary": "A Slack-native review bot for AI decisions.",
            "description": "Post what a model decided; the answer says whether to act, to wait, or not to act. Errors "
            f"are `{MEDIA_TYPE}`. Each call names the scope that its key must have; the scope `admin` has all.",
        },
        "paths": {
            **_decision_paths(),
            "/v1/alerts": {"post": _post_alert()},
            "/v1/stats": {"get": _stats()},
            "/v1/calibration/{task_type}": {"parameters": [_task_type_parameter()], "get": _calibration()},
            **_service_paths(),
        },
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "`hitl_…`, from `hitl keys create`."}
            },
            "schemas": _schemas(*_MODELS),
        },
    }


def _decision_paths() -> Fragment:
    by_id = {"parameters": [_id_parameter()]}
    return {
        "/v1/decisions": {"post": _post(), "get": _list()},
        "/v1/decisions/{id}": {**by_id, "get": _get()},
        "/v1/decisions/{id}/cancel": {**by_id, "post": _cancel()},
        "/v1/decisions/{id}/execute": {**by_id, "post": _execute()},
        "/v1/decisions/{id}/executed": {**by_id, "post": _executed()},
        "/v1/decisions/{id}/rolled-back": {**by_id, "post": _rolled_back()},
    }


def _post() -> Fragment:
    good = _created("Routed and stored; a 2xx is durable", DecisionObject)
    problems: list[Kind] = ["invalid_json", "id_conflict", "not_allowed", "too_large", "invalid_body"]
    body = {"required": True, "content": _json(DecisionRequest, example=_EXAMPLE)}
    return {**_operation("postDecision", "Post a decision", "ingest", good, problems), "requestBody": body}


def _created(description: str, model: type[BaseModel]) -> dict[int, Fragment]:
    return {
        201: {"description": description, "content": _json(model)},
        200: {
            "description": "A replay: same id, equal body; it has no other effect",
            "headers": {"Idempotent-Replayed": {"required": True, "schema": {"const": "true"}}},
            "content": _json(model),
        },
    }


def _list() -> Fragment:
    good = {200: {"description": "One page", "content": _json(DecisionList)}}
    operation = _operation("listDecisions", "List decisions, newest first", "read", good, ["invalid_body"])
    return {**operation, "parameters": _list_parameters()}


def _get() -> Fragment:
    good = {200: {"description": "Resolved, or still pending when the time was up", "content": _json(DecisionObject)}}
    summary = "Get a decision; with `wait`, as soon as it is resolved"
    operation = _operation("getDecision", summary, "read", good, ["not_found", "invalid_body"])
    wait = {"type": "number", "minimum": 0, "maximum": 60, "default": 0}
    return {**operation, "parameters": [_query("wait", wait, "Seconds to wait for the resolution")]}


def _cancel() -> Fragment:
    good = {200: {"description": "Cancelled", "content": _json(DecisionObject)}}
    problems: list[Kind] = ["not_found", "already_resolved"]
    return _operation("cancelDecision", "Withdraw a pending decision", "ingest", good, problems)


def _execute() -> Fragment:
    good = {200: {"description": "Begun: execute it now", "content": _json(ExecutionStateObject)}}
    summary = "Begin to execute the action; each action once, while the disposition allows it"
    return _report("executeDecision", summary, ExecuteRequest, good, ["already_executed", "hash_mismatch"])


def _executed() -> Fragment:
    good = {200: {"description": "Noted; a repetition too", "content": _json(ExecutionStateObject)}}
    return _report("finishExecution", "Say whether the execution worked", ExecutedRequest, good)


def _rolled_back() -> Fragment:
    good = {200: {"description": "Noted; a repetition too", "content": _json(RollbackStateObject)}}
    summary = "Answer `decision.rollback_requested`, which is repeated until then"
    return _report("answerRollback", summary, RolledBackRequest, good)


def _report(
    name: str, summary: str, body: type[BaseModel], good: Mapping[int, Fragment], conflicts: Sequence[Kind] = ()
) -> Fragment:
    """What an app tells of one decision."""
    problems: list[Kind] = ["invalid_json", "not_found", *conflicts, "not_allowed", "too_large", "invalid_body"]
    operation = _operation(name, summary, "ingest", good, problems)
    return {**operation, "requestBody": {"required": True, "content": _json(body)}}


def _post_alert() -> Fragment:
    good = _created("Stored; people are told in Slack", AlertObject)
    problems: list[Kind] = ["invalid_json", "id_conflict", "too_large", "invalid_body"]
    operation = _operation("postAlert", "Report an anomaly that a person should look at", "ingest", good, problems)
    return {**operation, "requestBody": {"required": True, "content": _json(AlertRequest)}}


def _stats() -> Fragment:
    good = {200: {"description": "The metrics; without data they are null", "content": _json(StatsObject)}}
    operation = _operation("getStats", "The metrics of a stretch of time", "read", good, ["invalid_body"])
    text, ends = {"type": "string"}, "a day of the policy's time zone, as 2026-11-09, or an ISO 8601 time"
    window = {"type": "string", "pattern": "^[1-9][0-9]{0,3}[hd]$", "default": "7d"}
    parameters = [
        _query("task_type", text, "Of this task type"),
        _query("cohort", text, "Of this cohort"),
        _query("window", window, "Back from now, in hours or days; not beside `from` and `to`"),
        _query("from", text, f"Created from then on: {ends}"),
        _query("to", text, f"Created before then, with `from`: {ends}; up to now where it is not named"),
    ]
    return {**operation, "parameters": parameters}


def _calibration() -> Fragment:
    good = {200: {"description": "A threshold or a refusal", "content": _json(CalibrationObject)}}
    summary = "The latest calibration of a task type that the key's app has posted decisions of"
    return _operation("getCalibration", summary, "read", good, ["not_found", "invalid_body"])


def _service_paths() -> Fragment:
    ok = {200: {"description": "Yes", "content": _json(HealthObject)}}
    text = {200: {"description": "Prometheus text", "content": {"text/plain": {"schema": {"type": "string"}}}}}
    this = {200: {"description": "OpenAPI 3.1", "content": {"application/json": {"schema": {"type": "object"}}}}}
    return {
        "/healthz": {"get": _operation("isAlive", "Is the process alive?", None, ok)},
        "/readyz": {
            "get": _operation("isReady", "Is the database reachable, its schema sufficient?", None, ok, ["unavailable"])
        },
        "/metrics": {"get": _operation("getMetrics", "Metrics", "read", text)},
        "/openapi.json": {"get": _operation("getDescription", "This description", None, this)},
    }


def _operation(
    name: str, summary: str, scope: str | None, good: Mapping[int, Fragment], problems: Sequence[Kind] = ()
) -> Fragment:
    """Calls with a scope are refused without a key of that scope, and need the database."""
    kinds: list[Kind] = [*problems, "unauthorized", "forbidden", "unavailable"] if scope else [*problems]
    answers = {str(status): answer for status, answer in good.items()} | _problem_answers(kinds)
    return {
        "operationId": name,
        "summary": summary,
        "security": [{"bearer": [scope]}] if scope else [],
        "responses": answers,
    }


def _problem_answers(kinds: Sequence[Kind]) -> Fragment:
    by_status: dict[str, list[Kind]] = {}
    for kind in kinds:
        by_status.setdefault(str(KINDS[kind][0]), []).append(kind)
    answers = {
        status: _problem(" or ".join(f"`{TYPE_PREFIX}{kind}`" for kind in same)) for status, same in by_status.items()
    }
    return {**answers, "default": _problem("Any other error")}


def _problem(description: str) -> Fragment:
    return {"description": description, "content": {MEDIA_TYPE: {"schema": _reference(ProblemObject)}}}


def _json(model: type[BaseModel], **beside: Fragment) -> Fragment:
    return {"application/json": {"schema": _reference(model), **beside}}


def _reference(model: type[BaseModel]) -> Fragment:
    return {"$ref": _REF.format(model=model.__name__)}


def _id_parameter() -> Fragment:
    return {"name": "id", "in": "path", "required": True, "schema": TypeAdapter(DecisionId).json_schema()}


def _task_type_parameter() -> Fragment:
    return {"name": "task_type", "in": "path", "required": True, "schema": TypeAdapter(TaskType).json_schema()}


def _list_parameters() -> list[Fragment]:
    text = {"type": "string"}
    return [
        _query("task_type", text, "Of this task type"),
        _query("status", {"type": "string", "enum": ["pending", "resolved"]}, "In this state"),
        _query("route", {"type": "string", "enum": [route.value for route in Route]}, "With this route"),
        _query("cohort", text, "Of this cohort"),
        _query("since", {"type": "string", "format": "date-time"}, "Created at this time or later"),
        _query("cursor", text, "`next_cursor` of the page before"),
        _query("limit", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}, "Of the page's length"),
    ]


def _query(name: str, schema: Fragment, description: str) -> Fragment:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}


def _schemas(*models: type[BaseModel]) -> Fragment:
    _, definitions = models_json_schema([(model, "validation") for model in models], ref_template=_REF)
    schemas: Fragment = definitions["$defs"]
    return schemas
