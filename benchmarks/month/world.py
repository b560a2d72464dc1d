"""What arrives in the month: the demo's decisions, drawn with replacement, more of them by day than by night.

From `worse_from` to `worse_to` the ticket classifier is wrong more often than it was, and as sure of itself as before:
nothing but people's verdicts can show it.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from bot.demo.stream import DemoDecision, load
from bot.reporting.days import midnight

TICKETS = "ticket_classification"
TZ = ZoneInfo("Europe/Berlin")
_NIGHT_SHARE = 0.15
"""Of the peak hour's arrivals, so many come in the deepest hour."""
_PEAK_HOUR = 13
_WEIGHTS = {TICKETS: 1.0, "reply_draft": 1.0, "refund": 0.25}
_UNSURE, _UNSURE_WEIGHT = 0.85, 0.2
"""How often a decision of the pool is drawn: what goes to people more seldom, as a month of their work has to be played
in minutes."""


@dataclass(frozen=True, slots=True)
class Arrival:
    at: datetime
    decision: DemoDecision


@dataclass(frozen=True, slots=True)
class World:
    """`per_day`: decisions in 24 hours; `worse_by`: the share of right tickets that turn wrong in the bad days;
    `surges`: days on which `surge_factor` times as much arrives, all of it by day."""

    first: date
    per_day: int
    seed: int
    worse_from: int
    worse_to: int
    worse_by: float
    surges: dict[int, float] = field(default_factory=dict)

    def begins(self, number: int) -> datetime:
        """The local midnight of a day, counted from 0, in UTC: one of them lasts 25 hours."""
        return midnight(self.first + timedelta(days=number), TZ)

    def day(self, number: int) -> list[Arrival]:
        """What arrives on a day, in order. The same number gives the same day."""
        rng = Random(f"{self.seed}-{number}")
        begins = self.begins(number)
        count = round(self.per_day * self.surges.get(number, 1.0))
        moments = sorted(begins + timedelta(seconds=second) for second in _seconds(rng, count))
        chosen = rng.choices(load(), [_weight(each.request) for each in load()], k=count)
        return [
            Arrival(at, self._decision(rng, decision, number, place))
            for place, (at, decision) in enumerate(zip(moments, chosen, strict=True))
        ]

    def _decision(self, rng: Random, found: DemoDecision, day: int, place: int) -> DemoDecision:
        request: dict[str, Any] = {**found.request, "id": f"{found.id}-{day:02}-{place:04}"}
        turns = found.right and found.request["task_type"] == TICKETS and rng.random() < self.worse_by
        if turns and self.worse_from <= day < self.worse_to:
            # Its second choice takes the first's place, with the first's confidence.
            request["output"] = found.request["alternatives"][0]["output"]
            return DemoDecision(request, found.truth, right=False)
        return DemoDecision(request, found.truth, found.right)


def _weight(request: dict[str, Any]) -> float:
    return _WEIGHTS[request["task_type"]] * (1.0 if request.get("confidence", 0.0) >= _UNSURE else _UNSURE_WEIGHT)


def _seconds(rng: Random, count: int) -> Iterator[int]:
    """Seconds of a day, thinned out towards the night: rejection sampling under a cosine."""
    while count > 0:
        second = rng.randrange(86_400)
        hours = second / 3600 - _PEAK_HOUR
        density = _NIGHT_SHARE + (1 - _NIGHT_SHARE) * (1 + math.cos(hours * math.pi / 12)) / 2
        if rng.random() < density:
            count -= 1
            yield second
