"""The nouns of routing: what an app posts, and what the rules say about it.

Words and values are the contract's. Everything here is plain data; no I/O, no clock, no randomness.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Json = Any
"""A JSON value as the parser gives it: dict, list, str, int, float, bool or None."""


class OrderedEnum(StrEnum):
    """String values that compare by their order of definition, not by the alphabet."""

    @property
    def rank(self) -> int:
        return list(type(self)).index(self)

    def __lt__(self, other: object) -> bool:
        return self.rank < type(self)(str(other)).rank

    def __le__(self, other: object) -> bool:
        return self.rank <= type(self)(str(other)).rank

    def __gt__(self, other: object) -> bool:
        return self.rank > type(self)(str(other)).rank

    def __ge__(self, other: object) -> bool:
        return self.rank >= type(self)(str(other)).rank


class Risk(OrderedEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Route(OrderedEnum):
    """What the risk matrix says, ordered by how much oversight it means."""

    AUTO = "AUTO"
    AUTO_AUDIT = "AUTO_AUDIT"
    QUEUE = "QUEUE"
    ESCALATE = "ESCALATE"


class Disposition(StrEnum):
    """What the app should do now."""

    EXECUTE = "execute"
    EXECUTE_PROVISIONAL = "execute_provisional"
    WAIT = "wait"
    DO_NOT_EXECUTE = "do_not_execute"


class OutcomeResult(StrEnum):
    """How a decision ended."""

    AUTO = "auto"
    APPROVED = "approved"
    EDITED = "edited"
    REJECTED = "rejected"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    SHADOW = "shadow"


CORRECTED: Final = (OutcomeResult.EDITED, OutcomeResult.REJECTED)
"""What people found wrong."""


class ReviewKind(StrEnum):
    GATE = "gate"
    PROVISIONAL = "provisional"
    AUDIT = "audit"
    DOUBLE = "double"
    GOLDEN = "golden"
    PREFERENCE = "preference"
    ALERT = "alert"


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Model(_Body):
    name: Annotated[str, Field(min_length=1, max_length=200)]
    version: Annotated[str, Field(max_length=200)] | None = None


class Source(_Body):
    """A passage that the output rests on."""

    id: Annotated[str, Field(max_length=200)]
    title: Annotated[str, Field(max_length=500)] | None = None
    url: Annotated[str, Field(max_length=2000)] | None = None
    text: str | None = None


class Alternative(_Body):
    output: Json
    confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    model: Model | None = None


class UncertainSpan(_Body):
    """Part of a string output; Unicode code points, end exclusive."""

    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(ge=1)]
    confidence: Annotated[float, Field(ge=0, le=1)] | None = None


DecisionId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$")]
TaskType = Annotated[str, Field(pattern=r"^[a-z0-9_.-]{1,64}$")]
SlackUserId = Annotated[str, Field(pattern=r"^[UW][A-Z0-9]{1,31}$")]


class DecisionRequest(_Body):
    """One model output that an app posts. Unknown fields are refused: a mistyped one must not be lost in silence."""

    id: DecisionId | None = None
    task_type: TaskType
    input: Json
    output: Json
    confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    confidence_source: Literal["logprob", "self_reported", "classifier", "judge", "ensemble", "other"] = "other"
    model: Model | None = None
    variant: Literal["primary", "canary", "shadow"] = "primary"
    compare_to: DecisionId | None = None
    context: dict[str, Json] = Field(default_factory=dict)
    reversible: bool = True
    sources: Annotated[list[Source], Field(max_length=100)] = Field(default_factory=list)
    alternatives: Annotated[list[Alternative], Field(max_length=20)] = Field(default_factory=list)
    uncertain_spans: Annotated[list[UncertainSpan], Field(max_length=1000)] = Field(default_factory=list)
    subject: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    cohort: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    callback_url: Annotated[str, Field(min_length=1, max_length=2000)] | None = None
    retry_of: DecisionId | None = None
    requested_by: SlackUserId | None = None
    metadata: dict[str, Json] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _spans_lie_in_output(self) -> Self:
        if not self.uncertain_spans:
            return self
        if not isinstance(self.output, str):
            raise ValueError("uncertain_spans: only a string output has spans")
        for index, span in enumerate(self.uncertain_spans):
            if not span.start < span.end <= len(self.output):
                raise ValueError(
                    f"uncertain_spans[{index}]: {span.start}..{span.end} does not lie within the output's "
                    f"{len(self.output)} code points (end is exclusive)"
                )
        return self


ReasonCode = Literal[
    "risk.base", "risk.rule", "rule.error", "confidence.below", "confidence.missing", "irreversible",
    "check.failed", "check.error", "autonomy", "provisional", "sampled",
    "judge.pending", "judge.passed", "judge.failed", "judge.error", "shadow",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reason:
    """One step on the way to a route; `rule` names the rule or check that spoke, `result` what followed."""

    code: ReasonCode
    detail: str | None = None
    rule: str | None = None
    result: str | None = None

    def as_json(self) -> dict[str, str]:
        members = {"code": self.code, "rule": self.rule, "detail": self.detail, "result": self.result}
        return {name: value for name, value in members.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Routing:
    """What the rules say about one decision.

    `outcome` is set when the decision is resolved at once (auto, rejected by a check, shadow); otherwise `review`
    names the kind of review to open.
    """

    route: Route
    disposition: Disposition
    risk: Risk
    threshold: float
    confident: bool
    reasons: tuple[Reason, ...]
    outcome: OutcomeResult | None
    review: ReviewKind | None
