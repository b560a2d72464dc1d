"""What a confidence is worth: "right 81 % of the time at this level (n = 412)".

For display and expected cost only. A threshold is certified on the confidence as the model gave it: a map that keeps
the order cannot change which decisions are the surer ones.
"""

from bisect import bisect_left
from dataclasses import dataclass
from math import exp, log
from typing import TYPE_CHECKING, Final

from routing.labels import Labels
from routing.reliability import Bin

if TYPE_CHECKING:
    from routing.labels import Array

_BETA_FROM: Final = 1_000
"""Labels, above which the three-parameter map is worth its freedom."""
_EDGE: Final = 1e-6
"""Confidences nearer to 0 or 1 are taken for this near: their logarithms would outweigh all others."""
_POINTS: Final = 5_000


@dataclass(frozen=True, slots=True)
class ConfidenceWorth:
    """How often answers of a confidence are right. Plain numbers, so that a card needs nothing else to say it.

    Attributes:
        a: p = 1 / (1 + exp(-(a ln c − b ln(1 − c) + m))), with a, b ≥ 0; a = b is Platt's map on the logit.
        b: see a.
        m: see a.
        upper: the upper edge of each bin of the reliability diagram, ascending.
        n: the labels in each bin.
        least: the least confidence that was labelled: below it nothing is known.
    """

    a: float
    b: float
    m: float
    upper: tuple[float, ...]
    n: tuple[int, ...]
    least: float

    def of(self, confidence: float) -> tuple[float, int] | None:
        """The share of right answers at this confidence, 0..1, and the number of labels of about this confidence. None:
        it lies outside of what was labelled."""
        if not self.least <= confidence <= self.upper[-1]:
            return None
        certain = min(max(confidence, _EDGE), 1 - _EDGE)
        logit = self.a * log(certain) - self.b * log(1 - certain) + self.m
        right = 1 / (1 + exp(-logit)) if logit >= 0 else exp(logit) / (1 + exp(logit))
        return right, self.n[bisect_left(self.upper, confidence)]


def confidence_worth(labels: Labels, bins: tuple[Bin, ...]) -> ConfidenceWorth:
    """Below 1,000 labels Platt's map on the logit, above the beta calibration of M. Kull, T. M. Silva Filho and
    P. Flach, "Beta calibration", AISTATS 2017, with a, b ≥ 0 so that more confidence is never worth less.

    Both are fitted to Platt's smoothed targets ("Probabilistic outputs for support vector machines", 1999): no number
    of labels makes a level certain.
    """
    a, b, m = _fitted(*_thinned(labels), free=len(labels) >= _BETA_FROM)
    return ConfidenceWorth(a, b, m, tuple(x.high for x in bins), tuple(x.n for x in bins), bins[0].low)


def _thinned(labels: Labels) -> tuple["Array", "Array", "Array"]:
    """Confidence, smoothed target and weight; beyond 5,000 labels means of neighbours, which the fit cannot tell from
    the labels themselves."""
    import numpy as np  # noqa: PLC0415 - heavy, and only wanted where a calibration runs

    weight = labels.weight * (len(labels) / labels.weight.sum())
    wrong = float(weight[labels.is_wrong].sum())
    right = len(labels) - wrong
    target = np.where(labels.is_wrong, 1 / (wrong + 2), (right + 1) / (right + 2))
    each = -(-len(labels) // _POINTS)
    starts = np.arange(0, len(labels), each)
    summed = np.add.reduceat(weight, starts)
    return (
        np.add.reduceat(labels.confidence * weight, starts) / summed,
        np.add.reduceat(target * weight, starts) / summed,
        summed,
    )


def _fitted(confidence: "Array", target: "Array", weight: "Array", *, free: bool) -> tuple[float, float, float]:
    """a, b and m of the most likely map; `free`: a and b may differ."""
    import numpy as np  # noqa: PLC0415
    from scipy.optimize import minimize  # noqa: PLC0415

    certain = np.clip(confidence, _EDGE, 1 - _EDGE)
    for_right, for_wrong = np.log(certain), -np.log1p(-certain)
    slopes = [for_right, for_wrong] if free else [for_right + for_wrong]
    features = np.column_stack([*slopes, np.ones_like(certain)])

    def loss(parameters: "Array") -> tuple[float, "Array"]:
        logit = features @ parameters
        right = 1 / (1 + np.exp(-np.clip(logit, -500, 500)))
        likelihood = weight @ (np.logaddexp(0.0, logit) - target * logit)
        return float(likelihood) / weight.sum(), (weight * (right - target)) @ features / weight.sum()

    bounds = [*((0.0, None) for _ in slopes), (None, None)]
    best = minimize(loss, [*(1.0 for _ in slopes), 0.0], jac=True, method="L-BFGS-B", bounds=bounds).x
    return float(best[0]), float(best[-2]), float(best[-1])
