"""The escape rate: unknown without audits, exact in the known cases, and its interval covers the truth."""

from collections import Counter

import numpy as np
import pytest
from scipy.stats import poisson

from routing.estimates import EscapeRate, escape_rate


def test_without_audits_nothing_is_known() -> None:
    assert escape_rate({}, 500) == EscapeRate(None, None, None, 0, 0)
    assert escape_rate({}, 0) == EscapeRate(None, None, None, 0, 0)


def test_no_error_found_is_not_no_error() -> None:
    rate = escape_rate({(False, 10.0): 200}, 2000)
    assert (rate.value, rate.low, rate.n, rate.errors) == (0.0, 0.0, 200, 0)
    assert rate.high == pytest.approx(0.0184, abs=0.00005)


def test_equal_weights_give_the_exact_poisson_interval() -> None:
    """Garwood's: the rates at which so few or so many errors are a 2.5 % event."""
    rate = escape_rate({(True, 5.0): 7, (False, 5.0): 393}, 2000)
    assert rate.value == pytest.approx(7 / 400)
    assert rate.low is not None
    assert rate.high is not None
    assert poisson.sf(6, rate.low * 400) == pytest.approx(0.025)
    assert poisson.cdf(7, rate.high * 400) == pytest.approx(0.025)


def test_an_error_counts_for_those_that_were_not_drawn() -> None:
    audits = {(True, 50.0): 1, (False, 50.0): 19, (True, 4.0): 5, (False, 4.0): 245}
    assert escape_rate(audits, 2000).value == pytest.approx((50 + 5 * 4) / 2000)


def test_it_stays_a_share() -> None:
    rate = escape_rate({(True, 1.0): 3}, 3)
    assert (rate.value, rate.high) == (1.0, 1.0)
    assert rate.low == pytest.approx(0.206, abs=0.001)


@pytest.mark.parametrize(
    ("sizes", "drawn", "errors"),
    [
        ((4000, 1000), (80, 250), (0.02, 0.02)),  # AUTO at 2 %, AUTO_AUDIT at 25 %
        ((4000, 1000), (80, 250), (0.005, 0.08)),
        ((2700, 300), (189, 15), (0.01, 0.10)),  # the bad stratum is drawn least
        ((900, 600, 30), (9, 150, 30), (0.03, 0.01, 0.2)),
        ((3000,), (210,), (0.004,)),
    ],
)
def test_the_interval_covers_the_truth(
    sizes: tuple[int, ...], drawn: tuple[int, ...], errors: tuple[float, ...]
) -> None:
    chance = np.random.default_rng(7)
    wrong = [round(size * error) for size, error in zip(sizes, errors, strict=True)]
    truth = sum(wrong) / sum(sizes)
    covered, estimates = 0, []
    for _ in range(400):
        audits: Counter[tuple[bool, float]] = Counter()
        for size, number, bad in zip(sizes, drawn, wrong, strict=True):
            found = int(chance.hypergeometric(bad, size - bad, number))
            audits.update({(True, size / number): found, (False, size / number): number - found})
        rate = escape_rate(audits, sum(sizes))
        assert rate.value is not None
        assert rate.low is not None
        assert rate.high is not None
        estimates.append(rate.value)
        covered += rate.low <= truth <= rate.high
    assert covered / 400 >= 0.93
    assert np.mean(estimates) == pytest.approx(truth, rel=0.1)
