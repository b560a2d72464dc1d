"""How tasks are tuned, for the weekly digest: what their labels have proven, what waits for somebody to apply it, and
what has changed in the week. It is frozen with the digest. Days are local ones, as 2026-11-17."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from routing.maturity import MaturityState
from routing.policy import AdjustedKey

ChangeKind = Literal["applied", "paused", "breach", "undone", "pause_ended", "breach_ended", "ended"]
"""`breach`: one was proven, and took the autonomy away; `ended`: the policy file has overruled what people applied."""


@dataclass(frozen=True, slots=True)
class Looked:
    """The latest look at a task's labels, which are those of one model.

    Attributes:
        model: "" where the app names none.
        threshold: None where none is certified; `refusal` is then what would end that, as a clause.
        share: how much of the week's decisions its model made, 0..1; None: there were none, or it was refused.
        reviews: how many more the threshold would have meant in the week, negative if fewer; None likewise.
    """

    day: str
    model: str
    threshold: float | None
    refusal: str = ""
    share: float | None = None
    reviews: int | None = None

    @property
    def is_of_another_model(self) -> bool:
        """Whether it proves nothing for most of what is decided now."""
        return self.share is not None and 2 * self.share < 1


@dataclass(frozen=True, slots=True)
class OpenChange:
    """A change that people are asked for, and where its message is: no channel and no ts while it is not in Slack."""

    key: AdjustedKey
    value: float
    day: str
    channel: str | None = None
    ts: str | None = None


@dataclass(frozen=True, slots=True)
class PastChange:
    """What happened to an adjustment. `before`: the value that was in force, where that is known; `lasts`: what it did
    is in force still."""

    what: ChangeKind
    key: AdjustedKey
    value: float
    day: str
    before: float | None = None
    lasts: bool = False


@dataclass(frozen=True, slots=True)
class Tuning:
    """One task.

    Attributes:
        decisions: of the last four weeks.
        threshold, autonomy: in force when the digest was made.
        looked: None: no look was taken yet, and the model with most labels has `labels`.
        waiting: for somebody to apply it.
        changes: what has stopped the task since before the week, then the latest of the week, in their order;
            `earlier_changes` of the week are left out.
        is_news: the look or a change is of the week.
        maturity, audit_rate: of the stream that learnt last; None: the task has no audits.
        tripling_days: how soon a tripling of its errors would be found; None: no audit was judged in four weeks.
        is_unseen: none was, though decisions ran alone.
    """

    task_type: str
    decisions: int
    threshold: float
    autonomy: int
    looked: Looked | None = None
    labels: int = 0
    waiting: tuple[OpenChange, ...] = ()
    changes: tuple[PastChange, ...] = ()
    earlier_changes: int = 0
    is_news: bool = False
    maturity: MaturityState | None = None
    audit_rate: float | None = None
    tripling_days: float | None = None
    is_unseen: bool = False

    @property
    def is_stopped(self) -> bool:
        """Everything goes to people until somebody ends that."""
        return any(each.what in ("paused", "breach") and each.lasts for each in self.changes)


def by_urgency(tunings: Iterable[Tuning]) -> list[Tuning]:
    """Those with something to do, then those with news; of equals the task with most decisions first."""
    return sorted(tunings, key=lambda each: (_rank(each), -each.decisions, each.task_type))


def _rank(tuning: Tuning) -> int:
    if tuning.waiting or tuning.is_stopped:
        return 0
    return 1 if tuning.is_news else 2
