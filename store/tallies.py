"""What is counted, and in which stretches of time: the keys of `counters`, and facts made of them."""

from collections.abc import Callable, Hashable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

from routing.metrics import Facts, Judged

QUARTER: Final = timedelta(minutes=15)
"""Local days and weeks of every time zone in use begin and end on a quarter of an hour of UTC."""

GRAINS: Final = (1, 12, 96, 768)
"""How many quarters a bucket holds: a quarter of an hour, three hours, a day, eight days. Everything is counted in one
bucket of each, so that a month is the sum of a few dozen buckets and not of three thousand. Each is a multiple of the
one before."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Tally(NamedTuple):
    """One thing that is counted.

    Attributes:
        quarter: in which the decision was created, counted since 1970, UTC.
        cohort: "": the app named none.
        name: which fact: `decisions`, `escalated`, `verdict:<kind>:<verdict>`, `category:<category>`,
            `audit:<inclusion>:<right or wrong>`, `latency:<step>`, `use:<step>`, `pair:<first>:<second>` or
            `disputes`.
    """

    quarter: int
    app_pk: int
    task_type: str
    cohort: str
    name: str

    def in_bucket(self, grain: int) -> "Tally":
        """The same in the bucket of this grain: with the first quarter of it."""
        return self._replace(quarter=self.quarter // grain * grain)


def quarter_of(at: datetime) -> int:
    return (at - _EPOCH) // QUARTER


def quarters(since: datetime, until: datetime) -> tuple[int, int]:
    """The first quarter that holds anything of this time, and the one after the last."""
    return quarter_of(since), -((_EPOCH - until) // QUARTER)


def beginning_of(quarter: int) -> datetime:
    return _EPOCH + quarter * QUARTER


class Stretch(NamedTuple):
    """The buckets of a grain from `first` on and before `end`, by their first quarters."""

    grain: int
    first: int
    end: int


def stretches(first: int, end: int) -> list[Stretch]:
    """The quarters from `first` on and before `end`, each in one bucket: the largest in the middle, smaller ones at
    both edges."""
    found = []
    for grain, coarser in pairwise(GRAINS):
        inner_first, inner_end = -(-first // coarser) * coarser, end // coarser * coarser
        if inner_first >= inner_end:
            found.append(Stretch(grain, first, end))
            break
        found += [Stretch(grain, first, inner_first), Stretch(grain, inner_end, end)]
        first, end = inner_first, inner_end
    else:
        found.append(Stretch(GRAINS[-1], first, end))
    return [stretch for stretch in found if stretch.first < stretch.end]


def facts_of(counts: Mapping[str, int]) -> Facts:
    """What is counted under the names of tallies; of nothing none is a fact."""
    facts = Facts()
    for name, number in counts.items():
        if number:
            _put(facts, name, number)
    return facts


def _put(facts: Facts, name: str, number: int) -> None:
    """Names are as good as keys: nothing is added, which for the hundreds of a group would take as long as reading
    them."""
    if name in _NUMBERS:
        setattr(facts, name, number)
    elif (known := _counted(name)) is not None:
        counter, key = known
        getattr(facts, counter)[key] = number


def _audit(text: str) -> tuple[float, bool]:
    inclusion, finding = text.split(":")
    return float(inclusion), finding == "wrong"


def _pair(text: str) -> tuple[str, str]:
    first, second = text.split(":")
    return first, second


_NUMBERS: Final = ("decisions", "escalated", "disputes")
_COUNTERS: Final[Mapping[str, tuple[str, Callable[[str], Hashable]]]] = {
    "latency": ("latencies", int),
    "use": ("uses", int),
    "audit": ("audits", _audit),
    "category": ("categories", str),
    "verdict": ("verdicts", lambda text: Judged(*_pair(text))),
    "pair": ("pairs", _pair),
}
"""By how the name of a tally begins: which of the facts it is, and what the rest of the name says there."""


@lru_cache(maxsize=4_096)
def _counted(name: str) -> tuple[str, Hashable] | None:
    """Which counter of the facts, and which key in it: once for a name, which many groups have. None: unknown here."""
    beginning, _, rest = name.partition(":")
    if beginning not in _COUNTERS:
        return None
    counter, key_of = _COUNTERS[beginning]
    return counter, key_of(rest)
