"""The metrics (contract, "Metrics"): what the facts of a stretch of time come to.

Facts are counts that add up: over task types, over cohorts, over weeks. Metrics are made of their sums and never of
other metrics, so that what is told of the parts and of the whole cannot contradict each other.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from math import ceil, log
from typing import Final, Literal, NamedTuple

from routing.agreement import Share, agreement
from routing.decision import Json
from routing.estimates import escape_rate

CORRECTIONS: Final = ("edit", "reject")

LATENCY_UNIT: Final = 0.01
"""Seconds. Latencies are counted in whole ones, and from half a second on by the steps of `latency_step`."""

_EXACT_TO: Final = 50
_GROWTH: Final = 1.04 / 0.96


def latency_step(seconds: float) -> int:
    """The step that a latency is counted at, in `LATENCY_UNIT`: at most a twentieth away from it, from 0.1 s on.

    Steps grow by a twelfth, so that a day of waiting has 150 of them however many reviews there are: the histogram of
    Masson, Rim and Lee, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees", VLDB
    2019, with an error of 0.04, which leaves 0.01 for the rounding to whole units.
    """
    units = max(seconds, 0.0) / LATENCY_UNIT
    if units <= _EXACT_TO:
        return round(units)
    return round(2 * _GROWTH ** ceil(log(units, _GROWTH)) / (_GROWTH + 1))


class Group(NamedTuple):
    """What facts are counted by. `cohort` "": the app named none."""

    task_type: str
    cohort: str


class Judged(NamedTuple):
    """How a review of a kind (gate, provisional, audit) ended: approve, edit or reject."""

    kind: str
    verdict: str


@dataclass(slots=True)
class Facts:
    """Counts of decisions, without shadows; whoever reads them fills them.

    Attributes:
        decisions: all.
        escalated: those for which a gate or provisional review was opened at intake.
        verdicts: final verdicts of people, by the kind of review.
        categories: of final corrections (edit, reject), by category; "" where none was named.
        latencies: of gate and provisional reviews that people decided, the time from opening to verdict, by
            `latency_step`.
        uses: final corrections that entered a dataset or an applied calibration, by the time from the verdict to the
            first of these, by `latency_step`.
        audits: audits that people decided, by the probability with which they were drawn and whether the decision was
            wrong.
        pairs: blind second opinions, by (first verdict, second verdict).
        disputes: reviews, second opinions apart, in which people disagreed.
    """

    decisions: int = 0
    escalated: int = 0
    verdicts: Counter[Judged] = field(default_factory=Counter)
    categories: Counter[str] = field(default_factory=Counter)
    latencies: Counter[int] = field(default_factory=Counter)
    uses: Counter[int] = field(default_factory=Counter)
    audits: Counter[tuple[float, bool]] = field(default_factory=Counter)
    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    disputes: int = 0

    def __iadd__(self, other: "Facts") -> "Facts":
        """In place: a copy of what has grown for each of thousands of groups would take seconds."""
        self.decisions += other.decisions
        self.escalated += other.escalated
        self.verdicts.update(other.verdicts)
        self.categories.update(other.categories)
        self.latencies.update(other.latencies)
        self.uses.update(other.uses)
        self.audits.update(other.audits)
        self.pairs.update(other.pairs)
        self.disputes += other.disputes
        return self

    @property
    def judged(self) -> int:
        """Final verdicts."""
        return self.verdicts.total()

    @property
    def corrected(self) -> int:
        """Those that corrected the model."""
        return sum(count for judged, count in self.verdicts.items() if judged.verdict in CORRECTIONS)

    @property
    def with_model(self) -> Share:
        """Those that agree with the model."""
        return Share(self.judged - self.corrected, self.judged)

    @property
    def between(self) -> Share:
        """Second opinions that agree with the first."""
        return Share(sum(n for (first, second), n in self.pairs.items() if first == second), self.pairs.total())

    @property
    def asked(self) -> Counter[str]:
        """Final verdicts on what people were asked for, by verdict: without audits."""
        found: Counter[str] = Counter()
        for judged, count in self.verdicts.items():
            found[judged.verdict] += count if judged.kind != "audit" else 0
        return found


Groups = Mapping[Group, Facts]


def summed(facts: Iterable[Facts]) -> Facts:
    whole = Facts()
    for each in facts:
        whole += each
    return whole


def by_task(groups: Groups) -> dict[str, Facts]:
    return _by(groups, lambda group: group.task_type)


def by_cohort(groups: Groups) -> dict[str, Facts]:
    """Without what belongs to no cohort."""
    return {name: facts for name, facts in _by(groups, lambda group: group.cohort).items() if name}


def _by(groups: Groups, name_of: Callable[[Group], str]) -> dict[str, Facts]:
    found: dict[str, Facts] = {}
    for group, facts in groups.items():
        part = found.setdefault(name_of(group), Facts())
        part += facts
    return dict(sorted(found.items()))


Metric = dict[str, Json]
Metrics = dict[str, Metric]


def metrics(facts: Facts) -> Metrics:
    """Every metric by its key, as an object (contract, "Metrics"). Shares and agreements are 0..1, times are seconds;
    what there is no data for is None, never 0."""
    return {
        "escalation_rate": _share(facts.escalated, facts.decisions),
        "auto_resolve_rate": _share(facts.decisions - facts.escalated, facts.decisions),
        "error_escape_rate": _escape(facts),
        "review_latency": _percentiles(facts.latencies),
        "reviewer_agreement": _share(*facts.with_model),
        "inter_reviewer_agreement": between_reviewers(facts.pairs),
        "feedback_utilization": _share(facts.uses.total(), facts.corrected),
        "feedback_to_update": _percentiles(facts.uses),
    }


def override_rate(facts: Facts) -> Metric:
    """How much of what people were asked for they did not approve. Audits are no part of it."""
    asked = facts.asked
    return _share(asked.total() - asked["approve"], asked.total())


def percentile(counts: Mapping[int, int], share: float) -> int | None:
    """The least value that at least this share (0..1) of what was counted does not exceed; None: nothing was."""
    rank = max(ceil(share * sum(counts.values())), 1)
    for value in sorted(counts):
        rank -= counts[value]
        if rank <= 0:
            return value
    return None


def _share(part: int, whole: int) -> Metric:
    return {"value": part / whole if whole else None, "numerator": part, "denominator": whole}


def _percentiles(counts: Counter[int]) -> Metric:
    found = {name: percentile(counts, share) for name, share in (("p50", 0.5), ("p95", 0.95))}
    seconds = {name: None if value is None else round(value * LATENCY_UNIT, 2) for name, value in found.items()}
    return {**seconds, "n": counts.total()}


def between_reviewers(pairs: Mapping[tuple[str, str], int]) -> Metric:
    """`value` is the raw agreement, as `percent`, and `low` to `high` its 95 % interval; `ac1`, with its own, `alpha`
    and `kappa` take from it what chance explains. `pairs` counts (first, second): who they were does not matter."""
    found = agreement(pairs)
    low, high = found.same.interval or (None, None)
    ac1_low, ac1_high = found.ac1_interval or (None, None)
    return {
        **_share(*found.same),
        "percent": found.same.value,
        "low": low,
        "high": high,
        "ac1": found.ac1,
        "ac1_low": ac1_low,
        "ac1_high": ac1_high,
        "alpha": found.alpha,
        "kappa": found.kappa,
        "n": found.same.whole,
    }


def _escape(facts: Facts) -> Metric:
    """`numerator` is how many wrong decisions the audits stand for, `denominator` how many decisions: each audit for
    1 / its probability. What still waits for its audit's verdict is in neither, or it would pass for correct."""
    audits: dict[tuple[bool, float], int] = {}
    stood_for, escaped = 0.0, 0.0
    for (inclusion, is_wrong), count in facts.audits.items():  # a month has hundreds of chances
        weight = 1 / inclusion
        audits[is_wrong, weight] = audits.get((is_wrong, weight), 0) + count
        stood_for += weight * count
        escaped += weight * count if is_wrong else 0
    population = round(stood_for)
    found = escape_rate(audits, population)
    return {
        "value": found.value,
        "numerator": escaped,
        "denominator": population,
        "low": found.low,
        "high": found.high,
        "n": found.n,
    }


# Targets --------------------------------------------------------------------------------------------------------------

Standing = Literal["met", "missed", "unclear"]


class Target(NamedTuple):
    """Between which values a metric should be, both included; None: without end."""

    low: float | None
    high: float | None


TARGETS: Final[Mapping[str, Target]] = {
    "escalation_rate": Target(0.15, 0.30),
    "auto_resolve_rate": Target(0.70, 0.85),
    "error_escape_rate": Target(None, 0.02),
    "review_latency": Target(None, 300.0),
    "reviewer_agreement": Target(0.85, None),
}
"""Of the 95th percentile, in seconds, where the metric is a time."""


def headline(metric: Metric) -> float | None:
    """The one number of a metric: its value, or its 95th percentile."""
    return number(metric, "value" if "value" in metric else "p95")


def number(metric: Metric, name: str) -> float | None:
    """A member of a metric; None: it has none, or no data."""
    found = metric.get(name)
    return found if isinstance(found, (int, float)) else None


def standing(key: str, metric: Metric) -> Standing | None:
    """How a metric stands to its target; None: it has no target, or no data. `unclear`: its interval lies on both
    sides."""
    value, target = headline(metric), TARGETS.get(key)
    if value is None or target is None:
        return None
    low, high = number(metric, "low"), number(metric, "high")
    low, high = value if low is None else low, value if high is None else high
    if _is_within(low, target) and _is_within(high, target):
        return "met"
    return "unclear" if _is_within(low, target) or _is_within(high, target) else "missed"


def _is_within(value: float, target: Target) -> bool:
    return (target.low is None or value >= target.low) and (target.high is None or value <= target.high)
