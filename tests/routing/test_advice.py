"""Advice: each pattern where it belongs, and a snippet that the policy file takes as it is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.advice import Checklist, Pattern, advise, snippet
from routing.decision import DecisionRequest, Risk, Route
from routing.policy import TaskPolicy, parse_policy
from routing.route import route

HEAD = """
version: 1
defaults:
  channel: "#review"
  reviewers: {users: [U0ADA]}
"""


def checklist(
    task_type: str = "refund",
    *,
    irreversible: bool = False,
    per_day: int = 500,
    error_cost: Risk = Risk.MEDIUM,
    reviews: int = 100,
) -> Checklist:
    return Checklist(task_type, irreversible, per_day, error_cost, reviews)


def task_of(asked: Checklist) -> TaskPolicy:
    return parse_policy(HEAD + snippet(advise(asked))).task(asked.task_type)


@pytest.mark.parametrize(
    ("asked", "pattern"),
    [
        (checklist(), Pattern.THRESHOLD),
        (checklist(irreversible=True), Pattern.GATE),
        (checklist(error_cost=Risk.CRITICAL), Pattern.GATE),
        (checklist(per_day=100), Pattern.GATE),
        (checklist(per_day=101), Pattern.THRESHOLD),
        (checklist(per_day=1000), Pattern.CORRECT_LATER),
        (checklist(per_day=1000, error_cost=Risk.HIGH), Pattern.THRESHOLD),
        (checklist(per_day=1000, irreversible=True), Pattern.GATE),
    ],
)
def test_the_pattern_that_fits(asked: Checklist, pattern: Pattern) -> None:
    assert advise(asked).pattern is pattern


@given(
    st.from_regex(r"[a-z0-9_.-]{1,64}", fullmatch=True) | st.sampled_from(["true", "null", "12", "1.5", "-", "yes"]),
    st.booleans(),
    st.integers(1, 10**6),
    st.sampled_from(Risk),
    st.integers(1, 10**6),
)
@settings(max_examples=60)
def test_the_policy_takes_every_snippet(
    task_type: str, irreversible: bool, per_day: int, error_cost: Risk, reviews: int
) -> None:
    asked = checklist(task_type, irreversible=irreversible, per_day=per_day, error_cost=error_cost, reviews=reviews)
    policy = parse_policy(HEAD + snippet(advise(asked)))
    assert policy.tasks == [task_type]
    assert policy.task(task_type).base_risk is error_cost
    assert max(map(len, snippet(advise(asked)).splitlines())) <= 80
    sure = DecisionRequest(task_type=task_type, input="x", output="y", confidence=1.0, reversible=not irreversible)
    if irreversible or error_cost is Risk.CRITICAL:
        assert route(sure, policy).route >= Route.QUEUE


def test_audits_get_a_quarter_of_peoples_time() -> None:
    assert task_of(checklist(reviews=100)).audit.max_per_day == 25
    assert task_of(checklist(per_day=5, reviews=2)).audit.max_per_day == 1


def test_what_is_wrong_with_the_plan_is_said() -> None:
    assert advise(checklist()).warning is None
    assert "split off what can be undone" in str(advise(checklist(irreversible=True)).warning)
    assert "reviews pile up" in str(advise(checklist(per_day=1000, error_cost=Risk.HIGH)).warning)
    assert advise(checklist(irreversible=True, per_day=10)).warning is None


def test_a_snippet_reads_well() -> None:
    assert (
        snippet(advise(checklist()))
        == """\
# refund: confidence decides, audits watch.
tasks:
  refund:
    # What one error costs. Rules may raise it for single decisions.
    risk: medium
    # The matrix decides: the sure ones run alone, the unsure ones meet a
    # person.
    autonomy: 3
    # A strict guess. Only labels prove a threshold: see hitl calibrate.
    threshold: 0.95
    # Nobody's silence is consent: what nobody decided waits on, as overdue.
    on_timeout: hold
    # A quarter of people's time, for what ran alone. Errors three times as
    # frequent are then found in about 13 days.
    audit: {max_per_day: 25}
    # The errors allowed among what runs alone. To prove it takes 149 labels
    # without an error at least: 2 days of reviews.
    max_error: 0.02
"""
    )
