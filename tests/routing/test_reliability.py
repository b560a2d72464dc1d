"""Reliability: scikit-learn's figures, a null band that holds, and confidence without information is called so."""

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from routing.labels import Labels, labels_of
from routing.reliability import is_uninformative, reliability
from tests.routing.pools import boastful, honest


def test_brier_and_auroc_are_scikit_learns() -> None:
    labels = boastful().draw(800, 1)
    weighted = Labels(labels.confidence, labels.is_wrong, np.random.default_rng(2).choice([1.0, 4.0, 20.0], 800))
    for drawn in (labels, weighted):
        found, right = reliability(drawn), ~drawn.is_wrong
        assert found.brier == pytest.approx(
            brier_score_loss(right, drawn.confidence, sample_weight=drawn.weight), abs=1e-9
        )
        assert found.auroc == pytest.approx(
            roc_auc_score(right, drawn.confidence, sample_weight=drawn.weight), abs=1e-9
        )


def test_bins_hold_a_tenth_each_and_part_no_equals() -> None:
    found = reliability(boastful().draw(1000, 3))
    assert sum(each.n for each in found.bins) == 1000
    assert [each.low for each in found.bins] == sorted(each.low for each in found.bins)
    assert all(one.high < other.low for one, other in zip(found.bins, found.bins[1:], strict=False))
    assert [each.n for each in reliability(honest().draw(1000, 3)).bins] == pytest.approx([100] * 10, abs=3)


def test_one_bin_by_hand() -> None:
    found = reliability(labels_of([0.8] * 10, [True, True, True] + [False] * 7))
    [only] = found.bins
    assert only.n == 10
    assert [only.confidence, only.accuracy] == pytest.approx([0.8, 0.7])
    assert [only.band_low, only.band_high] == pytest.approx([0.552, 1.0], abs=0.001)
    assert found.ece == pytest.approx(0.1)
    assert found.auroc == pytest.approx(0.5)


def test_the_null_band_is_what_a_perfect_confidence_shows() -> None:
    chance, sure = np.random.default_rng(4), honest().draw(500, 4).confidence
    found = [reliability(labels_of(sure, chance.random(500) > sure)) for _ in range(200)]
    assert np.mean([each.ece for each in found]) == pytest.approx(found[0].ece_if_perfect, rel=0.1)
    assert np.mean([each.miscalibrated for each in found]) < 0.1
    assert reliability(boastful().draw(500, 4)).miscalibrated


def test_all_right_or_all_wrong_has_no_auroc() -> None:
    for is_wrong in (True, False):
        found = reliability(labels_of([0.2, 0.9], [is_wrong] * 2))
        assert (found.auroc, found.auroc_low, found.auroc_high) == (None, None, None)


def _uninformative(labels: Labels) -> bool:
    return is_uninformative(labels, reliability(labels))


def test_always_the_same_says_nothing() -> None:
    assert _uninformative(labels_of([0.9] * 30, [n % 5 == 0 for n in range(30)]))
    assert not _uninformative(labels_of([0.9] * 29, [n % 5 == 0 for n in range(29)]))


def test_what_is_drawn_by_lot_says_nothing() -> None:
    chance = np.random.default_rng(8)
    assert _uninformative(labels_of(chance.random(2000), chance.random(2000) < 0.1))
    assert _uninformative(labels_of(honest().draw(500, 1).confidence, ~honest().draw(500, 1).is_wrong))  # the reverse
    assert not _uninformative(honest().draw(500, 1))


def test_few_errors_show_nothing_about_the_confidence() -> None:
    chance = np.random.default_rng(9)
    assert not _uninformative(labels_of(chance.random(2000), [n < 9 for n in range(2000)]))
