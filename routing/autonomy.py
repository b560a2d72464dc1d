"""When a task has earned more autonomy: one level, on evidence, and only as a proposal to a person.

A trailing window that shows 95 % accuracy promotes nearly every task of 92 % sooner or later, as it is looked at again
and again. A betting process may be looked at after every review: a task at or below the bound is ever proposed with
probability `CHANCE` at most (Ville's inequality, see `routing.evidence`), in each stretch of evidence.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import inf, log
from typing import Final, Self

from routing.evidence import CERTIFICATE_STAKES, Evidence, likelihood_ratio
from routing.matrix import PEOPLE_DECIDE
from routing.maturity import MaturityState

MAX_ERROR: Final = 0.05
"""People must agree with more than 95 % of a model's answers."""
CHANCE: Final = 1 / 20
MOST: Final = 5

_ALARMED = (MaturityState.DEGRADED, MaturityState.SUSPENDED)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often people let a model's answers stand, in the order of their verdicts. All bets are alike, so that the
    counts alone tell the fortune.

    Attributes:
        reviews: verdicts that count; once they prove the accuracy no more are counted, so that it stays proven.
        errors: those among them that corrected or rejected the answer.
    """

    reviews: int = 0
    errors: int = 0

    def with_review(self, error: bool) -> Self:
        """With one more verdict."""
        return self if self.is_proven else replace(self, reviews=self.reviews + 1, errors=self.errors + error)

    @property
    def is_proven(self) -> bool:
        """Whether the accuracy is above 95 %."""
        return self.reviews >= reviews_needed(self.errors)


@cache
def reviews_needed(errors: int) -> int:
    """The fewest reviews that prove the accuracy with so many errors among them: 77 without an error."""
    enough = 1
    while not _proves(enough, errors):
        enough *= 2
    return bisect_left(range(enough), True, lo=errors, key=lambda reviews: _proves(reviews, errors))


def _proves(reviews: int, errors: int) -> bool:
    """By the same bets as audits are certified with."""
    fortunes = tuple(
        (reviews - errors) * log(likelihood_ratio(stake * MAX_ERROR, MAX_ERROR, False, 1.0))
        + (errors * log(stake) if stake else -inf if errors else 0.0)
        for stake in CERTIFICATE_STAKES
    )
    return Evidence(MAX_ERROR, reviews, errors, certificate=fortunes).certified(CHANCE)


@dataclass(frozen=True, slots=True)
class Standing:
    """What speaks for and against one of the models that answer for a task.

    Attributes:
        agreement: since the task's autonomy last changed, and since the last alarm.
        state: of its audits; None: it has none.
        certified: a calibrated threshold is in force for its task.
    """

    agreement: Agreement
    state: MaturityState | None
    certified: bool

    @property
    def earned(self) -> bool:
        return self.agreement.is_proven and (self.certified or self.state is MaturityState.STABLE) and not self.alarmed

    @property
    def alarmed(self) -> bool:
        return self.state in _ALARMED


def risen(autonomy: int, standings: Sequence[Standing]) -> int | None:
    """The level to propose, one above `autonomy`; None unless every model that answers for the task has earned it."""
    earned = bool(standings) and all(standing.earned for standing in standings)
    return autonomy + 1 if earned and autonomy < MOST else None


def lowered(autonomy: int) -> int | None:
    """The level to propose after an alarm; None where people decide everything already."""
    return autonomy - 1 if autonomy > PEOPLE_DECIDE else None
