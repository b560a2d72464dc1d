"""What to do when reviewers fall behind, and when to stop doing it.

A higher threshold would send them more, so the answers are, in this order and each beside those before it: a warning,
bigger batches, provisional release of queue items as far as the error budget goes, a wider circle of reviewers, and a
message that it still is not enough. What the matrix escalates waits for its person at every level.
"""

from dataclasses import dataclass
from enum import IntEnum
from math import floor
from typing import Final

from routing.decision import Route

WARN_AT: Final = 0.8
"""Of the SLA: early enough to find somebody."""
CALM_BELOW: Final = 0.6
"""Of the SLA: low enough that normal work does not bring the load straight back."""


class Level(IntEnum):
    """What is done; each level includes the ones before."""

    NORMAL = 0
    WARNED = 1
    BATCH = 2
    RELEASE = 3
    WIDEN = 4
    TELL = 5


@dataclass(frozen=True, slots=True)
class Situation:
    """One group of reviewers at one look.

    Attributes:
        expected_p95_minutes: from arriving to the verdict (`capacity`), inf allowed, with the people of the ordinary
            circle: or a wider circle that helps would be taken back at once.
        oldest_wait_minutes: how long the longest waiting review has waited; 0: none waits.
        waiting: reviews without a verdict.
        sla_minutes: what the policy promises, above 0.
        budget_left: how many provisional releases can still be borne (`releasable`).
    """

    expected_p95_minutes: float
    oldest_wait_minutes: float
    waiting: int
    sla_minutes: float
    budget_left: int

    @property
    def strain(self) -> float:
        """The worse of what is expected and what is so, as a share of the SLA: above 1 it is broken."""
        return max(self.expected_p95_minutes, self.oldest_wait_minutes) / self.sla_minutes


def next_level(level: Level, situation: Situation) -> Level:
    """The level after one look: one step up while the SLA is broken, held until the strain is well below it.

    While nothing waits there is nothing to batch or release: then a bad forecast only warns.
    """
    if situation.strain < CALM_BELOW:
        return Level.NORMAL
    if situation.strain > 1 and situation.waiting:
        return _step_up(level, situation.budget_left)
    return max(level, Level.WARNED) if situation.strain > WARN_AT else level


def _step_up(level: Level, budget_left: int) -> Level:
    higher = Level(min(level + 1, Level.TELL))
    return Level.WIDEN if higher is Level.RELEASE and budget_left <= 0 else higher


def may_shed(route: Route, level: Level) -> bool:
    """Whether load alone may release decisions of this route provisionally; the policy and the decision must also
    allow it. QUEUE is the only route for which the answer can be yes."""
    return route is Route.QUEUE and level >= Level.RELEASE


def error_budget(max_error: float, population: int, escaped: float) -> float:
    """How many more errors may escape, 0 or more: what the bound allows in `population` decisions that ran alone,
    less the estimated number of those that did."""
    return max(0.0, max_error * population - escaped)


def error_rate(wrong: int, reviewed: int) -> float:
    """How often the model is wrong where people review it, in (0, 1): Laplace's rule of succession, so that a few
    good reviews do not make releases free."""
    return (wrong + 1) / (reviewed + 2)


def releasable(budget: float, rate: float) -> int:
    """How many provisional releases the budget bears, if each costs an error with probability `rate`, above 0. What
    they add to the decisions that run alone, and so to the budget, is not counted on."""
    return floor(budget / rate)
