"""What becomes of a decision when its review closes: its columns, its outcome content, and what the app is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

import orjson

from bot.answer import decision_object, event_body, outcome_object, sha256_of
from bot.ids import NewId
from bot.reviewing.case import Case
from routing.decision import Disposition, Json, OutcomeResult
from routing.review import Approve, Edit, EventType, Reject, Resolution, Verdict
from store.decisions import Decision, outcome_content
from store.events import NewEvent
from store.executions import Execution
from store.reviews import DecisionChange

_COLUMNS: Sequence[str] = (
    "status",
    "outcome",
    "disposition",
    "deadline",
    "decided_by",
    "decided_at",
    "action_sha256",
    "execution",
    "category",
    "severity",
    "labels",
)


@dataclass(frozen=True, slots=True)
class Consequence:
    """The decision as it is from now on, and its outcome content."""

    before: Decision
    after: Decision
    content: Mapping[str, Json]
    resolution: Resolution
    metadata: Mapping[str, Json]
    execution: Execution | None
    """What the app told of the action that it is from now on."""

    @property
    def facts(self) -> dict[str, Json]:
        """For the history: never content, but its hash."""
        return {
            "outcome": self.after.outcome,
            "disposition": self.after.disposition,
            "decided_by": self.after.decided_by,
            "category": self.after.category,
            "severity": self.after.severity,
            "labels": self.after.labels,
            "action_sha256": self.after.action_sha256,
            "content_sha256": sha256_of(dict(self.content)),
            **({} if self._rollback is None else {"rollback": self._rollback}),
        }

    def change(self, at: datetime, new_id: NewId) -> DecisionChange:
        """The rows for it; `at` is when the app is told."""
        columns = {name: getattr(self.after, name) for name in _COLUMNS}
        changed: dict[str, Any] = {
            name: value for name, value in columns.items() if value != getattr(self.before, name)
        }
        content = orjson.dumps(self.content).decode()
        return DecisionChange(self.before, changed, content, self._event(at, new_id), self._rollback)

    @property
    def _rollback(self) -> Literal["requested", "withdrawn"] | None:
        """An app without a receiver has to undo it all the same."""
        if self.resolution.event is EventType.ROLLBACK_REQUESTED:
            return "requested"
        stood = self.before.outcome is not None and self.before.disposition == Disposition.DO_NOT_EXECUTE
        return "withdrawn" if stood and self.after.disposition != Disposition.DO_NOT_EXECUTE else None

    def _event(self, at: datetime, new_id: NewId) -> NewEvent | None:
        url, event = self.after.callback_url, self.resolution.event
        if url is None or event is None:
            return None
        data = decision_object(self.after, metadata=self.metadata, outcome=self.content, execution=self.execution)
        return NewEvent(new_id("evt"), event.value, url, event_body(event.value, at, data))


def decided(
    case: Case, verdict: Verdict, resolution: Resolution, decided_by: Sequence[str], decided_at: datetime
) -> Consequence:
    """What people's verdict makes of the decision."""
    content = said(case, verdict)
    former = _former(case)
    if former is not None and not (isinstance(verdict, Approve) and case.decision.status == "pending"):
        content["previous"] = former
    category, severity, labels = judgement(verdict)
    action = _action(case, verdict)
    execution = case.review.executions.get(action)
    after = replace(
        case.decision,
        status="resolved",
        outcome=resolution.outcome.value,
        disposition=resolution.disposition.value,
        deadline=None,
        decided_by=list(decided_by),
        decided_at=decided_at,
        action_sha256=action,
        execution=None if execution is None else execution.state,
        category=category,
        severity=severity,
        labels=labels,
    )
    return Consequence(case.decision, after, content, resolution, case.request.metadata, execution)


def _action(case: Case, verdict: Verdict) -> str:
    """The hash of what is to be executed from now on; where that is nothing, still of what may have to be undone."""
    match verdict:
        case Approve():
            return sha256_of(case.request.output)
        case Edit():
            return sha256_of(verdict.output)
        case Reject():
            return case.decision.action_sha256


def timed_out(case: Case, resolution: Resolution, at: datetime) -> Consequence:
    """What the passed deadline makes of the decision: nobody's verdict."""
    output = case.request.output if resolution.disposition is Disposition.EXECUTE_PROVISIONAL else None
    after = replace(
        case.decision,
        status="resolved",
        outcome=resolution.outcome.value,
        disposition=resolution.disposition.value,
        deadline=None,
        decided_at=at,
    )
    # A decision that is pending waits, and what waits cannot have been executed.
    return Consequence(case.decision, after, outcome_content(output), resolution, case.request.metadata, None)


def said(case: Case, verdict: Verdict) -> dict[str, Json]:
    """What a verdict says, as content."""
    match verdict:
        case Approve():
            return outcome_content(case.request.output)
        case Edit():
            return outcome_content(verdict.output, verdict.reason)
        case Reject():
            return outcome_content(None, verdict.reason, verdict.correct_answer)


def judgement(verdict: Verdict) -> tuple[str | None, str | None, dict[str, str]]:
    """Category, severity and labels."""
    if isinstance(verdict, Approve):
        return None, None, {}
    return verdict.category, verdict.severity, dict(verdict.labels)


def _former(case: Case) -> dict[str, Json] | None:
    """The outcome that the app was told before: that of a former verdict, or a provisional release."""
    if case.decision.outcome is not None:
        return outcome_object(case.decision, case.outcome or {})
    if case.decision.disposition != Disposition.EXECUTE_PROVISIONAL:
        return None
    released = replace(case.decision, outcome=OutcomeResult.AUTO.value, decided_at=case.decision.created_at)
    return outcome_object(released, outcome_content(case.request.output))
