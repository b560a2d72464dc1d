"""What changed on a person's screen, to whoever watches it."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

Event = dict[str, Any]


class Feed:
    def __init__(self) -> None:
        self._watchers: dict[str, list[asyncio.Queue[Event]]] = defaultdict(list)

    @contextmanager
    def watch(self, user_id: str) -> Iterator[asyncio.Queue[Event]]:
        """The queue fills with what this person would see change from now on."""
        queue: asyncio.Queue[Event] = asyncio.Queue()
        self._watchers[user_id].append(queue)
        try:
            yield queue
        finally:
            self._watchers[user_id].remove(queue)

    def publish(self, event: Event, users: Iterable[str]) -> None:
        for user_id in users:
            for queue in self._watchers[user_id]:
                queue.put_nowait(event)

    def publish_to_all(self, event: Event) -> None:
        self.publish(event, list(self._watchers))
