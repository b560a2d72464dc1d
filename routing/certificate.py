"""The threshold that holds: with probability 1 - delta at least, what runs alone is wrong no more often than allowed.

Learn-then-Test with fixed-sequence testing (A. N. Angelopoulos, S. Bates, E. J. Candès, M. I. Jordan and L. Lei, "Learn
then Test: calibrating predictive algorithms to achieve risk control", arXiv 2110.01052). Thresholds are tested from
strict to loose, in steps that never look at a label, and the last one before the first failure is the result: so the
chance of a wrong choice stays delta, however many are tested. Nothing is assumed of the model or its confidence.

The lowest threshold whose *observed* error is small enough, the rule of thumb, breaks its bound every other time.
"""

from dataclasses import dataclass
from math import ceil, log, pi
from typing import TYPE_CHECKING, Final

from routing.labels import Curve
from routing.maturity import Goal

if TYPE_CHECKING:
    from routing.labels import Array

FIRST_LOOK: Final = 300
"""Labels at the first look; each further one waits for twice as many."""

_MOST_ERRORS_AT_START: Final = 40
_SHARE_AT_START: Final = 0.3
_STEP: Final = 1.02
_LEAST_TO_EXTRAPOLATE: Final = 30
"""Labels above a threshold, below which their error rate says nothing about the labels that are still missing."""


def labels_at_look(look: int) -> int:
    """How many labels the k-th look waits for, k from 1: 300, 600, 1200 …"""
    return FIRST_LOOK << (look - 1)


def delta_of_look(delta: float, look: int) -> float:
    """The part of delta that the k-th look may spend, k from 1: over all looks they add up to delta."""
    return delta * 6 / (pi * look) ** 2


@dataclass(frozen=True, slots=True)
class Missing:
    """How many more labels with at least the confidence `above` would decide it, if errors stay as rare as they are."""

    labels: int
    above: float


def needs(goal: Goal, most_errors: int) -> "Array":
    """need(c) for c = 0 … most_errors: the fewest labels of which c may be wrong for a certificate. At 2 % and delta
    10 %: 114, 194, 265, 333 …"""
    import numpy as np  # noqa: PLC0415 - heavy, and only wanted where a calibration runs
    from scipy.special import bdtr  # noqa: PLC0415

    errors = np.arange(most_errors + 1)
    spread = log(1 / goal.delta)  # twice this Chernoff bound is far above any quantile that delta asks for
    low = errors
    high: Array = np.ceil(2 * (errors + spread + np.sqrt(2 * errors * spread) + 1) / goal.max_error).astype(np.int64)
    while np.any(high - low > 1):
        middle = (low + high) // 2
        enough = bdtr(errors.astype(float), middle, goal.max_error) <= goal.delta
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return high


def p_values(curve: Curve, index: "Array", max_error: float) -> "Array":
    """Of "the error is above max_error", for these steps of the curve; 1 where a step is -1: there is no label.

    Labels of equal weight: the exact binomial test. Otherwise the gamma p-value of M. P. Fay and E. J. Feuer,
    "Confidence intervals for directly standardized rates", Statistics in Medicine 16, 1997, on the weighted rate:
    pooling labels of unequal weight would break the bound nearly every time.
    """
    import numpy as np  # noqa: PLC0415
    from scipy.special import bdtr, gammaincc  # noqa: PLC0415

    exact = bdtr(curve.errors[index].astype(float), curve.labels[index], max_error)
    mean, variance = _widened(curve, index)
    gamma = gammaincc(mean**2 / variance, max_error * mean / variance)
    return np.where(index < 0, 1.0, np.where(curve.even[index], exact, gamma))


def upper_bounds(curve: Curve, index: "Array", delta: float) -> "Array":
    """The error rates that are exceeded with probability delta at most, for these steps of the curve, each taken alone:
    Clopper and Pearson's, or Fay and Feuer's where weights are unequal. At most max_error where `p_values` is at most
    delta, and only there."""
    import numpy as np  # noqa: PLC0415
    from scipy.special import betaincinv, gammaincinv  # noqa: PLC0415

    errors, labels = curve.errors[index], curve.labels[index]
    right = np.maximum(labels - errors, 1)  # betaincinv knows no 0
    exact = np.where(labels == errors, 1.0, betaincinv(errors + 1.0, right, 1 - delta))
    mean, variance = _widened(curve, index)
    gamma = gammaincinv(mean**2 / variance, 1 - delta) * variance / mean
    return np.where(curve.even[index], exact, np.minimum(1.0, gamma))


def _widened(curve: Curve, index: "Array") -> tuple["Array", "Array"]:
    """The mean and variance of the weighted rate, were there one more error of the largest weight."""
    volume, largest = curve.volume[index], curve.largest[index] / curve.volume[index]
    return curve.weighted_errors[index] / volume + largest, curve.squared_errors[index] / volume**2 + largest**2


def is_enough(curve: Curve, goal: Goal) -> bool:
    """Whether so many labels, all of them right, would be certified."""
    return bool(curve.information.max() >= goal.least_labels)


def certified_threshold(curve: Curve, goal: Goal) -> float | None:
    """The loosest threshold that passes; None: refused. Decisions with at least this confidence may run alone."""
    if not is_enough(curve, goal):
        return None
    grid = _grid(curve, goal)
    passed = p_values(curve, curve.at(grid), goal.max_error) <= goal.delta
    first_failure = len(grid) if passed.all() else int(passed.argmin())
    return float(grid[first_failure - 1]) if first_failure else None


def _grid(curve: Curve, goal: Goal) -> "Array":
    """The thresholds to test, strict to loose. The start is where some errors are affordable, the next step where one
    more is: a test between the two, where the evidence is thinnest, could do nothing but end the search."""
    import numpy as np  # noqa: PLC0415

    most = float(curve.information.max())
    wanted = needs(goal, _MOST_ERRORS_AT_START + 1)
    first = min(int(np.searchsorted(wanted, _SHARE_AT_START * most)), _MOST_ERRORS_AT_START)
    start, then = (min(float(size), most) for size in wanted[first : first + 2])
    return curve.threshold[_steps(curve.information, [start, *_growing(then, most)])]


def _growing(start: float, end: float) -> list[float]:
    """From start to end in steps of 2 %."""
    number = ceil(log(end / start) / log(_STEP))
    return [*(start * _STEP**step for step in range(number)), end]


def _steps(information: "Array", wanted: list[float]) -> "Array":
    """The first steps of the curve that have as much information as wanted; ascending, each once."""
    import numpy as np  # noqa: PLC0415

    reached = np.searchsorted(np.maximum.accumulate(information), wanted)
    return np.unique(np.minimum(reached, len(information) - 1))


def missing_labels(curve: Curve, goal: Goal) -> Missing | None:
    """What a refusal lacks, at the threshold where least is lacking; None: errors are too frequent at every threshold,
    and more labels alone will not do."""
    import numpy as np  # noqa: PLC0415

    most = float(curve.information.max())
    if not is_enough(curve, goal):
        best = int(np.argmax(curve.information))
        return Missing(ceil(goal.least_labels - most), float(curve.threshold[best]))
    wanted = needs(goal, 10 * _MOST_ERRORS_AT_START)
    affordable = np.arange(len(wanted))
    lacking: list[tuple[int, float]] = []
    for step in _steps(curve.information, _growing(min(_LEAST_TO_EXTRAPOLATE, most), most)):
        had, rate = float(curve.information[step]), float(curve.rate[step])
        enough = np.flatnonzero((wanted > had) & (rate * wanted < affordable + 1) & (rate * had <= affordable))
        if len(enough):
            lacking.append((ceil(wanted[enough[0]] - had), -float(curve.threshold[step])))
    if not lacking:
        return None
    fewest, threshold = min(lacking)
    return Missing(fewest, -threshold)
