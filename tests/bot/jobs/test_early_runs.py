"""A draw that an operator asked for before its time: the day is drawn from to its end, and nothing twice."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from store import tables as t
from tests.bot.reviewing.audit_world import Auditing, auditing
from tests.bot.reviewing.world import review_world
from tests.support.bot import POLICY
from tests.support.rows import NOW

DUE = datetime(2026, 11, 21, 8, tzinfo=UTC)


@pytest.fixture
async def at_work(tmp_path: Path, database_url: str) -> AsyncIterator[Auditing]:
    async with review_world(tmp_path, database_url, POLICY) as world:
        yield auditing(world)


async def test_what_ran_alone_after_an_early_draw_is_drawn_from_when_it_is_due(at_work: Auditing) -> None:
    clock = at_work.world.clock
    early = await at_work.ran_alone(2)
    await at_work.jobs.run("audit-samples", DUE)
    late = await at_work.ran_alone(3, at=NOW + timedelta(hours=1))
    opened = await at_work.told("bot:review:opened")

    await clock.advance((DUE - clock.now()).total_seconds())
    await at_work.jobs.run_due()
    await at_work.jobs.run_due()

    drawn = [row.pk for row in await at_work.all(t.decisions) if row.inclusion is not None]
    assert sorted(drawn) == sorted([*early, *late])
    again = await at_work.told("bot:review:opened")
    assert again[: len(opened)] == opened
    audits = [row.decision_pk for row in await at_work.all(t.reviews) if row.kind == "audit"]
    assert len(audits) == len(set(audits)) == len(again) == 5
