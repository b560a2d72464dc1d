"""Prometheus metrics of the running process, and what the database says now. Every series belongs to one app.

Labels are few and bounded: no ids, no cohorts, and of the task types, which are the apps' own, the first 200 of each.
"""

from collections import Counter as Counts
from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, generate_latest
from prometheus_client.registry import Collector
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.clock import Clock
from routing.metrics import Facts, by_task
from store.events import EventStore
from store.facts import FactStore, Window
from store.keys import KeyStore
from store.messages import MessageStore
from store.queue import QueueStore
from store.rollbacks import RollbackStore

_MOST_TASK_TYPES = 200
_WINDOW = timedelta(days=7)
_COUNTED_EVERY = timedelta(minutes=1)
"""A window of days hardly changes between two scrapes."""


class Metrics:
    """One registry a process; nothing global, so that tests and benchmarks can run several."""

    def __init__(self, clock: Clock, engine: AsyncEngine) -> None:
        self._clock, self._messages, self._events = clock, MessageStore(engine), EventStore(engine)
        self._rollbacks, self._queue = RollbackStore(engine), QueueStore(engine)
        self._facts, self._keys = FactStore(engine), KeyStore(engine)
        self._counted_at: datetime | None = None
        registry = self._registry = CollectorRegistry()
        self._task_types: defaultdict[str, set[str]] = defaultdict(set)
        self._decisions = Counter(
            "hitl_decisions",
            "Decisions taken in",
            ["app", "task_type", "route", "risk", "disposition"],
            registry=registry,
        )
        self._replays = Counter("hitl_decision_replays", "POSTs answered from the store", ["app"], registry=registry)
        self._verdicts = Counter(
            "hitl_verdicts", "Verdicts that closed a review", ["app", "task_type", "kind", "verdict"], registry=registry
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

        self._line = Gauge(
            "hitl_waiting_reviews", "Reviews that wait for people", ["app", "task_type"], registry=registry
        )
        self._oldest = Gauge(
            "hitl_oldest_waiting_seconds", "How long the oldest of them waits", ["app", "task_type"], registry=registry
        )
        self._window = Gauge(
            "hitl_window_count",
            "What /v1/stats counts of the last 7 days: the ratios of these are its metrics",
            ["app", "task_type", "what"],
            registry=registry,
        )
        self._open_rollbacks = Gauge(
            "hitl_open_rollbacks", "Rollbacks that were asked for and not done", ["app"], registry=registry
        )
        self._oldest_rollback = Gauge(
            "hitl_oldest_open_rollback_seconds", "How long the oldest of them is open", ["app"], registry=registry
        )

    def took_in(self, app: str, task_type: str, route: str, risk: str, disposition: str) -> None:
        self._decisions.labels(app, self._label(app, task_type), route, risk, disposition).inc()

    def replayed(self, app: str) -> None:
        self._replays.labels(app).inc()

    def decided(self, app: str, task_type: str, kind: str, verdict: str, seconds: float) -> None:
        """Counts a verdict that closed a review of this kind, `seconds` after it was opened."""
        label = self._label(app, task_type)
        self._verdicts.labels(app, label, kind, verdict).inc()
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
        await self._set_line()
        await self._set_window()
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

    async def _set_line(self) -> None:
        now, waiting = self._clock.now(), Counts[tuple[str, str]]()
        ages: dict[tuple[str, str], float] = {}
        for app, task_type, count, oldest in await self._queue.waiting_by_app():
            labels = app, self._label(app, task_type)
            waiting[labels] += count
            ages[labels] = max((now - oldest).total_seconds(), ages.get(labels, 0.0))
        for gauge, values in ((self._line, waiting), (self._oldest, ages)):
            gauge.clear()
            for labels, value in values.items():
                gauge.labels(*labels).set(value)

    async def _set_window(self) -> None:
        now = self._clock.now()
        if self._counted_at is not None and timedelta(0) <= now - self._counted_at < _COUNTED_EVERY:
            return
        apps = {key.app: key.app_pk for key in await self._keys.all()}
        found = {app: await self._facts.read(Window(now - _WINDOW, now, app_pk=pk)) for app, pk in apps.items()}
        self._window.clear()
        for app, groups in found.items():
            for task_type, facts in by_task(groups).items():
                for what, count in _counts(facts).items():
                    self._window.labels(app, self._label(app, task_type), what).inc(count)
        self._counted_at = now


def _counts(facts: Facts) -> dict[str, float]:
    """Sums, so that they can be added up over apps and task types before they are divided."""
    weights = {False: 0.0, True: 0.0}
    for (inclusion, is_wrong), count in facts.audits.items():
        weights[is_wrong] += count / inclusion
    approved, judged = facts.with_model
    return {
        "decisions": facts.decisions,
        "escalated": facts.escalated,
        "audited": sum(weights.values()),
        "escaped": weights[True],
        "judged": judged,
        "approved": approved,
        "corrected": facts.corrected,
        "used": facts.uses.total(),
        "compared": facts.pairs.total(),
        "agreed": sum(count for (first, second), count in facts.pairs.items() if first == second),
    }


class _OfApp(Collector):
    def __init__(self, registry: CollectorRegistry, app: str) -> None:
        self._registry, self._app = registry, app

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            metric.samples = [sample for sample in metric.samples if sample.labels["app"] == self._app]
            yield metric
