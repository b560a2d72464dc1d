"""Cohorts that stand out: the exact test, what many tests allow, and what is not worth telling."""

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from routing.cohorts import FALSE_DISCOVERIES, StandingOut, fisher, standing_out
from routing.metrics import Facts, Group, Judged


def seen(decisions: int, escalated: int) -> Facts:
    return Facts(decisions=decisions, escalated=escalated)


def asked(approved: int, rejected: int, audited: int = 0) -> Facts:
    gate = {Judged("gate", "approve"): approved, Judged("provisional", "reject"): rejected}
    return Facts(verdicts=Counter({**gate, Judged("audit", "edit"): audited}))


def told(groups: dict[Group, Facts]) -> list[tuple[str, str, str]]:
    return [(each.task_type, each.cohort, each.rate) for each in standing_out(groups)]


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 60), st.integers(0, 60))
def test_the_p_value_is_twice_the_smaller_tail(n: int, n_rest: int, count: int, count_rest: int) -> None:
    from scipy.stats import hypergeom  # noqa: PLC0415 - takes a second to load

    count, count_rest = min(count, n), min(count_rest, n_rest)
    drawn = (n + n_rest, count + count_rest, n)
    smaller = min(hypergeom.cdf(count, *drawn), hypergeom.sf(count - 1, *drawn))
    found = fisher(count, n, count + count_rest, n + n_rest)
    assert 0 <= found <= 1
    if smaller < 0.25:
        assert abs(found - 2 * smaller) < 1e-9
    assert fisher(count, n, count + count_rest, n + n_rest, up_to=0.05) == found or found > 0.05


def test_the_lady_tasting_tea() -> None:
    """Fisher's own example: of eight cups all four are told right, with one chance in seventy."""
    assert abs(fisher(4, 4, 4, 8) - 2 / 70) < 1e-12


def test_a_cohort_that_goes_to_people_more_often_stands_out_with_its_numbers() -> None:
    found = standing_out({Group("label", "eu"): seen(200, 80), Group("label", "us"): seen(800, 160)})
    assert [each.cohort for each in found] == ["eu", "us"], "of two, each is the other's rest"
    assert found[0] == StandingOut("label", "eu", "escalation_rate", 0.4, 0.2, 80, 200, found[0].p)
    assert found[0].p < 1e-6


def test_what_people_override_is_told_without_audits() -> None:
    groups = {Group("label", "eu"): asked(60, 40), Group("label", ""): asked(450, 50, audited=900)}
    assert told(groups) == [("label", "eu", "override_rate")]


def test_fewer_stands_out_as_more_does() -> None:
    assert told({Group("label", "eu"): seen(300, 3), Group("label", ""): seen(3000, 600)}) == [
        ("label", "eu", "escalation_rate")
    ]


def test_a_cohort_is_held_against_its_own_task_only() -> None:
    """Both tasks treat both cohorts alike; together the cohort that asks for refunds would look four times as bad."""
    groups = {
        Group("refund", "eu"): seen(900, 450),
        Group("refund", "us"): seen(100, 50),
        Group("label", "eu"): seen(100, 5),
        Group("label", "us"): seen(900, 45),
    }
    assert told(groups) == []


def test_what_is_certain_but_small_is_not_told() -> None:
    groups = {Group("label", "eu"): seen(500_000, 105_000), Group("label", ""): seen(500_000, 100_000)}
    assert fisher(105_000, 500_000, 205_000, 1_000_000) < 1e-9
    assert told(groups) == []


def test_too_few_decisions_prove_nothing() -> None:
    assert told({Group("label", "eu"): seen(19, 19), Group("label", ""): seen(5000, 100)}) == []
    assert told({Group("label", "eu"): seen(5000, 100), Group("label", ""): seen(19, 19)}) == []


def test_without_cohorts_nothing_stands_out() -> None:
    assert standing_out({}) == ()
    assert standing_out({Group("label", ""): seen(900, 450), Group("refund", ""): seen(900, 0)}) == ()
    assert standing_out({Group("label", "eu"): seen(900, 450)}) == (), "there is no rest"


def test_among_thousands_alike_chance_finds_none_and_the_odd_ones_are_found() -> None:
    """1,000 cohorts of one rate in each of 20 draws: some of them have a p-value below 1/500 every time, and yet hardly
    ever is one told; three at nearly twice the rate are."""
    chance, told_by_chance = random.Random(11), 0
    for _ in range(20):
        groups = {
            Group("label", f"c-{number}"): seen(50, chance.getrandbits(50).bit_count()) for number in range(1_000)
        }
        told_by_chance += bool(standing_out(groups))
    assert told_by_chance <= 20 * 2 * FALSE_DISCOVERIES
    odd = {Group("label", f"odd-{number}"): seen(200, 190) for number in range(3)}
    assert {each.cohort for each in standing_out(groups | odd)} == {"odd-0", "odd-1", "odd-2"}
