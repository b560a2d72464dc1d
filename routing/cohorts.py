"""Cohorts that stand out: of which clearly more, or clearly fewer, decisions go to people, or are corrected there,
than of the other decisions of the same task type.

A cohort is compared within its task types only: one that mostly asks for refunds would else stand out because refunds
do.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import exp, lgamma
from typing import Final, Literal, NamedTuple

from routing.metrics import Facts, Groups

FALSE_DISCOVERIES: Final = 0.05
"""At most this share of the differences that are found is expected to be chance."""
LEAST_COUNTED: Final = 20
"""Decisions or verdicts of a cohort, and of the rest that it is compared with."""
WORTH_TELLING: Final = 1.25
"""From this ratio of the rates on, in either direction. With a million decisions every difference is beyond chance."""

Rate = Literal["escalation_rate", "override_rate"]


@dataclass(frozen=True, slots=True)
class StandingOut:
    """One cohort's rate in one task type. `value` and `rest` are 0..1, of the cohort and of the task's other decisions;
    `count` of `n` is the cohort's; `p` is the test's, before many tests are allowed for."""

    task_type: str
    cohort: str
    rate: Rate
    value: float
    rest: float
    count: int
    n: int
    p: float


class _Counted(NamedTuple):
    hits: int
    of: int


def standing_out(groups: Groups) -> tuple[StandingOut, ...]:
    """The most certain first. Without cohorts, or where only one cohort's facts are given, there is nothing to compare.

    Each is tested with R. A. Fisher's exact test (Statistical Methods for Research Workers, 5th edition, 1934), two
    tails as twice the smaller; which of them count is Y. Benjamini and Y. Hochberg's rule ("Controlling the false
    discovery rate", Journal of the Royal Statistical Society B 57, 1995) over all comparisons at once.
    """
    tested = sorted(_compared(groups), key=lambda each: (each.p, each.task_type, each.cohort, each.rate))
    found = [rank for rank, each in enumerate(tested, 1) if each.p <= rank / len(tested) * FALSE_DISCOVERIES]
    return tuple(each for each in tested[: max(found, default=0)] if _is_worth_telling(each))


def _compared(groups: Groups) -> Iterator[StandingOut]:
    rates = {group: _rates(facts) for group, facts in groups.items()}
    wholes: defaultdict[tuple[str, Rate], _Counted] = defaultdict(lambda: _Counted(0, 0))
    for group, found in rates.items():
        for rate, own in found.items():
            whole = wholes[group.task_type, rate]
            wholes[group.task_type, rate] = _Counted(whole.hits + own.hits, whole.of + own.of)
    for group, found in rates.items():
        for rate, own in found.items() if group.cohort else ():
            whole = wholes[group.task_type, rate]
            rest = _Counted(whole.hits - own.hits, whole.of - own.of)
            if min(own.of, rest.of) >= LEAST_COUNTED:
                shares = own.hits / own.of, rest.hits / rest.of
                yield StandingOut(
                    group.task_type, group.cohort, rate, *shares, *own, p=fisher(*own, *whole, up_to=FALSE_DISCOVERIES)
                )


def _rates(facts: Facts) -> Mapping[Rate, _Counted]:
    """What people override is what they were asked for and did not approve; audits are no part of it, of which some
    cohorts have more than others."""
    asked = facts.asked
    return {
        "escalation_rate": _Counted(facts.escalated, facts.decisions),
        "override_rate": _Counted(asked.total() - asked["approve"], asked.total()),
    }


def _is_worth_telling(each: StandingOut) -> bool:
    low, high = sorted((each.value, each.rest))
    return high >= WORTH_TELLING * low


def fisher(count: int, n: int, count_of_all: int, n_of_all: int, *, up_to: float = 1.0) -> float:
    """The two-sided p-value of `count` among `n`, drawn from `n_of_all` that have `count_of_all`, by chance alone.
    Exact up to `up_to`; what is larger is only known to be larger, which spares nearly all of the work."""
    step = 1 if count * n_of_all >= n * count_of_all else -1
    term = tail = exp(_log_hypergeometric(count, n, count_of_all, n_of_all))
    while term > tail * 1e-15 and 2 * tail <= up_to:
        term *= _ratio(count, n, count_of_all, n_of_all, step)
        tail += term
        count += step
    return min(1.0, 2 * tail)


def _ratio(k: int, n: int, of: int, total: int, step: int) -> float:
    """How much likelier k + step is than k."""
    if step > 0:
        return (of - k) * (n - k) / ((k + 1) * (total - of - n + k + 1))
    return k * (total - of - n + k) / ((of - k + 1) * (n - k + 1))


def _log_hypergeometric(k: int, n: int, of: int, total: int) -> float:
    return _log_choose(of, k) + _log_choose(total - of, n - k) - _log_choose(total, n)


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
