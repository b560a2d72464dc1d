"""Drift: whether a model sends people clearly more or less than it used to, and how soon worse errors are found.

The escalation rate needs no labels, so it tells of a change days before audits can. It is watched by Laney's p' chart
(D. B. Laney, "Improved control charts for attributes", Quality Engineering 14(4), 2002): rates differ from day to day
by more than the binomial law allows, and a chart that does not measure by how much cries wolf. So each day is held
against limits of three standard deviations, binomial times σ_z, and σ_z comes from how much the days before differed
from one to the next.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice, pairwise
from math import ceil, sqrt
from typing import Final, Literal

LEAST_BASELINE: Final = 20
"""Points before the one in question: fewer do not tell how much days differ."""
MOST_BASELINE: Final = 30
"""More would hold today against what has long ceased to be usual."""
LEAST_EXPECTED: Final = 5.0
"""Escalated decisions, and others, that a point must have by rights: the limits are those of a normal law."""
LEAST_RATE: Final = 0.01
"""Days differ at least as much as those of this rate do by chance: or where nothing ever went to people, the first that
does would be an alarm. Likewise where all does."""
ONE_EPISODE: Final = 7
"""Charted days: who leaves the limits again within so many has not been back."""
_SIGMAS = 3.0
_RANGE = 1.128
"""The mean range of two draws from a normal law, in standard deviations (d2 of control charts for n = 2)."""


@dataclass(frozen=True, slots=True)
class DayCount:
    """How many decisions came on a whole local day, 1 or more, and for how many of them a person was asked at once."""

    day: date
    decisions: int
    escalated: int


@dataclass(frozen=True, slots=True)
class Reading:
    """A day beside those before it.

    Attributes:
        first, last: the days that make the point: one, or as many as it takes to have enough decisions.
        rate: the share that went to people, 0..1.
        usual: the same of the points before.
        low, high: the limits.
        points: how many points it is held against.
        spread: σ_z, by how many times more than chance allows the points before differ, 1 or more.
    """

    first: date
    last: date
    decisions: int
    rate: float
    usual: float
    low: float
    high: float
    points: int
    spread: float

    @property
    def direction(self) -> Literal["up", "down"] | None:
        """On which side of its limits it lies; None: between them."""
        if self.rate > self.high:
            return "up"
        return "down" if self.rate < self.low else None


def reading(days: Sequence[DayCount]) -> Reading | None:
    """The last of these days, oldest first, on the chart; None: there are too few before it to tell."""
    points = list(islice(_points(days), MOST_BASELINE + 1))
    if len(points) <= LEAST_BASELINE:
        return None
    today, *before = points
    usual = _rate(before)
    deviations = [(point.rate - usual) / _sigma(usual, point.decisions) for point in before]
    ranges = [abs(later - earlier) for later, earlier in pairwise(deviations)]
    # Days that by chance are more alike than chance allows say nothing about tomorrow.
    spread = max(1.0, sum(ranges) / len(ranges) / _RANGE)
    reach = _SIGMAS * spread * _sigma(usual, today.decisions)
    low, high = max(0.0, usual - reach), min(1.0, usual + reach)
    return Reading(today.first, today.last, today.decisions, today.rate, usual, low, high, len(before), spread)


def alarm(days: Sequence[DayCount]) -> Reading | None:
    """The reading of the last of these days, oldest first, if it begins an episode outside the limits."""
    found = reading(days)
    if found is None or found.direction is None:
        return None
    former = (reading(days[:-back]) for back in range(1, ONE_EPISODE))
    return None if any(each is not None and each.direction == found.direction for each in former) else found


@dataclass(frozen=True, slots=True)
class _Point:
    first: date
    last: date
    decisions: int
    escalated: int

    @property
    def rate(self) -> float:
        return self.escalated / self.decisions


def _points(days: Sequence[DayCount]) -> Iterator[_Point]:
    """From the last day back, each of as many days as it takes; what is left over at the beginning is none."""
    usual = _inner(_rate(days[:-1]))
    least = LEAST_EXPECTED / min(usual, 1 - usual)
    last, decisions, escalated = None, 0, 0
    for each in reversed(days):
        last, decisions, escalated = last or each.day, decisions + each.decisions, escalated + each.escalated
        if decisions >= least:
            yield _Point(each.day, last, decisions, escalated)
            last, decisions, escalated = None, 0, 0


def _rate(counts: Sequence[DayCount | _Point]) -> float:
    """Of all together; 0 of none."""
    decisions = sum(each.decisions for each in counts)
    return sum(each.escalated for each in counts) / decisions if decisions else 0.0


def _inner(rate: float) -> float:
    return min(max(rate, LEAST_RATE), 1 - LEAST_RATE)


def _sigma(rate: float, decisions: int) -> float:
    """By how much chance alone moves the rate of so many decisions."""
    inner = _inner(rate)
    return sqrt(inner * (1 - inner) / decisions)


# How soon worse errors are found --------------------------------------------------------------------------------------

TRIPLING_AUDITS: Final = 301
"""Audits in which the detector (`routing.evidence`) finds 1 % → 3 % in four of five cases."""
_FOR_OTHER_RATES = -0.745
"""The exponent by which that number goes with the usual error rate, fitted to simulations from 0.5 % to 5 %: to find
that a rare error is three times as frequent takes more."""


def tripling_audits(max_error: float) -> int:
    """How many audits it takes, in four of five cases, until an error rate of 1.5 × `max_error` (in (0, 0.5]) is an
    alarm, where half of `max_error` was usual."""
    usual = max_error / 2
    factor: float = (usual / 0.01) ** _FOR_OTHER_RATES
    return ceil(TRIPLING_AUDITS * factor)


def tripling_days(audits_per_day: float, max_error: float) -> float | None:
    """In how many days a tripling of the errors is found, at so many audits with a verdict a day; None: never, there
    are none."""
    return tripling_audits(max_error) / audits_per_day if audits_per_day > 0 else None
