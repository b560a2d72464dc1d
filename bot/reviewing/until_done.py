"""Trying anew for as long as somebody else, or another replica, is quicker."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

Seen = TypeVar("Seen")
Done = TypeVar("Done")

# So many people would have to act between our look and our commit. Each time one of them succeeds.
_MOST_TRIES = 200
# Of replicas there are few, and whoever comes second mostly finds that all is done.
_MOST_REPLICAS = 5


async def until_done(
    seen: Seen, attempt: Callable[[Seen], Awaitable[Done | None]], look_again: Callable[[], Awaitable[Seen]]
) -> Done:
    """What the attempt comes to. None: somebody was quicker, and it is made on what `look_again` sees now."""
    for _ in range(_MOST_TRIES):
        done = await attempt(seen)
        if done is not None:
            return done
        seen = await look_again()
    # Not what was seen: that may be what a customer wrote, and this goes into the log.
    raise RuntimeError(f"{attempt.__qualname__}: it changes faster than anybody can act on it")


async def unless_outdated(attempt: Callable[[], Awaitable[Done]], *outdated: type[Exception]) -> Done:
    """What the attempt comes to; one of `outdated`: another replica was quicker, and it is made anew."""
    for _ in range(_MOST_REPLICAS):
        with suppress(*outdated):
            return await attempt()
    raise RuntimeError(f"{attempt.__qualname__}: it changes faster than it can be worked out")
