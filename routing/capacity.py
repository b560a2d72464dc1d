"""How long a review takes from arriving to its verdict, given how many arrive, how long one takes, and who is there.

Erlang's model of people who serve one line (A. K. Erlang, "Solution of some problems in the theory of probabilities of
significance in automatic telephone exchanges", 1917; as it is used for staffing: N. Gans, G. Koole and A. Mandelbaum,
"Telephone call centers: tutorial, review, and research prospects", Manufacturing & Service Operations Management 5,
2003). Within 15 % of simulation at a steady load; over a day with peaks it holds for the peak hour's rate only.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from math import exp, expm1, inf
from typing import Final

LATE_SHARE: Final = 0.05
"""One in twenty may take longer than the P95."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What one group of reviewers has to bear.

    Attributes:
        peak_arrivals_per_hour: reviews, in the busiest hour.
        service_minutes: one review takes a person, on average.
        people: who are reviewing at the time.
    """

    peak_arrivals_per_hour: float
    service_minutes: float
    people: int

    @property
    def p95_minutes(self) -> float:
        return p95_time_in_system(self.peak_arrivals_per_hour, self.service_minutes, self.people)


def wait_probability(arrivals_per_hour: float, service_minutes: float, people: int) -> float:
    """The probability that a review finds everybody busy (Erlang C); 1 when more arrives than they can do."""
    load = arrivals_per_hour / 60 * service_minutes
    if load >= people:
        return 1.0
    blocked = 1.0  # Erlang B, person by person: no factorial, no overflow
    for person in range(1, people + 1):
        blocked = load * blocked / (person + load * blocked)
    return blocked / (1 - load / people * (1 - blocked))


def p95_time_in_system(arrivals_per_hour: float, service_minutes: float, people: int) -> float:
    """The minutes within which 95 % of reviews are decided, waiting included; inf when more arrives than they can do.

    `service_minutes` must be above 0.
    """
    if arrivals_per_hour / 60 * service_minutes >= people:
        return inf
    return _where_it_falls_to(LATE_SHARE, _shares_later(arrivals_per_hour, service_minutes, people))


def people_needed(arrivals_per_hour: float, service_minutes: float, p95_minutes: float) -> int | None:
    """The fewest people who decide 95 % within `p95_minutes`; None: no number does, the review itself takes longer."""
    if exp(-p95_minutes / service_minutes) > LATE_SHARE:
        return None
    people = int(arrivals_per_hour / 60 * service_minutes) + 1
    while _shares_later(arrivals_per_hour, service_minutes, people)(p95_minutes) > LATE_SHARE:
        people += 1
    return people


def peak_hour(arrivals: Mapping[datetime, int]) -> tuple[int, float]:
    """The busiest hour of the day, and its arrivals on average over the days on which anything arrived.

    Args:
        arrivals: how many in the hour that begins there, in the reviewers' local time; hours without may be left out.
    """
    by_hour: defaultdict[int, int] = defaultdict(int)
    days: set[date] = set()
    for start, number in arrivals.items():
        if number:
            by_hour[start.hour] += number
            days.add(start.date())
    if not days:
        return 0, 0.0
    busiest = max(by_hour, key=by_hour.__getitem__)
    return busiest, by_hour[busiest] / len(days)


def _shares_later(arrivals_per_hour: float, service_minutes: float, people: int) -> Callable[[float], float]:
    """t → P(time in system > t minutes): a service time of rate μ, after a wait of rate θ with probability C.

    e^(-μt) + C μ (e^(-θt) - e^(-μt)) / (μ - θ), which for θ = μ becomes e^(-μt) (1 + C μ t).
    """
    waits = wait_probability(arrivals_per_hour, service_minutes, people)
    service = 1 / service_minutes
    slack = (people - arrivals_per_hour / 60 * service_minutes) * service  # above 0 wherever the load is below people
    gap = abs(service - slack)

    def later_than(minutes: float) -> float:
        spread = minutes if gap == 0 else -expm1(-gap * minutes) / gap
        return exp(-service * minutes) + waits * service * exp(-min(service, slack) * minutes) * spread

    return later_than


def _where_it_falls_to(share: float, later_than: Callable[[float], float]) -> float:
    """Where a falling function reaches `share`, by bisection to a relative 1e-9."""
    low, high = 0.0, 1.0
    while later_than(high) > share:
        low, high = high, 2 * high
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if later_than(middle) > share else (low, middle)
    return high
