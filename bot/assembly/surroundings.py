"""What a process finds around it, and what a test or a benchmark puts in its place."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncEngine

from bot.clock import Clock, SystemClock
from bot.ids import NewId, random_id
from store.notify import Wakeups
from store.writer import Writer


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Time, ids, chance, the writer."""

    clock: Clock = field(default_factory=SystemClock)
    new_id: NewId = random_id
    chance: Callable[[], float] = random.random
    open_writer: Callable[[AsyncEngine, Wakeups], Writer] = Writer
    loops: bool = True
    """False: whoever drives the time also has sent and swept what is due then."""
