"""The sections of a policy file as data: keys, types, ranges and defaults (contract, "Policy file").

What holds between sections (somebody to decide, monotone matrix) is checked in `soundness`.
"""

from datetime import time, timedelta
from typing import Annotated, Literal, Self, cast

from pydantic import BaseModel, ConfigDict, Field, model_validator

from routing.decision import Risk, Route
from routing.fields import (
    Cel,
    Channel,
    Clock,
    Duration,
    FieldPath,
    FileVersion,
    JudgeKeyName,
    Name,
    PositiveDuration,
    Regex,
    Schema,
    Share,
    Sla,
    TaskName,
    Text,
    TimeZone,
    TraceUrl,
    Url,
    User,
    UserGroup,
    UserOrGroup,
    Weekday,
    Weekly,
    WeeklyTime,
)


def _exactly_one(section: BaseModel, *names: str) -> None:
    given = [name for name in names if getattr(section, name) is not None]
    if len(given) != 1:
        raise ValueError(f"needs exactly one of {', '.join(names)}; has {' and '.join(given) or 'none'}")


class Section(BaseModel):
    """Strict and closed: a mistyped key or a number in quotes is a problem, not a surprise in production."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class BusinessHours(Section):
    """Local opening hours; `from` and `to` in the file."""

    days: Annotated[tuple[Weekday, ...], Field(min_length=1)]
    opens: Clock = Field(alias="from")
    closes: Clock = Field(alias="to")

    @model_validator(mode="after")
    def _closes_after_opening(self) -> Self:
        if self.closes <= self.opens:
            raise ValueError("`to` must be later than `from` on the same day")
        return self


class Digest(Section):
    channel: Channel | None = None
    """None: the default channel."""
    at: Weekly = WeeklyTime("mon", time(9))


class Cost(Section):
    review_minute: Annotated[float, Field(ge=0)] = 0.80
    escaped_error: Annotated[float, Field(ge=0)] = 100


class Thresholds(Section):
    low: Share = 0.70
    medium: Share = 0.85
    high: Share = 0.95
    critical: Share = 0.99

    def at(self, risk: Risk) -> float:
        return (self.low, self.medium, self.high, self.critical)[risk.rank]


class Cell(Section):
    """One row of the matrix."""

    confident: Route
    unsure: Route


class Matrix(Section):
    low: Cell = Cell(confident=Route.AUTO, unsure=Route.QUEUE)
    medium: Cell = Cell(confident=Route.AUTO_AUDIT, unsure=Route.QUEUE)
    high: Cell = Cell(confident=Route.AUTO_AUDIT, unsure=Route.ESCALATE)
    critical: Cell = Cell(confident=Route.ESCALATE, unsure=Route.ESCALATE)

    def at(self, risk: Risk) -> Cell:
        return (self.low, self.medium, self.high, self.critical)[risk.rank]


class Audit(Section):
    """Sampling rates of what ran alone."""

    initial: Share = 0.25
    stable: Share = 0.07
    auto: Share = 0.02
    max_per_day: Annotated[int, Field(ge=0)] = 200


class Queue(Section):
    provisional_from: Share | None = None
    """Confidence from which a QUEUE item goes out as provisional; None: never."""
    batch_every: PositiveDuration = timedelta(minutes=30)
    max_live_cards: Annotated[int, Field(ge=1)] = 20


class EscalationStep(Section):
    """What happens `after` the posting of the card; exactly one of the three actions is set."""

    after: Duration
    remind: Literal["channel"] | None = None
    notify: UserOrGroup | None = None
    channel: Channel | None = None

    @model_validator(mode="after")
    def _does_one_thing(self) -> Self:
        _exactly_one(self, "remind", "notify", "channel")
        return self


class People(Section):
    users: Annotated[tuple[User, ...], Field(min_length=1)] | None = None
    usergroup: UserGroup | None = None

    @property
    def named(self) -> bool:
        """Whether it names anybody."""
        return self.users is not None or self.usergroup is not None


class Reviewers(People):
    channel_members: bool = False


class Golden(Section):
    share: Share = 0.0


class Feedback(Section):
    down: Literal["review", "record"] = "review"
    """What a thumbs-down of the app's own user does: open a review, or only be kept."""


class Judge(Section):
    """Tier 2: an OpenAI-compatible endpoint that grades the output."""

    base_url: Url
    model: Text
    rubric: Text
    api_key_env: JudgeKeyName | None = None
    pass_at: Share = 0.7
    timeout: PositiveDuration = timedelta(seconds=10)
    cost_per_call: Annotated[float, Field(ge=0)] = 0.0


class Rule(Section):
    """Raises the risk to `level` when `when` holds; `risk` and `at_least` mean the same."""

    id: Name
    when: Cel
    risk: Risk | None = None
    at_least: Risk | None = None

    @model_validator(mode="after")
    def _names_one_level(self) -> Self:
        _exactly_one(self, "risk", "at_least")
        return self

    @property
    def level(self) -> Risk:
        return cast(Risk, self.risk or self.at_least)  # one of them is given, by the validator above


class Check(Section):
    """Tier 1: a deterministic check. One of `json_schema`, `cel`, or `field` with one of `forbid`, `require`."""

    id: Name
    json_schema: Schema | None = None
    field: FieldPath | None = None
    forbid: Regex | None = None
    require: Regex | None = None
    cel: Cel | None = None
    on_fail: Literal["escalate", "reject"] = "escalate"

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Self:
        _exactly_one(self, "json_schema", "forbid", "require", "cel")
        if (self.field is None) != (self.forbid is None and self.require is None):
            raise ValueError("`field` goes with `forbid` or `require`, and they with it")
        return self


# Slack shows up to 100 options, each of up to 75 characters.
Choice = Annotated[str, Field(min_length=1, max_length=75)]
Choices = Annotated[tuple[Choice, ...], Field(min_length=1, max_length=100)]


class Rubric(Section):
    """What the review form asks for."""

    guideline: Url | None = None
    version: Text | None = None
    categories: Choices = (
        "factual_error", "wrong_action", "policy_violation", "tone", "missing_citation", "formatting", "other",
    )  # fmt: skip
    severities: Choices = ("minor", "major", "critical")
    labels: Annotated[dict[Name, Choices], Field(max_length=20)] = Field(default_factory=dict)
    """Name to choices; as many as a form in Slack shows beside all the rest."""
    require_reason: tuple[Literal["approve", "edit", "reject"], ...] = ("reject",)


class Settings(Section):
    """What `defaults` and each task may set; a task's key replaces the default's whole value."""

    thresholds: Thresholds = Thresholds()
    matrix: Matrix = Matrix()
    irreversible: Literal[Route.QUEUE, Route.ESCALATE] = Route.ESCALATE
    autonomy: Annotated[int, Field(ge=0, le=5)] = 3
    audit: Audit = Audit()
    queue: Queue = Queue()
    sla: Sla = timedelta(hours=4)
    escalation: tuple[EscalationStep, ...] = ()
    on_timeout: Literal["hold", "reject", "provisional"] = "hold"
    adjudicators: People = People()
    approvals: dict[Risk, Annotated[int, Field(ge=1, le=20)]] = Field(default_factory=dict)
    """How many distinct people have to agree; 1 where not named."""
    double_review: Share = 0.0
    undo: Duration = timedelta(0)
    """How long a verdict can be taken back before the app is told; low and medium risk only."""
    max_tries: Annotated[int, Field(ge=0)] = 3
    blind_confidence: bool = False
    golden: Golden = Golden()
    feedback: Feedback = Feedback()
    retention: PositiveDuration = timedelta(days=400)
    redact: tuple[Regex, ...] = (r"\b\d{16}\b",)
    max_error: Annotated[float, Field(gt=0, lt=1)] = 0.02
    delta: Annotated[float, Field(gt=0, lt=1)] = 0.05
    trace_url: TraceUrl | None = None


class Defaults(Settings):
    channel: Channel
    base_risk: Risk = Risk.MEDIUM
    reviewers: Reviewers = Reviewers()
    rubric: Name = "default"


class Task(Settings):
    """One task type. Only the keys in `model_fields_set` are the task's own; the rest come from `defaults`."""

    channel: Channel | None = None
    risk: Risk | None = None
    threshold: Share | None = None
    reviewers: Reviewers | None = None
    rubric: Name | None = None
    rules: tuple[Rule, ...] = ()
    checks: tuple[Check, ...] = ()
    judge: Judge | None = None


class PolicyFile(Section):
    """A whole policy file."""

    version: FileVersion
    timezone: TimeZone = "UTC"
    business_hours: BusinessHours | None = None
    digest: Digest = Digest()
    cost: Cost = Cost()
    defaults: Defaults
    rules: tuple[Rule, ...] = ()
    rubrics: dict[Name, Rubric] = Field(default_factory=dict)
    tasks: dict[TaskName, Task] = Field(default_factory=dict)
