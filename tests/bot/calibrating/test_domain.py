"""What a task's threshold decides about, by its policy."""

import pytest

from bot.calibrating.domain import domain_of
from routing.policy import parse_policy
from store.labels import Domain

BASE = """
version: 1
defaults: {{channel: "#c", reviewers: {{users: [U0ADA]}}, adjudicators: {{users: [U0ADA]}}}}
tasks: {{refund: {{risk: medium, {settings}}}}}
"""
RAISED = {"low": 0.0, "medium": 0.0, "high": 0.95}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("threshold: 0.6", Domain(RAISED)),
        ("autonomy: 2", Domain(RAISED)),
        ("thresholds: {low: 0.7, medium: 0.8, high: 0.9, critical: 0.99}", Domain({**RAISED, "high": 0.9})),
        (
            "matrix: {low: {confident: QUEUE, unsure: QUEUE}, medium: {confident: QUEUE, unsure: QUEUE}, "
            "high: {confident: ESCALATE, unsure: ESCALATE}, critical: {confident: ESCALATE, unsure: ESCALATE}}",
            Domain({}),
        ),
    ],
)
def test_what_may_run_alone_if_it_is_confident_enough(settings: str, expected: Domain) -> None:
    assert domain_of(parse_policy(BASE.format(settings=settings)).task("refund")) == expected
