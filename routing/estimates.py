"""The error escape rate: how much of what ran alone was wrong, estimated from its audits."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EscapeRate:
    """The share of wrong decisions among those that ran alone, 0..1, with its 95 % interval.

    Attributes:
        value: None, as `low` and `high`: nothing was audited, so nothing is known.
        n: audits with a verdict.
        errors: those of them that were wrong.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    errors: int


def escape_rate(audits: Mapping[tuple[bool, float], int], population: int) -> EscapeRate:
    """The rate of a population from its audits, counted by (error, weight), where the weight is 1 / inclusion
    probability.

    The estimate is Horvitz and Thompson's (1952), the sum of the errors' weights / population. Its interval is the
    gamma interval of M. P. Fay and E. J. Feuer, "Confidence intervals for directly standardized rates: a method based
    on the gamma distribution", Statistics in Medicine 16, 1997, with the largest weight of any audit: it holds where
    errors are few and weights are unequal, and no error in 200 audits at 10 % still reads "at most 1.8 %".

    Args:
        audits: with a verdict.
        population: the decisions that these audits stand for. Do not count those whose audits still wait for their
            verdicts: they would pass for correct.
    """
    wrong = [(weight, count) for (error, weight), count in audits.items() if error]
    n, errors = sum(audits.values()), sum(count for _, count in wrong)
    if n == 0 or population == 0:
        return EscapeRate(None, None, None, n, errors)
    rate = sum(weight * count for weight, count in wrong) / population
    variance = sum(weight**2 * count for weight, count in wrong) / population**2
    largest = max(weight for (_, weight), count in audits.items() if count) / population
    return EscapeRate(
        value=min(1.0, rate),
        low=min(1.0, _gamma_quantile(0.025, rate, variance)),
        high=min(1.0, _gamma_quantile(0.975, rate + largest, variance + largest**2)),
        n=n,
        errors=errors,
    )


def _gamma_quantile(probability: float, mean: float, variance: float) -> float:
    from scipy.special import gammaincinv  # noqa: PLC0415 - heavy, and only wanted where numbers are shown

    if mean == 0:
        return 0.0
    return float(gammaincinv(mean**2 / variance, probability)) * variance / mean
