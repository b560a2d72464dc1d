"""What a channel is told of a calibration: golden files, and a table that a telephone shows in one piece."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.slack.calibration_post import CalibrationPost, render_calibration
from routing.calibration import Calibration, Reason
from routing.certificate import Missing
from routing.maturity import Goal
from routing.reliability import Bin, Reliability
from routing.tradeoff import Row
from store.threshold_effect import ThresholdEffect
from tests.bot.slack import samples
from tests.support.slack_checker import check_message

ROWS = (
    Row(0.97, 61, 0, 0.0, 0.056, 610.0, 0.1, 0.9),
    Row(0.93123456, 312, 2, 0.0064, 0.0198, 3120.0, 0.52, 0.48),
    Row(0.9, 378, 9, 0.0238, 0.0441, 3780.0, 0.63, 0.37),
    Row(0.02, 600, 61, 0.1017, 0.13, 6000.0, 1.0, 0.0),
)
RELIABLE = Reliability(
    bins=(Bin(0.02, 0.9, 300, 0.6, 0.7, 0.55, 0.65), Bin(0.9, 1.0, 300, 0.95, 0.99, 0.92, 0.98)),
    ece=0.041,
    ece_if_perfect=0.021,
    ece_if_perfect_high=0.034,
    brier=0.071,
    auroc=0.81,
    auroc_low=0.76,
    auroc_high=0.86,
)
CERTIFIED = Calibration(
    goal=Goal(0.02, 0.0076),
    look=2,
    sensitivity=1.0,
    reason=Reason.CERTIFIED,
    threshold=ROWS[1].threshold,
    labels=600,
    wrong=61,
    chosen=ROWS[1],
    missing=None,
    table=ROWS,
    reliability=RELIABLE,
    worth=None,
    risk_coverage=(),
)
REFUSED = replace(
    CERTIFIED, reason=Reason.NOT_CERTIFIED, threshold=None, chosen=None, missing=Missing(142, 0.9), table=ROWS[2:]
)
EFFECT = ThresholdEffect(6_000, 6_000, 3_780, 3_120, samples.NOW - timedelta(days=30))
POST = CalibrationPost(
    task_type="refund",
    model="gpt-x 2026-10",
    confidence_source="logprob",
    found=CERTIFIED,
    categories={"wrong_amount": 40, "": 2, "tone": 19},
    in_force=0.9,
    autonomy=3,
    now=samples.NOW,
    effect=EFFECT,
)


@pytest.mark.parametrize(
    ("name", "post"),
    [
        ("certified", POST),
        ("refused", replace(POST, found=REFUSED, effect=None, model="")),
        ("refused_alone", replace(POST, found=REFUSED, effect=None, autonomy=2)),
        ("people", replace(POST, autonomy=2, effect=replace(EFFECT, alone=0))),
        ("other", replace(POST, why_no_button="Another model <@U0EVE> is at work.")),
    ],
)
def test_golden(name: str, post: CalibrationPost) -> None:
    message = render_calibration(post)
    check_message(message.text, message.blocks, frozenset())
    samples.assert_golden(f"calibration_{name}", {"text": message.text, "blocks": message.blocks})


def test_the_table_fits_a_telephone() -> None:
    [table] = [block for block in render_calibration(POST).blocks if block["block_id"] == "calibration.table"]
    lines = table["elements"][1]["elements"][0]["text"].splitlines()
    assert max(map(len, lines)) <= 34
    assert [line[-1] for line in lines[1:]] == ["%", "←", "●", "%"]


@pytest.mark.parametrize(
    ("alone", "would", "days", "told"),
    [
        (3_000, 3_000, 30, "as many reviews as now"),
        (3_000, 3_030, 30, "1 fewer review a day"),
        (3_000, 3_045, 30, "1.5 fewer reviews a day"),
        (3_000, 2_000, 10, "100 more reviews a day"),
        (60, 0, 0.5, "60 more reviews a day"),
    ],
)
def test_reviews_a_day_count_the_days_that_there_were(alone: int, would: int, days: float, told: str) -> None:
    effect = replace(EFFECT, alone=alone, would=would, first=samples.NOW - timedelta(days=days))
    assert told in str(render_calibration(replace(POST, effect=effect)).blocks)


@pytest.mark.parametrize("attack", samples.ATTACKS)
def test_no_name_is_more_than_text(attack: str) -> None:
    post = replace(POST, model=attack, confidence_source=attack, categories={attack: 3}, why_no_button=attack)
    message = render_calibration(post)
    check_message(message.text, message.blocks, frozenset())
