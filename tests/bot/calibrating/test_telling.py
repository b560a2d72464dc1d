"""What a calibration says, in words and as text of 80 columns."""

import numpy as np
import pytest

from bot.calibrating.telling import calibration_object, calibration_text, sentence
from bot.reporting.words import shown
from routing.calibration import calibrate
from routing.labels import Labels, labels_of
from routing.maturity import Goal

GOAL = Goal(0.02, 0.05)


def drawn(number: int, seed: int = 1) -> Labels:
    chance = np.random.default_rng(seed)
    confidence = 1 - 0.6 * chance.random(number) ** 3
    return labels_of(confidence, chance.random(number) > confidence, unknown=50)


def test_what_is_copied_lets_nothing_more_run_alone() -> None:
    assert [shown(value) for value in (0.9, 0.85, 1.0, 0.0)] == ["0.9", "0.85", "1", "0"]
    assert shown(0.12345601) == "0.123457"
    assert float(shown(2 / 3)) >= 2 / 3


def test_a_certificate_in_a_sentence() -> None:
    labels = labels_of([0.95] * 300 + [0.5] * 100, [False] * 300 + [True] * 100)
    assert sentence(calibrate(labels, GOAL)) == (
        "Threshold 0.95: 75.0 % of all decisions run alone, and with 95.0 % certainty at most 2.0 % of them are "
        "wrong. 0 of the 300 labels above it were."
    )


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (labels_of([], []), "149 more labels are the least that could prove a threshold"),
        (labels_of(np.linspace(0.5, 1, 148), [False] * 148), "1 more label are"),
        (
            labels_of([0.95] * 200 + [0.5] * 400, [n == 7 for n in range(200)] + [n % 3 == 0 for n in range(400)]),
            "36 more labels at or above 0.95 would decide it, if errors stay as rare there as they are",
        ),
        (labels_of([0.9] * 500, [n < 50 for n in range(500)]), "the confidence is always 0.9, so no threshold can"),
        (
            labels_of(np.linspace(0, 1, 2000), [n % 10 == 0 for n in range(2000)]),
            "the confidence carries hardly any information: it puts a right answer above a wrong one in",
        ),
        (
            labels_of([0.9] * 500 + [0.1] * 500, [n % 10 == 0 for n in range(500)] + [n % 2 == 0 for n in range(500)]),
            "errors are more frequent than 2.0 % however sure the model is, and more labels alone will not change",
        ),
    ],
)
def test_a_refusal_keeps_a_person_on_everything(labels: Labels, told: str) -> None:
    found = calibrate(labels, GOAL)
    assert sentence(found).startswith(f"Keep a person on everything; {told.replace(' label are', ' label is')}")
    assert found.threshold is None


def test_a_model_that_is_always_sure_and_right_has_a_diagram_too() -> None:
    told = calibration_text("refund", calibrate(labels_of([1.0] * 50, [False] * 50), GOAL)).splitlines()
    assert [line.split() for line in told if line.endswith("●")] == [["1", "50", "100.0", "%", "●"]]


def test_the_object_of_a_certificate() -> None:
    labels = labels_of([0.95] * 300 + [0.5] * 100, [False] * 300 + [True] * 100, unknown=100)
    told = calibration_object("refund", calibrate(labels, GOAL))
    assert {key: told[key] for key in ("task_type", "threshold", "autonomous", "coverage", "errors")} == {
        "task_type": "refund",
        "threshold": 0.95,
        "autonomous": 300,
        "coverage": 0.6,
        "errors": 0,
    }
    assert told["error_upper_bound"] == pytest.approx(0.00994, abs=0.00001)
    assert (told["reason"], told["labels_missing"]) == ("certified", 0)
    assert [row["threshold"] for row in told["table"]] == [0.95, 0.5]


def test_the_object_of_a_refusal() -> None:
    told = calibration_object("refund", calibrate(drawn(60), GOAL))
    assert (told["threshold"], told["error_upper_bound"]) == (None, None)
    assert (told["autonomous"], told["coverage"], told["errors"]) == (0, 0.0, 0)
    assert (told["reason"], told["labels_missing"]) == ("too_few_labels", 89)
    assert calibration_object("refund", calibrate(labels_of([0.9] * 500, [True] * 500), GOAL))["labels_missing"] is None


@pytest.mark.parametrize("number", [1, 60, 3000])
def test_the_text_reads_at_80_columns(number: int) -> None:
    text = calibration_text("refund", calibrate(drawn(number), GOAL))
    assert max(map(len, text.splitlines())) <= 80
    assert text.startswith(f"refund: {number:,} label")


def test_the_chosen_row_and_the_diagram() -> None:
    labels = labels_of([0.95] * 300 + [0.5] * 100, [False] * 300 + [n < 80 for n in range(100)])
    lines = calibration_text("refund", calibrate(labels, GOAL)).splitlines()
    assert ["0.95", "75.0", "%", "25.0", "%", "300", "0", "0.0", "%", "1.0", "%", "←"] in [
        line.split() for line in lines
    ]
    # The axis begins at 20 %: the lower level was right as often as that, far left of where it should have been.
    [low] = [line for line in lines if line.strip().startswith("0.5 ") and "●" in line]
    assert low.index("●") == 39
    assert "░" in low[40:]
