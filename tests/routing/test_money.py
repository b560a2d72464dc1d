"""Money: minutes and errors in the policy's currency, and nothing where nothing was audited."""

from collections import Counter

import pytest

from routing.metrics import Facts, Judged, metrics, number
from routing.money import Money, money
from routing.policy_sections import Cost

COST = Cost(review_minute=0.5, escaped_error=100)
FACTS = Facts(
    decisions=1000,
    escalated=200,
    verdicts=Counter({Judged("gate", "approve"): 180, Judged("audit", "approve"): 80}),
    audits=Counter({(0.1, False): 76, (0.1, True): 4}),
    pairs=Counter({("approve", "approve"): 20}),
)


def test_minutes_and_escaped_errors_by_hand() -> None:
    """280 verdicts of two minutes; 5 % of the 800 that ran alone were wrong."""
    found = money(FACTS, COST, 2.0)
    assert (found.review_minutes, found.review) == (560, 280)
    assert found.escaped_errors == pytest.approx(40)
    assert found.escaped == pytest.approx(4_000)
    assert found.value == pytest.approx(4_280)
    rate = metrics(FACTS)["error_escape_rate"]
    assert found.low == pytest.approx(280 + 80_000 * (number(rate, "low") or 0))
    assert found.high == pytest.approx(280 + 80_000 * (number(rate, "high") or 0))


def test_without_audits_nobody_knows_what_errors_cost() -> None:
    unknown = Facts(decisions=1000, escalated=200, verdicts=Counter({Judged("gate", "approve"): 180}))
    assert money(unknown, COST, 2.0) == Money(360, 180, None, None, None, None, None)
