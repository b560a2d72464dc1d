"""Decisions of which the truth is known, to draw labels from."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from routing.labels import Labels, labels_of

Array = NDArray[Any]


@dataclass(frozen=True)
class Pool:
    confidence: Array
    is_wrong: Array

    def draw(self, number: int, seed: int) -> Labels:
        """So many labels, each of any decision."""
        drawn = np.random.default_rng(seed).integers(0, len(self.confidence), number)
        return labels_of(self.confidence[drawn], self.is_wrong[drawn])

    def error(self, threshold: float | None) -> float:
        """The share of wrong ones in what runs alone; 0 where nothing does."""
        alone = np.zeros(1, bool) if threshold is None else self.is_wrong[self.confidence >= threshold]
        return float(alone.mean()) if len(alone) else 0.0

    def coverage(self, threshold: float | None) -> float:
        return 0.0 if threshold is None else float((self.confidence >= threshold).mean())


def honest(size: int = 20_000, seed: int = 1) -> Pool:
    """Each confidence is the probability of being right."""
    chance = np.random.default_rng(seed)
    confidence = 1 - 0.5 * chance.random(size) ** 3
    return Pool(confidence, chance.random(size) > confidence)


def boastful(size: int = 20_000, seed: int = 2) -> Pool:
    """More sure than right, in steps of a hundredth: many decisions have equal confidences."""
    chance = np.random.default_rng(seed)
    right = 1 - 0.6 * chance.random(size) ** 4
    return Pool(np.round(right**0.2, 2), chance.random(size) > right)


def just_above(size: int = 20_000, seed: int = 3) -> Pool:
    """The worst case for 2 %: a hair more errors than that at every confidence."""
    chance = np.random.default_rng(seed)
    wrong = np.zeros(size, bool)
    wrong[chance.choice(size, round(0.0205 * size), replace=False)] = True
    return Pool(chance.random(size), wrong)


@cache
def digits() -> Pool:
    """A naive Bayes classifier's out-of-fold predictions of scikit-learn's handwritten digits."""
    from sklearn.datasets import load_digits  # noqa: PLC0415 - slow
    from sklearn.model_selection import cross_val_predict  # noqa: PLC0415
    from sklearn.naive_bayes import MultinomialNB  # noqa: PLC0415

    images, truth = load_digits(return_X_y=True)
    found = cross_val_predict(MultinomialNB(alpha=1.0), images / 16, truth, cv=4, method="predict_proba")
    return Pool(found.max(axis=1), found.argmax(axis=1) != truth)
