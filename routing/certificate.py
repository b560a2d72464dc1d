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


def p_values(curve: Curve, step: "Array", max_error: float) -> "Array":
    """Of "the error is above max_error", for these steps of the curve: the exact binomial test of the kept labels.

    To pool labels of unequal probabilities would break the bound nearly every time. The gamma test of the weighted rate
    (M. P. Fay and E. J. Feuer, Statistics in Medicine 16, 1997) is not proven to keep it, and certifies less: nearly
    nothing where some decisions are audited at 2 % and others at 25 %.
    """
    from scipy.special import bdtr  # noqa: PLC0415

    found: Array = bdtr(curve.kept_errors[step].astype(float), curve.kept[step], max_error)
    return found


def upper_bounds(curve: Curve, step: "Array", delta: float) -> "Array":
    """The error rates that are exceeded with probability delta at most, for these steps of the curve, each taken alone:
    those of C. J. Clopper and E. S. Pearson, Biometrika 26, 1934. At most max_error where `p_values` is at most delta,
    and only there."""
    import numpy as np  # noqa: PLC0415
    from scipy.special import betaincinv  # noqa: PLC0415

    errors, right = curve.kept_errors[step], curve.kept[step] - curve.kept_errors[step]
    # betaincinv knows no 0.
    return np.where(right == 0, 1.0, betaincinv(errors + 1.0, np.maximum(right, 1), 1 - delta))


def is_enough(curve: Curve, goal: Goal) -> bool:
    """Whether so many labels, all of them right, would be certified."""
    return bool(curve.kept.max() >= goal.least_labels)


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

    most = float(curve.kept.max())
    wanted = needs(goal, _MOST_ERRORS_AT_START + 1)
    first = min(int(np.searchsorted(wanted, _SHARE_AT_START * most)), _MOST_ERRORS_AT_START)
    start, then = (min(float(size), most) for size in wanted[first : first + 2])
    return curve.threshold[_steps(curve.kept, [start, *_growing(then, most)])]


def _growing(start: float, end: float) -> list[float]:
    """From start to end in steps of 2 %."""
    number = ceil(log(end / start) / log(_STEP))
    return [*(start * _STEP**step for step in range(number)), end]


def _steps(kept: "Array", wanted: list[float]) -> "Array":
    """The first steps of the curve at which so many labels are kept; ascending, each once."""
    import numpy as np  # noqa: PLC0415

    reached = np.searchsorted(np.maximum.accumulate(kept), wanted)
    return np.unique(np.minimum(reached, len(kept) - 1))


def missing_labels(curve: Curve, goal: Goal) -> Missing | None:
    """What a refusal lacks, at the threshold where least is lacking; None: errors are too frequent at every threshold,
    and more labels alone will not do."""
    import numpy as np  # noqa: PLC0415

    most = float(curve.kept.max())
    if not is_enough(curve, goal):
        best = int(np.argmax(curve.kept))
        drawn = curve.labels[best] / max(most, 1.0)
        return Missing(ceil((goal.least_labels - most) * drawn), float(curve.threshold[best]))
    wanted = needs(goal, 10 * _MOST_ERRORS_AT_START)
    affordable = np.arange(len(wanted))
    lacking: list[tuple[int, float]] = []
    for step in _steps(curve.kept, _growing(min(_LEAST_TO_EXTRAPOLATE, most), most)):
        had, rate = float(curve.kept[step]), float(curve.rate[step])
        enough = np.flatnonzero((wanted > had) & (rate * wanted < affordable + 1) & (rate * had <= affordable))
        if len(enough):
            drawn = curve.labels[step] / had  # for each that would be kept
            lacking.append((ceil((wanted[enough[0]] - had) * drawn), -float(curve.threshold[step])))
    if not lacking:
        return None
    fewest, threshold = min(lacking)
    return Missing(fewest, -threshold)
