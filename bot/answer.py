"""The decision object of the API and of every event (contract §3): one shape, made in one place."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from routing.decision import Json
from routing.json_value import canonical
from store.decisions import Decision
from store.executions import Execution


def sha256_of(value: Json) -> str:
    """Hex SHA-256 of a JSON value in canonical form."""
    return hashlib.sha256(canonical(value)).hexdigest()


def timestamp(at: datetime | None) -> str | None:
    """RFC 3339 in UTC."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def moment_in_utc(when: datetime) -> str:
    """For people, where nobody puts it in their own words: 2026-11-22 12:00 UTC."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def decision_object(
    decision: Decision,
    *,
    metadata: Mapping[str, Json],
    outcome: Mapping[str, Json] | None,
    execution: Execution | None = None,
) -> dict[str, Any]:
    """`outcome` is the decision's outcome content, None while it is pending or after retention removed it;
    `execution` what the app told of its present action."""
    content = outcome or {}
    return {
        "id": decision.id,
        "status": decision.status,
        "route": decision.route,
        "disposition": decision.disposition,
        "risk": decision.risk,
        "threshold": decision.threshold,
        "confident": decision.confident,
        "reasons": decision.reasons,
        "policy_version": decision.policy_version,
        "action_sha256": decision.action_sha256,
        "deadline": timestamp(decision.deadline),
        "outcome": None if decision.outcome is None else outcome_object(decision, content),
        "previous_outcome": content.get("previous"),
        "execution": None if execution is None else execution_object(execution),
        "created_at": timestamp(decision.created_at),
        "metadata": dict(metadata),
    }


def execution_object(execution: Execution) -> dict[str, Any]:
    return {
        "state": execution.state,
        "started_at": timestamp(execution.started_at),
        "finished_at": timestamp(execution.finished_at),
    }


def outcome_object(decision: Decision, content: Mapping[str, Json]) -> dict[str, Any]:
    """How a decision ended; `content` is what the store keeps of it."""
    return {
        "result": decision.outcome,
        "disposition": decision.disposition,
        "output": content.get("output"),
        "decided_by": decision.decided_by,
        "decided_at": timestamp(decision.decided_at),
        "category": decision.category,
        "severity": decision.severity,
        "labels": decision.labels,
        "reason": content.get("reason"),
        "correct_answer": content.get("correct_answer"),
    }


def event_body(event_type: str, at: datetime, data: Mapping[str, Any]) -> str:
    """The body of an event, as it is signed and sent."""
    return orjson.dumps({"type": event_type, "timestamp": timestamp(at), "data": data}).decode()
