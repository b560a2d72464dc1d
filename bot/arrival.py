"""From a routed decision to the rows that store it: the decision, its content, its review and card, its history."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import orjson

from bot.answer import sha256_of, timestamp
from routing.deadlines import deadline
from routing.decision import DecisionRequest, Json, OutcomeResult, Route, Routing
from routing.escalation import Schedule, Waiting, next_due
from routing.policy import Policy, TaskPolicy
from store.decisions import Decision, NewReview, TakeIn, outcome_content
from store.history import HistoryRecord
from store.keys import ApiKey


@dataclass(frozen=True, slots=True)
class Arrival:
    """What an app posted, and what the rules said. `body` is the JSON as it came; `parent` what it retries."""

    key: ApiKey
    request: DecisionRequest
    body: Json
    policy: Policy
    routing: Routing
    parent: Decision | None

    @property
    def task(self) -> TaskPolicy:
        return self.policy.task(self.request.task_type)

    @property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.policy.timezone)


def take_in(
    arrival: Arrival, *, now: datetime, pk: int, decision_id: str, draw: float, review: tuple[int, str] | None
) -> TakeIn:
    """`review` is the pk and id for the review that the routing asks for, None where it asks for none."""
    decision = _decision(arrival, now, pk, decision_id, draw)
    opened = None if review is None else _review(arrival, decision, *review)
    return TakeIn(
        decision=decision,
        contents=_contents(arrival),
        review=opened,
        history=_history(arrival.key, decision, opened),
    )


def _decision(arrival: Arrival, now: datetime, pk: int, decision_id: str, draw: float) -> Decision:
    request, routing, parent = arrival.request, arrival.routing, arrival.parent
    return Decision(
        pk=pk,
        app_pk=arrival.key.app_pk,
        id=decision_id,
        task_type=request.task_type,
        variant=request.variant,
        cohort=request.cohort,
        subject=request.subject,
        model_name=None if request.model is None else request.model.name,
        model_version=None if request.model is None else request.model.version,
        reversible=request.reversible,
        compare_to=request.compare_to,
        requested_by=request.requested_by,
        first_pk=None if parent is None else parent.first_pk or parent.pk,
        created_at=now,
        body_sha256=sha256_of(arrival.body),
        policy_version=arrival.policy.version,
        risk=routing.risk.value,
        route=routing.route.value,
        threshold=routing.threshold,
        confidence=request.confidence,
        confidence_source=request.confidence_source,
        confident=routing.confident,
        reasons=[reason.as_json() for reason in routing.reasons],
        draw=draw,
        inclusion=None,
        deadline=None if routing.review is None else _deadline(arrival, now),
        callback_url=request.callback_url,
        status="pending" if routing.outcome is None else "resolved",
        disposition=routing.disposition.value,
        action_sha256=sha256_of(request.output),
        execution=None,
        outcome=None if routing.outcome is None else routing.outcome.value,
        decided_by=[],
        decided_at=None if routing.outcome is None else now,
        category=None,
        severity=None,
        labels={},
    )


def _deadline(arrival: Arrival, now: datetime) -> datetime:
    policy = arrival.policy
    return deadline(now, arrival.task.sla, policy.business_hours, arrival.tz)


def _review(arrival: Arrival, decision: Decision, pk: int, review_id: str) -> NewReview | None:
    routing, task = arrival.routing, arrival.task
    if routing.review is None or decision.deadline is None:
        return None
    lane = "card" if routing.route is Route.ESCALATE else "batch"
    seen = decision.created_at if lane == "batch" else None
    waiting = Waiting(seen, 0, decision.deadline, overdue=False)
    return NewReview(
        pk=pk,
        id=review_id,
        kind=routing.review.value,
        lane=lane,
        channel=task.channel,
        task_type=decision.task_type,
        risk=decision.risk,
        urgency=routing.route.rank * 10 + routing.risk.rank,
        deadline=decision.deadline,
        due_at=next_due(waiting, Schedule(task.escalation, arrival.policy.business_hours, arrival.tz)),
    )


def _contents(arrival: Arrival) -> dict[str, str]:
    # Metadata stands apart too: lists give it back without reading whole requests.
    contents = {"request": orjson.dumps(arrival.body).decode()}  # members in the order that the app gave them
    if arrival.request.metadata:
        contents["metadata"] = orjson.dumps(arrival.request.metadata).decode()
    if arrival.routing.outcome is not None:
        output = arrival.request.output if arrival.routing.outcome is OutcomeResult.AUTO else None
        contents["outcome"] = orjson.dumps(outcome_content(output)).decode()
    return contents


def _history(key: ApiKey, decision: Decision, review: NewReview | None) -> tuple[HistoryRecord, ...]:
    posted = HistoryRecord(
        decision.created_at,
        "app:decision:posted",
        f"app:{key.app}",
        decision.app_pk,
        decision.pk,
        facts={
            "id": decision.id,
            "task_type": decision.task_type,
            "body_sha256": decision.body_sha256,
            "action_sha256": decision.action_sha256,
            "confidence": decision.confidence,
            "threshold": decision.threshold,
            "risk": decision.risk,
            "route": decision.route,
            "disposition": decision.disposition,
            "outcome": decision.outcome,
            "policy_version": decision.policy_version,
        },
    )
    if review is None:
        return (posted,)
    opened = HistoryRecord(
        decision.created_at,
        "bot:review:opened",
        "bot",
        decision.app_pk,
        decision.pk,
        review.pk,
        {"id": review.id, "kind": review.kind, "deadline": timestamp(decision.deadline)},
    )
    return (posted, opened)
