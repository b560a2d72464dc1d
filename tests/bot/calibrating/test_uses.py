"""Corrections from the verdict to the applied calibration that holds them, and what the statistics tell of it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.adjusting import Adjusted, Adjusting, Refused
from bot.app import Application
from bot.calibrating.domain import domain_of
from bot.calibrating.looks import Looks
from bot.calibrating.uses import Uses
from bot.jobs.calibrate import Calibrate
from bot.jobs.runner import Jobs, Ran
from bot.reporting.days import Span
from bot.reporting.statistics import read_statistics, statistics_object
from routing.decision import Risk
from routing.metrics import LATENCY_UNIT, latency_step
from routing.review import Approve, Edit, Reject
from store import tables as t
from store import uses
from store.adjustments import AdjustmentStore, Proposal
from store.audit_streams import StreamKey
from store.calibrations import CalibrationStore, KeepCalibration, Look
from store.counter_check import CounterCheck, Repair
from store.facts import FactStore
from store.history import HistoryRecord
from store.labels import Domain, LabelStore
from store.runs import RunStore
from store.threshold_effect import ThresholdEffectStore
from store.uses import UseStore
from tests.bot.calibrating.labelled import SOUND, judged
from tests.bot.reviewing.world import ADA, DORA, World, policy_for_labels, review_world
from tests.support.bot import PATIENCE, running_bot
from tests.support.clock import ManualClock
from tests.support.counters import wrong_counters
from tests.support.judged import Judgement, Past, Voted
from tests.support.rows import NOW

DAY = timedelta(days=1)


@dataclass
class Cycle:
    """From verdicts to a threshold that is in force."""

    world: World
    adjusting: Adjusting
    jobs: Jobs

    async def corrected(self, confidence: float = 0.4) -> str:
        """The review of a decision that somebody rejects."""
        case = await self.world.case(confidence=confidence, callback_url=None)
        await self.world.decide(case, Reject("tone"))
        return case.review.id

    async def proposal(self) -> Proposal:
        """What the calibration of a month's labels proposes."""
        assert isinstance(await self.jobs.run("calibrate", self.world.clock.now()), Ran)
        found = await AdjustmentStore(self.world.engine).open_proposal("label", "threshold")
        assert found is not None
        return found

    async def note(self) -> int:
        return await Uses(writer=self.world.writer, store=UseStore(self.world.engine)).sweep()

    async def told(self) -> dict[str, Any]:
        """The statistics of the first day."""
        assert await wrong_counters(self.world.engine) == []
        span = Span(NOW, NOW + DAY)
        return statistics_object(await read_statistics(FactStore(self.world.engine), span, "label"))


@pytest.fixture
async def cycle(tmp_path: Path, database_url: str) -> AsyncIterator[Cycle]:
    policy = policy_for_labels("adjudicators: {users: [U0DORA]}")
    async with review_world(tmp_path, database_url, policy) as world:
        around: dict[str, Any] = {"clock": world.clock, "writer": world.writer, "policy": world.policy}
        calibrations = CalibrationStore(world.engine)
        looks = Looks(labels=LabelStore(world.engine), calibrations=calibrations, **around)
        adjusting = Adjusting(store=AdjustmentStore(world.engine), new_id=world.new_id, **around)
        effects = ThresholdEffectStore(world.engine)
        job = Calibrate(looks=looks, calibrations=calibrations, effects=effects, adjusting=adjusting, **around)
        await judged(world.engine, world.app_pk, SOUND)
        for block in await CounterCheck(world.engine).blocks():
            await world.writer.submit(Repair(block))
        yield Cycle(
            world, adjusting, Jobs(clock=world.clock, writer=world.writer, runs=RunStore(world.engine), jobs=[job])
        )


async def test_an_applied_calibration_uses_the_corrections_that_it_looked_at(cycle: Cycle) -> None:
    world = cycle.world
    reviews = [await cycle.corrected() for _ in range(4)]
    assert (await cycle.told())["feedback_utilization"] == {"value": 0.0, "numerator": 0, "denominator": 4}
    await world.clock.advance(3_600)
    proposal = await cycle.proposal()
    await world.clock.advance(1)
    await cycle.corrected()  # after the look
    await world.reviewing.change(await world.now(reviews[0]), DORA, Edit("billing", "tone"))
    await world.clock.advance(7_199)
    assert isinstance(await cycle.adjusting.apply(proposal, by=ADA.actor), Adjusted)
    assert await cycle.adjusting.apply(proposal, by=DORA.actor) is None

    await world.clock.advance(600)  # whenever it is noted

    assert await cycle.note() == 3
    told = await cycle.told()
    assert told["feedback_utilization"] == {"value": 3 / 5, "numerator": 3, "denominator": 5}
    seconds = round(latency_step(10_800) * LATENCY_UNIT, 2)
    assert told["feedback_to_update"] == {"p50": seconds, "p95": seconds, "n": 3}
    assert told["by_task"]["label"]["feedback_utilization"] == told["feedback_utilization"]

    [adjustment] = await AdjustmentStore(world.engine).in_force()
    assert isinstance(await cycle.adjusting.undo(adjustment.id, by=ADA.actor), Adjusted)
    assert await cycle.note() == 0
    assert await cycle.told() == told, "they were used all the same"

    await world.reviewing.change(await world.now(reviews[1]), DORA, Approve())
    await world.reviewing.change(await world.now(reviews[2]), DORA, Edit("billing", "tone"))
    assert (await cycle.told())["feedback_utilization"] == {"value": 1 / 4, "numerator": 1, "denominator": 4}


async def test_what_is_refused_or_overtaken_uses_nothing(cycle: Cycle) -> None:
    await cycle.corrected()
    await cycle.world.clock.advance(60)
    proposal = await cycle.proposal()
    assert isinstance(await cycle.adjusting.adjust("label", "threshold", 0.99, by="operator", why=""), Adjusted)
    assert isinstance(await cycle.adjusting.apply(proposal, by=ADA.actor), Refused)
    async with cycle.world.engine.connect() as connection:
        assert await connection.scalar(select(func.count()).select_from(t.unnoted_uses)) == 0


async def test_a_policy_that_changed_since_does_not_change_what_was_looked_at(cycle: Cycle) -> None:
    """By then nothing may run alone, so it would be no label."""
    world = cycle.world
    await cycle.corrected()
    await world.clock.advance(60)
    proposal = await cycle.proposal()
    levels = ", ".join(f"{level}: {{confident: ESCALATE, unsure: ESCALATE}}" for level in Risk)
    await world.set_policy(policy_for_labels(f"matrix: {{{levels}}}"))
    assert domain_of(world.policy.current.task("label")) == Domain({})
    assert isinstance(await cycle.adjusting.apply(proposal, by=ADA.actor), Adjusted)
    assert await cycle.note() == 1


async def test_a_portion_leaves_the_rest_for_the_next(cycle: Cycle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uses, "_PAGE", 1)
    for _ in range(7):
        await cycle.corrected()
    await cycle.world.clock.advance(60)
    proposal = await cycle.proposal()
    await cycle.adjusting.apply(proposal, by=ADA.actor)
    sweep = Uses(writer=cycle.world.writer, store=UseStore(cycle.world.engine))
    assert await sweep.next_due() == cycle.world.clock.now()
    assert await sweep.sweep() == 5
    while await sweep.next_due() is not None:
        await sweep.sweep()
    assert (await cycle.told())["feedback_utilization"]["numerator"] == 7


async def test_what_a_process_left_is_noted_by_the_next(tmp_path: Path, database_url: str) -> None:
    async with running_bot(tmp_path, database_url, clock=ManualClock(NOW), loops=False) as bot:
        application = bot.application
        await _apply_a_calibration(application)
        ran = await application.jobs.run("deadlines", NOW)
        assert isinstance(ran, Ran)
        assert ran.told["uses"] == 1
        assert await UseStore(application.services.engine).next() is None


async def test_a_process_at_work_notes_it_by_itself(tmp_path: Path, database_url: str) -> None:
    async with running_bot(tmp_path, database_url) as bot, asyncio.timeout(PATIENCE):
        await _apply_a_calibration(bot.application)
        while await UseStore(bot.services.engine).next() is not None:
            await asyncio.sleep(0.05)
        assert await wrong_counters(bot.services.engine) == []


async def _apply_a_calibration(application: Application) -> None:
    """With one correction among its labels."""
    past = Past(application.services.engine, 1, application.services.policy.current.version, first_pk=500_000)
    await past.add(NOW, Judgement("gate", [Voted("reject")]), status="resolved", outcome="rejected")
    look = Look(StreamKey("label", "", "", "other"), 1, NOW + DAY, 300, 0.9, "certified", {})
    record = HistoryRecord(look.at, "bot:calibration:made", "bot", facts={})
    await application.services.writer.submit(KeepCalibration(look, Domain({"low": 0.0}), record))
    facts = {"calibration": 1}
    done = await application.services.adjusting.adjust("label", "threshold", 0.9, by="operator", why="", facts=facts)
    assert isinstance(done, Adjusted)
