"""Each look at the labels is taken once, in its turn."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.calibrating.looks import Looks, categories_of, labels_for, result_of
from routing.calibration import Reason
from store import tables as t
from store.audit_streams import StreamKey
from store.calibrations import CalibrationStore, Look
from store.labels import LabelStore
from tests.bot.calibrating.labelled import HOPELESS, SAME, SOUND, judged
from tests.bot.reviewing.world import World, review_world
from tests.support.rows import NOW

STREAM = StreamKey("label", "", "", "other")


@pytest.fixture
async def world(tmp_path: Path, database_url: str) -> AsyncIterator[World]:
    async with review_world(tmp_path, database_url) as made:
        yield made


def looks(world: World) -> Looks:
    labels, calibrations = LabelStore(world.engine), CalibrationStore(world.engine)
    return Looks(clock=world.clock, writer=world.writer, labels=labels, calibrations=calibrations, policy=world.policy)


async def kept(world: World) -> list[Any]:
    async with world.engine.connect() as connection:
        return list(await connection.execute(select(t.calibrations).order_by(t.calibrations.c.pk)))


def look(number: int, labels: int) -> Look:
    return Look(STREAM, number, NOW, labels, None, "not_certified", {})


@pytest.mark.parametrize(
    ("number", "last", "wanted"),
    [(1, None, 300), (2, look(1, 300), 600), (2, look(1, 1_300), 2_600), (3, look(2, 600), 1_200)],
)
def test_a_look_waits_for_twice_the_labels_of_the_one_before(number: int, last: Look | None, wanted: int) -> None:
    assert labels_for(number, last) == wanted


async def test_a_look_is_taken_in_its_turn_and_spends_its_part_of_delta(world: World) -> None:
    await judged(world.engine, world.app_pk, SOUND[1:])
    assert await looks(world).take() == []
    await judged(world.engine, world.app_pk, SOUND[:1])

    [first] = await looks(world).take()

    found = result_of(first)
    assert (first.stream, first.number, first.labels, first.reason) == (STREAM, 1, 300, Reason.CERTIFIED)
    assert first.threshold is not None
    assert 0.6 < first.threshold <= 0.85
    assert found.goal.delta == pytest.approx(0.05 * 6 / 3.14159265**2)
    assert (found.threshold, found.look, categories_of(first)) == (first.threshold, 1, {"tone": 25})
    assert 0.7 in [row.threshold for row in found.table], "the threshold in force"
    assert await looks(world).take() == []
    await judged(world.engine, world.app_pk, SOUND)
    assert [each.number for each in await looks(world).take()] == [2]

    async with world.engine.connect() as connection:
        told = list(await connection.execute(select(t.history).where(t.history.c.event == "bot:calibration:made")))
    facts = told[0].facts
    assert [row.facts["look"] for row in told] == [1, 2]
    assert (facts["task_type"], facts["labels"], facts["errors"], facts["threshold"]) == (
        "label",
        300,
        25,
        first.threshold,
    )


async def test_a_refusal_is_kept_with_its_reason(world: World) -> None:
    await judged(world.engine, world.app_pk, HOPELESS)
    await judged(world.engine, world.app_pk, SAME, model_name="sure")

    taken = {each.stream.model_name: each for each in await looks(world).take()}

    assert (taken[""].threshold, taken[""].reason) == (None, Reason.NOT_CERTIFIED)
    assert (taken["sure"].threshold, taken["sure"].reason) == (None, Reason.UNINFORMATIVE)


async def test_of_two_replicas_one_takes_the_look(world: World) -> None:
    await judged(world.engine, world.app_pk, SOUND)

    taken = await asyncio.gather(looks(world).take(), looks(world).take())

    assert sorted(map(len, taken)) == [0, 1]
    assert len(await kept(world)) == 1


async def test_a_stream_that_fails_stops_no_other(world: World) -> None:
    await judged(world.engine, world.app_pk, SOUND)
    await judged(world.engine, world.app_pk, [(2.0, False)] * 400, model_name="broken")

    with pytest.raises(ExceptionGroup, match="could not be calibrated"):
        await looks(world).take()

    assert [row.model_name for row in await kept(world)] == [""]


async def test_what_people_see_whatever_the_confidence_proves_nothing_about_a_threshold(world: World) -> None:
    await judged(world.engine, world.app_pk, SOUND, risk="critical")

    assert await looks(world).take() == []
