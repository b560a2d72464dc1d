"""What the digest learns about who carries how much, from verdicts that were really given."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.reviewing.protection import loads_between
from routing.review import Approve, Edit
from store.verdicts import VerdictStore
from tests.bot.reviewing.world import ADA, BEN, World, review_world
from tests.support.rows import NOW

LONG = "A reply that nobody reads in a second. " * 50


@pytest.fixture
async def world(tmp_path: Path, database_url: str) -> AsyncIterator[World]:
    async with review_world(tmp_path, database_url) as made:
        yield made


async def test_who_approves_faster_than_anybody_reads_is_seen(world: World) -> None:
    cases = [await world.case(output=f"{number} {LONG}") for number in range(30)]
    for case in cases:
        await world.pass_time(timedelta(seconds=1))
        assert await world.decide(case, Approve(), ADA)
    for case in [await world.case(output=LONG) for _ in range(3)]:
        await world.claims.claim(case, BEN)
        await world.pass_time(timedelta(minutes=2))
        await world.decide(await world.now(case.review.id), Edit("Better."), BEN)

    ada, ben = await loads_between(VerdictStore(world.engine), NOW, NOW + timedelta(days=7))

    assert (ada.user_id, ada.verdicts, ada.longest_unedited_run) == ("U0ADA", 30, 30)
    assert [concern.kind for concern in ada.concerns] == ["faster_than_reading"]
    assert (ben.user_id, ben.verdicts, ben.fast, ben.concerns) == ("U0BEN", 3, 0, ())
    assert ben.hours == pytest.approx(6 / 60)


async def test_only_the_asked_stretch_of_time_counts(world: World) -> None:
    first = await world.case()
    await world.decide(first, Approve(), ADA)
    await world.pass_time(timedelta(days=1))
    await world.decide(await world.case(), Approve(), BEN)

    loads = await loads_between(VerdictStore(world.engine), NOW + timedelta(hours=1), NOW + timedelta(days=2))

    assert [load.user_id for load in loads] == ["U0BEN"]
