"""The monthly calibration: what its channel is told, once, and what people are asked to apply."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.adjusting import Adjusted, Adjusting
from bot.calibrating.looks import Looks
from bot.jobs.calibrate import Calibrate
from bot.jobs.runner import JobFailedError, Jobs, Ran
from bot.slack.proposed import render_proposed
from store import tables as t
from store.adjustments import AdjustmentStore, Proposal
from store.calibrations import CalibrationStore
from store.labels import LabelStore
from store.runs import RunStore
from store.threshold_effect import ThresholdEffectStore
from tests.bot.calibrating.labelled import HOPELESS, SOUND, judged
from tests.bot.reviewing.world import World, review_world
from tests.support.bot import POLICY
from tests.support.rows import NOW


@dataclass
class Calibrating:
    """One process."""

    world: World
    looks: Looks
    adjusting: Adjusting
    jobs: Jobs

    async def run(self) -> dict[str, Any]:
        ran = await self.jobs.run("calibrate", self.world.clock.now())
        assert isinstance(ran, Ran)
        return ran.told

    async def next_month(self) -> None:
        await self.world.clock.advance(timedelta(days=32).total_seconds())

    async def judged(self, *answers: Any, **changes: Any) -> None:
        await judged(self.world.engine, self.world.app_pk, *answers, **changes)

    async def reports(self) -> list[Any]:
        """What the channel is told that asks for nothing."""
        m = t.messages.c
        async with self.world.engine.connect() as connection:
            return list(await connection.execute(select(t.messages).where(m.kind == "report").order_by(m.pk)))

    async def proposals(self) -> list[Proposal]:
        async with self.world.engine.connect() as connection:
            ids = list(await connection.scalars(select(t.proposals.c.id).order_by(t.proposals.c.pk)))
        found = [await AdjustmentStore(self.world.engine).proposal(each) for each in ids]
        return [each for each in found if each is not None]


@pytest.fixture
async def here(tmp_path: Path, database_url: str) -> AsyncIterator[Calibrating]:
    async with review_world(tmp_path, database_url) as world:
        yield process(world)


def process(world: World) -> Calibrating:
    around: dict[str, Any] = {"clock": world.clock, "writer": world.writer, "policy": world.policy}
    calibrations = CalibrationStore(world.engine)
    looks = Looks(labels=LabelStore(world.engine), calibrations=calibrations, **around)
    adjusting = Adjusting(store=AdjustmentStore(world.engine), new_id=world.new_id, **around)
    effects = ThresholdEffectStore(world.engine)
    job = Calibrate(looks=looks, calibrations=calibrations, effects=effects, adjusting=adjusting, **around)
    jobs = Jobs(clock=world.clock, writer=world.writer, runs=RunStore(world.engine), jobs=[job])
    return Calibrating(world, looks, adjusting, jobs)


async def test_a_proven_threshold_is_proposed_once_and_applied_by_a_click(here: Calibrating) -> None:
    await here.judged(SOUND)

    assert await here.run() == {"calibrated": 1, "certified": 1}

    [proposal] = await here.proposals()
    assert (proposal.task_type, proposal.key, proposal.from_value, proposal.state) == (
        "label",
        "threshold",
        0.7,
        "open",
    )
    assert proposal.channel == "#ai-review"
    assert "So far it is 0.7." in render_proposed(proposal).text
    assert await here.reports() == []
    assert isinstance(await here.adjusting.apply(proposal, by="user:T0HOME/U0ADA"), Adjusted)
    assert here.world.policy.current.task("label").threshold == proposal.value

    await here.next_month()
    assert await here.run() == {"calibrated": 0, "certified": 0}
    assert (len(await here.proposals()), await here.reports()) == (1, []), "nothing new, no post"


async def test_a_refusal_says_how_many_labels_are_missing_and_asks_nobody(here: Calibrating) -> None:
    await here.judged([(0.9, False)] * 100 + [(0.2, True)] * 200)

    assert await here.run() == {"calibrated": 1, "certified": 0}

    [report] = await here.reports()
    assert (report.channel, report.body["task"]) == ("#ai-review", "label")
    assert "Keep a person on everything" in report.body["text"]
    assert "more labels" in report.body["text"]
    assert await here.proposals() == []


async def test_where_more_labels_will_not_help_it_says_so(here: Calibrating) -> None:
    await here.judged(HOPELESS)
    await here.run()
    assert "more labels alone will not change that" in (await here.reports())[0].body["text"]


async def test_what_was_found_before_a_process_died_is_told_by_the_next(here: Calibrating) -> None:
    await here.next_month()
    await here.judged(SOUND)
    await here.looks.take()
    assert await here.proposals() == []

    await here.run()

    assert len(await here.proposals()) == 1


async def test_a_stream_that_fails_keeps_no_other_from_being_told(here: Calibrating) -> None:
    await here.judged(SOUND)
    await here.judged([(2.0, False)] * 300, model_name="broken", created_at=NOW - timedelta(days=40))

    with pytest.raises(JobFailedError):
        await here.run()

    assert len(await here.proposals()) == 1


async def test_what_was_applied_since_is_not_told_again_by_a_run_that_is_made_up_for(here: Calibrating) -> None:
    await here.judged(SOUND)
    await here.judged([(2.0, False)] * 300, model_name="broken", created_at=NOW - timedelta(days=40))
    with pytest.raises(JobFailedError):
        await here.run()
    [proposal] = await here.proposals()
    assert isinstance(await here.adjusting.apply(proposal, by="user:T0HOME/U0ADA"), Adjusted)

    with pytest.raises(JobFailedError):
        await here.run()

    assert await here.reports() == []


async def test_a_threshold_is_proposed_for_the_model_that_is_at_work(here: Calibrating) -> None:
    await here.judged(SOUND, created_at=NOW - timedelta(days=40))
    await here.judged([(0.9, False)] * 299, model_version="2")

    await here.run()

    assert await here.proposals() == []
    [report] = await here.reports()
    assert "came from another model" in str(report.body["blocks"])


async def test_what_the_policy_holds_already_is_told_without_a_question(here: Calibrating) -> None:
    await here.judged(SOUND)
    [look] = await here.looks.take()
    await here.world.set_policy(POLICY.replace("threshold: 0.70", f"threshold: {look.threshold!r}"))

    await here.run()

    assert await here.proposals() == []
    assert "It is in force already." in (await here.reports())[0].body["text"]
