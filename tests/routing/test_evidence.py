"""The processes against the figures they were chosen for; the simulations are seeded."""

import json
from collections.abc import Iterator, Sequence
from math import exp, inf, log
from random import Random
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.evidence import Evidence, likelihood_ratio

START = Evidence(max_error=0.02)
_rates = st.floats(0.001, 0.95)
_labels = st.lists(st.tuples(st.booleans(), st.floats(0.05, 1)), max_size=60)


def after(labels: int, *, errors_first: int = 0, start: Evidence = START) -> Evidence:
    for n in range(labels):
        start = start.updated(n < errors_first)
    return start


def test_labels_by_hand() -> None:
    one = START.updated(False)
    assert (one.labels, one.errors) == (1, 0)
    assert one.detector == pytest.approx([log((1 - q) / 0.99) for q in (0.02, 0.03, 0.05, 0.08)])
    assert one.certificate == pytest.approx([log((1 - q) / 0.98) for q in (0.0, 0.005, 0.01, 0.015)])
    assert one.breach == pytest.approx([log((1 - q) / 0.98) for q in (0.03, 0.04, 0.06, 0.1)])
    two = one.updated(True)
    assert two.detector[0] == pytest.approx(log((0.98 / 0.99 + 1) * 2))
    assert two.certificate[0] == -inf  # who bet on "never wrong" has lost everything
    assert two.log_certificate == pytest.approx(log(sum((1 - q) / 0.98 * q / 0.02 for q in (0.005, 0.01, 0.015)) / 4))
    assert (two.labels, two.errors) == (2, 1)


@given(_rates, st.floats(0, 0.999), st.booleans(), st.floats(0.01, 1))
def test_a_label_of_less_weight_bets_less(hypothesis: float, stake: float, error: bool, share: float) -> None:
    """The form of the literature; at the largest weight it is the plain likelihood ratio."""
    slope = (stake - hypothesis) / (hypothesis * (1 - hypothesis))
    expected = 1 + slope * (error - hypothesis) * share
    assert likelihood_ratio(stake, hypothesis, error, share) == pytest.approx(expected, abs=1e-9)
    plain = (stake / hypothesis) ** error * ((1 - stake) / (1 - hypothesis)) ** (1 - error)
    assert likelihood_ratio(stake, hypothesis, error, 1.0) == pytest.approx(plain)


@given(_rates, _rates, st.floats(0.01, 1))
def test_the_odds_are_even(hypothesis: float, stake: float, share: float) -> None:
    won, lost = (likelihood_ratio(stake, hypothesis, error, share) for error in (True, False))
    assert hypothesis * won + (1 - hypothesis) * lost == pytest.approx(1)
    assert min(won, lost) >= 0


@given(_rates, _labels)
def test_it_survives_json(max_error: float, labels: list[tuple[bool, float]]) -> None:
    evidence = Evidence(max_error)
    for error, weight in labels:
        evidence = evidence.updated(error, weight, 1.0)
    assert Evidence.from_json(json.loads(json.dumps(evidence.as_json(), allow_nan=False))) == evidence


@pytest.mark.parametrize("max_error", [0.005, 0.5, 0.99])
@pytest.mark.parametrize("errors", [0, 5000])
def test_no_length_and_no_bound_overflows(max_error: float, errors: int) -> None:
    evidence = after(5000, errors_first=errors, start=Evidence(max_error))
    assert -inf < evidence.log_detector < inf
    assert -inf < evidence.log_breach < inf
    assert evidence.certified(0.05) == (errors == 0)
    assert evidence.breached(0.05) == evidence.alarm == (errors > 0)


@pytest.mark.parametrize(("weight", "max_weight"), [(0.0, 1.0), (-1.0, 1.0), (2.0, 1.0), (float("nan"), 1.0)])
def test_a_weight_beyond_the_largest_is_refused(weight: float, max_weight: float) -> None:
    with pytest.raises(ValueError, match="is not in"):
        START.updated(True, weight, max_weight)


def test_a_long_good_past_does_not_hide_a_change() -> None:
    good = after(5000)
    assert good.log_detector < log(200)
    assert after(14, errors_first=14, start=good).alarm


def test_false_alarms_are_rare() -> None:
    """At p0 a mean of 3,097 audits between alarms: 40,000 audits bring some 13."""
    chance = Random(1)
    evidence, alarms = START, 0
    for _ in range(40_000):
        evidence = evidence.updated(chance.random() < 0.01)
        if evidence.alarm:
            evidence, alarms = START, alarms + 1
    assert 7 <= alarms <= 20  # 20: the theorem's bound, one in ALARM_AT


def test_a_tripling_is_found_in_time() -> None:
    """Median 138 audits after a good time that was long enough, without an alarm in it."""
    chance = Random(2)
    delays: list[float] = []
    evidence = START
    while len(delays) < 200:
        for _ in range(500):
            evidence = evidence.updated(chance.random() < 0.01)
            evidence = START if evidence.alarm else evidence
        if evidence.labels >= 500:
            delays += [delay(evidence, 0.03, chance) for _ in range(10)]
    assert 110 < median(delays) < 170


def delay(evidence: Evidence, error: float, chance: Random) -> int:
    """After how many audits a task with this past and this error rate from now on raises the alarm."""
    labels = evidence.labels
    while not evidence.alarm:
        evidence = evidence.updated(chance.random() < error)
    return evidence.labels - labels


def test_a_task_at_its_bound_is_hardly_ever_certified_or_proven_in_breach() -> None:
    chance = Random(3)
    certified = breached = 0
    for _ in range(100):
        seen = list(path(START, [(chance.random() < 0.02, 1.0) for _ in range(300)]))
        certified += any(evidence.certified(0.05) for evidence in seen)
        breached += any(evidence.breached(0.05) for evidence in seen)
    assert max(certified, breached) <= 11  # 5 expected at most; three standard deviations


def test_a_task_within_its_bound_is_certified_and_one_at_three_times_is_proven_in_breach() -> None:
    chance = Random(4)
    good = [[(chance.random() < 0.004, 1.0) for _ in range(800)] for _ in range(30)]
    bad = [[(chance.random() < 0.06, 1.0) for _ in range(400)] for _ in range(60)]
    assert sum(any(evidence.certified(0.05) for evidence in path(START, labels)) for labels in good) >= 28
    assert sum(any(evidence.breached(0.05) for evidence in path(START, labels)) for labels in bad) >= 57


def test_the_weights_undo_unequal_sampling() -> None:
    """Exactly at the bound, with all errors in five of six decisions of which only one of 20 is audited; of the sixth
    it is one of two, so two of three audits are of it and unweighted the task looks certifiable."""
    chance = Random(5)
    weighted = plain = 0
    for _ in range(40):
        rare = [chance.random() < 1 / 3 for _ in range(600)]
        labels = [(is_rare and chance.random() < 0.024, 20.0 if is_rare else 2.0) for is_rare in rare]
        weighted += any(evidence.certified(0.05) for evidence in path(START, labels))
        plain += any(evidence.certified(0.05) for evidence in path(START, [(error, 20.0) for error, _ in labels]))
    assert weighted <= 6
    assert plain >= 12


def path(evidence: Evidence, labels: Sequence[tuple[bool, float]]) -> Iterator[Evidence]:
    """The evidence after each label (error, weight)."""
    largest = max(weight for _, weight in labels)
    for error, weight in labels:
        evidence = evidence.updated(error, weight, largest)
        yield evidence


def test_the_fortune_is_a_mean() -> None:
    assert exp(START.log_certificate) == pytest.approx(1)
    assert START.log_detector == -inf
