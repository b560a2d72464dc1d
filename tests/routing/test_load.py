"""Reviewers fall behind: the measures come in order, one at a look, and end by themselves."""

from dataclasses import replace
from itertools import pairwise
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.decision import Route
from routing.load import Level, Situation, error_budget, error_rate, may_shed, next_level, releasable

NORMAL, WARNED, BATCH, RELEASE, WIDEN, TELL = Level
CALM = Situation(expected_p95_minutes=5, oldest_wait_minutes=2, waiting=3, sla_minutes=10, budget_left=20)
BROKEN = replace(CALM, oldest_wait_minutes=11)
_minutes = st.floats(0, 30) | st.just(inf)
_levels = st.sampled_from(Level)
_situations = st.builds(
    Situation, _minutes, st.floats(0, 30), st.integers(0, 2), st.sampled_from([5.0, 10.0]), st.integers(0, 2)
)


def looks(situation: Situation, level: Level = NORMAL, number: int = 6) -> list[Level]:
    """The level after each look at a situation that does not change."""
    levels = []
    for _ in range(number):
        level = next_level(level, situation)
        levels.append(level)
    return levels


def test_the_order_of_the_measures() -> None:
    assert looks(BROKEN) == [WARNED, BATCH, RELEASE, WIDEN, TELL, TELL]
    assert looks(replace(CALM, expected_p95_minutes=inf)) == [WARNED, BATCH, RELEASE, WIDEN, TELL, TELL]


def test_without_an_error_budget_nothing_is_released() -> None:
    assert looks(replace(BROKEN, budget_left=0)) == [WARNED, BATCH, WIDEN, TELL, TELL, TELL]


@pytest.mark.parametrize(
    ("level", "expected", "oldest", "after"),
    [
        (NORMAL, 8.0, 8.0, NORMAL),
        (NORMAL, 8.1, 0.0, WARNED),
        (NORMAL, 0.0, 8.1, WARNED),
        (WARNED, 10.0, 10.0, WARNED),
        (BATCH, 8.1, 0.0, BATCH),
        (RELEASE, 7.0, 5.0, RELEASE),
        (RELEASE, 5.9, 6.0, RELEASE),
        (WIDEN, 5.9, 5.9, NORMAL),
        (TELL, 0.0, 0.0, NORMAL),
    ],
)
def test_between_warning_and_calm_the_level_is_held(level: Level, expected: float, oldest: float, after: Level) -> None:
    assert next_level(level, replace(CALM, expected_p95_minutes=expected, oldest_wait_minutes=oldest)) is after


def test_a_forecast_with_nobody_waiting_only_warns() -> None:
    quiet = replace(CALM, expected_p95_minutes=inf, oldest_wait_minutes=0, waiting=0)
    assert looks(quiet, number=3) == [WARNED] * 3
    assert looks(quiet, RELEASE, number=1) == [RELEASE]


@given(_levels, _levels, _situations, _minutes, st.floats(0, 30), st.integers(0, 2), st.integers(0, 2))
def test_worse_is_never_answered_with_less(
    one: Level, other: Level, situation: Situation, expected: float, oldest: float, waiting: int, budget: int
) -> None:
    worse = replace(
        situation,
        expected_p95_minutes=max(situation.expected_p95_minutes, expected),
        oldest_wait_minutes=max(situation.oldest_wait_minutes, oldest),
        waiting=max(situation.waiting, waiting),
        budget_left=min(situation.budget_left, budget),
    )
    assert next_level(min(one, other), situation) <= next_level(max(one, other), worse)


@given(_levels, _situations)
def test_what_does_not_change_is_answered_in_one_direction(level: Level, situation: Situation) -> None:
    levels = [level, *looks(situation, level)]
    rises = [after - before for before, after in pairwise(levels)]
    assert all(rise >= 0 for rise in rises) or all(rise <= 0 for rise in rises)
    assert next_level(levels[-1], situation) is levels[-1]


@given(st.sampled_from(Route), _levels)
def test_only_the_queue_is_shed(route: Route, level: Level) -> None:
    assert may_shed(route, level) == (route is Route.QUEUE and level in (RELEASE, WIDEN, TELL))


def test_the_budget_is_what_the_bound_leaves() -> None:
    assert error_budget(0.02, 5000, 60.0) == pytest.approx(40)
    assert error_budget(0.02, 5000, 120.0) == 0


def test_a_release_costs_what_people_find() -> None:
    assert error_rate(0, 0) == 0.5
    assert error_rate(8, 98) == 0.09
    assert releasable(10.0, 0.25) == 40
    assert releasable(10.0, 0.3) == 33
    assert releasable(0.0, 0.3) == 0


@given(st.floats(0, 1e6), st.integers(0, 1000), st.integers(0, 1000))
def test_releases_stay_within_the_budget(budget: float, wrong: int, right: int) -> None:
    rate = error_rate(wrong, wrong + right)
    assert 0 < rate < 1
    assert releasable(budget, rate) * rate <= budget * (1 + 1e-9)
