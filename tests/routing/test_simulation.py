"""A draft against decisions that were made: each change of cell, and the errors that would run alone."""

import pytest

from routing.decision import DecisionRequest, Risk, Route
from routing.policy import parse_policy
from routing.policy_sections import Cost
from routing.simulation import Cell, Change, Judgement, Made, Simulation

DRAFT = parse_policy("""
version: 1
defaults:
  channel: "#review"
  base_risk: low
  reviewers: {users: [U0ADA]}
  thresholds: {low: 0.60}
tasks:
  label:
    checks: [{id: never, field: output, forbid: secret, on_fail: reject}]
""")
QUEUE_LOW, AUTO_LOW = Cell(Route.QUEUE, Risk.LOW), Cell(Route.AUTO, Risk.LOW)
RIGHT, WRONG = Judgement(False, 1.0), Judgement(True, 1.0)


def made(number: int, confidence: float, cell: Cell, judgement: Judgement | None = None, output: str = "a") -> Made:
    request = DecisionRequest(task_type="label", input="x", output=output, confidence=confidence)
    return Made(f"d-{number}", request, cell, cell.route > Route.AUTO_AUDIT, judgement)


def tried(*decisions: Made) -> Simulation:
    simulation = Simulation(DRAFT)
    for decision in decisions:
        simulation.replay(decision)
    return simulation


def test_every_change_is_counted_and_the_first_are_named() -> None:
    found = tried(*(made(n, 0.65, QUEUE_LOW) for n in range(5)), made(5, 0.5, AUTO_LOW), made(6, 0.9, AUTO_LOW))
    lowered, raised = Change("label", QUEUE_LOW, AUTO_LOW), Change("label", AUTO_LOW, QUEUE_LOW)
    assert found.changes == {lowered: 5, raised: 1, Change("label", AUTO_LOW, AUTO_LOW): 1}
    assert found.examples == {lowered: ["d-0", "d-1", "d-2"], raised: ["d-5"]}
    assert (found.replayed, found.changed) == (7, 6)
    assert (found.before.reviewed, found.before.alone) == (5, 2)
    assert (found.after.reviewed, found.after.alone) == (1, 6)


def test_what_a_check_rejects_neither_waits_nor_runs() -> None:
    found = tried(made(1, 0.9, AUTO_LOW, output="a secret"))
    assert (found.after.reviewed, found.after.alone) == (0, 0)


def test_errors_that_would_run_alone_are_known_from_reviews_and_audits() -> None:
    """The reviewed ones are all judged; of what ran alone one in four was, so each of its labels stands for four."""
    reviewed = [made(n, 0.65, QUEUE_LOW, WRONG if n < 3 else RIGHT) for n in range(60)]
    audited = [made(100 + n, 0.9, AUTO_LOW, Judgement(n < 1, 0.25)) for n in range(10)]
    unseen = [made(200 + n, 0.9, AUTO_LOW) for n in range(30)]
    found = tried(*reviewed, *audited, *unseen)
    assert (found.before.alone, found.after.alone) == (40, 100)
    assert found.before.escape_rate.value == pytest.approx(4 / 40)
    assert found.after.escape_rate.value == pytest.approx(7 / 100)
    assert found.after.escape_rate.n == 70


def test_without_any_judgement_errors_are_not_known() -> None:
    found = tried(made(1, 0.9, AUTO_LOW))
    assert found.after.escape_rate.value is None
    assert found.after.money(Cost(), 1.5).value is None


def test_money_is_people_and_errors() -> None:
    found = tried(*(made(n, 0.65, QUEUE_LOW, WRONG if n < 1 else RIGHT) for n in range(50)))
    cost = Cost(review_minute=2.0, escaped_error=30.0)
    assert found.before.money(cost, 1.5).review == 150
    assert found.after.money(cost, 1.5).review == 0
    assert found.after.money(cost, 1.5).value == pytest.approx(30)
