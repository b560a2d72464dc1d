"""The review: who may decide it, and what a verdict means for the decision.

    open ──verdict──▶ decided
      └──app cancels──▶ cancelled

The state itself changes by compare-and-set in the store; this module says what follows, as data.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import assert_never

from routing.decision import Disposition, Json, OutcomeResult, ReviewKind


class ReviewState(StrEnum):
    OPEN = "open"
    DECIDED = "decided"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"


class EventType(StrEnum):
    RESOLVED = "decision.resolved"
    CORRECTED = "decision.corrected"
    ROLLBACK_REQUESTED = "decision.rollback_requested"


@dataclass(frozen=True, slots=True)
class Approve:
    """The proposal is right as it stands."""

    name = "approve"


@dataclass(frozen=True, slots=True)
class Edit:
    """The proposal is replaced by `output`."""

    output: Json
    category: str | None = None
    severity: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    reason: str | None = None
    name = "edit"


@dataclass(frozen=True, slots=True)
class Reject:
    """The proposal is wrong; `correct_answer` is None where the person does not know it."""

    category: str | None = None
    severity: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    reason: str | None = None
    correct_answer: Json | None = None
    name = "reject"


Verdict = Approve | Edit | Reject


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a verdict makes of the decision. `event` is what the app is told (contract, "Events to the app")."""

    outcome: OutcomeResult
    disposition: Disposition
    event: EventType


def resolve(kind: ReviewKind, verdict: Verdict) -> Resolution:
    """The consequence of a verdict on a gate or a provisional review.

    A provisional answer has already gone out: an edit corrects it and a rejection asks the app to undo it.
    """
    released = kind is ReviewKind.PROVISIONAL
    match verdict:
        case Approve():
            return Resolution(OutcomeResult.APPROVED, Disposition.EXECUTE, EventType.RESOLVED)
        case Edit():
            event = EventType.CORRECTED if released else EventType.RESOLVED
            return Resolution(OutcomeResult.EDITED, Disposition.EXECUTE, event)
        case Reject():
            event = EventType.ROLLBACK_REQUESTED if released else EventType.RESOLVED
            return Resolution(OutcomeResult.REJECTED, Disposition.DO_NOT_EXECUTE, event)
        case _:
            assert_never(verdict)
