"""What runs alone in the world of the review services, and the draw from it."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import Table, Update, select, update

from bot.adjusting import Adjusting
from bot.alerts import Alerts
from bot.answer import sha256_of
from bot.jobs.audit_samples import AuditSamples
from bot.jobs.runner import Jobs
from bot.reviewing.audit_rates import AuditRates
from bot.reviewing.audits import Audits, Draw
from bot.reviewing.case import Case
from bot.reviewing.promotions import Promotions
from routing.review import Approve, Edit, Reject, Verdict
from store import tables as t
from store.accuracy import AccuracyStore
from store.adjustments import AdjustmentStore
from store.alerts import AlertStore
from store.audit_streams import SETTLED_AFTER, Stream, StreamStore
from store.audits import AuditStore, Period
from store.decisions import PrimaryKeys, TakeIn, outcome_content
from store.runs import RunStore
from tests.bot.reviewing.world import World
from tests.support.rows import NOW, take_in

DAY = date(2026, 11, 20)
TODAY = Period(NOW - timedelta(hours=10), NOW + timedelta(hours=14))
"""The day of NOW in UTC."""
CORRECT, FIX, WRONG = Approve(), Edit("billing"), Reject(reason="No such parcel")


@dataclass
class Auditing:
    """One process that draws and learns."""

    world: World
    audits: Audits
    rates: AuditRates
    promotions: Promotions
    adjusting: Adjusting
    adjustments: AdjustmentStore
    job: AuditSamples
    jobs: Jobs
    chance: Random = field(default_factory=lambda: Random(7))

    async def draw(self, period: Period = TODAY, day: date = DAY) -> dict[str, Draw]:
        return await self.audits.draw(period, day)

    async def ran_alone(self, count: int = 1, **changes: Any) -> list[int]:
        """So many decisions that ran alone; their pks."""
        made = [ran_alone(self.world, **{"draw": self.chance.random(), **changes}) for _ in range(count)]
        await asyncio.gather(*(self.world.writer.submit(each) for each in made))
        return [each.decision.pk for each in made]

    async def audit(self, **changes: Any) -> Case:
        """A decision that ran alone, drawn."""
        [pk] = await self.ran_alone(**changes)
        await self.draw()
        return await self.of(pk)

    async def of(self, decision_pk: int) -> Case:
        [case] = [each for each in await self.world.cases.of_decision(decision_pk) if each.review.kind == "audit"]
        return case

    async def judge(self, decision_pks: Sequence[int], verdict: Verdict = CORRECT) -> None:
        for pk in decision_pks:
            await self.world.decide(await self.of(pk), verdict)

    async def found(self, errors: Sequence[bool], **changes: Any) -> None:
        """That many decisions ran alone and were all audited, with these findings, in this order."""
        for is_error in errors:
            await self.judge([(await self.audit(**changes)).decision.pk], WRONG if is_error else CORRECT)

    async def learn(self) -> int:
        """Learns from what was found by now, once it is settled."""
        await self.world.clock.advance(SETTLED_AFTER.total_seconds())
        return await self.rates.learn()

    async def spoil(self, task_type: str) -> dict[str, Any]:
        """What is known of the task's only stream can no longer be read; what it was."""
        s = t.audit_streams.c
        async with self.world.engine.begin() as connection:
            known = (await connection.execute(select(s.maturity).where(s.task_type == task_type))).scalar_one()
            await connection.execute(_maturity(task_type, {"state": "unheard of", "evidence": {}}))
        return dict(known)

    async def repair(self, task_type: str, maturity: dict[str, Any]) -> None:
        async with self.world.engine.begin() as connection:
            await connection.execute(_maturity(task_type, maturity))

    async def streams(self) -> list[Stream]:
        return await StreamStore(self.world.engine).all()

    async def all(self, table: Table) -> list[Any]:
        async with self.world.engine.connect() as connection:
            return list((await connection.execute(select(table).order_by(*table.primary_key))).all())

    async def posts(self) -> list[Any]:
        """The messages about audits, but the samples."""
        return [row for row in await self.all(t.messages) if row.kind == "audit"]

    async def told(self, event: str) -> list[dict[str, Any]]:
        """The facts of the history's records of this event."""
        return [row.facts for row in await self.all(t.history) if row.event == event]


def _maturity(task_type: str, maturity: dict[str, Any]) -> Update:
    return update(t.audit_streams).where(t.audit_streams.c.task_type == task_type).values(maturity=maturity)


def auditing(world: World) -> Auditing:
    streams = StreamStore(world.engine)
    adjustments, keys = AdjustmentStore(world.engine), PrimaryKeys(world.writer)
    adjusting = Adjusting(
        clock=world.clock, writer=world.writer, store=adjustments, policy=world.policy, new_id=world.new_id
    )
    alerts = Alerts(
        clock=world.clock,
        writer=world.writer,
        store=AlertStore(world.engine),
        keys=keys,
        new_id=world.new_id,
        policy=world.policy,
        eligibility=world.eligibility,
    )
    rates = AuditRates(
        clock=world.clock,
        writer=world.writer,
        streams=streams,
        policy=world.policy,
        adjusting=adjusting,
        alerts=alerts,
    )
    audits = Audits(
        clock=world.clock,
        writer=world.writer,
        audits=AuditStore(world.engine),
        streams=streams,
        policy=world.policy,
        keys=keys,
        new_id=world.new_id,
    )
    runs = RunStore(world.engine)
    promotions = Promotions(
        clock=world.clock,
        writer=world.writer,
        accuracy=AccuracyStore(world.engine),
        streams=streams,
        adjustments=adjustments,
        policy=world.policy,
        adjusting=adjusting,
    )
    job = AuditSamples(rates=rates, audits=audits, promotions=promotions, runs=runs, policy=world.policy)
    jobs = Jobs(clock=world.clock, writer=world.writer, runs=runs, jobs=[job])
    return Auditing(world, audits, rates, promotions, adjusting, adjustments, job, jobs)


def ran_alone(world: World, *, at: datetime | None = None, **changes: Any) -> TakeIn:
    pk = next(world.pks)
    made = take_in(
        pk,
        world.app_pk,
        **{
            "route": "AUTO_AUDIT",
            "status": "resolved",
            "disposition": "execute",
            "outcome": "auto",
            "created_at": at or world.clock.now(),
            "action_sha256": sha256_of("shipping"),
            "callback_url": "https://app.example",
            **changes,
        },
    )
    request = {"task_type": made.decision.task_type, "input": "Where?", "output": "shipping"}
    contents = {"request": json.dumps(request), "outcome": json.dumps(outcome_content("shipping"))}
    return replace(made, contents=contents, review=None)
