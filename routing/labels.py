"""Labels: whether the model was right, beside its confidence; and what they say about every threshold at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]
    Column: TypeAlias = Sequence[float] | Array


LEAST_INCLUSION: Final = 1e-9
"""A label of a smaller chance would stand for more decisions than there are; its weight soon exceeds all numbers."""

_SEED = 1
_MOST_PROBABILITIES = 64
"""As many least probabilities are told apart; where each label has one of its own, some keep fewer than they could."""


class LabelError(ValueError):
    """Values that nothing can be computed from.

    Attributes:
        index: of the value, counted from 0.
        name: of the value's column, as in the file of `hitl calibrate`: confidence, is_correct or inclusion_prob.
        problem: what is wrong with it, and what is right.
    """

    def __init__(self, index: int, name: str, problem: str) -> None:
        super().__init__(f"{name}[{index}]: {problem}")
        self.index = index
        self.name = name
        self.problem = problem


@dataclass(frozen=True, eq=False, slots=True)
class Decisions:
    """Decisions of the same task that nobody labelled, as a histogram of their confidence: most confident first."""

    confidence: "Array"
    count: "Array"

    def above(self, thresholds: "Array") -> "Array":
        """How many have at least this confidence, for each threshold."""
        import numpy as np  # noqa: PLC0415 - heavy, and only wanted where a calibration runs

        summed = np.concatenate(([0.0], np.cumsum(self.count)))
        return summed[np.searchsorted(-self.confidence, -thresholds, side="right")]


@dataclass(frozen=True, eq=False, slots=True)
class Labels:
    """Labelled decisions whose confidence is known, most confident first.

    Attributes:
        confidence: 0..1.
        is_wrong: the person did not let the model's output stand.
        weight: 1 / the probability with which the decision was chosen to be labelled; 1 or more.
        unknown: how many decisions had no confidence, labelled or not. They always go to a person.
        unlabelled: the other decisions that the labels stand for; None: nothing is known of them.
    """

    confidence: "Array"
    is_wrong: "Array"
    weight: "Array"
    unknown: float = 0.0
    unlabelled: Decisions | None = None

    def __len__(self) -> int:
        return len(self.confidence)


def labels_of(
    confidence: "Column",
    is_wrong: "Column",
    inclusion: "Column | None" = None,
    *,
    unknown: float = 0.0,
    unlabelled: Decisions | None = None,
) -> Labels:
    """Labels from equally long columns in any order; `inclusion` None: all decisions were labelled, or all with the
    same probability.

    Raises:
        LabelError: a confidence is not in 0..1, an inclusion probability not in 1e-9..1, or a column ends early.
    """
    import numpy as np  # noqa: PLC0415

    confident = _checked("confidence", confidence, 0.0)
    wrong = np.asarray(is_wrong, dtype=bool)
    design = np.ones(len(confident)) if inclusion is None else _checked("inclusion_prob", inclusion, LEAST_INCLUSION)
    for name, column in (("is_correct", wrong), ("inclusion_prob", design)):
        if len(column) != len(confident):
            raise LabelError(min(len(column), len(confident)), name, f"{len(confident)} values are expected")
    order = np.argsort(-confident, kind="stable")
    return Labels(confident[order], wrong[order], 1.0 / design[order], unknown, unlabelled)


def decisions_of(confidence: "Column", count: "Column | None" = None) -> Decisions:
    """A histogram of confidences in any order; `count` None: one each.

    Raises:
        LabelError: a confidence is not within 0..1.
    """
    import numpy as np  # noqa: PLC0415

    confident = _checked("confidence", confidence, 0.0)
    counted = np.ones(len(confident)) if count is None else np.asarray(count, dtype=float)
    order = np.argsort(-confident, kind="stable")
    return Decisions(confident[order], counted[order])


def _checked(name: str, values: "Column", least: float) -> "Array":
    import numpy as np  # noqa: PLC0415

    column = np.asarray(values, dtype=float)
    outside = np.flatnonzero(~((column >= least) & (column <= 1)))  # NaN is outside too
    if len(outside):
        index = int(outside[0])
        raise LabelError(index, name, f"{column[index]:g} is not within {least:g}..1")
    return column


@dataclass(frozen=True, eq=False, slots=True)
class Curve:
    """For each distinct confidence of the labels, strict to loose: what would run alone with it as the threshold.

    Attributes:
        threshold: decisions with at least this confidence run alone; equal confidences stay together.
        labels: how many of them are labelled.
        errors: how many of those are wrong.
        kept: how many labels are left when each is kept with the probability (least π / its π): as if all of them had
            been chosen with the same, least probability. All of them where they were.
        kept_errors: how many of the kept ones are wrong.
        rate: the estimated share of errors in what would run alone, each label with its weight.
        volume: how many decisions, labelled or not, would run alone; estimated by the weights where nothing is known of
            the unlabelled.
        total: how many decisions there are, those of unknown confidence included.
    """

    threshold: "Array"
    labels: "Array"
    errors: "Array"
    kept: "Array"
    kept_errors: "Array"
    rate: "Array"
    volume: "Array"
    total: float

    def at(self, thresholds: "Array") -> "Array":
        """The index of the loosest step at or above each threshold; -1: no label is as confident."""
        import numpy as np  # noqa: PLC0415

        return np.searchsorted(-self.threshold, -thresholds, side="right") - 1


def curve_of(labels: Labels) -> Curve:
    """All thresholds at once; there must be at least one label."""
    import numpy as np  # noqa: PLC0415

    last = np.append(np.flatnonzero(np.diff(labels.confidence)), len(labels) - 1)  # of each group of equal confidences
    threshold = labels.confidence[last]
    weights = np.cumsum(labels.weight)[last]
    kept, kept_errors = _thinned(labels, last)
    volume, total = _volumes(labels, last, threshold)
    return Curve(
        threshold=threshold,
        labels=last + 1,
        errors=np.cumsum(labels.is_wrong)[last],
        kept=kept,
        kept_errors=kept_errors,
        rate=np.cumsum(np.where(labels.is_wrong, labels.weight, 0.0))[last] / weights,
        volume=weights if volume is None else volume,
        total=float(weights[-1] if total is None else total) + labels.unknown,
    )


def _thinned(labels: Labels, last: "Array") -> tuple["Array", "Array"]:
    """Of each threshold: the labels that are left at the least probability of those above it, and the wrong ones."""
    import numpy as np  # noqa: PLC0415

    largest = np.maximum.accumulate(labels.weight)
    # The same chance for the same place in the order of confidences, and none for what people said.
    chance = np.random.default_rng(_SEED).random(len(labels))
    kept, errors = np.empty(len(last), np.int64), np.empty(len(last), np.int64)
    starts = np.unique(largest, return_index=True)[1]
    starts = starts[:: -(-len(starts) // _MOST_PROBABILITIES)]
    for start, end in zip(starts, [*starts[1:], len(labels)], strict=True):
        steps = (last >= start) & (last < end)
        staying = chance[:end] * largest[end - 1] < labels.weight[:end]
        kept[steps] = np.cumsum(staying)[last[steps]]
        errors[steps] = np.cumsum(staying & labels.is_wrong[:end])[last[steps]]
    return kept, errors


def _volumes(labels: Labels, last: "Array", threshold: "Array") -> tuple["Array | None", float | None]:
    """Of each threshold, and in all; None: nothing is known of the unlabelled."""
    if labels.unlabelled is None:
        return None, None
    return (last + 1) + labels.unlabelled.above(threshold), len(labels) + float(labels.unlabelled.count.sum())
