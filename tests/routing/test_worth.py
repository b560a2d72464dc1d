"""What a confidence is worth: near the truth, never less for more confidence, and only where somebody has looked."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logit
from sklearn.linear_model import LogisticRegression

from routing.labels import labels_of
from routing.reliability import reliability
from routing.worth import ConfidenceWorth, confidence_worth
from tests.routing.pools import Pool, boastful, honest


def worth_of(pool: Pool, number: int, seed: int = 1) -> ConfidenceWorth:
    labels = pool.draw(number, seed)
    return confidence_worth(labels, reliability(labels).bins)


@pytest.mark.parametrize("number", [500, 3000, 12_000])
@pytest.mark.parametrize("make", [honest, boastful])
def test_it_is_near_the_truth(make: Callable[[], Pool], number: int) -> None:
    """Where confidence is honest; where it boasts, much nearer than it is itself."""
    pool = make()
    worth = worth_of(pool, number)
    raw, misses = [], []
    for bin_ in reliability(labels_of(pool.confidence, pool.is_wrong)).bins:
        found = worth.of(bin_.confidence)
        assert found is not None
        raw.append(abs(bin_.confidence - bin_.accuracy))
        misses.append(abs(found[0] - bin_.accuracy))
    assert np.mean(misses) < max(0.02, 0.6 * float(np.mean(raw)))


def test_below_a_thousand_labels_it_is_platts() -> None:
    """Equal to scikit-learn's logistic regression on the logit, given both targets with their weights."""
    labels = honest().draw(500, 2)
    wrong = labels.is_wrong.sum()
    high, low = (500 - wrong + 1) / (500 - wrong + 2), 1 / (wrong + 2)
    target = np.where(labels.is_wrong, low, high)
    sure = logit(np.clip(labels.confidence, 1e-6, 1 - 1e-6))[:, None]
    fitted = LogisticRegression(C=1e9, tol=1e-9, max_iter=1000).fit(
        np.vstack([sure, sure]), np.repeat([1, 0], 500), sample_weight=np.concatenate([target, 1 - target])
    )
    worth = confidence_worth(labels, reliability(labels).bins)
    assert worth.a == worth.b == pytest.approx(fitted.coef_[0, 0], rel=0.01)
    assert worth.m == pytest.approx(fitted.intercept_[0], abs=0.02)


def test_each_label_counts_with_its_weight() -> None:
    """Wrong ones that are labelled ten times as often are no sign of a bad model."""
    chance = np.random.default_rng(3)
    confidence = chance.uniform(0.5, 1, 8000)
    is_wrong = chance.random(8000) > confidence
    inclusion = np.where(is_wrong, 1.0, 0.1)
    drawn = chance.random(8000) < inclusion
    labels = labels_of(confidence[drawn], is_wrong[drawn], inclusion[drawn])
    found = confidence_worth(labels, reliability(labels).bins).of(0.8)
    assert found is not None
    assert found[0] == pytest.approx(0.8, abs=0.03)


def test_it_counts_the_labels_of_about_this_confidence() -> None:
    worth = ConfidenceWorth(a=1.0, b=1.0, m=0.0, upper=(0.5, 0.9, 1.0), n=(10, 20, 30), least=0.2)
    for confidence, n in ((0.5, 10), (0.7, 20), (0.9, 20), (1.0, 30)):
        assert worth.of(confidence) == pytest.approx((confidence, n), abs=1e-5)
    assert worth.of(0.19) is None


@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60),
    st.lists(st.floats(0, 1), min_size=2, max_size=2),
)
@settings(max_examples=40)
def test_more_confidence_is_never_worth_less(drawn: list[tuple[float, bool]], two: list[float]) -> None:
    labels = labels_of(*map(list, zip(*drawn, strict=True)))
    worth = confidence_worth(labels, reliability(labels).bins)
    found = [worth.of(confidence) for confidence in sorted(two)]
    assert all(each is None or (0 <= each[0] <= 1 and each[1] > 0) for each in found)
    if found[0] is not None and found[1] is not None:
        assert found[0][0] <= found[1][0]
