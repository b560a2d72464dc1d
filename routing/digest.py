"""The weekly digest, as data: what a week's facts say beside those of the week before.

A digest is frozen as JSON when it is made, and shown as it was made however late it is sent.
"""

from collections.abc import Container, Mapping, Sequence
from itertools import chain
from math import exp, lgamma, log
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from routing.agreement import whose_doing
from routing.cohorts import StandingOut
from routing.metrics import (
    Facts,
    Groups,
    Metrics,
    by_task,
    headline,
    metrics,
    number,
    standing,
    summed,
)
from routing.money import Money
from routing.tuning import OpenChange, Tuning

SIGNIFICANCE: Final = 0.01
"""Of a change: some ten categories are looked at in a week, and nothing may be cried that chance brings each month."""

LEAST_RECURRING: Final = 3
MOST_PATTERNS: Final = 3
MOST_DOUBTS: Final = 3
COHORT_SHARE: Final = 0.6
"""From this share of a pattern on it is a cohort's."""

Change = Literal["more", "fewer", "unclear"]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Category(Part):
    """A category of errors. `share`: of all corrections, 0..1; `change`: against the week before, for as many verdicts;
    `name` "": none was named."""

    name: str
    count: int
    share: float
    before: int
    change: Change


class Example(Part):
    """One decision of a pattern, and where its card is; no channel and no ts: it has none."""

    decision_id: str
    channel: str | None = None
    ts: str | None = None


class Pattern(Part):
    """Errors of one category that recur in a task. `cohort` None: in no cohort above all."""

    category: str
    task_type: str
    cohort: str | None
    count: int
    examples: tuple[Example, ...] = ()


class Doubt(Part):
    """A task whose reviewers agree too little with the model or with each other, over the last weeks, and whose doing
    it looks like; the examples show that. Both shares are (part, whole), as `routing.agreement.Share`."""

    task_type: str
    whose: Literal["model", "guideline", "both"]
    with_model: tuple[int, int]
    between: tuple[int, int]
    examples: tuple[Example, ...] = ()


class Point(Part):
    """One stretch of the chart, such as a week: shares 0..1, seconds; None: no data. `name`: as 2026-W46 or 2026-11-14;
    `escape_low` and `escape_high` are the interval."""

    name: str
    escalation: float | None
    escape: float | None
    escape_low: float | None
    escape_high: float | None
    latency: float | None
    agreement: float | None
    between_reviewers: float | None


class OpenWork(Part):
    """What waits when the digest is made. `oldest_rollback_hours` None: none is open; `changes`: of the policy, for
    somebody to apply them."""

    rollbacks: int = 0
    rollbacks_overdue: int = 0
    oldest_rollback_hours: float | None = None
    audits: int = 0
    audits_overdue: int = 0
    disputes: int = 0
    changes: int = 0


class RollbacksOfWeek(Part):
    """What was asked for and answered within the week."""

    requested: int = 0
    done: int = 0
    failed: int = 0


class Protection(Part):
    """How many people's load raises which question; nobody is named."""

    people: int = 0
    fast: int = 0
    unedited: int = 0
    streaks: int = 0


class Seal(Part):
    """The latest seal of the history, to hold the history against later."""

    number: int
    sha256: str


class Advice(Part):
    """One thing to do. `about`: a task type or a category; `numbers`: what it rests on."""

    code: Literal["errors_escape", "disagreement", "guideline", "model", "both", "slow", "one_category", "threshold"]
    about: str | None
    numbers: dict[str, float]


class Digest(Part):
    """A whole local week, Monday to Sunday.

    Attributes:
        week: as 2026-W46.
        first, last: its days, as 2026-11-09.
        made_at: when it was made, ISO 8601: verdicts that came later are not in it.
        metrics, metrics_before: of this week and of the one before (`routing.metrics.metrics`).
        judged, corrected: final verdicts, and those that corrected the model.
        cohorts: those that stand out, the most certain first.
        spent: what the week cost; None where the policy does not say.
        second_opinions: blind ones, and how many of them differed.
        tunings: of the tasks that come first by `routing.tuning.by_urgency`; `further_tunings` are left out.
        trend: the last weeks, the oldest first; this week is the last.
    """

    week: str
    first: str
    last: str
    timezone: str
    made_at: str
    metrics: Metrics
    metrics_before: Metrics
    decisions: int
    judged: int
    corrected: int
    categories: tuple[Category, ...]
    patterns: tuple[Pattern, ...]
    cohorts: tuple[StandingOut, ...] = ()
    spent: Money | None = None
    doubts: tuple[Doubt, ...] = ()
    disputes: int
    second_opinions: tuple[int, int]
    rollbacks: RollbacksOfWeek = RollbacksOfWeek()
    open: OpenWork
    protection: Protection
    advice: Advice | None
    tunings: tuple[Tuning, ...] = ()
    further_tunings: int = 0
    trend: tuple[Point, ...]
    seal: Seal | None

    @property
    def places(self) -> set[tuple[str, str]]:
        """Channel and ts of each message that it leads to."""
        examples = chain(*(each.examples for each in self.patterns), *(each.examples for each in self.doubts))
        waiting = chain(*(each.waiting for each in self.tunings))
        told = ((each.channel, each.ts) for each in chain[Example | OpenChange](examples, waiting))
        return {(channel, ts) for channel, ts in told if channel is not None and ts is not None}

    @property
    def is_quiet(self) -> bool:
        """Whether there is nothing to tell: no decision came, nothing was to be undone, nothing has changed, and
        nothing waits."""
        has_work = self.rollbacks != RollbacksOfWeek() or self.open != OpenWork()
        return self.decisions == 0 and not has_work and not any(each.is_news for each in self.tunings)


# Categories and patterns ----------------------------------------------------------------------------------------------


def categories(now: Facts, before: Facts) -> tuple[Category, ...]:
    """Those of this week, the most frequent first."""
    return tuple(
        Category(
            name=name,
            count=count,
            share=count / now.categories.total(),
            before=before.categories[name],
            change=change(count, now.judged, before.categories[name], before.judged),
        )
        for name, count in sorted(now.categories.items(), key=lambda item: (-item[1], item[0]))
    )


def change(count: int, of: int, before: int, of_before: int) -> Change:
    """Whether there are more or fewer than before, for as many chances (`of`, `of_before`); unclear unless that exceeds
    what chance explains.

    Given how many there are in both weeks, this week's share of them is binomial where nothing has changed: the exact
    conditional test of two Poisson rates (J. Przyborowski and H. Wilenski, "Homogeneity of results in testing samples
    from Poisson series", Biometrika 31, 1940). So a week with half the work, or with an hour more, is no change.
    """
    if not of or not of_before:
        return "unclear"
    fair = of / (of + of_before)
    at_most, at_least = _tails(count, count + before, fair)
    if 2 * min(at_most, at_least) > SIGNIFICANCE:
        return "unclear"
    return "fewer" if at_most < at_least else "more"


def _tails(count: int, trials: int, probability: float) -> tuple[float, float]:
    """The probabilities of at most and of at least so many successes; `probability` is neither 0 nor 1."""
    terms = [exp(_log_binomial(k, trials, probability)) for k in range(trials + 1)]
    return sum(terms[: count + 1]), sum(terms[count:])


def _log_binomial(k: int, n: int, p: float) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(p) + (n - k) * log(1 - p)


def patterns(groups: Groups) -> tuple[Pattern, ...]:
    """The most frequent of what recurs: a category in a task, and in a cohort where most of it is there."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    for group, facts in groups.items():
        for category, count in facts.categories.items():
            if category:
                cohorts = found.setdefault((category, group.task_type), {})
                cohorts[group.cohort] = count
    recurring = [
        _pattern(*place, cohorts) for place, cohorts in found.items() if sum(cohorts.values()) >= LEAST_RECURRING
    ]
    recurring.sort(key=lambda pattern: (-pattern.count, pattern.category, pattern.task_type))
    return tuple(recurring[:MOST_PATTERNS])


def _pattern(category: str, task_type: str, cohorts: Mapping[str, int]) -> Pattern:
    total = sum(cohorts.values())
    named = {cohort: count for cohort, count in cohorts.items() if cohort}
    cohort = min(named, key=lambda name: (-named[name], name), default=None)
    if cohort is not None and named[cohort] >= max(COHORT_SHARE * total, LEAST_RECURRING):
        return Pattern(category=category, task_type=task_type, cohort=cohort, count=named[cohort])
    return Pattern(category=category, task_type=task_type, cohort=None, count=total)


# Agreement ------------------------------------------------------------------------------------------------------------


def together(weeks: Sequence[Groups]) -> dict[str, Facts]:
    """By task, of several weeks."""
    tasks: dict[str, Facts] = {}
    for groups in weeks:
        for name, facts in by_task(groups).items():
            known = tasks.setdefault(name, Facts())
            known += facts
    return tasks


def doubts(tasks: Mapping[str, Facts]) -> tuple[Doubt, ...]:
    """The tasks in which people agree least, with the model or with each other, and enough is known to say why."""
    found = [(facts, _doubt(name, facts)) for name, facts in tasks.items()]
    told = sorted((_least_agreed(facts), doubt.task_type, doubt) for facts, doubt in found if doubt is not None)
    return tuple(doubt for _, _, doubt in told[:MOST_DOUBTS])


def _doubt(task_type: str, facts: Facts) -> Doubt | None:
    whose = whose_doing(facts.with_model, facts.between)
    if whose is None or whose == "unknown":
        return None
    return Doubt(task_type=task_type, whose=whose, with_model=facts.with_model, between=facts.between)


def _least_agreed(facts: Facts) -> float:
    return min(share.value for share in (facts.with_model, facts.between) if share.value is not None)


# The chart ------------------------------------------------------------------------------------------------------------


def point(name: str, facts: Facts) -> Point:
    told = metrics(facts)
    value = {key: headline(metric) for key, metric in told.items()}
    return Point(
        name=name,
        escalation=value["escalation_rate"],
        escape=value["error_escape_rate"],
        escape_low=number(told["error_escape_rate"], "low"),
        escape_high=number(told["error_escape_rate"], "high"),
        latency=value["review_latency"],
        agreement=value["reviewer_agreement"],
        between_reviewers=value["inter_reviewer_agreement"],
    )


# Advice ---------------------------------------------------------------------------------------------------------------

LEAST_JUDGED: Final = 50
LEAST_CORRECTED: Final = 20
LEAST_APPROVED: Final = 200
ONE_CATEGORY: Final = 0.4
NEARLY_ALL: Final = 0.95


def advice(groups: Groups, calibrated: Container[str] = ()) -> Advice | None:
    """The most pressing thing that the week's numbers ask for; None: they ask for nothing, or are too few to.

    `calibrated`: the task types whose labels have said what their thresholds may be."""
    facts, tasks = summed(groups.values()), by_task(groups)
    told = metrics(facts)
    return (
        _on_escapes(tasks)
        or _on_agreement(facts)
        or _on_latency(told)
        or _on_categories(facts)
        or _on_approvals({name: facts for name, facts in tasks.items() if name not in calibrated})
    )


def _on_escapes(tasks: Mapping[str, Facts]) -> Advice | None:
    """A task lets more errors through than it should, with its whole interval; the worst of them."""
    rates = {name: metrics(facts)["error_escape_rate"] for name, facts in tasks.items()}
    bad = {name: rate for name, rate in rates.items() if standing("error_escape_rate", rate) == "missed"}
    if not bad:
        return None
    worst = max(bad, key=lambda name: (number(bad[name], "low") or 0, name))
    numbers = {name: number(bad[worst], name) or 0.0 for name in ("value", "low", "high", "n")}
    return Advice(code="errors_escape", about=worst, numbers=numbers)


def _on_agreement(facts: Facts) -> Advice | None:
    """Reviewers disagree too often, with the model or with each other."""
    whose = whose_doing(facts.with_model, facts.between)
    if whose is None or facts.with_model.value is None:
        return None
    numbers = {"value": facts.with_model.value, "n": float(facts.with_model.whole)}
    if whose == "unknown" or facts.between.value is None:
        return Advice(code="disagreement", about=None, numbers=numbers)
    numbers |= {"between": facts.between.value, "pairs": float(facts.between.whole)}
    return Advice(code=whose, about=None, numbers=numbers)


def _on_latency(told: Metrics) -> Advice | None:
    latency = told["review_latency"]
    p95, n = headline(latency), number(latency, "n") or 0.0
    if p95 is None or standing("review_latency", latency) != "missed" or n < LEAST_JUDGED:
        return None
    return Advice(code="slow", about=None, numbers={"p95": p95, "n": n})


def _on_categories(facts: Facts) -> Advice | None:
    total = facts.categories.total()
    name, count = max(facts.categories.items(), key=lambda item: (item[1], item[0]), default=("", 0))
    if not name or total < LEAST_CORRECTED or count <= ONE_CATEGORY * total:
        return None
    return Advice(code="one_category", about=name, numbers={"share": count / total, "corrected": total})


def _on_approvals(tasks: Mapping[str, Facts]) -> Advice | None:
    """Nearly all that a task asks people for is approved: the threshold may be stricter than needed, or people have
    grown used to approving. The task that asks most."""
    asked = {name: (facts.asked["approve"], facts.asked.total()) for name, facts in tasks.items()}
    easy = {name: (ok, n) for name, (ok, n) in asked.items() if n >= LEAST_APPROVED and ok >= NEARLY_ALL * n}
    if not easy:
        return None
    name = max(easy, key=lambda task: (easy[task][1], task))
    approved, n = easy[name]
    return Advice(code="threshold", about=name, numbers={"share": approved / n, "n": n})
