"""The design of the audit draw: how many of a day's decisions that ran alone are audited, and which.

Within a stratum everybody has the same chance, the inclusion probability π = drawn / size. What does not fit into
`max_per_day` lowers π and leaves nothing out: what can never be drawn could hide any number of errors.

    plan = pooled(strata, max_per_day)               # the caller's key → the stratum that is drawn for it
    numbers = allocate(plan.values(), max_per_day)   # that stratum's key → how many are drawn
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from heapq import heapify, heappop, heapreplace, nsmallest
from math import ceil
from typing import Final

MOST_COHORTS: Final = 10
LEAST_COHORT_SHARE: Final = Fraction(1, 20)


class Pooled(Enum):
    """Stands in the place of the names of apps for what is one stratum: what is not audited, small cohorts, or all."""

    NEVER = "never"
    SMALL_COHORTS = "small_cohorts"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Stratum:
    """Decisions of one day that are drawn from as one.

    Attributes:
        key: the caller's, such as (task type, route, cohort, model).
        size: how many decisions, 0 or more.
        rate: the share to audit, 0..1; 0: none.
        cohort: the group that has a minimum share of all audits.
    """

    key: Hashable
    size: int
    rate: float
    cohort: Hashable

    @property
    def wanted(self) -> int:
        """How many the rate asks for, rounded up; exact in the rate's decimals (0.07 of 100 is 7, not 8)."""
        return ceil(Fraction(str(self.rate)) * self.size)


def allocate(strata: Iterable[Stratum], max_per_day: int) -> dict[Hashable, int]:
    """How many of each stratum (by its key) are drawn: what its rate asks for, fitted to `max_per_day`.

    A stratum that is named twice counts once. Each that is drawn from gets at least 1; each cohort at least min(its
    size, m of all audits), where m is 5 % or 1/(2 × cohorts), whichever is less; the rest goes in proportion to what
    the rates ask for.

    Raises:
        ValueError: `max_per_day` is less than one for each stratum that is drawn from; `pooled` prevents it.
    """
    strata = list(dict.fromkeys(strata))
    numbers = {stratum.key: 0 for stratum in strata}
    wanted = {stratum.key: stratum.wanted for stratum in strata}
    drawn_from = [stratum for stratum in strata if wanted[stratum.key]]
    if max_per_day == 0:
        return numbers
    if max_per_day < len(drawn_from):
        raise ValueError(f"{max_per_day} audits cannot cover {len(drawn_from)} strata: pool them first")
    numbers |= {stratum.key: 1 for stratum in drawn_from}
    left = max_per_day - len(drawn_from)
    for members, least in _cohort_minimums(drawn_from, min(max_per_day, sum(wanted.values()))):
        missing = min(left, max(0, least - len(members)))
        _hand_out(missing, numbers, wanted, {stratum.key: stratum.size for stratum in members})
        left -= missing
    _hand_out(left, numbers, wanted, wanted)
    return numbers


def _cohort_minimums(strata: Iterable[Stratum], total: int) -> Iterator[tuple[list[Stratum], int]]:
    """The strata of each cohort, with the least number of audits that they share."""
    cohorts: defaultdict[Hashable, list[Stratum]] = defaultdict(list)
    for stratum in strata:
        cohorts[stratum.cohort].append(stratum)
    share = min(LEAST_COHORT_SHARE, Fraction(1, 2 * max(1, len(cohorts))))
    for members in cohorts.values():
        yield members, min(sum(stratum.size for stratum in members), ceil(share * total))


def _hand_out(
    left: int, numbers: dict[Hashable, int], wanted: Mapping[Hashable, int], most: Mapping[Hashable, int]
) -> None:
    """Adds up to `left` audits to the `numbers` of the keys in `most`, none beyond that, in proportion to `wanted`.

    The next one goes where (number + ½) / wanted is lowest: the method of Webster and Sainte-Laguë, which unlike the
    largest remainder never takes one away because there are more to hand out or because a stratum wants more.
    """
    room = {key: most[key] - numbers[key] for key in most if most[key] > numbers[key]}
    if sum(room.values()) <= left:
        for key, free in room.items():
            numbers[key] += free
        return
    keys = list(room)
    line = [((numbers[key] + 0.5) / wanted[key], place) for place, key in enumerate(keys)]
    heapify(line)
    for _ in range(left):
        place = line[0][1]
        key = keys[place]
        numbers[key] += 1
        if numbers[key] < most[key]:
            heapreplace(line, ((numbers[key] + 0.5) / wanted[key], place))
        else:
            heappop(line)


def pooled(strata: Collection[Stratum], max_per_day: int, most: int = MOST_COHORTS) -> dict[Hashable, Stratum]:
    """The stratum that is drawn for each key: few enough to draw from each, whatever names the apps make up.

    What is not audited at all is one stratum. Of more than `most` cohorts the smallest become one; with still more
    strata than `max_per_day`, names no longer count at all. Only strata of one rate are put together, so that a new
    name lowers nobody's rate; where even that leaves more than `max_per_day`, all that is audited becomes one stratum
    with the mean rate.
    """
    plan = {stratum.key: stratum for stratum in strata}
    never = [stratum for stratum in strata if not stratum.wanted]
    plan |= dict.fromkeys(
        (stratum.key for stratum in never), _pool(Pooled.NEVER, sum(each.size for each in never), 0.0)
    )
    drawn_from = [stratum for stratum in strata if stratum.wanted]
    small = _small_cohorts(drawn_from, most)
    plan |= _one_per_rate([stratum for stratum in drawn_from if stratum.cohort in small], Pooled.SMALL_COHORTS)
    if len({plan[stratum.key] for stratum in drawn_from}) > max_per_day:
        plan |= _one_per_rate(drawn_from, Pooled.ALL)
    if len({plan[stratum.key] for stratum in drawn_from}) > max_per_day:
        size = sum(stratum.size for stratum in drawn_from)
        rate = sum(stratum.wanted for stratum in drawn_from) / size
        plan |= dict.fromkeys((stratum.key for stratum in drawn_from), _pool(Pooled.ALL, size, rate))
    return plan


def _small_cohorts(strata: Iterable[Stratum], most: int) -> set[Hashable]:
    """The cohorts to put together, so that at most `most` are left."""
    sizes = Counter[Hashable]()
    for stratum in strata:
        sizes[stratum.cohort] += stratum.size
    return set() if len(sizes) <= most else {cohort for cohort, _ in sizes.most_common()[most - 1 :]}


def _one_per_rate(strata: Iterable[Stratum], pool: Pooled) -> dict[Hashable, Stratum]:
    same: defaultdict[float, list[Stratum]] = defaultdict(list)
    for stratum in strata:
        same[stratum.rate].append(stratum)
    plan: dict[Hashable, Stratum] = {}
    for rate, together in same.items():
        joined = _pool(pool, sum(stratum.size for stratum in together), rate)
        plan |= dict.fromkeys((stratum.key for stratum in together), joined)
    return plan


def _pool(pool: Pooled, size: int, rate: float) -> Stratum:
    return Stratum((pool, rate), size, rate, pool)


def draw(candidates: Iterable[tuple[float, int]], number: int) -> list[int]:
    """The keys of the `number` candidates (draw, key) with the smallest draws, smallest first.

    The draws are uniform in [0, 1) and unknown to the apps, so each of N candidates is among them with number/N.
    """
    return [pk for _, pk in nsmallest(number, candidates)]
