"""Decisions that people have judged, hundreds at once."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import timedelta
from itertools import count
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from routing.review import ReviewState
from store import tables as t
from tests.support.rows import NOW, decision, review

YESTERDAY = NOW - timedelta(days=1)

_pks = count(500_000)

Answer = tuple[float, bool]
"""How sure the model was, and whether it was wrong."""

SOUND: list[Answer] = [(0.8 + number / 2_000, False) for number in range(250)] + [
    (0.3 + number / 200, number % 2 == 0) for number in range(50)
]
"""300 answers: above 0.8 the model is never wrong, below 0.6 every other time."""
HOPELESS: list[Answer] = [(confidence, number % 10 == 0) for number, (confidence, _) in enumerate(SOUND)]
"""300 answers: the model is wrong every tenth time, however sure it is."""
SAME: list[Answer] = [(0.9, number % 20 == 0) for number in range(300)]
"""300 answers: the model is always as sure."""


async def judged(engine: AsyncEngine, app_pk: int, answers: Iterable[Answer], **changes: Any) -> None:
    """What people decided before it went out, of yesterday."""
    decisions, reviews = [], []
    for confidence, is_wrong in answers:
        pk = next(_pks)
        ends = {"status": "resolved", "outcome": "rejected" if is_wrong else "approved", "category": "tone"}
        made = decision(pk, app_pk, **{"created_at": YESTERDAY, "confidence": confidence, **ends, **changes})
        decisions.append(asdict(made))
        opened = review(pk, task_type=made.task_type).row(pk, NOW)
        reviews.append({**opened, "state": ReviewState.DECIDED, "closed_at": NOW})
    async with engine.begin() as connection:
        await connection.execute(insert(t.decisions), decisions)
        await connection.execute(insert(t.reviews), reviews)
