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


@pytest.mark.parametrize("inclusion", [nan, inf, 0.0, 1e-310, -0.5, 1.5])
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
    assert curve.rate == pytest.approx([0, 0.5, 12 / 14])
    assert curve.kept[:2].tolist() == [1, 2]  # above 0.8 all had the same chance


def test_labels_are_kept_as_if_all_had_had_the_least_chance() -> None:
    """Of those drawn at 80 % one in eight, of those drawn at 10 % all, and each wrong one like each right one."""
    inclusion = np.array([0.8, 0.1] * 20_000)
    is_wrong = np.arange(40_000) % 5 == 0
    curve = curve_of(labels_of([0.9] * 40_000, is_wrong, inclusion))
    assert curve.kept[0] == pytest.approx(20_000 + 2_500, rel=0.01)
    assert curve.kept_errors[0] == pytest.approx(curve.kept[0] / 5, rel=0.03)


def test_who_is_kept_does_not_depend_on_what_people_said() -> None:
    chance = np.random.default_rng(1)
    confidence, inclusion = chance.random(500), chance.choice([0.1, 0.9], 500)
    one = curve_of(labels_of(confidence, np.zeros(500, bool), inclusion))
    other = curve_of(labels_of(confidence[::-1], np.ones(500, bool), inclusion[::-1]))
    assert one.kept.tolist() == other.kept.tolist() == other.kept_errors.tolist()
    assert not one.kept_errors.any()


def test_each_label_with_a_chance_of_its_own() -> None:
    """The surer, the likelier to be looked at: every threshold has another least probability."""
    inclusion = np.linspace(1, 0.01, 30_000)
    curve = curve_of(labels_of(inclusion, np.zeros(30_000, bool), inclusion))
    assert curve.kept[-1] == pytest.approx(30_000 * 0.01 * np.log(100) / 0.99, rel=0.1)
    assert np.all(curve.kept <= curve.labels)


def test_known_decisions_need_no_estimate() -> None:
    others = decisions_of([0.95, 0.75, 0.1], [3, 10, 7])
    curve = curve_of(labels_of([0.9, 0.8], [False, True], [0.5, 0.1], unlabelled=others))
    assert curve.volume.tolist() == [4, 5]
    assert curve.total == 22
