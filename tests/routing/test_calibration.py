"""Calibration as a whole: which answer comes when, and what comes with it."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.calibration import Calibration, Reason, calibrate
from routing.certificate import Missing, delta_of_look
from routing.labels import curve_of, decisions_of, labels_of
from routing.maturity import Goal
from tests.routing.pools import honest, just_above

GOAL = Goal(0.02, 0.05)


def answer(found: Calibration) -> tuple[Reason, float | None, Missing | None]:
    return found.reason, found.threshold, found.missing


def test_a_certificate() -> None:
    found = calibrate(honest().draw(1500, 1), GOAL, also=[0.6])
    assert found.reason is Reason.CERTIFIED
    assert found.chosen in found.table
    assert found.chosen is not None
    assert found.chosen.threshold == found.threshold
    assert found.chosen.error_upper_bound <= GOAL.max_error
    assert found.missing is None
    assert 0.6 in [row.threshold for row in found.table]
    assert found.worth is not None


def test_no_labels_at_all() -> None:
    found = calibrate(labels_of([], [], unknown=7), GOAL)
    assert answer(found) == (Reason.TOO_FEW_LABELS, None, Missing(149, 0.0))
    assert (found.table, found.reliability, found.worth, found.risk_coverage) == ((), None, None, ())


def test_too_few_labels() -> None:
    found = calibrate(labels_of(np.linspace(0.5, 1, 100), [False] * 100), GOAL)
    assert answer(found) == (Reason.TOO_FEW_LABELS, None, Missing(49, 0.5))


def test_labels_that_stand_for_many_are_few() -> None:
    """One in ten audited seldom is worth no more than those few."""
    inclusion = [0.02] * 20 + [1.0] * 400
    found = calibrate(labels_of(np.linspace(1, 0.5, 420), [False] * 420, inclusion), GOAL)
    assert found.reason is Reason.TOO_FEW_LABELS
    assert found.missing is not None


def test_not_certified() -> None:
    found = calibrate(just_above().draw(1000, 1), Goal(0.01, 0.05))
    assert found.reason in (Reason.NOT_CERTIFIED, Reason.UNINFORMATIVE)
    assert found.threshold is None
    confidence = [0.95] * 200 + [0.5] * 400
    found = calibrate(labels_of(confidence, [n == 7 for n in range(200)] + [n % 3 == 0 for n in range(400)]), GOAL)
    assert answer(found) == (Reason.NOT_CERTIFIED, None, Missing(36, 0.95))


@pytest.mark.parametrize("errors", [0, 100])
def test_always_as_sure_divides_nothing(errors: int) -> None:
    found = calibrate(labels_of([0.9] * 1000, [n < errors for n in range(1000)]), GOAL)
    assert answer(found) == (Reason.UNINFORMATIVE, None, None)


def test_a_lottery_is_no_confidence() -> None:
    chance = np.random.default_rng(1)
    found = calibrate(labels_of(chance.random(1500), chance.random(1500) < 0.15), GOAL)
    assert answer(found) == (Reason.UNINFORMATIVE, None, None)


def test_a_look_spends_its_part_of_delta() -> None:
    labels = honest().draw(6000, 3)
    found = calibrate(labels, GOAL, look=3)
    assert found.goal == Goal(0.02, delta_of_look(0.05, 3))
    single = calibrate(labels, GOAL)
    assert found.threshold is not None
    assert single.threshold is not None
    assert found.threshold >= single.threshold


def test_reviewers_who_miss_errors_prove_less() -> None:
    labels = honest().draw(8000, 3)
    sharp, blind = calibrate(labels, GOAL), calibrate(labels, GOAL, sensitivity=0.8)
    assert sharp.threshold is not None
    assert blind.threshold is not None
    assert blind.threshold > sharp.threshold
    assert blind.chosen is not None
    assert blind.chosen.error_upper_bound <= GOAL.max_error


def test_coverage_is_of_all_decisions() -> None:
    """Those of unknown confidence, and those that nobody labelled."""
    labels = labels_of([0.95] * 300 + [0.4] * 100, [False] * 300 + [True] * 100, unknown=100)
    assert (found := calibrate(labels, GOAL)).chosen is not None
    assert (found.threshold, found.chosen.coverage) == (0.95, 0.6)
    others = decisions_of([0.95, 0.4], [400, 1100])
    labels = labels_of([0.95] * 300 + [0.4] * 100, [False] * 300 + [True] * 100, unknown=100, unlabelled=others)
    assert (found := calibrate(labels, GOAL)).chosen is not None
    assert (found.threshold, found.chosen.coverage) == (0.95, 0.35)
    assert curve_of(labels).total == 2000


@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans(), st.sampled_from([0.05, 0.5, 1.0])), max_size=30),
    st.sampled_from([0.01, 0.2, 0.5]),
)
@settings(max_examples=40)
def test_whatever_the_labels_there_is_one_answer(labels: list[tuple[float, bool, float]], max_error: float) -> None:
    columns = map(list, zip(*labels, strict=True)) if labels else ([], [], [])
    found = calibrate(labels_of(*columns), Goal(max_error, 0.2))
    assert (found.threshold is None) == (found.chosen is None) == (found.reason is not Reason.CERTIFIED)
    assert found.missing is None or (found.missing.labels > 0 and found.threshold is None)


def test_nothing_heavy_is_imported_before_a_calibration_runs() -> None:
    code = "import sys, routing.calibration; sys.exit(any(name in sys.modules for name in ('numpy', 'scipy')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603
