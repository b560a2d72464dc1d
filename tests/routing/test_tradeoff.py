"""The trade-off table and the risk–coverage curve, by hand."""

import pytest

from routing.labels import curve_of, labels_of
from routing.tradeoff import risk_coverage, rows, tenths
from tests.routing.pools import honest


def test_a_row_by_hand() -> None:
    curve = curve_of(labels_of([0.95] * 6 + [0.7] * 2, [True] + [False] * 7, unknown=2))
    strict, loose = rows(curve, [0.7, 0.9, 0.99], 0.1)
    assert (strict.threshold, strict.autonomous, strict.errors, strict.volume) == (0.9, 6, 1, 6)
    assert strict.error_rate == pytest.approx(1 / 6)
    assert strict.error_upper_bound == pytest.approx(0.510, abs=0.001)
    assert [strict.coverage, strict.escalation] == pytest.approx([0.6, 0.4])
    assert (loose.autonomous, loose.errors) == (8, 1)
    assert loose.coverage == pytest.approx(0.8)


def test_reviewers_who_see_half_of_the_errors_double_them() -> None:
    curve = curve_of(labels_of([0.9] * 400, [n < 4 for n in range(400)]))
    [seen], [all_of_them] = rows(curve, [0.9], 0.1), rows(curve, [0.9], 0.1, 0.5)
    assert all_of_them.error_rate == 2 * seen.error_rate == 0.02
    assert all_of_them.error_upper_bound == 2 * seen.error_upper_bound


def test_tenths_of_all_decisions() -> None:
    curve = curve_of(honest().draw(1000, 1))
    assert [row.coverage for row in rows(curve, tenths(curve), 0.1)] == pytest.approx(
        [n / 10 for n in range(1, 11)], abs=0.003
    )
    assert tenths(curve_of(labels_of([0.9] * 20, [False] * 20))) == [0.9]


def test_the_curve_goes_from_the_surest_to_all() -> None:
    labels = honest().draw(1000, 1)
    points = risk_coverage(curve_of(labels))
    assert len(points) == 50
    assert [coverage for coverage, _ in points] == sorted(coverage for coverage, _ in points)
    assert points[-1] == pytest.approx((1.0, labels.is_wrong.mean()))
