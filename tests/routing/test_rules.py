from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.decision import DecisionRequest, Risk
from routing.expressions import EvaluationError, Expression, Facts
from routing.policy_sections import Rule
from routing.rules import CompiledRule, FiredRule, fired_rules


def facts(**members: Any) -> Facts:
    return Facts.of(DecisionRequest(**{"task_type": "refund", "input": "please", "output": {"amount": 120}, **members}))


def fired(when: str, **members: Any) -> list[FiredRule]:
    return fired_rules([CompiledRule.of(Rule(id="r", when=when, risk=Risk.HIGH))], facts(**members))


@pytest.mark.parametrize(
    "when",
    [
        "task_type == 'refund'",
        "input.startsWith('p')",
        "output.amount <= 120.5",  # an integer compares with a double
        "confidence == null",
        "model == null && cohort == null",
        "variant == 'primary' && reversible",
        "size(alternatives) == 0",
        "!has(context.gone) && !has(context.inner.gone)",
        "context.inner.list[0] == null",
    ],
)
def test_rule_that_holds_fires(when: str) -> None:
    context = {"gone": None, "inner": {"gone": None, "list": [None]}}
    assert fired(when, context=context) == [FiredRule("r", Risk.HIGH, when, None)]


def test_optional_facts_are_seen_when_given() -> None:
    assert fired(
        "model.name == 'm' && !has(model.version) && cohort == 'eu' && confidence > 0.4"
        " && alternatives[0].output == 'x' && alternatives[0].confidence == null",
        model={"name": "m"},
        cohort="eu",
        confidence=0.5,
        alternatives=[{"output": "x"}],
    )


def test_rule_that_does_not_hold_is_silent() -> None:
    assert fired("has(context.amount) && context.amount > 10000", context={"amount": 120}) == []


@pytest.mark.parametrize(
    ("when", "error"),
    [
        ("context.missing > 1", "missing"),
        ("confidence > 0.5", "overload"),  # unknown confidence
        ("context.flag", "gave STRING"),
        ("output.amount", "gave INT"),
        ("dyn(null)", "gave NULL"),
        ("1 / 0 == 1", "divide by zero"),
        ("input.matches('(')", "regular expression"),
        ("context.items.all(x, context.items.all(y, x + y >= 0))", "budget"),
    ],
)
def test_rule_that_cannot_be_evaluated_fires_with_its_error(when: str, error: str) -> None:
    context = {"flag": "yes", "items": list(range(2000))}
    [rule] = fired(when, context=context)
    assert rule.level is Risk.HIGH
    assert error in (rule.error or "")


def test_every_rule_is_evaluated_and_order_is_kept() -> None:
    rules = [
        CompiledRule.of(Rule(id=name, when=when, at_least=Risk.LOW))
        for name, when in [("a", "true"), ("b", "false"), ("c", "context.x"), ("d", "true")]
    ]
    assert [rule.id for rule in fired_rules(rules, facts())] == ["a", "c", "d"]


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(
    _json, _json, st.sampled_from(["context.x == output", "context.x > 1", "output.a.b", "size(output) > 1", "true"])
)
def test_any_json_gives_a_boolean_or_an_evaluation_error(value: Any, output: Any, source: str) -> None:
    try:
        answer = Expression(source).holds(facts(output=output, context={"x": value}))
    except EvaluationError:
        return
    assert isinstance(answer, bool)


def test_edited_output_replaces_only_the_output() -> None:
    original = facts(context={"x": 1})
    edited = original.with_output({"amount": 100})
    expression = Expression("output.amount == 100 && context.x == 1")
    assert (expression.holds(original), expression.holds(edited)) == (False, True)
