"""The contract's own examples, one fact changed at a time."""

from typing import Any

import pytest

from routing.decision import DecisionRequest, Disposition, OutcomeResult, Reason, ReviewKind, Risk, Route, Routing
from routing.policy import Policy, parse_policy
from routing.route import route
from tests.routing.policies import MINIMAL, SAMPLE, policy


def routed(rules: Policy, **members: Any) -> Routing:
    facts = {"task_type": "refund", "input": "please", "output": "yes", "confidence": 0.97, **members}
    return route(DecisionRequest(**facts), rules)


def codes(routing: Routing) -> list[str]:
    return [reason.code for reason in routing.reasons]


def test_contracts_sample_decision() -> None:
    routing = routed(
        parse_policy(SAMPLE),
        output={"action": "refund", "amount": 120, "why": "see [1]"},
        confidence=0.87,
        context={"amount": 12_000, "is_new_user": False},
    )
    assert routing == Routing(
        route=Route.ESCALATE,
        disposition=Disposition.WAIT,
        risk=Risk.CRITICAL,
        threshold=0.99,
        confident=False,
        reasons=(
            Reason("risk.base", "refund", result="medium"),
            Reason("risk.rule", "has(context.amount) && context.amount > 10000", "big_money", "critical"),
            Reason("confidence.below", "0.87 < 0.99"),
        ),
        outcome=None,
        review=ReviewKind.GATE,
    )


@pytest.mark.parametrize(
    ("risk", "confidence", "expected"),
    [
        ("low", 0.70, Route.AUTO),
        ("low", 0.69, Route.QUEUE),
        ("medium", 0.85, Route.AUTO_AUDIT),
        ("medium", 0.84, Route.QUEUE),
        ("high", 0.95, Route.AUTO_AUDIT),
        ("high", 0.94, Route.ESCALATE),
        ("critical", 1.0, Route.ESCALATE),
        ("critical", 0.1, Route.ESCALATE),
    ],
)
def test_matrix(risk: str, confidence: float, expected: Route) -> None:
    routing = routed(policy(task=f"risk: {risk}"), confidence=confidence)
    assert routing.route is expected
    alone = expected <= Route.AUTO_AUDIT
    assert routing.disposition is (Disposition.EXECUTE if alone else Disposition.WAIT)
    assert routing.outcome is (OutcomeResult.AUTO if alone else None)
    assert routing.review is (None if alone else ReviewKind.GATE)


@pytest.mark.parametrize(
    ("risk", "floor"), [("low", "QUEUE"), ("medium", "QUEUE"), ("high", "ESCALATE"), ("critical", "ESCALATE")]
)
def test_missing_confidence_reaches_a_person(risk: str, floor: str) -> None:
    alone = "{confident: AUTO_AUDIT, unsure: AUTO_AUDIT}"
    trusting = policy(task=f"risk: {risk}, matrix: {{low: {alone}, medium: {alone}, high: {alone}, critical: {alone}}}")
    routing = routed(trusting, confidence=None)
    assert (routing.route, routing.confident) == (Route(floor), False)
    assert codes(routing) == ["risk.base", "confidence.missing"]
    assert routed(trusting, confidence=0.0).route is Route.AUTO_AUDIT


def test_unlisted_task_is_routed_by_the_defaults() -> None:
    routing = routed(parse_policy(MINIMAL), task_type="never_heard_of")
    assert routing.reasons == (Reason("risk.base", "never_heard_of", result="medium"),)
    assert routing.route is Route.AUTO_AUDIT


def test_every_fired_rule_is_a_reason_and_the_maximum_wins() -> None:
    rules = """rules:
  - {id: one, when: "true", risk: high}
  - {id: two, when: "context.gone", risk: critical}
  - {id: three, when: "true", risk: low}
  - {id: four, when: "false", risk: critical}"""
    routing = routed(policy(rest=rules))
    assert routing.risk is Risk.CRITICAL
    assert [(reason.code, reason.rule, reason.result) for reason in routing.reasons[1:-1]] == [
        ("risk.rule", "one", "high"),
        ("rule.error", "two", "critical"),
        ("risk.rule", "three", "low"),
    ]
    assert "gone" in (routing.reasons[2].detail or "")


def test_rule_never_lowers_the_risk() -> None:
    rules = 'rules: [{id: a, when: "true", risk: low}]'
    assert routed(policy(rest=rules, task="risk: high")).risk is Risk.HIGH


def test_long_expressions_are_clipped_in_reasons() -> None:
    long = " || ".join(["reversible"] * 40)
    routing = routed(policy(rest=f'rules: [{{id: a, when: "{long}", risk: low}}]'))
    detail = routing.reasons[1].detail
    assert detail is not None
    assert (len(detail), detail[-1]) == (200, "…")


@pytest.mark.parametrize(("setting", "expected"), [("", "ESCALATE"), ("irreversible: QUEUE", "QUEUE")])
def test_irreversible_reaches_a_person(setting: str, expected: str) -> None:
    routing = routed(policy(task=setting), reversible=False)
    assert routing.route is Route(expected)
    assert Reason("irreversible", result=expected) in routing.reasons


CHECKS = "checks: [{id: a, cel: '%s', on_fail: %s}, {id: b, field: output, forbid: bad, on_fail: reject}]"


def test_failed_check_escalates() -> None:
    routing = routed(policy(task=CHECKS % ('output != "yes"', "escalate")))
    assert (routing.route, routing.disposition, routing.review) == (Route.ESCALATE, Disposition.WAIT, ReviewKind.GATE)
    assert routing.reasons[-1] == Reason("check.failed", 'does not hold: output != "yes"', "a", "ESCALATE")


def test_failed_check_rejects_at_once_when_told_to() -> None:
    routing = routed(policy(task=CHECKS % ("true", "escalate")), output="bad")
    assert (routing.route, routing.disposition) == (Route.ESCALATE, Disposition.DO_NOT_EXECUTE)
    assert (routing.outcome, routing.review) == (OutcomeResult.REJECTED, None)
    assert routing.reasons[-1].result == "rejected"


def test_check_error_escalates_whatever_its_on_fail() -> None:
    routing = routed(policy(task=CHECKS % ("context.gone", "reject")))
    assert (routing.route, routing.outcome, routing.review) == (Route.ESCALATE, None, ReviewKind.GATE)
    assert codes(routing)[-1] == "check.error"


def test_definite_rejection_wins_over_an_error_elsewhere() -> None:
    routing = routed(policy(task=CHECKS % ("context.gone", "escalate")), output="bad")
    assert routing.outcome is OutcomeResult.REJECTED
    assert codes(routing)[-2:] == ["check.error", "check.failed"]


@pytest.mark.parametrize(
    ("autonomy", "risk", "confidence", "expected"),
    [
        (0, "low", 0.99, "QUEUE"),
        (1, "medium", 0.99, "QUEUE"),
        (2, "high", 0.99, "ESCALATE"),
        (3, "low", 0.1, "QUEUE"),
        (4, "low", 0.1, "AUTO_AUDIT"),
        (4, "low", 0.99, "AUTO"),
        (4, "medium", 0.1, "AUTO_AUDIT"),
        (4, "high", 0.1, "ESCALATE"),
        (5, "low", 0.1, "AUTO"),
        (5, "low", None, "QUEUE"),
        (4, "medium", None, "QUEUE"),
    ],
)
def test_autonomy(autonomy: int, risk: str, confidence: float | None, expected: str) -> None:
    routing = routed(policy(task=f"risk: {risk}, autonomy: {autonomy}"), confidence=confidence)
    plain = routed(policy(task=f"risk: {risk}"), confidence=confidence)
    assert routing.route is Route(expected)
    changed = [Reason("autonomy", f"level {autonomy}", result=expected)] if routing.route is not plain.route else []
    assert [reason for reason in routing.reasons if reason.code == "autonomy"] == changed


def test_raised_risk_is_treated_as_autonomy_four() -> None:
    rules = 'rules: [{id: a, when: "true", risk: medium}]'
    routing = routed(policy(task="risk: low, autonomy: 5", rest=rules), confidence=0.1)
    assert routing.route is Route.AUTO_AUDIT


@pytest.mark.parametrize(
    "demanding", [{"reversible": False}, {"confidence": None}, {"output": "bad"}], ids=lambda fact: next(iter(fact))
)
def test_autonomy_never_lowers_what_needs_a_person(demanding: dict[str, Any]) -> None:
    checks = "checks: [{id: a, field: output, forbid: bad}]"
    routing = routed(policy(task=f"risk: low, autonomy: 5, {checks}"), **demanding)
    assert routing.route >= Route.QUEUE
    assert routed(policy(task=f"risk: low, autonomy: 5, {checks}")).route is Route.AUTO


PROVISIONAL = "queue: {provisional_from: 0.6}"


def test_provisional_release() -> None:
    routing = routed(policy(task=PROVISIONAL), confidence=0.6)
    assert (routing.route, routing.disposition) == (Route.QUEUE, Disposition.EXECUTE_PROVISIONAL)
    assert (routing.outcome, routing.review) == (None, ReviewKind.PROVISIONAL)
    assert routing.reasons[-1] == Reason("provisional", "0.6 >= 0.6", result="execute_provisional")


@pytest.mark.parametrize(
    ("task", "rest", "members"),
    [
        ("", "", {}),
        (PROVISIONAL, "", {"confidence": 0.59}),
        (PROVISIONAL, "", {"confidence": None}),
        (f"{PROVISIONAL}, irreversible: QUEUE", "", {"reversible": False}),
        (f"{PROVISIONAL}, autonomy: 2", "", {}),
        (f"{PROVISIONAL}, checks: [{{id: a, cel: 'false'}}]", "", {}),
        (PROVISIONAL, 'rules: [{id: a, when: "context.gone", risk: low}]', {}),
        (PROVISIONAL, 'rules: [{id: a, when: "true", risk: high}]', {}),
        (
            f"{PROVISIONAL}, matrix: {{high: {{confident: QUEUE, unsure: QUEUE}}}}",
            'rules: [{id: a, when: "true", risk: high}]',
            {},
        ),
    ],
)
def test_no_provisional_release(task: str, rest: str, members: dict[str, Any]) -> None:
    routing = routed(policy(task=task, rest=rest), **{"confidence": 0.7, **members})
    assert (routing.disposition, routing.review) == (Disposition.WAIT, ReviewKind.GATE)
    assert "provisional" not in codes(routing)


@pytest.mark.parametrize("output", ["yes", "bad"])
def test_shadow_is_computed_in_full_and_does_nothing(output: str) -> None:
    checked = policy(task=CHECKS % ("true", "escalate"))
    plain = routed(checked, output=output)
    shadow = routed(checked, output=output, variant="shadow")
    assert (shadow.route, shadow.risk, shadow.threshold) == (plain.route, plain.risk, plain.threshold)
    assert shadow.reasons == (*plain.reasons, Reason("shadow"))
    assert (shadow.disposition, shadow.outcome, shadow.review) == (
        Disposition.DO_NOT_EXECUTE,
        OutcomeResult.SHADOW,
        None,
    )
