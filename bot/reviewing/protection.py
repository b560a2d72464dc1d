"""How much each reviewer carries, for the digest: to spread the work anew, never to shame."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Literal, cast

from routing.reviewer_load import GivenVerdict, ReviewerLoad, reviewer_loads
from store.verdicts import VerdictRow, VerdictStore


async def loads_between(store: VerdictStore, since: datetime, until: datetime) -> tuple[ReviewerLoad, ...]:
    """The load of each person who gave a verdict from `since` on and before `until`."""
    return reviewer_loads(_given(await store.between(since, until)))


def _given(rows: Iterable[VerdictRow]) -> Iterator[GivenVerdict]:
    """Whoever approves on a card tells nobody when they began. They had at most the time since the card was there, and
    since their verdict before: if even that is too short for reading, it was."""
    last: dict[str, datetime] = {}
    for row in rows:
        earliest = max(row.could_begin_at, last.get(row.user_id, row.could_begin_at))
        began = row.began_at or earliest
        last[row.user_id] = row.at
        yield GivenVerdict(
            user_id=row.user_id,
            at=row.at,
            verdict=cast(Literal["approve", "edit", "reject"], row.verdict),
            seconds=max((row.at - began).total_seconds(), 0.0),
            characters=row.characters,
            task_type=row.task_type,
        )
