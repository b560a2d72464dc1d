"""A channel's reviewers as a queueing system: how much comes, how long one takes, how many people are at it."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import fmean
from typing import TypeVar
from zoneinfo import ZoneInfo

from routing.capacity import Demand, peak_hour
from routing.deadlines import deadline, time_waited
from routing.policy import Policy
from routing.reviewer_load import LONGEST_LOOK
from store.load import Arrived, Given, Measured, WaitingLine

Row = TypeVar("Row", Arrived, Given, WaitingLine)

WINDOW = timedelta(days=7)
"""How far back the busiest hour is looked for: a week has each kind of day."""

USUAL_SERVICE = timedelta(seconds=90)
"""How long one review is taken to last where too few were measured."""

_LEAST_TIMED = 20
_LONGEST_GAP = timedelta(minutes=10)
_TRIMMED = 0.05
_HOUR, _MINUTE = timedelta(hours=1), timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class CapacityView:
    """One channel's reviewers.

    Attributes:
        sla: the shortest of the task types that come here.
        waiting, oldest: what waits now, and for how long the oldest has, in the time that deadlines count in.
        peak: the busiest hour of the day, as the last week's days had it on average; or the last hour, if busier.
        people_now: who gave a verdict in the last hour.
    """

    channel: str
    task_types: frozenset[str]
    sla: timedelta
    waiting: int
    oldest: timedelta
    peak: Demand
    people_now: int


def is_open(policy: Policy, now: datetime) -> bool:
    """Whether the time of this moment counts for deadlines: nobody is behind in what is not working time."""
    tz = ZoneInfo(policy.timezone)
    return deadline(now, timedelta(0), policy.business_hours, tz) <= now


def views(measured: Measured, policy: Policy, now: datetime) -> list[CapacityView]:
    """Of each channel to which anything came in the last week, or where something waits; by name."""
    arrived, waiting = _by_channel(measured.arrived), _by_channel(measured.waiting)
    given = _by_channel(measured.verdicts)
    return [
        _view(name, arrived[name], given[name], waiting[name], policy, now) for name in sorted({*arrived, *waiting})
    ]


def _view(
    channel: str,
    arrived: Sequence[Arrived],
    given: Sequence[Given],
    waiting: Sequence[WaitingLine],
    policy: Policy,
    now: datetime,
) -> CapacityView:
    tz = ZoneInfo(policy.timezone)
    task_types = frozenset([*(each.task_type for each in arrived), *(line.task_type for line in waiting)])
    oldest = min((line.oldest for line in waiting), default=now)
    peak, people_now = _peak(arrived, given, now)
    return CapacityView(
        channel=channel,
        task_types=task_types,
        sla=min(policy.task(task_type).sla for task_type in task_types),
        waiting=sum(line.count for line in waiting),
        oldest=time_waited(oldest, now, policy.business_hours, tz),
        peak=peak,
        people_now=people_now,
    )


def _by_channel(rows: Iterable[Row]) -> defaultdict[str, list[Row]]:
    grouped: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row.channel].append(row)
    return grouped


def service_time(verdicts: Collection[Given]) -> timedelta:
    """How long a person is at one review, on average without the shortest and the longest twentieth.

    From taking it up to the verdict, where enough of that is known; else from one verdict of a person to their next,
    where no pause lies between; else `USUAL_SERVICE`.
    """
    for seconds in (sorted(_looks(verdicts)), sorted(_gaps(verdicts))):
        if len(seconds) >= _LEAST_TIMED:
            cut = int(len(seconds) * _TRIMMED)
            return timedelta(seconds=max(fmean(seconds[cut : len(seconds) - cut]), 1.0))
    return USUAL_SERVICE


def _looks(verdicts: Iterable[Given]) -> Iterator[float]:
    """What lay open for longer than anybody looks was put aside."""
    for given in verdicts:
        if given.began_at is not None:
            yield min(given.at - given.began_at, LONGEST_LOOK).total_seconds()


def _gaps(verdicts: Iterable[Given]) -> Iterator[float]:
    by_person: defaultdict[str, list[datetime]] = defaultdict(list)
    for given in verdicts:
        by_person[given.user_id].append(given.at)
    for moments in by_person.values():
        for earlier, later in pairwise(sorted(moments)):
            if later - earlier < _LONGEST_GAP:
                yield (later - earlier).total_seconds()


def _peak(arrived: Iterable[Arrived], given: Collection[Given], now: datetime) -> tuple[Demand, int]:
    """The busiest hour's demand, and how many people were there in the last one."""
    arrivals: Counter[datetime] = Counter()
    people: defaultdict[datetime, set[str]] = defaultdict(set)
    for each in arrived:
        arrivals[_slot(each.hours_ago)] += each.count
    for verdict in given:
        people[_slot((now - verdict.at) // _HOUR)].add(verdict.user_id)
    last, here = arrivals[_slot(0)], len(people[_slot(0)])
    service = service_time(given) / _MINUTE
    busiest, usual = peak_hour(arrivals)
    if last >= usual:
        return Demand(last, service, here), here
    there = [len(users) for slot, users in people.items() if slot.hour == busiest and users]
    return Demand(usual, service, round(fmean(there)) if there else 0), here


def _slot(hours_ago: int) -> datetime:
    """An hour, with days that are counted back from now: so each hour of the day is in the window equally often. What a
    clock that is ahead puts after now is of the last one."""
    return datetime.min.replace(tzinfo=UTC) + max(hours_ago, 0) * _HOUR
