"""What a scheduled job is."""

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

from routing.decision import Json
from store.runs import Tick


class Job(Protocol):
    """Work that is due at certain times.

    What it does must be harmless to do again: a process that dies after the work and before the note of it leaves the
    tick to the next one. So its effects are rows under keys that make them one.
    """

    @property
    def name(self) -> str:
        """As `hitl jobs` calls it."""
        ...

    @property
    def owed(self) -> int:
        """How many of the latest ticks are made up for when they were missed: 1 for what only the latest matters."""
        ...

    def ticks(self, now: datetime) -> Iterator[Tick]:
        """Those due by `now`, the latest first, without end."""
        ...

    async def run(self, tick: Tick) -> dict[str, Json]:
        """Does what is due at this tick; what it did, in numbers."""
        ...
