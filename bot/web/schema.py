"""The shapes of what the HTTP API answers, for its description. Requests are `routing.decision.DecisionRequest`."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from routing.calibration import Reason
from routing.decision import Disposition, Json, OutcomeResult, ReasonCode, Risk, Route
from routing.reliability import Reliability
from routing.tradeoff import Row
from routing.worth import ConfidenceWorth

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Shape(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)


class ReasonObject(_Shape):
    """One step on the way to the route."""

    code: ReasonCode
    rule: str | None = None
    """The rule or check that spoke."""
    detail: str | None = None
    result: str | None = None
    """What followed from it."""


class OutcomeObject(_Shape):
    """How a decision ended."""

    result: OutcomeResult
    disposition: Disposition
    output: Json
    """The output to use: the model's, or what a person made of it."""
    decided_by: list[str]
    """Slack user ids; empty when no person decided."""
    decided_at: datetime | None
    category: str | None
    severity: str | None
    labels: dict[str, Json]
    reason: str | None
    correct_answer: Json
    """What would have been right, where a reviewer knew it."""


class ExecutionObject(_Shape):
    """What the app told of executing the present action."""

    state: Literal["executing", "executed", "failed", "rolled_back"]
    """What failed or was rolled back may be executed again."""
    started_at: datetime
    finished_at: datetime | None


class DecisionObject(_Shape):
    """A decision as the rules and the reviewers left it."""

    id: str
    status: Literal["pending", "resolved"]
    route: Route
    disposition: Disposition
    """What the app should do now."""
    risk: Risk
    threshold: float
    confident: bool
    reasons: list[ReasonObject]
    policy_version: Annotated[str, Field(pattern="^[0-9a-f]{12}$")]
    action_sha256: Sha256
    """Of the output to execute now; opaque, to be copied."""
    deadline: datetime | None
    outcome: OutcomeObject | None
    previous_outcome: OutcomeObject | None
    execution: ExecutionObject | None
    """How far the app is with the output to execute now; null before `execute`, and again when a verdict changes the
    output."""
    created_at: datetime
    metadata: dict[str, Json]
    """As it was posted."""


class DecisionList(_Shape):
    data: list[DecisionObject]
    """Newest first."""
    next_cursor: str | None
    """The `cursor` of the next page; null on the last one."""


class ExecutionStateObject(_Shape):
    """How far the app is with its action, after this call."""

    state: Literal["executing", "executed", "failed"]


class RollbackStateObject(_Shape):
    """Whether the app undid its action, as it said."""

    state: Literal["rolled_back", "rollback_failed"]


class AlertObject(_Shape):
    """An anomaly, and what people made of it."""

    id: str
    status: Literal["open", "acknowledged", "resolved"]
    severity: Literal["low", "medium", "high", "critical"]
    task_type: str | None
    title: str | None
    """As it was posted, and so are `detail` and `url`; null once retention has removed them."""
    detail: str | None
    url: str | None
    created_at: datetime
    acknowledged_by: str | None
    """A Slack user id."""
    acknowledged_at: datetime | None
    resolved_by: str | None
    resolved_at: datetime | None
    began_at: datetime | None
    """When it went wrong, as told with the root cause."""
    recovered_at: datetime | None
    cause: str | None
    mitigation: str | None


class ShareObject(_Shape):
    """A share: null without data, never 0."""

    value: float | None
    numerator: float
    denominator: int


class EscapeRateObject(ShareObject):
    """Estimated from audits, each standing for 1 / its probability decisions, which is what is in `numerator` and
    `denominator`."""

    low: float | None
    """Of the 95 % interval."""
    high: float | None
    n: int
    """Audits with a verdict."""


class AgreementObject(ShareObject):
    """Of blind second opinions; `value` is `percent`."""

    percent: float | None
    low: float | None
    """Of the 95 % interval of `percent`."""
    high: float | None
    ac1: float | None
    """Gwet's."""
    ac1_low: float | None
    ac1_high: float | None
    alpha: float | None
    """Krippendorff's; null also where everybody always said the same."""
    kappa: float | None
    """Cohen's, of the first opinions and the second; null likewise."""
    n: int


class PercentilesObject(_Shape):
    """Seconds."""

    p50: float | None
    p95: float | None
    n: int


class MetricsObject(_Shape):
    """Of decisions that were created in the stretch of time, without shadows, with the verdicts that stand now."""

    escalation_rate: ShareObject
    auto_resolve_rate: ShareObject
    error_escape_rate: EscapeRateObject
    review_latency: PercentilesObject
    reviewer_agreement: ShareObject
    """Of people with the model."""
    inter_reviewer_agreement: AgreementObject
    """Of people with each other."""
    feedback_utilization: ShareObject
    feedback_to_update: PercentilesObject
    override_rate: ShareObject
    """What people did not approve of what they were asked for, without audits."""


class CategoryCountObject(_Shape):
    category: str | None
    count: int


class StandingOutObject(_Shape):
    """A cohort whose rate differs from that of the task's other decisions, beyond chance and by a quarter or more."""

    task_type: str
    cohort: str
    rate: Literal["escalation_rate", "override_rate"]
    value: float
    rest: float
    """The same rate of the others."""
    count: int
    n: int
    p: float
    """Of Fisher's exact test, two-sided; which are listed is Benjamini and Hochberg's choice at 5 %."""


class CostObject(_Shape):
    """An estimate in the policy's currency; null where nothing was audited."""

    review_minutes: float
    review: float
    escaped_errors: float | None
    escaped: float | None
    value: float | None
    """Both together, with the 95 % interval of the error escape rate."""
    low: float | None
    high: float | None


class StatsObject(MetricsObject):
    from_: datetime = Field(alias="from")
    to: datetime
    task_type: str | None
    cohort: str | None
    error_categories: list[CategoryCountObject]
    """Of corrections, the most frequent first; null: none was named."""
    disputes: int
    """Reviews in which people disagreed."""
    cohorts_that_stand_out: list[StandingOutObject]
    """The most certain first, at most 20; none where `cohort` names one."""
    cost: CostObject | None
    """Null where the policy does not say what things cost."""
    by_task: dict[str, MetricsObject]
    """The 200 task types with the most decisions."""
    by_cohort: dict[str, MetricsObject]
    """The 200 cohorts with the most decisions."""


class ModelObject(_Shape):
    name: str | None
    version: str | None


class RiskCoverageObject(_Shape):
    coverage: float
    error_rate: float


class CalibrationObject(_Shape):
    """The latest look at what people have found about one model's decisions of a task type, those of all apps."""

    task_type: str
    model: ModelObject
    """Of this model and version, and this source of confidence, and of nothing else it is proven."""
    confidence_source: str
    calibrated_at: datetime
    look: int
    """Looks spend `delta` together; each waits for twice the labels of the one before."""
    max_error: float
    delta: float
    """What this look spent of the policy's."""
    labels: int
    wrong: int
    error_categories: list[CategoryCountObject]
    """Of what was wrong, the most frequent first; null: none was named."""
    reason: Reason
    recommendation: str
    threshold: float | None
    """Decisions with at least this confidence may run alone; null: refused."""
    autonomous: int
    """How many of the labels lie at the threshold or above; 0 without one, as `coverage` and `errors`."""
    coverage: float
    errors: int
    error_upper_bound: float | None
    labels_missing: int | None
    """What a refusal lacks; null: more labels alone will not do."""
    labels_missing_above: float | None
    table: list[Row]
    """The trade-off, strict to loose."""
    reliability: Reliability | None
    worth: ConfidenceWorth | None
    risk_coverage: list[RiskCoverageObject]


class FieldErrorObject(_Shape):
    loc: list[str | int]
    """Member names and list indexes from the top of the body; a query parameter is `["query", name]`."""
    msg: str


class ProblemObject(_Shape):
    """RFC 9457."""

    type: str
    """`urn:hitl:problem:` and the kind, or `about:blank` where the status says it all."""
    title: str
    status: int
    detail: str
    errors: list[FieldErrorObject] = Field(default_factory=list)


class HealthObject(_Shape):
    status: Literal["ok"]
