"""How fast a million labels are calibrated, and whether thresholds hold on real decisions:
`python -m benchmarks.calibration FOLDER`.

FOLDER holds CSV files of decisions whose truth is known, in the format of `hitl calibrate --labels`. From each, 500 and
1,000 labels are drawn 300 times; the threshold that they certify at 2 % and delta 10 % is then judged by all of the
file. With a reference in the folder's files (support_intent, assistant_intent_oos, content_moderation), the coverage
is compared with it.
"""

import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.report import Line, show
from bot.calibrating.labels_file import read_labels
from routing.calibration import calibrate
from routing.certificate import certified_threshold
from routing.labels import Labels, curve_of, labels_of
from routing.maturity import Goal

_LABELS = 1_000_000
_ROUNDS = 5
_SECONDS = 2.0
_DRAWS = 300
_GOAL = Goal(0.02, 0.10)
_MOST_VIOLATIONS = _GOAL.delta + 2 * (_GOAL.delta * (1 - _GOAL.delta) / _DRAWS) ** 0.5
_REFERENCE = {
    ("support_intent", 500): 0.53,
    ("support_intent", 1000): 0.66,
    ("assistant_intent_oos", 500): 0.34,
    ("assistant_intent_oos", 1000): 0.46,
    ("content_moderation", 500): 0.10,
    ("content_moderation", 1000): 0.13,
}
_OF_REFERENCE = 0.9


def _seconds() -> float:
    """The median of five rounds."""
    chance = np.random.default_rng(1)
    confidence = chance.random(_LABELS)
    is_wrong = chance.random(_LABELS) > confidence
    rounds = []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        calibrate(labels_of(confidence, is_wrong), _GOAL)
        rounds.append(time.perf_counter() - start)
    return statistics.median(rounds)


def _pools(folder: Path) -> Iterator[tuple[str, Labels]]:
    for file in sorted(folder.glob("*.csv")):
        with file.open(encoding="utf-8-sig", newline="") as lines:
            yield from read_labels(lines).items()


def _judged(pool: Labels, number: int) -> tuple[float, float]:
    """The share of draws that broke the bound, and the mean coverage."""
    violations, coverage = 0, 0.0
    for seed in range(_DRAWS):
        drawn = np.random.default_rng(seed).choice(len(pool), number, replace=False)
        threshold = certified_threshold(curve_of(labels_of(pool.confidence[drawn], pool.is_wrong[drawn])), _GOAL)
        if threshold is not None:
            alone = pool.confidence >= threshold
            violations += pool.is_wrong[alone].mean() > _GOAL.max_error
            coverage += alone.mean()
    return violations / _DRAWS, coverage / _DRAWS


def _lines(task: str, pool: Labels, number: int) -> Iterator[Line]:
    violations, coverage = _judged(pool, number)
    name, most = f"{task}, {number:,} labels", _MOST_VIOLATIONS
    yield Line(f"{name}: bound broken", f"{violations:.3f}", f"≤ {most:.3f}", violations <= most)
    reference = _REFERENCE.get((task, number))
    if reference is None:
        yield Line(f"{name}: run alone", f"{coverage:.3f}")
    else:
        least = _OF_REFERENCE * reference
        yield Line(f"{name}: run alone", f"{coverage:.3f}", f"≥ {least:.3f}", coverage >= least)


def main() -> None:
    seconds = _seconds()
    lines = [Line(f"calibration of {_LABELS:,} labels", f"{seconds:.2f} s", f"< {_SECONDS:.0f} s", seconds < _SECONDS)]
    for folder in map(Path, sys.argv[1:]):
        for task, pool in _pools(folder):
            for number in (500, 1000):
                lines += _lines(task, pool, number)
    show(f"Calibration at {_GOAL.max_error:.0%}, delta {_GOAL.delta:.0%}, {_DRAWS} draws", lines)


if __name__ == "__main__":
    main()
