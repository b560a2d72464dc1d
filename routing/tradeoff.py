"""What each threshold costs and brings: the trade-off table, and the risk–coverage curve."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from routing.certificate import upper_bounds
from routing.labels import Curve

if TYPE_CHECKING:
    from routing.labels import Array

_TENTHS = 10
_POINTS = 50


@dataclass(frozen=True, slots=True)
class Row:
    """What would happen with one threshold.

    Attributes:
        threshold: decisions with at least this confidence run alone.
        autonomous: how many of the labelled decisions those are; `errors` of them were wrong.
        error_rate: the estimated share of errors in what runs alone, each label with its weight.
        error_upper_bound: the rate that is exceeded with probability delta at most, were this the only row looked at.
        volume: how many decisions would run alone, labelled or not.
        coverage: that as a share of all decisions.
        escalation: the share of all decisions that goes to people: the rest.
    """

    threshold: float
    autonomous: int
    errors: int
    error_rate: float
    error_upper_bound: float
    volume: float
    coverage: float
    escalation: float


def rows(curve: Curve, thresholds: Iterable[float], delta: float, sensitivity: float = 1.0) -> tuple[Row, ...]:
    """A row for each threshold that any label reaches, strict to loose."""
    import numpy as np  # noqa: PLC0415 - heavy, and only wanted where a calibration runs

    wanted = np.array(sorted(set(thresholds), reverse=True))
    steps = curve.at(wanted)
    wanted, steps = wanted[steps >= 0], steps[steps >= 0]
    bounds = np.minimum(1.0, upper_bounds(curve, steps, delta) / sensitivity)
    rates = np.minimum(1.0, curve.rate[steps] / sensitivity)
    return tuple(
        Row(
            threshold=float(threshold),
            autonomous=int(curve.labels[step]),
            errors=int(curve.errors[step]),
            error_rate=float(rate),
            error_upper_bound=float(bound),
            volume=float(curve.volume[step]),
            coverage=float(curve.volume[step] / curve.total),
            escalation=float(1 - curve.volume[step] / curve.total),
        )
        for threshold, step, rate, bound in zip(wanted, steps, rates, bounds, strict=True)
    )


def tenths(curve: Curve) -> list[float]:
    """The thresholds that let a tenth of the decisions run alone, two tenths … all; fewer where many are equal."""
    return [float(value) for value in curve.threshold[_kept(curve, _TENTHS)]]


def risk_coverage(curve: Curve) -> tuple[tuple[float, float], ...]:
    """(coverage, error rate) from strict to loose, at most 50 points: R. El-Yaniv and Y. Wiener, "On the foundations of
    noise-free selective classification", Journal of Machine Learning Research 11, 2010."""
    steps = _kept(curve, _POINTS)
    return tuple(
        (float(volume / curve.total), float(rate))
        for volume, rate in zip(curve.volume[steps], curve.rate[steps], strict=True)
    )


def _kept(curve: Curve, parts: int) -> "Array":
    import numpy as np  # noqa: PLC0415

    shares = np.arange(1, parts + 1) / parts * curve.volume[-1]
    # The sum of many weights is not exact to the last digit.
    return np.unique(np.minimum(np.searchsorted(curve.volume, shares * (1 - 1e-12)), len(curve.volume) - 1))
