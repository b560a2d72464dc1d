"""What the renderers are given: a review as plain data, looked up in the database just before it is shown, and with
placeholders for what the policy redacts.

Every text in here may come from a model, an app or a person and is untrusted; the renderers make it harmless.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from routing.decision import Alternative, Disposition, Json, Reason, ReviewKind, Risk, Route, Source, UncertainSpan
from routing.redaction import Placeholders, nothing_hidden

CardState = Literal["open", "disputed", "held", "decided", "cancelled", "timed_out"]
"""`disputed`: the votes disagree and an adjudicator has to settle it. `held`: decided, but the release waits until the
undo window ends."""
VerdictWord = Literal["approve", "edit", "reject"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeView:
    """A verdict as it is shown. `output` is the reviewer's own output and has a meaning for `edit` only."""

    verdict: VerdictWord
    decided_by: tuple[str, ...]
    """Slack user ids, in the order of their verdicts; an adjudicator comes last."""
    decided_at: datetime
    """Aware UTC."""
    category: str | None = None
    severity: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    reason: str | None = None
    output: Json = None
    correct_answer: Json = None
    adjudicated: bool = False
    """An adjudicator settled a disagreement with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimView:
    """Somebody said that they are at it. A claim informs, it does not lock out."""

    user_id: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WorthView:
    """What a confidence is worth: `right`, 0..1, of the answers that the same model is as sure of, by `labels` of
    people."""

    right: float
    labels: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalView:
    """An edit that others still have to agree to: it has taken the place of the model's output."""

    output: Json
    edited_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierView:
    """What people decided before about the same subject."""

    task_type: str
    verdict: VerdictWord
    decided_by: tuple[str, ...]
    decided_at: datetime
    category: str | None = None
    reason: str | None = None


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
    ran_on: date | None = None
    """The day in the policy's time zone on which the decision came in."""
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
    """Set exactly when `state` is `decided` or `held`."""
    former: OutcomeView | None = None
    """What people had decided before somebody changed the verdict."""
    claim: ClaimView | None = None
    needed: int = 1
    """How many distinct people have to agree."""
    votes: int = 0
    """How many have voted so far; who and what stays hidden until the review closes."""
    positions: tuple[OutcomeView, ...] = ()
    """In a dispute the votes that disagree, for the adjudicators."""
    proposal: ProposalView | None = None
    released_at: datetime | None = None
    """While `held`: when the app is told, unless somebody takes the verdict back."""
    overdue: bool = False
    """The deadline has passed, and nothing happens but that a person decides."""
    hides_output: bool = False
    """Autonomy 0: people answer by themselves before they see what the model wrote."""
    is_draft: bool = False
    """Autonomy 1: the output is a draft to edit or to confirm."""
    worth: WorthView | None = None
    """None: nothing is known of the model at this confidence."""
    hides_confidence: bool = False
    """Nothing tells how sure the model is until the review closes."""
    spans: tuple[UncertainSpan, ...] = ()
    """Where in a string output the model is unsure; code points, end exclusive."""
    earlier: tuple[EarlierView, ...] = ()
    """Latest first."""
    placeholders: Placeholders = field(default_factory=nothing_hidden, repr=False, compare=False)
    """What stands behind those in this view, to put it back into what people type; never to be shown."""

    @property
    def waits(self) -> bool:
        """Whether a person can still decide it."""
        return self.state in ("open", "disputed")

    @property
    def shows_output(self) -> bool:
        """Whether anything may tell what the model wrote."""
        return not (self.hides_output and self.waits)

    @property
    def asks_for_answer(self) -> bool:
        """Whether people write the output themselves, as there is nothing that they may look at."""
        return not self.shows_output and self.proposal is None

    @property
    def shows_confidence(self) -> bool:
        """Whether anything may tell how sure the model is."""
        return not (self.hides_confidence and self.waits)

    @property
    def is_blind(self) -> bool:
        """Whether nothing may tell what became of the decision: a second opinion is given without the first."""
        return self.kind is ReviewKind.DOUBLE and self.waits

    @property
    def is_audit(self) -> bool:
        """Whether it ran alone, and people are asked afterwards whether it was right."""
        return self.kind is ReviewKind.AUDIT

    @property
    def proposed(self) -> Json:
        """What an approval approves: the model's output, or the edit that took its place."""
        return self.output if self.proposal is None else self.proposal.output


@dataclass(frozen=True, slots=True, kw_only=True)
class RubricView:
    """What the forms ask: the part of the policy's rubric that a reviewer sees."""

    categories: tuple[str, ...]
    severities: tuple[str, ...]
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Label name to its allowed values."""
    require_reason: frozenset[VerdictWord] = frozenset({"reject"})
