"""Calibration of one task: the threshold that people's labels prove, or why they prove none, and what goes with it.

A certificate holds for the task type, model, model version and confidence source whose labels it was made from; for
anything else the task begins anew.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from routing.certificate import Missing, certified_threshold, delta_of_look, is_enough, missing_labels
from routing.labels import Curve, Labels, curve_of
from routing.maturity import Goal
from routing.reliability import Reliability, is_constant, is_uninformative, reliability
from routing.tradeoff import Row, risk_coverage, rows, tenths
from routing.worth import ConfidenceWorth, confidence_worth


class Reason(StrEnum):
    CERTIFIED = "certified"
    TOO_FEW_LABELS = "too_few_labels"
    NOT_CERTIFIED = "not_certified"
    UNINFORMATIVE = "uninformative"


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the labels say.

    Attributes:
        goal: the bound, with the delta that this look spent.
        look: the scheduled look it was, from 1; None: a single look that spends all of delta.
        sensitivity: the share of the model's errors that reviewers see; the bound is meant for all of them.
        reason: `certified`, or why there is no threshold.
        threshold: decisions with at least this confidence may run alone; None: everything stays with people.
        labels: with a known confidence; `wrong` of them were wrong.
        chosen: what happens with this threshold; None without one.
        missing: what a refusal lacks; None: nothing, or more labels alone will not do.
        table: the trade-off, strict to loose, the chosen threshold among it.
        reliability: the diagram and its summary; None without labels, as `worth`.
        worth: what a confidence is worth, for display.
        risk_coverage: (coverage, error rate), strict to loose.
    """

    goal: Goal
    look: int | None
    sensitivity: float
    reason: Reason
    threshold: float | None
    labels: int
    wrong: int
    chosen: Row | None
    missing: Missing | None
    table: tuple[Row, ...]
    reliability: Reliability | None
    worth: ConfidenceWorth | None
    risk_coverage: tuple[tuple[float, float], ...]


def calibrate(
    labels: Labels,
    goal: Goal,
    *,
    look: int | None = None,
    sensitivity: float = 1.0,
    also: Iterable[float] = (),
) -> Calibration:
    """Calibrates one task; a million labels take less than two seconds, so do it beside an event loop, not in it.

    Args:
        look: which of the scheduled looks it is, from 1; each spends a part of delta (`delta_of_look`).
        sensitivity: the share of errors that reviewers are measured to see, in (0, 1]: the labels are tested against
            max_error × sensitivity.
        also: thresholds that the table tells of too, such as the one in force.
    """
    spent = goal if look is None else replace(goal, delta=delta_of_look(goal.delta, look))
    if len(labels) == 0:
        return Calibration(
            goal=spent,
            look=look,
            sensitivity=sensitivity,
            reason=Reason.TOO_FEW_LABELS,
            threshold=None,
            labels=0,
            wrong=0,
            chosen=None,
            missing=Missing(spent.least_labels, 0.0),
            table=(),
            reliability=None,
            worth=None,
            risk_coverage=(),
        )
    found, curve = reliability(labels), curve_of(labels)
    seen = replace(spent, max_error=spent.max_error * sensitivity)
    threshold, reason, missing = _decided(labels, curve, seen, found)
    marked = {*tenths(curve), *also, *(() if threshold is None else (threshold,))}
    table = rows(curve, marked, spent.delta, sensitivity)
    return Calibration(
        goal=spent,
        look=look,
        sensitivity=sensitivity,
        reason=reason,
        threshold=threshold,
        labels=len(labels),
        wrong=int(labels.is_wrong.sum()),
        chosen=next((row for row in table if row.threshold == threshold), None),
        missing=missing,
        table=table,
        reliability=found,
        worth=confidence_worth(labels, found.bins),
        risk_coverage=risk_coverage(curve),
    )


def _decided(
    labels: Labels, curve: Curve, goal: Goal, found: Reliability
) -> tuple[float | None, Reason, Missing | None]:
    # No threshold divides what is all the same, however good it is: that is a matter of the task's autonomy.
    threshold = None if is_constant(labels) else certified_threshold(curve, goal)
    if threshold is not None:
        return threshold, Reason.CERTIFIED, None
    if is_uninformative(labels, found):
        return None, Reason.UNINFORMATIVE, None
    reason = Reason.NOT_CERTIFIED if is_enough(curve, goal) else Reason.TOO_FEW_LABELS
    return None, reason, missing_labels(curve, goal)
