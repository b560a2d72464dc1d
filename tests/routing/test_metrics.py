"""Metrics from facts that were counted by hand: null without data, and parts that add up to the whole."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.agreement import VERDICTS
from routing.metrics import (
    LATENCY_UNIT,
    TARGETS,
    Facts,
    Group,
    Judged,
    between_reviewers,
    by_cohort,
    by_task,
    headline,
    latency_step,
    metrics,
    percentile,
    standing,
    summed,
)

counts = st.integers(0, 500)
verdict = st.sampled_from(VERDICTS)
judged = st.builds(Judged, st.sampled_from(("gate", "provisional", "audit")), verdict)
inclusions = st.sampled_from((0.02, 0.07, 0.25, 1.0))


@st.composite
def facts_of_a_group(draw: st.DrawFn) -> Facts:
    decisions = draw(counts)
    return Facts(
        decisions=decisions,
        escalated=draw(st.integers(0, decisions)),
        verdicts=Counter(draw(st.dictionaries(judged, st.integers(1, 50)))),
        categories=Counter(draw(st.dictionaries(st.sampled_from(("", "tone", "other")), st.integers(1, 50)))),
        latencies=Counter(draw(st.dictionaries(st.integers(0, 10**6), st.integers(1, 50), max_size=9))),
        uses=Counter(draw(st.dictionaries(st.integers(0, 10**6), st.integers(1, 50), max_size=9))),
        audits=Counter(draw(st.dictionaries(st.tuples(inclusions, st.booleans()), st.integers(1, 20)))),
        pairs=Counter(draw(st.dictionaries(st.tuples(verdict, verdict), st.integers(1, 50)))),
        disputes=draw(counts),
    )


groups = st.dictionaries(
    st.builds(Group, st.sampled_from(("label", "refund")), st.sampled_from(("", "eu", "us"))), facts_of_a_group()
)


def test_without_data_there_are_no_values() -> None:
    told = metrics(Facts())
    assert {key: headline(metric) for key, metric in told.items()} == dict.fromkeys(told)
    assert told["escalation_rate"] == {"value": None, "numerator": 0, "denominator": 0}
    assert told["review_latency"] == {"p50": None, "p95": None, "n": 0}
    assert told["feedback_to_update"] == {"p50": None, "p95": None, "n": 0}
    assert {key: standing(key, metric) for key, metric in told.items()} == dict.fromkeys(told)


def test_corrections_that_nothing_has_used_are_a_share_of_none() -> None:
    told = metrics(Facts(verdicts=Counter({Judged("gate", "edit"): 4})))
    assert told["feedback_utilization"] == {"value": 0.0, "numerator": 0, "denominator": 4}
    assert told["feedback_to_update"] == {"p50": None, "p95": None, "n": 0}


def test_a_week_by_hand() -> None:
    facts = Facts(
        decisions=200,
        escalated=40,
        verdicts=Counter({Judged("gate", "approve"): 30, Judged("gate", "reject"): 4, Judged("audit", "edit"): 2}),
        categories=Counter({"tone": 6}),
        latencies=Counter({1000: 19, 60_000: 1}),
        uses=Counter({100: 2, 60_000: 1}),
        audits=Counter({(0.1, False): 18, (0.1, True): 2, (1.0, True): 4}),
        pairs=Counter({("approve", "approve"): 8, ("approve", "reject"): 1, ("reject", "reject"): 1}),
    )
    told = metrics(facts)
    assert told["escalation_rate"] == {"value": 0.2, "numerator": 40, "denominator": 200}
    assert told["auto_resolve_rate"] == {"value": 0.8, "numerator": 160, "denominator": 200}
    assert told["review_latency"] == {"p50": 10.0, "p95": 10.0, "n": 20}
    assert told["reviewer_agreement"] == {"value": 30 / 36, "numerator": 30, "denominator": 36}
    assert told["feedback_utilization"] == {"value": 0.5, "numerator": 3, "denominator": 6}
    assert told["feedback_to_update"] == {"p50": 1.0, "p95": 600.0, "n": 3}
    between = told["inter_reviewer_agreement"]
    assert (between["value"], between["percent"], between["n"]) == (0.9, 0.9, 10)
    # By hand: shares .85, 0 and .15, so 2 · .85 · .15 / 2 = .1275 is agreed by chance.
    assert between["ac1"] == pytest.approx((0.9 - 0.1275) / (1 - 0.1275))
    assert between["ac1_low"] < between["ac1"] < between["ac1_high"] < 1
    # 17 approvals and 3 rejections: alpha is 1 - 19 · 2 / (2 · 17 · 3); kappa takes (9 · 8 + 1 · 2) / 100 for chance.
    assert between["alpha"] == pytest.approx(1 - 38 / 102)
    assert between["kappa"] == pytest.approx((0.9 - 0.74) / 0.26)
    assert (between["low"], between["high"]) == pytest.approx((0.5958, 0.9821), abs=1e-4)


def test_each_audit_stands_for_as_many_decisions_as_its_probability_says() -> None:
    """20 of 200 drawn at 10 % with two errors, and all four of another day wrong: 24 of 204."""
    told = metrics(Facts(audits=Counter({(0.1, False): 18, (0.1, True): 2, (1.0, True): 4})))["error_escape_rate"]
    assert (told["numerator"], told["denominator"], told["n"]) == (pytest.approx(24), 204, 24)
    assert told["value"] == pytest.approx(24 / 204)
    assert told["low"] < told["value"] < told["high"]


def test_no_error_is_not_proof_of_none() -> None:
    told = metrics(Facts(audits=Counter({(0.1, False): 200})))["error_escape_rate"]
    assert (told["value"], told["low"]) == (0.0, 0.0)
    assert told["high"] == pytest.approx(0.018, abs=0.001)


def test_facts_are_added_in_place_and_what_is_added_stays_as_it_was() -> None:
    """Copies of what has grown would make the sum of n groups take n² steps."""
    whole, part = Facts(latencies=Counter({7: 1})), Facts(decisions=2, latencies=Counter({7: 1, 9: 1}))
    first, latencies = whole, whole.latencies
    for _ in range(2):
        whole += part
    assert whole is first
    assert whole.latencies is latencies
    assert whole == Facts(decisions=4, latencies=Counter({7: 3, 9: 2}))
    found = {Group("label", "eu"): part, Group("label", "us"): part}
    assert summed(found.values()) == by_task(found)["label"] == Facts(decisions=4, latencies=Counter({7: 2, 9: 2}))
    assert part == Facts(decisions=2, latencies=Counter({7: 1, 9: 1}))


@given(groups)
def test_parts_add_up_to_the_whole(found: dict[Group, Facts]) -> None:
    whole = summed(found.values())
    assert summed(by_task(found).values()) == whole
    parts = by_cohort(found)
    assert "" not in parts
    assert sum(part.decisions for part in parts.values()) == sum(f.decisions for g, f in found.items() if g.cohort)
    told = metrics(whole)
    if whole.decisions:
        assert told["escalation_rate"]["value"] + told["auto_resolve_rate"]["value"] == pytest.approx(1)
    for key in ("escalation_rate", "auto_resolve_rate", "error_escape_rate", "reviewer_agreement"):
        value = told[key]["value"]
        assert value is None or 0 <= value <= 1
        assert (value is None) == (told[key]["denominator"] == 0)


@given(st.dictionaries(st.integers(0, 1000), st.integers(1, 9), min_size=1), st.floats(0.01, 1))
def test_a_percentile_is_a_value_that_so_many_do_not_exceed(found: dict[int, int], share: float) -> None:
    value = percentile(found, share)
    assert value is not None
    total = sum(found.values())
    assert sum(n for each, n in found.items() if each <= value) >= share * total
    assert sum(n for each, n in found.items() if each < value) < share * total


@given(st.floats(0.1, 10**7))
def test_a_latency_is_counted_within_a_twentieth(seconds: float) -> None:
    assert abs(latency_step(seconds) * LATENCY_UNIT - seconds) <= seconds / 20


def test_latencies_are_exact_where_they_are_short_and_never_below_nothing() -> None:
    assert [latency_step(seconds) for seconds in (-1.0, 0.0, 0.01, 0.37, 0.5)] == [0, 0, 1, 37, 50]
    assert len({latency_step(0.5 * 1.01**n) for n in range(1_212)}) < 160, "from half a second to a day"


@given(st.dictionaries(st.tuples(verdict, verdict), st.integers(1, 50), min_size=1))
def test_chance_corrected_agreement_is_full_where_all_agree_and_never_more(pairs: dict[Any, int]) -> None:
    found = between_reviewers(pairs)["ac1"]
    assert -1 <= found <= 1
    assert (found == 1) == all(first == second for first, second in pairs)


def test_high_raw_agreement_reads_as_such() -> None:
    """Ninety of a hundred agree, nearly all approve: kappa is near zero."""
    found = between_reviewers({("approve", "approve"): 90, ("approve", "reject"): 5, ("reject", "approve"): 5})
    assert found["ac1"] == pytest.approx(0.889, abs=0.01)
    assert found["kappa"] == pytest.approx(-0.053, abs=0.001)


@pytest.mark.parametrize(
    ("key", "metric", "expected"),
    [
        ("escalation_rate", {"value": 0.15}, "met"),
        ("escalation_rate", {"value": 0.30}, "met"),
        ("escalation_rate", {"value": 0.149}, "missed"),
        ("reviewer_agreement", {"value": 0.84}, "missed"),
        ("review_latency", {"p95": 299.0}, "met"),
        ("review_latency", {"p95": 301.0}, "missed"),
        ("error_escape_rate", {"value": 0.01, "low": 0.0, "high": 0.019}, "met"),
        ("error_escape_rate", {"value": 0.01, "low": 0.0, "high": 0.03}, "unclear"),
        ("error_escape_rate", {"value": 0.05, "low": 0.03, "high": 0.08}, "missed"),
        ("inter_reviewer_agreement", {"value": 0.1}, None),
    ],
)
def test_a_target_is_met_or_missed_only_with_the_whole_interval(key: str, metric: Any, expected: str | None) -> None:
    assert standing(key, metric) == expected


def test_every_target_belongs_to_a_metric() -> None:
    assert set(TARGETS) < set(metrics(Facts()))
