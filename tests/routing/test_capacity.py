"""Erlang C against its closed forms, a simulation of the line, and the figures it was chosen with."""

import heapq
from datetime import datetime, timedelta
from math import exp, factorial, inf, log
from random import Random
from statistics import quantiles
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.capacity import Demand, p95_time_in_system, peak_hour, people_needed, wait_probability

_arrivals = st.floats(0, 300)
_service = st.floats(0.1, 30)
_people = st.integers(1, 40)


@pytest.mark.parametrize(("people", "arrivals"), [(1, 4), (2, 28), (3, 60), (4, 95), (6, 168), (8, 243)])
def test_what_a_group_bears_within_five_minutes(people: int, arrivals: int) -> None:
    """At a minute and a half for each."""
    most = max(number for number in range(1, 400) if p95_time_in_system(number, 1.5, people) < 5)
    assert abs(most - arrivals) <= 1


@pytest.mark.parametrize(("load", "people"), [(0.5, 1), (1.5, 2), (3.0, 5), (7.9, 8), (20.0, 30)])
def test_erlangs_formula(load: float, people: int) -> None:
    queued = load**people / factorial(people) * people / (people - load)
    expected = queued / (sum(load**n / factorial(n) for n in range(people)) + queued)
    assert wait_probability(load * 60, 1.0, people) == pytest.approx(expected)


def test_one_person_has_the_closed_form() -> None:
    assert p95_time_in_system(30, 1.0, 1) == pytest.approx(log(20) / (1 - 0.5))


def test_where_waiting_ends_as_fast_as_reviewing() -> None:
    """Two people, one of whom is busy on average: the general form divides by 0 there."""
    minutes = p95_time_in_system(60, 1.0, 2)
    assert exp(-minutes) * (1 + wait_probability(60, 1.0, 2) * minutes) == pytest.approx(0.05)
    assert p95_time_in_system(60.0001, 1.0, 2) == pytest.approx(minutes, rel=1e-5)


@pytest.mark.parametrize(("arrivals", "people"), [(60, 1), (61, 1), (120, 2), (1, 0), (0, 0)])
def test_more_than_they_can_do_never_ends(arrivals: float, people: int) -> None:
    assert p95_time_in_system(arrivals, 1.0, people) == inf
    assert Demand(arrivals, 1.0, people).p95_minutes == inf
    assert wait_probability(arrivals, 1.0, people) == 1.0


def test_on_the_brink_it_is_long_but_an_end_is_found() -> None:
    load = 3 * (1 - 2**-50)
    assert 1e12 < p95_time_in_system(60 * load, 1.0, 3) < inf


@pytest.mark.parametrize(("arrivals", "service", "people"), [(100, 1.5, 4), (30, 4.0, 3)])
def test_a_simulated_line_takes_as_long(arrivals: float, service: float, people: int) -> None:
    chance = Random(8)
    free = [0.0] * people
    now, times = 0.0, []
    for _ in range(60_000):
        now += chance.expovariate(arrivals / 60)
        end = max(now, free[0]) + chance.expovariate(1 / service)
        heapq.heapreplace(free, end)
        times.append(end - now)
    assert p95_time_in_system(arrivals, service, people) == pytest.approx(quantiles(times, n=20)[-1], rel=0.05)


@given(_arrivals, _arrivals, _service, _people)
def test_more_reviews_never_take_less_time(one: float, other: float, service: float, people: int) -> None:
    less, more = (p95_time_in_system(arrivals, service, people) for arrivals in sorted([one, other]))
    assert less <= more * (1 + 1e-6)
    assert less >= log(20) * service * (1 - 1e-6)  # nobody reviews faster than without a wait


@given(_arrivals, _service, _people)
def test_more_people_never_take_more_time(arrivals: float, service: float, people: int) -> None:
    assert p95_time_in_system(arrivals, service, people + 1) <= p95_time_in_system(arrivals, service, people) * (
        1 + 1e-6
    )


@given(st.floats(0, 120), st.floats(0.1, 10), st.floats(0.1, 60))
def test_the_fewest_people(arrivals: float, service: float, p95: float) -> None:
    people = people_needed(arrivals, service, p95)
    if people is None:
        assert p95_time_in_system(0, service, 1) > p95 * (1 - 1e-6)
        return
    assert p95_time_in_system(arrivals, service, people) <= p95 * (1 + 1e-6)
    assert people == 1 or p95_time_in_system(arrivals, service, people - 1) > p95 * (1 - 1e-6)


def test_people_for_a_known_demand() -> None:
    assert people_needed(95, 1.5, 5) == 4
    assert people_needed(97, 1.5, 5) == 5
    assert people_needed(1, 1.5, 4) is None
    assert people_needed(0, 1.5, 5) == 1
    assert people_needed(60_000, 1.5, 5) == 1504  # a few more than the 1,500 who would be busy all the time


def test_the_busiest_hour() -> None:
    monday = datetime(2026, 11, 16, tzinfo=ZoneInfo("Europe/Berlin"))

    def at(day: int, hour: int) -> datetime:
        return monday + timedelta(days=day, hours=hour)

    arrivals = {at(0, 9): 30, at(0, 14): 50, at(1, 9): 40, at(1, 14): 10, at(5, 3): 0}
    assert peak_hour(arrivals) == (9, 35)  # one afternoon does not make a peak, a weekend does not hide one
    assert peak_hour({}) == peak_hour({at(5, 3): 0}) == (0, 0)
