"""What the audits of one task prove so far: three processes that may be looked at after every label.

Each bets on the labels at even odds under its hypothesis, with a mixture of error rates q as its stakes. A fortune of
1/delta therefore comes up with probability delta at most if the hypothesis is true, however often somebody looks
(Ville's inequality; Ramdas, Grünwald, Vovk and Shafer, "Game-theoretic statistics and safe anytime-valid inference",
Statistical Science 38, 2023). With alpha the allowed error and p0 = alpha / 2:

* the certificate bets against "the error is alpha or more": a large fortune certifies the task;
* the breach bets against "the error is alpha or less": a large fortune proves that the task breaks its bound;
* the detector opens a new bet at every label (Shiryaev–Roberts; Shin, Ramdas and Rinaldo, "E-detectors", The New
  England Journal of Statistics in Data Science 2, 2024) against "still p0", so that a long good past does not hide a
  change for the worse: 1 → 3 % is found after some 140 audits, a false alarm comes every 3,000.

Fortunes are kept as logarithms: thousands of labels take them far beyond what a float holds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, inf, log
from typing import Final, Self

from routing.decision import Json

DETECTOR_STAKES: Final = (2.0, 3.0, 5.0, 8.0)
"""In units of p0."""
CERTIFICATE_STAKES: Final = (0.0, 0.25, 0.5, 0.75)
"""In units of alpha."""
BREACH_STAKES: Final = (1.5, 2.0, 3.0, 5.0)
"""In units of alpha."""

ALARM_AT: Final = 2000.0
"""The detector's sum of fortunes; a true rate of p0 reaches it after 2,000 labels or more on average."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the audits since the last restart say about one bound.

    Attributes:
        max_error: alpha, the bound it is about, in (0, 1).
        labels: audits with a verdict.
        errors: those among them where the model was wrong.
        detector: the logarithm of each fortune, in the order of the stakes; -inf: nothing is left (or staked yet).
        certificate: likewise.
        breach: likewise.
    """

    max_error: float
    labels: int = 0
    errors: int = 0
    detector: tuple[float, ...] = (-inf,) * len(DETECTOR_STAKES)
    certificate: tuple[float, ...] = (0.0,) * len(CERTIFICATE_STAKES)
    breach: tuple[float, ...] = (0.0,) * len(BREACH_STAKES)

    def updated(self, error: bool, weight: float = 1.0, max_weight: float = 1.0) -> Self:
        """With one more label. `weight`: 1/π of the audited decision; `max_weight`: the largest that a label of this
        task can have, known before the label was (a weight of less than that bets less: it is what makes unequal
        sampling fair).

        Raises:
            ValueError: the weight is not in (0, max_weight].
        """
        if not 0 < weight <= max_weight:
            raise ValueError(f"the weight {weight} is not in (0, {max_weight}]")
        share = weight / max_weight
        expected = self.max_error / 2
        return replace(
            self,
            labels=self.labels + 1,
            errors=self.errors + error,
            detector=_bet([_log_sum((old, 0.0)) for old in self.detector], DETECTOR_STAKES, expected, error, share),
            certificate=_bet(self.certificate, CERTIFICATE_STAKES, self.max_error, error, share),
            breach=_bet(self.breach, BREACH_STAKES, self.max_error, error, share),
        )

    @property
    def log_detector(self) -> float:
        return _log_mean(self.detector)

    @property
    def log_certificate(self) -> float:
        return _log_mean(self.certificate)

    @property
    def log_breach(self) -> float:
        return _log_mean(self.breach)

    @property
    def alarm(self) -> bool:
        """Whether the error has probably risen."""
        return self.log_detector >= log(ALARM_AT)

    def certified(self, delta: float) -> bool:
        """Whether the error is proven to be below `max_error`, wrongly so with probability `delta` at most."""
        return self.log_certificate >= -log(delta)

    def breached(self, delta: float) -> bool:
        """Whether the error is proven to be above `max_error`, wrongly so with probability `delta` at most."""
        return self.log_breach >= -log(delta)

    def as_json(self) -> dict[str, Json]:
        """For `from_json`; -inf, which JSON does not have, is null."""
        return {
            "max_error": self.max_error,
            "labels": self.labels,
            "errors": self.errors,
            "detector": _finite(self.detector),
            "certificate": _finite(self.certificate),
            "breach": _finite(self.breach),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> Self:
        return cls(
            max_error=value["max_error"],
            labels=value["labels"],
            errors=value["errors"],
            detector=_restored(value["detector"]),
            certificate=_restored(value["certificate"]),
            breach=_restored(value["breach"]),
        )


def likelihood_ratio(stake: float, hypothesis: float, error: bool, share: float) -> float:
    """What one label makes of a fortune of 1 that is staked on the error rate `stake` against `hypothesis`.

    1 + λ (e − p) w/w_max with λ = (q − p) / (p (1 − p)), written as what is kept back plus what the share w/w_max
    wins at the odds of the unweighted likelihood ratio; it is never below 0.
    """
    odds = stake / hypothesis if error else (1 - stake) / (1 - hypothesis)
    return 1 - share + share * odds


def _bet(
    fortunes: Sequence[float], stakes: Sequence[float], hypothesis: float, error: bool, share: float
) -> tuple[float, ...]:
    return tuple(
        fortune + _log(likelihood_ratio(_rate(stake, hypothesis), hypothesis, error, share))
        for fortune, stake in zip(fortunes, stakes, strict=True)
    )


def _rate(stake: float, hypothesis: float) -> float:
    """The error rate to bet on: a multiple of the hypothesis, below 1 also where the bound is wide."""
    return min(stake * hypothesis, (1 + hypothesis) / 2)


def _log(value: float) -> float:
    return log(value) if value > 0 else -inf


def _log_sum(logs: Sequence[float]) -> float:
    """log Σ exp(logs), without overflow."""
    largest = max(logs)
    return largest if largest == -inf else largest + log(sum(exp(each - largest) for each in logs))


def _log_mean(logs: Sequence[float]) -> float:
    return _log_sum(logs) - log(len(logs))


def _finite(logs: Sequence[float]) -> list[float | None]:
    return [None if each == -inf else each for each in logs]


def _restored(logs: Sequence[float | None]) -> tuple[float, ...]:
    return tuple(-inf if each is None else each for each in logs)
