"""What is accepted and will hardly work as meant is told, with path, line and remedy."""

import json

import pytest

from routing.policy import Adjustment, Policy, parse_policy
from tests.routing.policies import MINIMAL, SAMPLE, policy

THREE = "users: [U0ADA, U0BEN, U0CEA]"


def test_the_contracts_sample_is_warned_of_its_only_reviewer() -> None:
    assert [str(warning) for warning in parse_policy(SAMPLE).warnings] == [
        "line 24: defaults.approvals.critical: at critical 2 people have to agree, and only 1 may review: "
        "name more `users` or a `usergroup`, or lower `approvals`",
        "line 25: defaults.double_review: at high a second opinion or a dispute can find nobody left, as all who "
        "may adjudicate are among the few who review: name `adjudicators` beside them, or more reviewers",
    ]


def test_one_reviewer_who_decides_alone_is_nothing_to_warn_of() -> None:
    assert parse_policy(MINIMAL).warnings == ()


@pytest.mark.parametrize(
    ("task", "paths"),
    [
        (f"approvals: {{critical: 4}}, reviewers: {{{THREE}}}", ["approvals.critical"]),
        (f"approvals: {{high: 4, critical: 5}}, reviewers: {{{THREE}}}", ["approvals.critical", "approvals.high"]),
        (f"approvals: {{critical: 3}}, reviewers: {{{THREE}}}", []),
        ("approvals: {critical: 2}, reviewers: {users: [U0ADA, U0ADA]}", ["approvals.critical"]),
        ("approvals: {critical: 9}, reviewers: {users: [U0ADA], usergroup: S0TEAM}", []),
        ("approvals: {low: 2, medium: 2}, reviewers: {users: [U0ADA], channel_members: true}", []),
        ("approvals: {medium: 2, high: 2}, reviewers: {users: [U0ADA], channel_members: true}", ["approvals.high"]),
    ],
)
def test_approvals_that_nobody_can_bring_together(task: str, paths: list[str]) -> None:
    checked = policy(task=f"{task}, adjudicators: {{users: [U0LEAD]}}")
    assert sorted(warning.path for warning in checked.warnings) == [f"tasks.refund.{path}" for path in paths]


@pytest.mark.parametrize(
    ("task", "risks"),
    [
        ("double_review: 0.1", "low, medium, high, critical"),
        ("double_review: 0.1, reviewers: {users: [U0ADA], channel_members: true}", "high, critical"),
        ("double_review: 0.1, reviewers: {users: [U0ADA, U0BEN]}", "low, medium, high, critical"),
        ("double_review: 0.1, reviewers: {users: [U0ADA, U0BEN]}, adjudicators: {users: [U0BEN]}",
         "low, medium, high, critical"),
        ("double_review: 0.1, reviewers: {users: [U0ADA, U0BEN]}, adjudicators: {users: [U0BEN, U0CEA]}", None),
        ("double_review: 0.1, reviewers: {users: [U0ADA, U0BEN]}, adjudicators: {usergroup: S0LEADS}", None),
        ("double_review: 0.1, reviewers: {usergroup: S0TEAM}", None),
        (f"double_review: 0.1, reviewers: {{{THREE}}}", None),
        (f"double_review: 0.1, approvals: {{high: 2}}, reviewers: {{{THREE}}}", "high"),
        (f"approvals: {{high: 2, critical: 3}}, reviewers: {{{THREE}}}", "critical"),
        (f"approvals: {{high: 2, critical: 3}}, reviewers: {{{THREE}}}, adjudicators: {{users: [U0LEAD]}}", None),
    ],
)  # fmt: skip
def test_a_dispute_that_nobody_is_left_to_settle(task: str, risks: str | None) -> None:
    found = [warning.message for warning in policy(task=task).warnings]
    assert [message.partition(" a second opinion or a dispute can")[0] for message in found] == (
        [f"at {risks}"] if risks else []
    )


def test_a_task_is_warned_only_of_what_it_says_itself() -> None:
    inherits = policy(defaults="approvals: {critical: 2}", task="channel: '#refunds'")
    assert {warning.path for warning in inherits.warnings} == {"defaults.approvals.critical"}
    mends = policy(defaults="double_review: 0.1", task="adjudicators: {users: [U0LEAD]}")
    assert [warning.path for warning in mends.warnings] == ["defaults.double_review"]
    breaks = policy(defaults="approvals: {critical: 1}, adjudicators: {users: [U0LEAD]}", task="approvals: {high: 2}")
    assert [(warning.path, warning.line) for warning in breaks.warnings] == [("tasks.refund.approvals.high", 6)]


def test_the_fault_is_looked_for_where_the_task_differs() -> None:
    text = f"""
version: 1
defaults: {{channel: "#review", reviewers: {{{THREE}}}, adjudicators: {{users: [U0LEAD]}}, approvals: {{critical: 3}}}}
tasks:
  refund:
    reviewers: {{users: [U0ADA, U0BEN]}}
"""
    assert [(warning.path, warning.line) for warning in parse_policy(text).warnings] == [("tasks.refund.reviewers", 6)]


def test_adjusted_and_stored_policies_keep_their_warnings() -> None:
    read = parse_policy(SAMPLE)
    adjusted = read.with_adjustments([Adjustment("unlisted", "autonomy", 0)])
    assert adjusted.warnings == read.warnings
    stored = Policy.from_document(json.loads(json.dumps(adjusted.document)))
    assert [(warning.path, warning.message) for warning in stored.warnings] == [
        (warning.path, warning.message) for warning in read.warnings
    ]
