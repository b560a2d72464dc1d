"""How much each person has reviewed, and what looks like too much: shown to rebalance the work, never to shame.

Every number is about one person alone and can be traced to the verdicts it was made from. A concern is a question to
ask, not a finding: a verdict faster than reading may be of a text that the person knew.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final, Literal

READING_SPEED: Final = 238 * 6 / 60
"""Characters a second: 238 words a minute, silently, of English non-fiction (M. Brysbaert, "How many words do we read
per minute?", Journal of Memory and Language 109, 2019), at about six characters a word with its space."""

FASTEST_READING: Final = 3 * READING_SPEED
"""Nobody is said to have read faster than reading who might have skimmed."""

FAST_SHARE: Final = 0.2
LEAST_TIMED: Final = 20
"""A share of fewer verdicts than this says nothing yet."""

UNEDITED_RUN: Final = 50
"""Approvals in a row. Where people approve the 85 % that the agreement aims at, 3 of 10,000 runs get this long."""

STREAK_MINUTES: Final = 60
"""Attention to rare faults falls within half an hour (N. H. Mackworth, "The breakdown of vigilance during prolonged
visual search", Quarterly Journal of Experimental Psychology 1, 1948); this is twice that."""

PAUSE: Final = timedelta(minutes=5)
"""A longer one ends a streak."""

LONGEST_LOOK: Final = timedelta(minutes=15)
"""What lay open for longer was put aside: only so much of it counts as work."""


@dataclass(frozen=True, slots=True)
class GivenVerdict:
    """One verdict of one person.

    Attributes:
        at: when it was given, aware.
        seconds: from when the person was shown it to the verdict, 0 or more; None: not known.
        characters: of what there was to read.
    """

    user_id: str
    at: datetime
    verdict: Literal["approve", "edit", "reject"]
    seconds: float | None
    characters: int
    task_type: str

    @property
    def faster_than_reading(self) -> bool:
        return self.seconds is not None and self.seconds * FASTEST_READING < self.characters

    @property
    def begun(self) -> datetime:
        """From when the person was at it, as far as is known."""
        return self.at - timedelta(seconds=min(self.seconds or 0, LONGEST_LOOK.total_seconds()))


@dataclass(frozen=True, slots=True)
class Concern:
    """One number beyond its limit.

    Attributes:
        value: `faster_than_reading`: their share (0..1) of the verdicts whose time is known; `unedited_run`: verdicts;
            `long_streak`: minutes.
        limit: what `value` has reached, in the same unit.
        verdicts: how many verdicts made it.
        task_types: of those verdicts, the most frequent first.
    """

    kind: Literal["faster_than_reading", "unedited_run", "long_streak"]
    value: float
    limit: float
    verdicts: int
    task_types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReviewerLoad:
    """What one person did (at least one verdict).

    Attributes:
        hours: at work, in streaks: from the beginning of the first verdict of each to its last verdict.
        fast: verdicts faster than reading.
        fast_share: 0..1, of the verdicts whose time is known; None: there are none.
        unedited_share: approvals, 0..1 of all verdicts.
        longest_unedited_run: approvals in a row.
        longest_streak_minutes: without a pause of more than five minutes.
        most_in_one_streak: verdicts.
    """

    user_id: str
    verdicts: int
    hours: float
    fast: int
    fast_share: float | None
    unedited_share: float
    longest_unedited_run: int
    longest_streak_minutes: float
    most_in_one_streak: int
    concerns: tuple[Concern, ...]


def reviewer_loads(given: Iterable[GivenVerdict]) -> tuple[ReviewerLoad, ...]:
    """The load of each person who gave a verdict, whoever gave most first; the order of `given` does not matter."""
    by_person: defaultdict[str, list[GivenVerdict]] = defaultdict(list)
    for verdict in given:
        by_person[verdict.user_id].append(verdict)
    loads = [_load(user_id, sorted(verdicts, key=_in_time)) for user_id, verdicts in by_person.items()]
    return tuple(sorted(loads, key=lambda load: (-load.verdicts, load.user_id)))


def _in_time(given: GivenVerdict) -> tuple[datetime, str, str, int, float]:
    """Verdicts of the same instant need an order too, or the runs would depend on how they were listed."""
    return given.at, given.verdict, given.task_type, given.characters, -1 if given.seconds is None else given.seconds


def _load(user_id: str, verdicts: Sequence[GivenVerdict]) -> ReviewerLoad:
    timed = [given for given in verdicts if given.seconds is not None]
    fast = [given for given in timed if given.faster_than_reading]
    fast_share = len(fast) / len(timed) if timed else None
    run = max(_unedited_runs(verdicts), key=len, default=[])
    streaks = list(_streaks(verdicts))
    longest = max(streaks, key=_minutes)
    concerns = []
    if fast_share is not None and len(timed) >= LEAST_TIMED and fast_share >= FAST_SHARE:
        concerns.append(_concern("faster_than_reading", fast_share, FAST_SHARE, fast))
    if len(run) >= UNEDITED_RUN:
        concerns.append(_concern("unedited_run", len(run), UNEDITED_RUN, run))
    if _minutes(longest) >= STREAK_MINUTES:
        concerns.append(_concern("long_streak", _minutes(longest), STREAK_MINUTES, longest))
    return ReviewerLoad(
        user_id=user_id,
        verdicts=len(verdicts),
        hours=sum(map(_minutes, streaks)) / 60,
        fast=len(fast),
        fast_share=fast_share,
        unedited_share=sum(given.verdict == "approve" for given in verdicts) / len(verdicts),
        longest_unedited_run=len(run),
        longest_streak_minutes=_minutes(longest),
        most_in_one_streak=max(map(len, streaks)),
        concerns=tuple(concerns),
    )


def _unedited_runs(verdicts: Sequence[GivenVerdict]) -> Iterator[list[GivenVerdict]]:
    for unedited, run in groupby(verdicts, key=lambda given: given.verdict == "approve"):
        if unedited:
            yield list(run)


def _streaks(verdicts: Sequence[GivenVerdict]) -> Iterator[list[GivenVerdict]]:
    """The verdicts (at least one) cut at every long pause: from a verdict to when the next was begun."""
    streak = [verdicts[0]]
    for given in verdicts[1:]:
        if given.begun - streak[-1].at > PAUSE:
            yield streak
            streak = []
        streak.append(given)
    yield streak


def _minutes(streak: Sequence[GivenVerdict]) -> float:
    return (streak[-1].at - streak[0].begun) / timedelta(minutes=1)


def _concern(
    kind: Literal["faster_than_reading", "unedited_run", "long_streak"],
    value: float,
    limit: float,
    verdicts: Sequence[GivenVerdict],
) -> Concern:
    counted = Counter(sorted(given.task_type for given in verdicts))  # most_common keeps this order among equals
    return Concern(kind, value, limit, len(verdicts), tuple(name for name, _ in counted.most_common()))
