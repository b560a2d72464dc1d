"""The certificate: known numbers of labels, a bound that is kept as often as promised, and independence of what must
not matter."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binom

from routing.certificate import (
    Missing,
    certified_threshold,
    delta_of_look,
    labels_at_look,
    missing_labels,
    needs,
    p_values,
    upper_bounds,
)
from routing.labels import Labels, curve_of, labels_of
from routing.maturity import Goal
from tests.routing.pools import Pool, boastful, digits, honest, just_above

GOAL = Goal(0.02, 0.10)
ROUNDS = 300


def certified(labels: Labels, goal: Goal = GOAL) -> float | None:
    return certified_threshold(curve_of(labels), goal)


@pytest.mark.parametrize(
    ("goal", "labels"),
    [
        (Goal(0.02, 0.10), [114, 194, 265, 333]),
        (Goal(0.02, 0.05), [149, 236, 313, 386]),
        (Goal(0.01, 0.05), [299, 473]),
        (Goal(0.05, 0.05), [59, 93]),
    ],
)
def test_how_many_labels_may_hold_how_many_errors(goal: Goal, labels: list[int]) -> None:
    assert needs(goal, len(labels) - 1).tolist() == labels
    assert goal.least_labels == labels[0]


@given(max_error=st.floats(0.001, 0.5), delta=st.floats(0.001, 0.5), errors=st.integers(0, 60))
@settings(max_examples=50)
def test_one_label_fewer_would_not_do(max_error: float, delta: float, errors: int) -> None:
    least = int(needs(Goal(max_error, delta), errors)[errors])
    assert binom.cdf(errors, least, max_error) <= delta + 1e-9
    assert binom.cdf(errors, least - 1, max_error) > delta - 1e-9


def test_all_looks_together_spend_delta() -> None:
    assert [labels_at_look(look) for look in (1, 2, 3, 4)] == [300, 600, 1200, 2400]
    assert delta_of_look(0.1, 1) == pytest.approx(0.0608, abs=0.0001)
    assert sum(delta_of_look(0.1, look) for look in range(1, 100_000)) == pytest.approx(0.1, abs=1e-5)


@pytest.mark.parametrize("make", [honest, boastful, just_above, digits])
def test_the_bound_is_kept_as_often_as_promised(make: Callable[[], Pool]) -> None:
    """Where the truth is known, a threshold breaks the bound with probability delta at most."""
    pool = make()
    violations = sum(pool.error(certified(pool.draw(500, seed))) > GOAL.max_error for seed in range(ROUNDS))
    assert violations / ROUNDS <= GOAL.delta + 2 * (GOAL.delta * (1 - GOAL.delta) / ROUNDS) ** 0.5


def test_most_of_what_could_run_alone_does() -> None:
    pool = honest()
    order = np.argsort(-pool.confidence)
    shares = np.cumsum(pool.is_wrong[order]) / np.arange(1, len(order) + 1)
    best = (np.flatnonzero(shares <= GOAL.max_error)[-1] + 1) / len(order)
    found = np.mean([pool.coverage(certified(pool.draw(1000, seed))) for seed in range(60)])
    assert found > 0.75 * best


def test_labels_of_unequal_chances_cannot_be_pooled() -> None:
    """What is audited seldom is wrong more often: pooled, it hides behind the rest; weighted, it does not."""
    chance = np.random.default_rng(5)
    seldom = np.arange(6000) < 3600
    inclusion = np.where(seldom, 0.03, 0.5)
    is_wrong = chance.random(6000) < np.where(seldom, 0.04, 0.002)
    confidence = 0.9 + 0.1 * chance.random(6000)
    pool = Pool(confidence, is_wrong)
    assert pool.error(0.0) > GOAL.max_error
    pooled, weighted = 0, 0
    for _ in range(100):
        drawn = chance.random(6000) < inclusion
        one = labels_of(confidence[drawn], is_wrong[drawn])
        other = labels_of(confidence[drawn], is_wrong[drawn], inclusion[drawn])
        pooled += pool.error(certified(one)) > GOAL.max_error
        weighted += pool.error(certified(other)) > GOAL.max_error
    assert pooled > 90
    assert weighted <= 16  # 10 and two standard deviations


def test_one_chance_for_all_is_like_labelling_all() -> None:
    labels = honest().draw(600, 1)
    sampled = Labels(labels.confidence, labels.is_wrong, labels.weight * 8)
    assert certified(sampled) == certified(labels) is not None


def test_tests_and_bounds_agree() -> None:
    chance = np.random.default_rng(3)
    curve = curve_of(labels_of(chance.random(900), chance.random(900) < 0.01, chance.choice([0.2, 0.5, 1.0], 900)))
    steps = np.arange(len(curve.threshold))
    passed = p_values(curve, steps, 0.02) <= 0.1
    assert passed.any()
    assert not passed.all()
    assert (upper_bounds(curve, steps, 0.1) <= 0.02).tolist() == passed.tolist()


def test_bounds_of_even_labels_are_clopper_and_pearsons() -> None:
    curve = curve_of(labels_of([0.9] * 10 + [0.8] * 580 + [0.1], [True] * 10 + [False] * 581))
    expected = [1.0, beta.ppf(0.9, 11, 580), beta.ppf(0.9, 11, 581)]
    assert upper_bounds(curve, np.arange(3), 0.1) == pytest.approx(expected)


def test_the_well_known_row_is_no_certificate() -> None:
    """8 errors in 590 look like 1.4 %; up to 2.19 % cannot be ruled out."""
    curve = curve_of(labels_of([0.85] * 590, [n < 8 for n in range(590)]))
    assert upper_bounds(curve, np.array([0]), 0.1)[0] == pytest.approx(0.0219, abs=0.00005)


@given(st.integers(0, 10_000))
@settings(max_examples=15)
def test_only_the_order_of_confidences_matters(seed: int) -> None:
    labels = boastful().draw(500, seed)
    bent = Labels(labels.confidence**9 / 2, labels.is_wrong, labels.weight)
    one, other = certified(labels), certified(bent)
    assert (one is None) == (other is None)
    if one is not None:
        assert (labels.confidence >= one).tolist() == (bent.confidence >= other).tolist()


def test_equal_confidences_run_alone_together_or_not_at_all() -> None:
    """200 labels at 0.9 hold too many errors, however they are ordered."""
    confidence, is_wrong = [0.95] * 200 + [0.9] * 200, [False] * 200 + [False] * 190 + [True] * 10
    assert certified(labels_of(confidence, is_wrong)) == 0.95
    assert certified(labels_of(confidence[::-1], is_wrong[::-1])) == 0.95


@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans(), st.sampled_from([0.1, 0.5, 1.0])), min_size=1, max_size=40),
    st.floats(0.05, 0.6),
)
@settings(max_examples=60)
def test_whatever_is_certified_passes_its_own_test(labels: list[tuple[float, bool, float]], max_error: float) -> None:
    goal = Goal(max_error, 0.2)
    curve = curve_of(labels_of(*map(list, zip(*labels, strict=True))))
    threshold = certified_threshold(curve, goal)
    if threshold is not None:
        step = curve.at(np.array([threshold]))
        assert p_values(curve, step, max_error)[0] <= 0.2
        assert curve.threshold[step[0]] == threshold
    else:
        missing = missing_labels(curve, goal)
        assert missing is None or missing.labels > 0


def test_all_right_certifies_all_and_all_wrong_nothing() -> None:
    confidence = np.linspace(0.2, 1, 300)
    assert certified(labels_of(confidence, [False] * 300)) == 0.2
    assert certified(labels_of(confidence, [True] * 300)) is None
    assert missing_labels(curve_of(labels_of(confidence, [True] * 300)), GOAL) is None


def test_too_few_labels_lack_those_that_a_certificate_needs() -> None:
    curve = curve_of(labels_of(np.linspace(0.3, 1, 100), [False] * 100))
    assert certified_threshold(curve, GOAL) is None
    assert missing_labels(curve, GOAL) == Missing(14, 0.3)


def test_a_refusal_lacks_labels_where_errors_are_rare() -> None:
    """Among the surest 200 one is wrong: 236 of them would do at 5 %, if it stays the only one."""
    confidence = [0.95] * 200 + [0.5] * 400
    is_wrong = [n == 7 for n in range(200)] + [n % 3 == 0 for n in range(400)]
    goal = Goal(0.02, 0.05)
    curve = curve_of(labels_of(confidence, is_wrong))
    assert certified_threshold(curve, goal) is None
    assert missing_labels(curve, goal) == Missing(36, 0.95)
    more = labels_of(confidence + [0.95] * 36, is_wrong + [False] * 36)
    assert certified_threshold(curve_of(more), goal) == 0.95


def test_what_mapie_certifies_is_certified() -> None:
    """MAPIE's p-values are conservative (Hoeffding and Bentkus): on the same thresholds, it never goes further."""
    from mapie.risk_control import BinaryClassificationController  # noqa: PLC0415 - slow

    pool = honest()
    for seed in range(5):
        curve = curve_of(pool.draw(3000, seed))
        steps = np.arange(400, len(curve.threshold), 400)
        controller = BinaryClassificationController(
            predict_function=lambda sure: np.column_stack([1 - sure[:, 0], sure[:, 0]]),
            risk="precision",
            target_level=1 - GOAL.max_error,
            confidence_level=1 - GOAL.delta,
            list_predict_params=curve.threshold[steps],
        )
        labels = pool.draw(3000, seed)
        controller.calibrate(labels.confidence[:, None], (~labels.is_wrong).astype(int))
        assert np.all(p_values(curve, steps, GOAL.max_error) <= controller.p_values[:, 0] + 1e-9)
        ours = certified_threshold(curve, GOAL)
        assert ours is not None
        assert len(controller.valid_predict_params)
        assert ours <= min(controller.valid_predict_params)
