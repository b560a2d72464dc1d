"""What a confidence is worth, as each process remembers it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import event

from bot.calibrating.worths import Worths
from store.calibrations import CalibrationStore
from tests.bot.calibrating.labelled import SOUND, judged
from tests.bot.calibrating.test_looks import looks
from tests.bot.reviewing.world import World, review_world
from tests.support.rows import decision

SURE = decision(1, 1, confidence=0.9)


@pytest.fixture
async def world(tmp_path: Path, database_url: str) -> AsyncIterator[World]:
    async with review_world(tmp_path, database_url) as made:
        yield made


async def test_it_is_known_for_the_calibrated_stream_within_a_minute(world: World) -> None:
    worths = Worths(CalibrationStore(world.engine), world.clock)
    await worths.refresh()
    assert worths.of(SURE) is None
    await judged(world.engine, world.app_pk, SOUND)
    await looks(world).take()
    await worths.refresh()
    assert worths.of(SURE) is None, "a card costs no query"

    await world.clock.advance(60)
    await worths.refresh()

    found = worths.of(SURE)
    assert found is not None
    assert found[0] > 0.9
    assert 20 <= found[1] <= 40, "a tenth of the labels"
    unsure = worths.of(decision(1, 1, confidence=0.4))
    assert unsure is not None
    assert unsure[0] < 0.7
    for other in (
        decision(1, 1, confidence=0.9, model_version="2"),
        decision(1, 1, confidence=0.9, confidence_source="judge"),
        decision(1, 1, confidence=0.9, task_type="refund"),
        decision(1, 1, confidence=0.1),
        decision(1, 1, confidence=None),
    ):
        assert worths.of(other) is None


async def test_without_a_new_calibration_only_a_number_is_read(world: World) -> None:
    await judged(world.engine, world.app_pk, SOUND)
    await looks(world).take()
    worths, statements = Worths(CalibrationStore(world.engine), world.clock), list[str]()
    await worths.refresh()
    event.listen(
        world.engine.sync_engine, "before_cursor_execute", lambda *arguments: statements.append(str(arguments[2]))
    )

    for _ in range(3):
        await world.clock.advance(30)
        await worths.refresh()

    [read] = [statement for statement in statements if statement.startswith("SELECT")]
    assert read.startswith("SELECT max(")
