"""When a callback that failed is tried again. Pure: time and chance come in as arguments."""

from datetime import datetime, timedelta
from typing import Final

FIRST_DELAY: Final = timedelta(seconds=5)
LONGEST_DELAY: Final = timedelta(hours=6)
GIVE_UP_AFTER: Final = timedelta(days=3)

_DOUBLINGS_TO_LONGEST: Final = 13  # 5 s · 2¹³ is over 11 h; beyond it a power of two would only grow


def next_attempt(
    attempts: int, created_at: datetime, now: datetime, jitter: float, retry_after: float | None = None
) -> datetime | None:
    """The time of the next attempt, or None when the event is to be dead-lettered.

    Args:
        attempts: made so far, this failed one included.
        created_at: of the event; three days after it the last attempt is made.
        jitter: in [0, 1), drawn anew each time: the delay is 50 to 100 % of the exponential one, so that events
            which failed together do not come back together.
        retry_after: seconds the receiver asked for; obeyed up to six hours, and never shortens the delay.
    """
    end = created_at + GIVE_UP_AFTER
    if now >= end:
        return None
    exponential = min(FIRST_DELAY * (1 << min(max(attempts, 1) - 1, _DOUBLINGS_TO_LONGEST)), LONGEST_DELAY)
    delay = exponential * (0.5 + jitter / 2)
    if retry_after is not None:
        delay = max(delay, timedelta(seconds=min(retry_after, LONGEST_DELAY.total_seconds())))
    return min(now + delay, end)
