"""Labels: what is refused, and the counts above every threshold."""

from math import inf, nan

import numpy as np
import pytest

from routing.labels import LabelError, curve_of, decisions_of, labels_of


@pytest.mark.parametrize("confidence", [nan, inf, -inf, -0.01, 1.01])
def test_a_confidence_is_a_share(confidence: float) -> None:
    with pytest.raises(LabelError) as raised:
        labels_of([0.5, confidence], [False, True])
    assert (raised.value.index, raised.value.name) == (1, "confidence")
    with pytest.raises(LabelError):
        decisions_of([confidence])


@pytest.mark.parametrize("inclusion", [nan, inf, 0.0, -0.5, 1.5])
def test_what_could_not_be_drawn_is_no_label(inclusion: float) -> None:
    with pytest.raises(LabelError) as raised:
        labels_of([0.5, 0.5], [False, True], [1.0, inclusion])
    assert (raised.value.index, raised.value.name) == (1, "inclusion_prob")


def test_columns_are_equally_long() -> None:
    with pytest.raises(LabelError, match="is_correct"):
        labels_of([0.5, 0.6], [False])
    with pytest.raises(LabelError, match="inclusion_prob"):
        labels_of([0.5, 0.6], [False, True], [1.0])


def test_equal_confidences_are_one_step() -> None:
    curve = curve_of(labels_of([0.7, 0.9, 0.7, 0.95, 0.9], [True, False, False, False, True], unknown=5))
    assert curve.threshold.tolist() == [0.95, 0.9, 0.7]
    assert curve.labels.tolist() == [1, 3, 5]
    assert curve.errors.tolist() == [0, 1, 2]
    assert curve.volume.tolist() == [1, 3, 5]
    assert curve.total == 10
    assert curve.at(np.array([0.96, 0.95, 0.91, 0.9, 0.1])).tolist() == [-1, 0, 0, 1, 2]


def test_a_label_stands_for_those_that_were_not_drawn() -> None:
    curve = curve_of(labels_of([0.9, 0.8, 0.7], [False, True, True], [0.5, 0.5, 0.1]))
    assert curve.volume.tolist() == [2, 4, 14]
    assert curve.weighted_errors.tolist() == [0, 2, 12]
    assert curve.squared_errors.tolist() == [0, 4, 104]
    assert curve.even.tolist() == [True, True, False]
    assert curve.information == pytest.approx([1, 2, 1.4])
    assert curve.rate == pytest.approx([0, 0.5, 12 / 14])


def test_known_decisions_need_no_estimate() -> None:
    others = decisions_of([0.95, 0.75, 0.1], [3, 10, 7])
    curve = curve_of(labels_of([0.9, 0.8], [False, True], [0.5, 0.1], unlabelled=others))
    assert curve.volume.tolist() == [4, 5]
    assert curve.total == 22
