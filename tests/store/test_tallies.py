"""Buckets: whatever stretch of time, each of its quarters is in one, and there are few."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.metrics import Facts, Judged
from store.tallies import GRAINS, QUARTER, Tally, beginning_of, facts_of, quarter_of, quarters, stretches

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
at = st.timedeltas(timedelta(days=-9000), timedelta(days=9000)).map(lambda passed: NOON + passed)
INSTANT = timedelta(microseconds=1)


@given(st.integers(1_900_000, 2_000_000), st.integers(0, 10_000))
def test_every_quarter_is_in_one_bucket(first: int, length: int) -> None:
    found = stretches(first, first + length)
    covered = [
        quarter
        for grain, begin, end in found
        for bucket in range(begin, end, grain)
        for quarter in range(bucket, bucket + grain)
    ]
    assert sorted(covered) == list(range(first, first + length))
    assert all(begin % grain == 0 and end % grain == 0 for grain, begin, end in found)


@given(st.integers(1_900_000, 2_000_000))
def test_a_month_is_the_sum_of_a_few_dozen_buckets(first: int) -> None:
    assert sum((end - begin) // grain for grain, begin, end in stretches(first, first + 30 * 96)) <= 54


@given(at)
def test_a_time_lies_in_its_quarter(moment: datetime) -> None:
    assert timedelta() <= moment - beginning_of(quarter_of(moment)) < QUARTER
    tally = Tally(quarter_of(moment), 1, "label", "", "decisions")
    for grain in GRAINS:
        bucket = tally.in_bucket(grain).quarter
        assert bucket % grain == 0
        assert bucket <= tally.quarter < bucket + grain


@pytest.mark.parametrize(
    ("since", "until", "length"),
    [
        (NOON, NOON, 0),
        (NOON, NOON + QUARTER, 1),
        (NOON, NOON + INSTANT, 1),
        (NOON - INSTANT, NOON + INSTANT, 2),
    ],
)
def test_a_stretch_of_time_is_widened_to_whole_quarters(since: datetime, until: datetime, length: int) -> None:
    first, end = quarters(since, until)
    assert end - first == length
    assert first == quarter_of(since)


def test_what_is_counted_under_a_name_is_a_fact() -> None:
    names = (
        "decisions", "escalated", "disputes", "verdict:gate:edit", "category:", "category:a:b", "latency:8200",
        "audit:0.07:wrong", "audit:1e-05:right", "pair:approve:reject",
    )  # fmt: skip
    facts = facts_of({**dict.fromkeys(names, 2), "category:gone": 0})
    assert facts == Facts(
        decisions=2,
        escalated=2,
        disputes=2,
        verdicts=Counter({Judged("gate", "edit"): 2}),
        categories=Counter({"": 2, "a:b": 2}),
        latencies=Counter({8200: 2}),
        audits=Counter({(0.07, True): 2, (1e-05, False): 2}),
        pairs=Counter({("approve", "reject"): 2}),
    )
