"""What a calibration says: in a sentence, as text for a terminal, and as an object."""

from collections.abc import Iterator
from dataclasses import asdict
from math import floor
from textwrap import wrap
from typing import Final

from bot.reporting.words import numbered, percent, shown
from routing.calibration import Calibration, Reason
from routing.decision import Json
from routing.reliability import Bin, Reliability
from routing.tradeoff import Row

_COLUMNS: Final = 80
_AXIS: Final = 40


def sentence(found: Calibration) -> str:
    """The recommendation, or the refusal and what would end it."""
    if found.chosen is not None:
        row, goal = found.chosen, found.goal
        return (
            f"Threshold {shown(row.threshold)}: {percent(row.coverage)} of all decisions run alone, and with "
            f"{percent(1 - goal.delta)} certainty at most {percent(goal.max_error)} of them are wrong. "
            f"{row.errors:,} of the {numbered(row.autonomous, 'label')} above it were."
        )
    return f"Keep a person on everything; {lacking(found)}."


def lacking(found: Calibration) -> str:
    """What would end a refusal, as a clause."""
    if found.reason is Reason.UNINFORMATIVE and found.reliability is not None:
        return _uninformative(found.reliability)
    if found.missing is None:
        return (
            f"errors are more frequent than {percent(found.goal.max_error)} however sure the model is, and more labels "
            "alone will not change that"
        )
    more, verb = numbered(found.missing.labels, "more label"), "is" if found.missing.labels == 1 else "are"
    if found.reason is Reason.TOO_FEW_LABELS:
        return f"{more} {verb} the least that could prove a threshold"
    return f"{more} at or above {shown(found.missing.above)} would decide it, if errors stay as rare there as they are"


def _uninformative(found: Reliability) -> str:
    low, high = found.bins[0].low, found.bins[-1].high
    if low == high:
        return f"the confidence is always {shown(low)}, so no threshold can tell right from wrong"
    return (
        "the confidence carries hardly any information: it puts a right answer above a wrong one in "
        f"{percent(found.auroc or 0)} of cases, a coin does in 50 %"
    )


def calibration_object(task_type: str | None, found: Calibration) -> dict[str, Json]:
    """As `hitl calibrate --json` prints it. A refusal has no threshold and lets nothing run alone; where no number of
    labels would end it, `labels_missing` is null."""
    row = found.chosen
    return {
        "task_type": task_type,
        "max_error": found.goal.max_error,
        "delta": found.goal.delta,
        "look": found.look,
        "labels": found.labels,
        "wrong": found.wrong,
        "reason": found.reason.value,
        "recommendation": sentence(found),
        "threshold": found.threshold,
        "autonomous": 0 if row is None else row.autonomous,
        "coverage": 0.0 if row is None else row.coverage,
        "errors": 0 if row is None else row.errors,
        "error_upper_bound": None if row is None else row.error_upper_bound,
        "labels_missing": found.missing.labels if found.missing is not None else None if row is None else 0,
        "labels_missing_above": None if found.missing is None else found.missing.above,
        "table": [asdict(each) for each in found.table],
        "reliability": None if found.reliability is None else asdict(found.reliability),
        "worth": None if found.worth is None else asdict(found.worth),
        "risk_coverage": [{"coverage": coverage, "error_rate": rate} for coverage, rate in found.risk_coverage],
    }


def calibration_text(task_type: str | None, found: Calibration) -> str:
    """For a terminal of 80 columns: the trade-off, the reliability diagram, and what follows from them."""
    heading = f"{task_type or 'no task'}: {numbered(found.labels, 'label')}, {found.wrong:,} wrong"
    lines = [f"{heading}; at most {percent(found.goal.max_error)} errors, delta {percent(found.goal.delta)}"]
    if found.table:
        lines += ["", *_table(found)]
    if found.reliability is not None:
        lines += ["", *_diagram(found.reliability)]
    return "\n".join([*lines, "", *wrap(sentence(found), _COLUMNS)])


def _table(found: Calibration) -> Iterator[str]:
    yield f"{'threshold':>12}{'run alone':>12}{'to people':>12}{'labels':>10}{'wrong':>8}{'errors':>9}{'at most':>10}"
    for row in found.table:
        yield _row(row, is_chosen=row == found.chosen)
    yield f"At most: by each row alone, exceeded with a probability of {percent(found.goal.delta)}."


def _row(row: Row, *, is_chosen: bool) -> str:
    numbers = f"{row.autonomous:>10,}{row.errors:>8,}{percent(row.error_rate):>9}{percent(row.error_upper_bound):>10}"
    start = f"{shown(row.threshold):>12}{percent(row.coverage):>12}{percent(row.escalation):>12}"
    return f"{start}{numbers}{' ←' if is_chosen else ''}"


def _diagram(found: Reliability) -> Iterator[str]:
    # An axis needs a length, also where all is right and the model was sure of it.
    least = min(floor(10 * min(min(each.accuracy, each.band_low) for each in found.bins)), 9) / 10
    left, right = percent(least), "100 %"
    yield f"{'confidence':>19}{'labels':>9}{'right':>9}  {left}{right:>{_AXIS + 1 - len(left)}}"
    for each in found.bins:
        limits = shown(each.low) if each.low == each.high else f"{shown(each.low)}–{shown(each.high)}"
        yield f"{limits:>19}{each.n:>9,}{percent(each.accuracy):>9}  {_axis(each, least)}"
    yield "● was right; ░ where a perfect confidence would lie in 95 % of cases"
    verdict = "not what it says" if found.miscalibrated else "as good as chance allows"
    yield (
        f"ECE {found.ece:.3f}; a perfect one has {found.ece_if_perfect:.3f}, up to {found.ece_if_perfect_high:.3f}: "
        f"{verdict}."
    )
    auroc = "" if found.auroc is None else f"; AUROC {found.auroc:.3f} ({found.auroc_low:.3f}–{found.auroc_high:.3f})"
    yield f"Brier {found.brier:.3f}{auroc}"


def _axis(each: Bin, least: float) -> str:
    low, high, right = (_column(share, least) for share in (each.band_low, each.band_high, each.accuracy))
    cells = ["░" if low <= column <= high else " " for column in range(_AXIS + 1)]
    cells[right] = "●"
    return "".join(cells).rstrip()


def _column(share: float, least: float) -> int:
    return round((share - least) / (1 - least) * _AXIS)
