"""How far a confidence of 0.9 means "right nine times in ten", and whether it means anything at all."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import pi, sqrt
from typing import Final

from routing.labels import Labels

_BINS = 10
_Z95: Final = 1.96
_Z95_ONE_SIDED: Final = 1.645
_LEAST_OF_EACH: Final = 10
"""Right and wrong labels, below which nothing can be said about how they are told apart."""
_NEARLY_NOTHING: Final = 0.6
_LEAST_TO_BE_CONSTANT: Final = 30


@dataclass(frozen=True, slots=True)
class Bin:
    """Labels of similar confidence, a tenth of all; equal confidences share a bin.

    Attributes:
        low: the least confidence in it; `high` the greatest.
        n: labels.
        confidence: their mean.
        accuracy: the share that was right, each label with its weight.
        band_low: up to `band_high`, where the accuracy of a perfect confidence would lie in 95 % of cases.
    """

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float
    band_low: float
    band_high: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """The reliability diagram and its summary.

    Attributes:
        bins: unsure to confident.
        ece: the expected calibration error: the mean distance of accuracy from confidence over the bins.
        ece_if_perfect: what chance alone would make of `ece` on average, if the confidence were perfect.
        ece_if_perfect_high: what it would stay below in 95 % of cases: an `ece` above this shows miscalibration.
        brier: the mean squared distance of confidence from 1 (right) or 0 (wrong); G. W. Brier, 1950.
        auroc: the chance that a right answer has a higher confidence than a wrong one; None: all right, or all wrong.
        auroc_low: up to `auroc_high`, its 95 % interval.
    """

    bins: tuple[Bin, ...]
    ece: float
    ece_if_perfect: float
    ece_if_perfect_high: float
    brier: float
    auroc: float | None
    auroc_low: float | None
    auroc_high: float | None

    @property
    def miscalibrated(self) -> bool:
        """Whether confidence is shown not to be what it says."""
        return self.ece > self.ece_if_perfect_high


def reliability(labels: Labels) -> Reliability:
    """Of at least one label. Bins hold equally many labels rather than equal widths: models are sure of nearly
    everything, and nine empty bins tell nothing (R. Roelofs et al., "Mitigating bias in calibration error estimation",
    AISTATS 2022)."""
    import numpy as np  # noqa: PLC0415 - heavy, and only wanted where a calibration runs

    parts = _parts(labels)
    shares = np.array([labels.weight[part].sum() for part in parts]) / labels.weight.sum()
    bins, deviations = [], []
    for part in parts:
        found, deviation = _bin(labels, part)
        bins.append(found)
        deviations.append(deviation)
    gaps = np.array([abs(found.accuracy - found.confidence) for found in bins])
    # A perfect confidence leaves each bin's gap to chance: half normal, of mean σ√(2/π) and variance σ²(1 − 2/π).
    chance = shares * np.array(deviations)
    expected = float(chance.sum()) * sqrt(2 / pi)
    spread = sqrt(float((chance**2).sum()) * (1 - 2 / pi))
    brier = np.average((labels.confidence - ~labels.is_wrong) ** 2, weights=labels.weight)
    auroc, error = _auroc(labels)
    return Reliability(
        bins=tuple(reversed(bins)),
        ece=float((shares * gaps).sum()),
        ece_if_perfect=expected,
        ece_if_perfect_high=expected + _Z95_ONE_SIDED * spread,
        brier=float(brier),
        auroc=auroc,
        auroc_low=None if auroc is None else max(0.0, auroc - _Z95 * error),
        auroc_high=None if auroc is None else min(1.0, auroc + _Z95 * error),
    )


def _parts(labels: Labels) -> Iterable[slice]:
    """Tenths of the labels, most confident first; a boundary moves on to where the confidence changes."""
    import numpy as np  # noqa: PLC0415

    ideal = np.arange(1, _BINS + 1) * len(labels) // _BINS
    ends = np.searchsorted(-labels.confidence, -labels.confidence[np.maximum(ideal - 1, 0)], side="right")
    ends = np.unique(ends)
    return [slice(int(start), int(end)) for start, end in zip(np.append(0, ends[:-1]), ends, strict=True)]


def _bin(labels: Labels, part: slice) -> tuple[Bin, float]:
    """The bin, and the standard deviation that its accuracy would have if the confidence were perfect."""
    import numpy as np  # noqa: PLC0415

    confidence, weight = labels.confidence[part], labels.weight[part]
    mean = float(np.average(confidence, weights=weight))
    deviation = sqrt(float((weight**2 * confidence * (1 - confidence)).sum())) / float(weight.sum())
    return Bin(
        low=float(confidence[-1]),
        high=float(confidence[0]),
        n=len(confidence),
        confidence=mean,
        accuracy=float(np.average(~labels.is_wrong[part], weights=weight)),
        band_low=max(0.0, mean - _Z95 * deviation),
        band_high=min(1.0, mean + _Z95 * deviation),
    ), deviation


def _auroc(labels: Labels) -> tuple[float | None, float]:
    """With its standard error: J. A. Hanley and B. J. McNeil, "The meaning and use of the area under a receiver
    operating characteristic curve", Radiology 143, 1982."""
    import numpy as np  # noqa: PLC0415

    right, wrong = int((~labels.is_wrong).sum()), int(labels.is_wrong.sum())
    if not right or not wrong:
        return None, 0.0
    group = np.append(0, np.cumsum(np.diff(labels.confidence) != 0))  # equal confidences
    right_weight = np.bincount(group, weights=np.where(labels.is_wrong, 0.0, labels.weight))
    wrong_weight = np.bincount(group, weights=np.where(labels.is_wrong, labels.weight, 0.0))
    above = np.cumsum(right_weight) - right_weight / 2  # a tie counts half
    area = float((wrong_weight * above).sum() / (wrong_weight.sum() * right_weight.sum()))
    two_right, two_wrong = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (right - 1) * (two_right - area**2) + (wrong - 1) * (two_wrong - area**2)
    return area, sqrt(max(0.0, spread) / (right * wrong))


def is_constant(labels: Labels) -> bool:
    """Whether all labels, one at least, have the same confidence."""
    return bool(labels.confidence[0] == labels.confidence[-1])


def is_uninformative(labels: Labels, found: Reliability) -> bool:
    """Whether the confidence is shown to tell right from wrong hardly better than a coin: 30 labels or more all have
    the same, or with ten right and ten wrong labels at least, the 95 % interval of the AUROC ends below 0.6."""
    if is_constant(labels):
        return len(labels) >= _LEAST_TO_BE_CONSTANT
    wrong = int(labels.is_wrong.sum())
    if min(wrong, len(labels) - wrong) < _LEAST_OF_EACH or found.auroc_high is None:
        return False
    return found.auroc_high < _NEARLY_NOTHING
