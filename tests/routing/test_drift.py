"""The chart of the escalation rate, its false alarms and delays, and how soon worse errors are found."""

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.drift import (
    LEAST_BASELINE,
    MOST_BASELINE,
    DayCount,
    Reading,
    alarm,
    reading,
    tripling_audits,
    tripling_days,
)
from routing.evidence import Evidence

MONDAY = date(2026, 9, 7)
HISTORY = 60


def days(counts: Sequence[tuple[int, int]]) -> list[DayCount]:
    return [DayCount(MONDAY + timedelta(days=number), *each) for number, each in enumerate(counts)]


def simulated(
    count: int, seed: int, *, a_day: int = 450, rate: float = 0.2, noise: float = 0.02, shift: float = 0.0
) -> list[DayCount]:
    """Days whose rates differ by `noise` (standard deviation) around `rate`, and after HISTORY days by `shift` more."""
    chance = np.random.default_rng(seed)
    rates = rate + noise * chance.standard_normal(count) + shift * (np.arange(count) >= HISTORY)
    return days([(a_day, int(each)) for each in chance.binomial(a_day, rates.clip(0.0005, 0.9995))])


def read(counted: Sequence[DayCount]) -> Reading:
    found = reading(counted)
    assert found is not None
    return found


STEADY = [(500, 95 + 10 * (number % 2)) for number in range(40)]
"""From 19 to 21 % and back each day."""


# The chart ------------------------------------------------------------------------------------------------------------


def test_a_chart_by_hand() -> None:
    """Moving ranges are all 0.02, and chance moves a rate of 20 % in 500 by 0.0179."""
    sigma = (0.2 * 0.8 / 500) ** 0.5
    found = read(days([*STEADY, (500, 160)]))
    assert found.spread == max(1.0, 0.02 / sigma / 1.128)
    assert found.usual == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((0.2 - 3 * sigma * found.spread, 0.2 + 3 * sigma * found.spread))
    assert (found.rate, found.points, found.direction) == (0.32, MOST_BASELINE, "up")
    assert found.first == found.last == MONDAY + timedelta(days=40)


def test_days_that_differ_more_have_wider_limits() -> None:
    restless = [(500, 70 + 60 * (number % 2)) for number in range(40)]
    found = read(days([*restless, (500, 160)]))
    assert found.spread == pytest.approx(0.12 / (0.2 * 0.8 / 500) ** 0.5 / 1.128)
    assert found.direction is None


@pytest.mark.parametrize(("escalated", "direction"), [(160, "up"), (105, None), (40, "down"), (0, "down")])
def test_both_directions(escalated: int, direction: str | None) -> None:
    assert read(days([*STEADY, (500, escalated)])).direction == direction


def test_nothing_is_said_before_there_are_enough_days() -> None:
    few = STEADY[:LEAST_BASELINE]
    assert reading(days(few)) is None
    assert reading([]) is None
    assert read(days([*few, (500, 160)])).points == LEAST_BASELINE


def test_small_days_are_pooled_up_to_the_last_one() -> None:
    """At 25 % five escalated take 20 decisions: three days of 8."""
    quiet = [(8, 2)] * 69
    assert (found := read(days([*quiet, (8, 8), (8, 8), (8, 8)]))).direction == "up"
    assert (found.first, found.last) == (MONDAY + timedelta(days=69), MONDAY + timedelta(days=71))
    assert found.decisions == 24
    assert reading(days(quiet[:60])) is None


def test_the_first_escalations_of_a_model_that_never_asked_are_no_alarm_unless_they_are_many() -> None:
    never = [(500, 0)] * 30
    assert read(days([*never, (500, 5)])).direction is None
    assert read(days([*never, (500, 60)])).direction == "up"
    assert read(days([*never, (500, 0)])).direction is None
    always = [(500, 500)] * 30
    assert read(days([*always, (500, 500)])).direction is None
    assert read(days([*always, (500, 400)])).direction == "down"


def test_one_episode_is_one_alarm() -> None:
    out, usual = (500, 175), (500, 100)
    counts = days([*STEADY, out, out, usual, out, *[usual] * 7, out])
    alarms = [day for day in range(1, len(counts) + 1) if alarm(counts[:day])]
    assert alarms == [41, 52]
    low = days([*STEADY, out, (500, 30)])
    assert alarm(low)  # the other side is another matter


_counts = st.lists(st.integers(1, 60).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), max_size=70)


@settings(max_examples=50)
@given(_counts)
def test_any_counts_are_read(counts: list[tuple[int, int]]) -> None:
    found = reading(days(counts))
    if found is not None:
        assert 0 <= found.low <= found.usual <= found.high <= 1
        assert LEAST_BASELINE <= found.points <= MOST_BASELINE
    alarm(days(counts))


# How often it is wrong, and how late ----------------------------------------------------------------------------------


def false_alarms(a_day: int, noise: float, seed: int) -> tuple[float, float]:
    """Per 1,000 days on which nothing changed: of this chart, and of a plain p-chart, which takes σ_z for 1."""
    counts, alarms, plain = simulated(1_500, seed, a_day=a_day, noise=noise), 0, 0
    for day in range(HISTORY, len(counts)):
        found = read(counts[day - HISTORY : day + 1])
        alarms += found.direction is not None
        plain += abs(found.rate - found.usual) > (found.high - found.usual) / found.spread
    charted = len(counts) - HISTORY
    return 1_000 * alarms / charted, 1_000 * plain / charted


def test_where_days_differ_by_two_points_seven_days_in_a_thousand_are_wrong_and_forty_of_a_plain_chart() -> None:
    found = [false_alarms(450, 0.02, seed) for seed in (1, 2, 3)]
    laney, plain = (sum(each) / len(found) for each in zip(*found, strict=True))
    assert 4 <= laney <= 12
    assert 33 <= plain <= 55


def test_many_decisions_make_the_plain_chart_useless_and_leave_this_one_as_it_is() -> None:
    laney, plain = false_alarms(1_000, 0.02, seed=1)
    assert laney <= 14
    assert plain >= 80


def test_where_days_differ_by_chance_alone_it_is_wrong_as_rarely_as_a_plain_chart() -> None:
    laney, plain = false_alarms(450, 0.0, seed=1)
    assert laney <= plain <= 8


def delay(shift: float, seed: int) -> int:
    """Days until it is seen; 15: not within two weeks."""
    counts = simulated(HISTORY + 14, seed, shift=shift)
    seen = (day for day in range(1, 15) if read(counts[: HISTORY + day]).direction == ("up" if shift > 0 else "down"))
    return next(seen, 15)


@pytest.mark.parametrize(("shift", "median", "late"), [(0.10, 2, 5), (-0.10, 2, 5), (0.15, 1, 2)])
def test_a_shift_beyond_the_noise_is_seen_in_days(shift: float, median: int, late: int) -> None:
    delays = sorted(delay(shift, seed) for seed in range(60))
    assert delays[30] <= median
    assert delays[48] <= late


# How soon worse errors are found --------------------------------------------------------------------------------------


def labels_to_alarm(chance: Random, max_error: float) -> int:
    """After 150 audits at the usual rate, how many more until the tripling is an alarm."""
    evidence = Evidence(max_error)
    for _ in range(150):
        evidence = evidence.updated(chance.random() < max_error / 2)
        if evidence.alarm:
            evidence = Evidence(max_error)
    for label in range(1, 10_000):
        evidence = evidence.updated(chance.random() < 1.5 * max_error)
        if evidence.alarm:
            return label
    raise AssertionError("never")


@pytest.mark.parametrize("max_error", [0.02, 0.1])
def test_the_detector_needs_so_many_audits_in_four_of_five_cases(max_error: float) -> None:
    chance = Random(11)
    labels = sorted(labels_to_alarm(chance, max_error) for _ in range(60))
    assert tripling_audits(max_error) == pytest.approx(labels[48], rel=0.35)


def test_days_until_a_tripling_is_found() -> None:
    assert tripling_audits(0.02) == 301
    assert tripling_days(30.1, 0.02) == pytest.approx(10)
    assert tripling_days(0, 0.02) is None
