"""The shipped decisions: small, valid, made by the script beside them, and about as good as real models are."""

import json
from collections import defaultdict
from typing import Any

import pytest

from bot.demo.make_decisions import SHIPPED, decisions
from bot.demo.tickets import MARK
from routing.decision import DecisionRequest

Line = dict[str, Any]


@pytest.fixture(scope="module")
def shipped() -> list[Line]:
    return [json.loads(line) for line in SHIPPED.read_text(encoding="utf-8").splitlines()]


def test_the_file_is_small_and_large_enough(shipped: list[Line]) -> None:
    assert SHIPPED.stat().st_size < 2_000_000
    assert len(shipped) >= 2500
    assert len({line["id"] for line in shipped}) == len(shipped)


def test_every_line_is_a_valid_request_that_says_it_is_made_up(shipped: list[Line]) -> None:
    for line in shipped:
        request = {key: value for key, value in line.items() if key not in ("truth", "right")}
        assert DecisionRequest.model_validate(request).input.startswith(MARK)


def test_right_means_that_the_output_is_the_truth(shipped: list[Line]) -> None:
    assert all(line["right"] == (line["output"] == line["truth"]) for line in shipped)


def test_each_task_is_mostly_right_and_errs_even_when_it_is_confident(shipped: list[Line]) -> None:
    by_task = defaultdict(list)
    for line in shipped:
        by_task[line["task_type"]].append(line)
    assert set(by_task) == {"ticket_classification", "refund", "reply_draft"}
    for lines in by_task.values():
        assert 0.84 < _accuracy(lines) < 0.94
    assert sum(not line["right"] and line.get("confidence", 0) > 0.9 for line in shipped) > 20


def test_confidence_tells_something(shipped: list[Line]) -> None:
    known = sorted((line for line in shipped if "confidence" in line), key=lambda line: float(line["confidence"]))
    third = len(known) // 3
    assert _accuracy(known[:third]) < 0.8
    assert _accuracy(known[-third:]) > 0.95


def test_no_confidence_means_that_no_sum_was_found(shipped: list[Line]) -> None:
    unknown = [line for line in shipped if "confidence" not in line]
    assert unknown
    assert all((line["output"]["action"], line["output"]["amount"]) == ("refund", 0) for line in unknown)


def test_the_shipped_file_is_what_the_script_makes(shipped: list[Line]) -> None:
    """Another processor may round the training differently, so confidences are compared with a little room."""
    made = list(decisions())
    assert [_facts(line) for line in made] == [_facts(line) for line in shipped]
    same = [(new, old) for new, old in zip(made, shipped, strict=True) if new["output"] == old["output"]]
    assert len(same) > 0.995 * len(shipped)
    for new, old in same:
        assert new.get("confidence", -1) == pytest.approx(old.get("confidence", -1), abs=0.01)


def _facts(line: Line) -> list[Any]:
    return [line[key] for key in ("id", "task_type", "input", "subject", "cohort", "reversible", "truth")]


def _accuracy(lines: list[Line]) -> float:
    return sum(bool(line["right"]) for line in lines) / len(lines)
