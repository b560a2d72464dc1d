"""More risk, less confidence or any failure never means less oversight, whatever valid policy is in force."""

import json
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from routing.decision import DecisionRequest, Disposition, OutcomeResult, ReviewKind, Risk, Route, Routing
from routing.policy import Policy
from routing.route import route

RULES = 3
_shares = st.sampled_from([0.0, 0.3, 0.5, 0.7, 0.85, 0.95, 1.0])
_confidences = st.none() | _shares
_flags = st.sampled_from([False, True, "not a boolean"])


@dataclass(frozen=True)
class Facts:
    """One decision under `_policies`: flag n makes rule n fire, hold back or fail; `check` likewise for the check."""

    confidence: float | None
    flags: tuple[bool | str, ...]
    check: bool | str
    reversible: bool

    def routed(self, policy: Policy) -> Routing:
        request = DecisionRequest(
            task_type="t",
            input="?",
            output="!",
            confidence=self.confidence,
            context={f"rule{n}": flag for n, flag in enumerate(self.flags)} | {"check": self.check},
            reversible=self.reversible,
        )
        return route(request, policy)


_facts = st.builds(Facts, _confidences, st.tuples(*[_flags] * RULES), _flags, st.booleans())


@st.composite
def _matrices(draw: st.DrawFn) -> dict[str, dict[str, str]]:
    unsure, confident = (sorted(draw(st.tuples(*[st.sampled_from(Route)] * 4))) for _ in range(2))
    confident = [min(pair) for pair in zip(confident, unsure, strict=True)]
    unsure[3] = max(unsure[3], Route.AUTO_AUDIT)
    confident[3] = max(confident[3], Route.AUTO_AUDIT)
    return {
        risk: {"confident": sure, "unsure": not_sure}
        for risk, sure, not_sure in zip(Risk, confident, unsure, strict=True)
    }


@st.composite
def _policies(draw: st.DrawFn) -> Policy:
    """Any valid policy, with every level of autonomy."""
    base = draw(st.sampled_from(Risk))
    task: dict[str, Any] = {
        "risk": base,
        "autonomy": draw(st.integers(0, 5 if base is Risk.LOW else 4)),
        "matrix": draw(_matrices()),
        "thresholds": dict(zip(Risk, sorted(draw(st.tuples(*[_shares] * 4))), strict=True)),
        "irreversible": draw(st.sampled_from(["QUEUE", "ESCALATE"])),
        "checks": [{"id": "c", "cel": "context.check", "on_fail": draw(st.sampled_from(["escalate", "reject"]))}],
        "rules": [
            {"id": f"rule{n}", "when": f"context.rule{n}", "risk": draw(st.sampled_from(Risk))} for n in range(RULES)
        ],
    }
    if draw(st.booleans()):
        task["threshold"] = draw(_shares)
    if base <= Risk.MEDIUM:
        task["queue"] = {"provisional_from": draw(_confidences)}
    defaults = {"channel": "#review", "reviewers": {"users": ["U0ADA"]}}
    file = {"version": 1, "defaults": defaults, "tasks": {"t": task}}
    return Policy.from_document(json.loads(json.dumps({"file": file, "adjustments": []})))


def oversight(routing: Routing) -> tuple[int, bool]:
    return routing.route.rank, routing.disposition is not Disposition.EXECUTE_PROVISIONAL


thorough = settings(max_examples=100)


@thorough
@given(_policies(), _facts, st.integers(0, RULES - 1))
def test_a_rule_that_fires_or_fails_never_lowers_oversight(policy: Policy, facts: Facts, rule: int) -> None:
    def with_flag(flag: bool | str) -> Facts:
        return replace(facts, flags=(*facts.flags[:rule], flag, *facts.flags[rule + 1 :]))

    silent, fires, fails = (with_flag(flag).routed(policy) for flag in (False, True, "not a boolean"))
    assert oversight(silent) <= oversight(fires) <= oversight(fails)
    assert silent.risk <= fires.risk == fails.risk


@thorough
@given(_policies(), _facts, st.integers(0, RULES - 1), st.sampled_from(Risk))
def test_a_rule_of_a_higher_level_never_lowers_oversight(policy: Policy, facts: Facts, rule: int, higher: Risk) -> None:
    document = json.loads(json.dumps(policy.document))
    level = document["file"]["tasks"]["t"]["rules"][rule]
    level["risk"] = max(Risk(level["risk"]), higher)
    assert oversight(facts.routed(policy)) <= oversight(facts.routed(Policy.from_document(document)))


@thorough
@given(_policies(), _facts, _confidences, _confidences)
def test_less_or_no_confidence_never_lowers_oversight(
    policy: Policy, facts: Facts, one: float | None, other: float | None
) -> None:
    less, more = sorted([one, other], key=lambda confidence: -1 if confidence is None else confidence)
    unsure, sure = (replace(facts, confidence=confidence).routed(policy) for confidence in (less, more))
    assert oversight(unsure) >= oversight(sure)
    assert unsure.confident <= sure.confident


@thorough
@given(_policies(), _facts)
def test_a_check_that_fails_or_breaks_never_lowers_oversight(policy: Policy, facts: Facts) -> None:
    passed, failed, broke = (replace(facts, check=flag).routed(policy) for flag in (True, False, "not a boolean"))
    assert oversight(passed) <= oversight(failed)
    assert failed.route is broke.route is Route.ESCALATE
    assert broke.review is ReviewKind.GATE
    assert not {failed.disposition, broke.disposition} & {Disposition.EXECUTE, Disposition.EXECUTE_PROVISIONAL}


@thorough
@given(_policies(), _facts)
def test_irreversible_never_lowers_oversight(policy: Policy, facts: Facts) -> None:
    undoable, final = (replace(facts, reversible=reversible).routed(policy) for reversible in (True, False))
    assert oversight(undoable) <= oversight(final)
    assert final.route >= Route.QUEUE
    assert final.disposition in (Disposition.WAIT, Disposition.DO_NOT_EXECUTE)


@thorough
@given(_policies(), _facts)
def test_critical_never_runs_alone(policy: Policy, facts: Facts) -> None:
    routing = facts.routed(policy)
    assert routing.risk is not Risk.CRITICAL or routing.route is not Route.AUTO


@thorough
@given(_policies(), _facts)
def test_low_autonomy_always_asks_a_person(policy: Policy, facts: Facts) -> None:
    routing = facts.routed(policy)
    if policy.task("t").autonomy <= 2:
        assert routing.route >= (Route.QUEUE if routing.risk <= Risk.MEDIUM else Route.ESCALATE)
        assert routing.disposition in (Disposition.WAIT, Disposition.DO_NOT_EXECUTE)


@thorough
@given(_policies(), _facts)
def test_provisional_release_only_under_its_conditions(policy: Policy, facts: Facts) -> None:
    routing = facts.routed(policy)
    provisional = routing.disposition is Disposition.EXECUTE_PROVISIONAL
    assert provisional == (routing.review is ReviewKind.PROVISIONAL)
    floor = policy.task("t").queue.provisional_from
    assert provisional == (
        routing.route is Route.QUEUE
        and floor is not None
        and facts.confidence is not None
        and facts.confidence >= floor
        and routing.risk <= Risk.MEDIUM
        and facts.reversible
        and facts.check is True
        and all(isinstance(flag, bool) for flag in facts.flags)
        and policy.task("t").autonomy >= 3
    )


@thorough
@given(_policies(), _facts)
def test_a_decision_is_either_resolved_or_has_a_review(policy: Policy, facts: Facts) -> None:
    routing = facts.routed(policy)
    assert (routing.outcome is None) == (routing.review is not None)
    assert (routing.outcome is OutcomeResult.AUTO) == (routing.route <= Route.AUTO_AUDIT)
    assert routing.reasons[0].code == "risk.base"


@thorough
@given(_policies(), _facts)
def test_a_stored_policy_routes_the_same(policy: Policy, facts: Facts) -> None:
    stored = Policy.from_document(json.loads(json.dumps(policy.document)))
    assert stored.version == policy.version
    assert facts.routed(stored) == facts.routed(policy)
