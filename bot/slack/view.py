"""What the renderers are given: a review as plain data, looked up in the database just before it is shown.

Every text in here may come from a model, an app or a person and is untrusted; the renderers make it harmless.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from routing.decision import Alternative, Disposition, Json, Reason, ReviewKind, Risk, Route, Source

CardState = Literal["open", "decided", "cancelled", "timed_out"]
VerdictWord = Literal["approve", "edit", "reject"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeView:
    """A verdict as it is shown. `output` is the reviewer's own output and has a meaning for `edit` only."""

    verdict: VerdictWord
    decided_by: tuple[str, ...]
    """Slack user ids, in the order of their verdicts."""
    decided_at: datetime
    """Aware UTC."""
    category: str | None = None
    severity: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    reason: str | None = None
    output: Json = None
    correct_answer: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CardView:
    """One review with its decision. Times are aware UTC; `confidence` and `threshold` lie in 0..1."""

    review_id: str
    """Opaque; all that a button or a modal carries back to us."""
    kind: ReviewKind
    state: CardState
    decision_id: str
    app: str
    task_type: str
    input: Json
    output: Json
    confidence: float | None
    confidence_source: str
    threshold: float
    confident: bool
    risk: Risk
    route: Route
    reasons: tuple[Reason, ...]
    disposition: Disposition
    created_at: datetime
    reversible: bool = True
    """False: once the app has acted, nothing takes it back."""
    deadline: datetime | None = None
    model: str | None = None
    """Name and version in one line."""
    sources: tuple[Source, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    subject: str | None = None
    context: Mapping[str, Json] = field(default_factory=dict)
    requested_by: str | None = None
    """Slack user id of the person for whom the model acts; may not review it."""
    retry_of: str | None = None
    """The decision that this one retries; the card continues its thread."""
    trace_url: str | None = None
    guideline: str | None = None
    outcome: OutcomeView | None = None
    """Set exactly when `state` is `decided`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RubricView:
    """What the forms ask: the part of the policy's rubric that a reviewer sees."""

    categories: tuple[str, ...]
    severities: tuple[str, ...]
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Label name to its allowed values."""
    require_reason: frozenset[VerdictWord] = frozenset({"reject"})
