"""Prometheus metrics of the running process, and what waits in the database. Every series belongs to one app."""

from collections import defaultdict
from collections.abc import Collection, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, generate_latest
from prometheus_client.registry import Collector

from bot.clock import Clock
from store.events import EventStore
from store.messages import MessageStore
from store.rollbacks import RollbackStore

_MOST_TASK_TYPES = 200


class Metrics:
    """One registry a process; nothing global, so that tests and benchmarks can run several."""

    def __init__(self, clock: Clock, messages: MessageStore, events: EventStore, rollbacks: RollbackStore) -> None:
        self._clock, self._messages, self._events, self._rollbacks = clock, messages, events, rollbacks
        registry = self._registry = CollectorRegistry()
        self._task_types: defaultdict[str, set[str]] = defaultdict(set)
        self._decisions = Counter(
            "hitl_decisions", "Decisions taken in", ["app", "task_type", "route", "risk"], registry=registry
        )
        self._replays = Counter("hitl_decision_replays", "POSTs answered from the store", ["app"], registry=registry)
        self._verdicts = Counter(
            "hitl_verdicts", "Verdicts that closed a review", ["app", "task_type", "verdict"], registry=registry
        )
        self._review_latency = Histogram(
            "hitl_review_latency_seconds",
            "From the opening of a review to its verdict",
            ["app", "task_type"],
            buckets=(5, 15, 30, 60, 120, 300, 600, 1800, 3600, 14400, 86400),
            registry=registry,
        )
        self._waiting = Gauge("hitl_events", "Events that are pending or dead", ["app", "state"], registry=registry)
        self._live_cards = Gauge(
            "hitl_live_cards", "Cards that wait in a channel", ["app", "channel"], registry=registry
        )

        self._open_rollbacks = Gauge(
            "hitl_open_rollbacks", "Rollbacks that were asked for and not done", ["app"], registry=registry
        )
        self._oldest_rollback = Gauge(
            "hitl_oldest_open_rollback_seconds", "How long the oldest of them is open", ["app"], registry=registry
        )

    def took_in(self, app: str, task_type: str, route: str, risk: str) -> None:
        self._decisions.labels(app, self._label(app, task_type), route, risk).inc()

    def replayed(self, app: str) -> None:
        self._replays.labels(app).inc()

    def decided(self, app: str, task_type: str, verdict: str, seconds: float) -> None:
        """Counts a verdict that closed a review, `seconds` after it was opened."""
        label = self._label(app, task_type)
        self._verdicts.labels(app, label, verdict).inc()
        self._review_latency.labels(app, label).observe(seconds)

    def _label(self, app: str, task_type: str) -> str:
        """Task types come from the apps: past a bound those of one app share one label."""
        known = self._task_types[app]
        if len(known) < _MOST_TASK_TYPES:
            known.add(task_type)
        return task_type if task_type in known else "other"

    async def scrape(self, app: str | None) -> bytes:
        """The text of one app's series, or of all; the gauges are read from the database now."""
        waiting, live = await self._events.waiting(), await self._messages.live_counts_by_app()
        for gauge, counts in ((self._waiting, waiting), (self._live_cards, live)):
            gauge.clear()
            for labels, count in counts.items():
                gauge.labels(*labels).set(count)
        await self._set_rollbacks({app for app, _ in waiting})
        if app is None:
            return generate_latest(self._registry)
        own = CollectorRegistry()
        own.register(_OfApp(self._registry, app))
        return generate_latest(own)

    async def _set_rollbacks(self, apps: Collection[str]) -> None:
        found = await self._rollbacks.open(self._clock.now())
        for app in apps:
            ages = [each.age.total_seconds() for each in found if each.app == app]
            self._open_rollbacks.labels(app).set(len(ages))
            self._oldest_rollback.labels(app).set(max(ages, default=0))


class _OfApp(Collector):
    def __init__(self, registry: CollectorRegistry, app: str) -> None:
        self._registry, self._app = registry, app

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            metric.samples = [sample for sample in metric.samples if sample.labels["app"] == self._app]
            yield metric
