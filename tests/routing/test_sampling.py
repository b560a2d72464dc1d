"""The audit draw: nothing that is to be audited has no chance, the day's limit holds, and estimates stay unbiased."""

from collections import Counter
from dataclasses import replace
from math import ceil
from random import Random
from statistics import mean

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from routing.sampling import Pooled, Stratum, allocate, draw, pooled

_rates = st.sampled_from([0.0, 0.001, 0.02, 0.07, 0.25, 1 / 3, 1.0])


@st.composite
def _strata(draw: st.DrawFn, cohorts: int = 4) -> list[Stratum]:
    parts = draw(st.lists(st.tuples(st.integers(0, 400), _rates, st.integers(1, cohorts)), max_size=14))
    return [Stratum(key, size, rate, cohort) for key, (size, rate, cohort) in enumerate(parts)]


def stratum(key: str, size: int, rate: float, cohort: str = "all") -> Stratum:
    return Stratum(key, size, rate, cohort)


@pytest.mark.parametrize(
    ("size", "rate", "number"), [(100, 0.07, 7), (101, 0.07, 8), (3, 0.02, 1), (50, 1.0, 50), (50, 0.0, 0), (0, 1.0, 0)]
)
def test_what_the_rate_asks_for_is_rounded_up(size: int, rate: float, number: int) -> None:
    assert allocate([stratum("a", size, rate)], 200) == {"a": number}


def test_too_much_is_lowered_in_proportion() -> None:
    strata = [stratum("a", 1000, 0.4), stratum("b", 1000, 0.2), stratum("c", 50, 0.02)]
    assert allocate(strata, 61) == {"a": 40, "b": 20, "c": 1}


def test_a_small_cohort_has_its_share_also_where_everything_fits() -> None:
    strata = [stratum("eu", 5000, 0.07, "eu"), stratum("us", 60, 0.07, "us"), stratum("tiny", 6, 0.07, "tiny")]
    assert allocate(strata, 1000) == {"eu": 350, "us": 18, "tiny": 6}  # 5 % of the 356 asked for, or all there are
    assert allocate(strata, 40) == {"eu": 36, "us": 2, "tiny": 2}


def test_the_share_of_a_cohort_goes_to_its_strata_in_proportion() -> None:
    strata = [stratum("big", 5000, 0.08, "eu"), stratum("few", 20, 0.1, "us"), stratum("more", 80, 0.1, "us")]
    assert allocate(strata, 1000) == {"big": 400, "few": 4, "more": 17}


def test_no_audits_a_day_are_none() -> None:
    assert allocate([stratum("a", 10, 1.0), stratum("b", 10, 1.0)], 0) == {"a": 0, "b": 0}
    assert allocate([], 10) == {}


def test_too_few_for_one_each_is_refused() -> None:
    with pytest.raises(ValueError, match="pool them first"):
        allocate([stratum("a", 10, 1.0), stratum("b", 10, 1.0)], 1)


@given(_strata(), st.integers(1, 300))
def test_everything_has_a_chance_within_the_limit(strata: list[Stratum], max_per_day: int) -> None:
    plan = pooled(strata, max_per_day, 3)
    numbers = allocate(plan.values(), max_per_day)
    assert sum(numbers.values()) <= max_per_day
    for each in plan.values():
        assert numbers[each.key] <= each.size
        assert (numbers[each.key] > 0) == (each.size > 0 and each.rate > 0)


@given(_strata(), st.integers(14, 300))
def test_nobody_has_less_than_asked_for_while_there_is_room(strata: list[Stratum], max_per_day: int) -> None:
    numbers = allocate(strata, max_per_day)
    if sum(numbers.values()) < max_per_day:
        assert all(numbers[each.key] >= each.wanted for each in strata)


@given(_strata(), st.integers(40, 300))
def test_each_cohort_has_its_minimum(strata: list[Stratum], max_per_day: int) -> None:
    numbers = allocate(strata, max_per_day)
    sizes = Counter({each.cohort: 0 for each in strata if each.wanted})
    shares = Counter[object]()
    for each in strata:
        shares[each.cohort] += numbers[each.key]
        sizes[each.cohort] += each.size if each.wanted else 0
    total = min(max_per_day, sum(each.wanted for each in strata))
    for cohort, size in sizes.items():  # four cohorts at most: the share is 5 %
        assert shares[cohort] >= min(size, ceil(total / 20))


@given(_strata(cohorts=1), st.integers(15, 300), st.integers(0, 400), _rates, _rates)
def test_a_higher_rate_is_never_answered_with_fewer(
    others: list[Stratum], max_per_day: int, size: int, one: float, other: float
) -> None:
    lower, higher = (
        allocate([Stratum("it", size, rate, 1), *others], max_per_day)["it"] for rate in sorted([one, other])
    )
    assert lower <= higher


@given(_strata(), st.integers(15, 300), st.integers(1, 400), _rates)
def test_with_cohorts_it_holds_too_while_the_day_is_full(
    others: list[Stratum], max_per_day: int, size: int, rate: float
) -> None:
    """Where it is not, a higher rate means more audits, and so a higher minimum for the other cohorts."""
    mine = Stratum("it", size, rate, 1)
    assume(rate > 0)
    assume(sum(each.wanted for each in [mine, *others]) >= max_per_day)
    lower, higher = (allocate([each, *others], max_per_day)["it"] for each in (mine, replace(mine, rate=1.0)))
    assert lower <= higher


@given(_strata(), st.integers(1, 300), _rates)
def test_equal_strata_differ_by_one_at_most(strata: list[Stratum], size: int, rate: float) -> None:
    twins = [Stratum("left", size, rate, 1), Stratum("right", size, rate, 1)]
    numbers = allocate([twins[0], *strata, twins[1]], 60)
    assert abs(numbers["left"] - numbers["right"]) <= 1


def test_the_smallest_of_too_many_cohorts_become_one() -> None:
    strata = [Stratum(n, 100 + n, 0.25, n) for n in range(12)]
    plan = pooled(strata, 200)
    together = Stratum((Pooled.SMALL_COHORTS, 0.25), 100 + 101 + 102, 0.25, Pooled.SMALL_COHORTS)
    assert plan == {n: together if n < 3 else strata[n] for n in range(12)}
    assert pooled(strata[2:], 200) == {each.key: each for each in strata[2:]}


def test_a_made_up_name_lowers_no_rate() -> None:
    strata = [Stratum(n, 1, 0.25 if n % 2 else 0.02, n) for n in range(1000)]
    plan = pooled(strata, 200)
    assert {plan[each.key].rate for each in strata if each.rate == 0.25} == {0.25}
    assert allocate(plan.values(), 200)[plan[999].key] == 124  # a quarter of the 496 that are together


def test_models_without_end_are_drawn_together() -> None:
    strata = [Stratum(("t", model), 4, 0.25 if model % 2 else 0.5, "eu") for model in range(1000)]
    plan = pooled(strata, 200)
    assert set(plan.values()) == {Stratum((Pooled.ALL, rate), 2000, rate, Pooled.ALL) for rate in (0.25, 0.5)}


def test_with_fewer_audits_than_rates_all_is_one() -> None:
    strata = [stratum("a", 100, 0.25), stratum("b", 100, 0.05), stratum("never", 100, 0.0)]
    plan = pooled(strata, 1)
    assert plan["a"] == plan["b"] == Stratum((Pooled.ALL, 0.15), 200, 0.15, Pooled.ALL)
    assert plan["never"] == Stratum((Pooled.NEVER, 0.0), 100, 0.0, Pooled.NEVER)
    assert allocate(plan.values(), 1) == {(Pooled.ALL, 0.15): 1, (Pooled.NEVER, 0.0): 0}


@given(_strata(cohorts=14), st.integers(0, 300))
def test_what_is_not_audited_is_one_stratum(strata: list[Stratum], max_per_day: int) -> None:
    plan = pooled(strata, max_per_day)
    never = {plan[each.key] for each in strata if not each.wanted}
    assert len(never) == (0 if all(each.wanted for each in strata) else 1)
    assert never.isdisjoint(plan[each.key] for each in strata if each.wanted)
    for each in never:
        assert each.size == sum(stratum.size for stratum in strata if not stratum.wanted)
        assert allocate(plan.values(), max_per_day)[each.key] == 0


def test_the_smallest_draws_are_taken() -> None:
    assert draw([(0.5, 1), (0.1, 2), (0.9, 3), (0.2, 4)], 2) == [2, 4]
    assert draw([(0.5, 1)], 3) == [1]


def test_weighting_by_the_inclusion_probability_finds_the_truth() -> None:
    """A Horvitz–Thompson mean over a design that draws the bad stratum least, and pools two of four cohorts."""
    chance = Random(4)
    errors = {"eu": (900, 0.01), "us": (600, 0.10), "fr": (40, 0.5), "it": (30, 0.0)}
    rates = {"eu": 0.25, "us": 0.05, "fr": 0.25, "it": 0.25}
    plan = pooled([stratum(name, size, rates[name], name) for name, (size, _) in errors.items()], 100, 3)
    numbers = allocate(plan.values(), 100)
    population = [(name, n < size * error) for name, (size, error) in errors.items() for n in range(size)]
    estimates = []
    for _ in range(300):
        candidates: dict[object, list[tuple[float, int]]] = {}
        for pk, (name, _) in enumerate(population):
            candidates.setdefault(plan[name].key, []).append((chance.random(), pk))
        drawn = [(pk, key) for key, some in candidates.items() for pk in draw(some, numbers[key])]
        sizes = {each.key: each.size for each in plan.values()}
        estimates.append(sum(population[pk][1] * sizes[key] / numbers[key] for pk, key in drawn) / len(population))
    truth = mean(wrong for _, wrong in population)
    assert mean(estimates) == pytest.approx(truth, abs=0.003)
    assert mean(wrong for name, wrong in population if name == "eu") < truth / 3  # unweighted it would be far off
