"""Trying anew for as long as somebody else is quicker."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

Seen = TypeVar("Seen")
Done = TypeVar("Done")

# So many people would have to act between our look and our commit. Each time one of them succeeds.
_MOST_TRIES = 200


async def until_done(
    seen: Seen, attempt: Callable[[Seen], Awaitable[Done | None]], look_again: Callable[[], Awaitable[Seen]]
) -> Done:
    """What the attempt comes to. None: somebody was quicker, and it is made on what `look_again` sees now."""
    for _ in range(_MOST_TRIES):
        done = await attempt(seen)
        if done is not None:
            return done
        seen = await look_again()
    raise RuntimeError(f"it changes faster than anybody can act on it: {seen!r:.200}")
