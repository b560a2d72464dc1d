"""Doing everything that is due: found by a query, each by itself."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from bot.clock import Clock

log = structlog.get_logger(__name__)

_AT_ONCE = 100
_AFTER_A_FAILURE = timedelta(minutes=1)


async def sweep(
    clock: Clock,
    until: datetime | None,
    *,
    due: Callable[[datetime, int], Awaitable[list[int]]],
    advance: Callable[[int, datetime], Awaitable[None]],
    put_off: Callable[[int, datetime, datetime], Awaitable[object]],
) -> int:
    """Does everything that is due by the clock's now, or `until` then where that is later; how many rows that were.

    `due`: the keys of at most so many rows that are due by then; `advance`: does what is due of one by then;
    `put_off`: looks at one that was due by then again only at another time. One that fails stops no other, and is tried
    again after a minute.
    """
    seen: set[int] = set()
    while True:
        by = max(clock.now(), until or clock.now())
        new = [pk for pk in await due(by, _AT_ONCE + len(seen)) if pk not in seen]
        if not new:
            return len(seen)
        seen.update(new)
        for pk in new:
            try:
                await advance(pk, by)
            except Exception:
                log.exception("sweep.failed", what=advance.__qualname__, pk=pk)
                await put_off(pk, by, clock.now() + _AFTER_A_FAILURE)
