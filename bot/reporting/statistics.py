"""The statistics of a stretch of time, as data: what all that tells of them rests on, and what a digest is made of."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property

from bot.answer import timestamp
from bot.reporting.days import Span
from bot.reviewing.capacity import service_time
from routing.cohorts import StandingOut, standing_out
from routing.decision import Json
from routing.metrics import Facts, Groups, by_cohort, by_task, metrics, override_rate, summed
from routing.money import Money, money
from routing.policy_sections import Cost
from store.facts import FactStore, Window
from store.load import LoadStore

MOST_PARTS = 200
"""Task types and cohorts are the apps' own, and may be thousands: of each, those with the most decisions are listed."""
MOST_STANDING_OUT = 20
_TIMED = 2_000
"""The latest verdicts that the time of one is reckoned from."""


@dataclass(frozen=True)
class Statistics:
    """The facts of the decisions that were created in `window`. No slots: what goes through all groups, of which there
    may be thousands, is reckoned once, and by whoever asks first: not on the event loop."""

    window: Window
    groups: Groups

    @cached_property
    def by_task(self) -> dict[str, Facts]:
        return by_task(self.groups)

    @cached_property
    def whole(self) -> Facts:
        return summed(self.by_task.values())

    @cached_property
    def sizes(self) -> Mapping[str, int]:
        """Decisions by cohort."""
        found = Counter[str]()
        for group, facts in self.groups.items():
            if group.cohort:
                found[group.cohort] += facts.decisions
        return found

    def largest_tasks(self, most: int) -> dict[str, Facts]:
        """Those with the most decisions, by name."""
        chosen = _largest({name: facts.decisions for name, facts in self.by_task.items()}, most)
        return {name: facts for name, facts in self.by_task.items() if name in chosen}

    def largest_cohorts(self, most: int) -> dict[str, Facts]:
        """Likewise. The facts of the others, of which there may be thousands, are not summed."""
        chosen = _largest(self.sizes, most)
        return by_cohort({group: facts for group, facts in self.groups.items() if group.cohort in chosen})

    @cached_property
    def standing_out(self) -> tuple[StandingOut, ...]:
        return standing_out(self.groups)


async def read_statistics(
    store: FactStore, span: Span, task_type: str | None = None, *, app_pk: int | None = None, cohort: str | None = None
) -> Statistics:
    """As they are known now: verdicts that come later change them."""
    window = Window(span.since, span.until, task_type, app_pk, cohort)
    return Statistics(window, await store.read(window))


@dataclass(frozen=True, slots=True)
class Prices:
    """What the policy says things cost, and how many minutes one verdict took on average."""

    cost: Cost
    minutes_each: float

    def of(self, facts: Facts) -> Money:
        return money(facts, self.cost, self.minutes_each)


async def read_prices(load: LoadStore, window: Window, cost: Cost | None) -> Prices | None:
    """None: the policy does not say what things cost."""
    if cost is None:
        return None
    given = await load.verdicts(window.since, window.until, _TIMED, task_type=window.task_type, app_pk=window.app_pk)
    return Prices(cost, service_time(given).total_seconds() / 60)


def statistics_object(statistics: Statistics, prices: Prices | None = None) -> dict[str, Json]:
    """The metrics by key, of all and of each task type and cohort, and what is told beside them. Takes a while where
    there are thousands of cohorts, and a second when scipy is loaded first: not on the event loop."""
    whole, window = statistics.whole, statistics.window
    return {
        "from": timestamp(window.since),
        "to": timestamp(window.until),
        "task_type": window.task_type,
        "cohort": window.cohort,
        **metrics(whole),
        "override_rate": override_rate(whole),
        "error_categories": [{"category": name or None, "count": count} for name, count in categories(whole)],
        "disputes": whole.disputes,
        "cohorts_that_stand_out": [asdict(each) for each in statistics.standing_out[:MOST_STANDING_OUT]],
        "cost": None if prices is None else asdict(prices.of(whole)),
        "by_task": _parts(statistics.largest_tasks(MOST_PARTS)),
        "by_cohort": _parts(statistics.largest_cohorts(MOST_PARTS)),
    }


def categories(facts: Facts) -> list[tuple[str, int]]:
    """Of the corrections, the most frequent first; "" where none was named."""
    return sorted(facts.categories.items(), key=lambda item: (-item[1], item[0]))


def _largest(sizes: Mapping[str, int], most: int) -> set[str]:
    return set(sorted(sizes, key=lambda name: (-sizes[name], name))[:most])


def _parts(parts: Mapping[str, Facts]) -> dict[str, Json]:
    return {name: {**metrics(facts), "override_rate": override_rate(facts)} for name, facts in parts.items()}
