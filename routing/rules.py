"""The risk rules: each may only raise the risk, and one that cannot be evaluated raises it too."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from routing.decision import Risk
from routing.expressions import EvaluationError, Expression, Facts
from routing.policy_sections import Rule


@dataclass(frozen=True, slots=True)
class FiredRule:
    """A rule that raises the risk: it holds, or (`error`) it could not be evaluated."""

    id: str
    level: Risk
    expression: str
    error: str | None


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule of the policy, ready to be evaluated."""

    id: str
    level: Risk
    expression: Expression

    @classmethod
    def of(cls, rule: Rule) -> Self:
        return cls(rule.id, rule.level, Expression(rule.when))


def fired_rules(rules: Iterable[CompiledRule], facts: Facts) -> list[FiredRule]:
    """All rules that fired, in the policy's order; every rule is evaluated."""
    fired = []
    for rule in rules:
        try:
            if rule.expression.holds(facts):
                fired.append(FiredRule(rule.id, rule.level, rule.expression.source, None))
        except EvaluationError as error:
            fired.append(FiredRule(rule.id, rule.level, rule.expression.source, str(error)))
    return fired
