"""What routing costs beyond its CEL evaluations: `python -m benchmarks.routing_cost`.

Times, in turn, the whole of `route` with 20 rules and the evaluation of those 20 expressions alone (on facts converted
anew each time, as for each decision), and prints the ratio of the medians of five rounds.
"""

import statistics
import time
from collections.abc import Callable

from benchmarks.report import Line, show
from routing.decision import DecisionRequest
from routing.expressions import Facts
from routing.policy import parse_policy
from routing.route import route

_ROUNDS = 5
_DECISIONS = 2_000
_TARGET = 3.0
_RULES = "\n".join(
    f'  - {{id: rule_{n}, when: "has(context.amount) && context.amount > {1000 + n}", risk: high}}' for n in range(20)
)
_POLICY = parse_policy(f"""
version: 1
defaults:
  channel: "#review"
  reviewers: {{users: [U0ADA]}}
rules:
{_RULES}
""")
_REQUEST = DecisionRequest(
    task_type="refund",
    input="I want my money back",
    output={"action": "refund", "amount": 120},
    confidence=0.97,
    context={"amount": 120, "is_new_user": False, "country": "DE"},
)


def _whole() -> None:
    route(_REQUEST, _POLICY)


_COMPILED = [rule.expression.compiled for rule in _POLICY.task("refund").rules]


def _cel_alone() -> None:
    facts = Facts.of(_REQUEST)
    for expression in _COMPILED:
        expression.eval(facts.activation)


def _microseconds(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    for _ in range(_DECISIONS):
        work()
    return (time.perf_counter() - start) / _DECISIONS * 1e6


def main() -> None:
    assert route(_REQUEST, _POLICY).outcome == "auto", "the benchmark's decision should run alone"
    rounds = [(_microseconds(_whole), _microseconds(_cel_alone)) for _ in range(_ROUNDS)]
    whole, cel = (statistics.median(column) for column in zip(*rounds, strict=True))
    lines = [
        Line("routing", f"{whole:.1f} µs"),
        Line("its CEL evaluations alone", f"{cel:.1f} µs"),
        Line("ratio", f"{whole / cel:.2f}", f"≤ {_TARGET}", whole / cel <= _TARGET),
    ]
    show(f"Routing with 20 rules, medians of {_ROUNDS} rounds of {_DECISIONS:,} decisions", lines)


if __name__ == "__main__":
    main()
