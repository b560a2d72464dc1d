"""Prometheus metrics of the running process, and what waits in the database."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from store.cards import CardStore
from store.events import EventStore

_MOST_TASK_TYPES = 200


class Metrics:
    """One registry a process; nothing global, so that tests and benchmarks can run several."""

    def __init__(self, cards: CardStore, events: EventStore) -> None:
        self._cards, self._events = cards, events
        self.registry = CollectorRegistry()
        self._task_types: set[str] = set()
        self.decisions = Counter(
            "hitl_decisions", "Decisions taken in", ["task_type", "route", "risk"], registry=self.registry
        )
        self.replays = Counter("hitl_decision_replays", "POSTs answered from the store", registry=self.registry)
        self.verdicts = Counter(
            "hitl_verdicts", "Verdicts that closed a review", ["task_type", "verdict"], registry=self.registry
        )
        self.review_latency = Histogram(
            "hitl_review_latency_seconds",
            "From the opening of a review to its verdict",
            ["task_type"],
            buckets=(5, 15, 30, 60, 120, 300, 600, 1800, 3600, 14400, 86400),
            registry=self.registry,
        )
        self._event_states = Gauge("hitl_events", "Events to apps, by state", ["state"], registry=self.registry)
        self._live_cards = Gauge("hitl_live_cards", "Cards that wait in a channel", ["channel"], registry=self.registry)

    def took_in(self, task_type: str, route: str, risk: str) -> None:
        self.decisions.labels(self._label(task_type), route, risk).inc()

    def decided(self, task_type: str, verdict: str, seconds: float) -> None:
        """Counts a verdict that closed a review, `seconds` after it was opened."""
        label = self._label(task_type)
        self.verdicts.labels(label, verdict).inc()
        self.review_latency.labels(label).observe(seconds)

    def _label(self, task_type: str) -> str:
        """Task types come from the apps: past a bound they share one label."""
        if len(self._task_types) < _MOST_TASK_TYPES:
            self._task_types.add(task_type)
        return task_type if task_type in self._task_types else "other"

    async def refresh(self) -> None:
        """Reads the gauges from the database, just before a scrape is answered."""
        counts = await self._events.counts()
        for state in ("pending", "delivered", "dead"):
            self._event_states.labels(state).set(counts.get(state, 0))
        self._live_cards.clear()
        for channel, count in (await self._cards.live_counts()).items():
            self._live_cards.labels(channel).set(count)
