"""The drift job: who hears of what has changed, once, and what is audited more for it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, insert, select

from bot.alerts import Alerts
from bot.jobs.drift import WATCHED_FOR, Drift
from bot.jobs.model_days import ModelDays
from bot.jobs.runner import Jobs, Ran
from routing.evidence import Evidence
from routing.maturity import MaturityState
from store import tables as t
from store.alerts import AlertStore
from store.audit_streams import StreamStore
from store.decisions import PrimaryKeys
from store.drift import DriftStore
from store.facts import FactStore
from store.runs import RunStore
from tests.bot.reviewing.audit_world import auditing
from tests.bot.reviewing.world import World, replica, review_world
from tests.support.bot import POLICY
from tests.support.rows import decision, review

BERLIN = POLICY.replace("version: 1\n", "version: 1\ntimezone: Europe/Berlin\n")
FIRST = datetime(2026, 10, 19, 22, tzinfo=UTC)
"""Midnight in Berlin, five days before its clocks change."""
DAY = timedelta(days=1)
MODEL = {"model_name": "gpt-x", "model_version": "2026-10"}


_Rows = list[dict[str, Any]]


@dataclass
class Watching:
    world: World
    job: Drift
    jobs: Jobs

    async def came(self, day: datetime, count: int, escalated: int, **changes: Any) -> None:
        """That many decisions at noon of a day, the first of them shown to people."""
        await self._keep([self._day(day, count, escalated, changes)])

    async def usual(self, days: int = 24) -> datetime:
        """That many days on which 6 of 24 went to people; the day after them."""
        await self._keep([self._day(midnight(number), 24, 6, {}) for number in range(days)])
        return midnight(days)

    def _day(self, day: datetime, count: int, escalated: int, changes: dict[str, Any]) -> tuple[_Rows, _Rows]:
        pks = [next(self.world.pks) for _ in range(count)]
        told = {"created_at": day + DAY / 2, **MODEL, **changes}
        decisions = [asdict(decision(pk, self.world.app_pk, **told)) for pk in pks]
        return decisions, [review(pk).row(pk, day) for pk in pks[:escalated]]

    async def _keep(self, days: Sequence[tuple[_Rows, _Rows]]) -> None:
        async with self.world.engine.begin() as connection:
            for table, which in ((t.decisions, 0), (t.reviews, 1)):
                rows = [row for day in days for row in day[which]]
                if rows:
                    await connection.execute(insert(table), rows)

    async def stream(self, state: MaturityState, since: datetime = FIRST, **changes: str) -> None:
        maturity = {"state": state, "evidence": Evidence(0.02, labels=40, errors=3).as_json()}
        names = {"task_type": "label", "confidence_source": "logprob", **MODEL, **changes}
        row = {**names, "maturity": maturity, "rate": 0.07, "since": since, "judged_to": 0, "version": 1}
        async with self.world.engine.begin() as connection:
            await connection.execute(insert(t.audit_streams).values(row))

    async def look(self, day: datetime) -> dict[str, Any]:
        """The morning after a day."""
        ran = await self.jobs.run("drift", day + 2 * DAY - timedelta(hours=1))
        assert isinstance(ran, Ran)
        return ran.told

    async def rows(self, table: Table) -> list[Any]:
        async with self.world.engine.connect() as connection:
            return list((await connection.execute(select(table).order_by(*table.primary_key))).all())

    async def alerts(self) -> list[dict[str, Any]]:
        return [{"severity": row.severity, **row.content} for row in await self.rows(t.alerts)]


def midnight(number: int) -> datetime:
    """Of a day in Berlin: on the sixth its clocks go back."""
    return FIRST + number * DAY + timedelta(hours=number > 5)


def watching(world: World) -> Watching:
    alerts = Alerts(
        clock=world.clock,
        writer=world.writer,
        store=AlertStore(world.engine),
        keys=PrimaryKeys(world.writer),
        new_id=world.new_id,
        policy=world.policy,
        eligibility=world.eligibility,
    )
    job = Drift(
        clock=world.clock,
        writer=world.writer,
        days=ModelDays(clock=world.clock, writer=world.writer, store=DriftStore(world.engine)),
        streams=StreamStore(world.engine),
        facts=FactStore(world.engine),
        alerts=alerts,
        policy=world.policy,
    )
    jobs = Jobs(clock=world.clock, writer=world.writer, runs=RunStore(world.engine), jobs=[job])
    return Watching(world, job, jobs)


@asynccontextmanager
async def in_berlin(tmp_path: Path, url: str) -> AsyncIterator[Watching]:
    async with review_world(tmp_path, url, BERLIN) as world:
        yield watching(world)


@pytest.fixture
async def at_work(tmp_path: Path) -> AsyncIterator[Watching]:
    async with in_berlin(tmp_path, f"sqlite:///{tmp_path}/hitl.db") as made:
        yield made


async def test_a_days_jump_is_one_alert_and_has_the_models_streams_watched(tmp_path: Path, database_url: str) -> None:
    async with in_berlin(tmp_path, database_url) as at_work:
        for source in ("logprob", "judge"):
            await at_work.stream(MaturityState.STABLE, confidence_source=source)
        await at_work.stream(MaturityState.STABLE, model_version="2026-09")
        day = await at_work.usual()
        assert (await at_work.look(day - DAY))["alarms"] == 0
        await at_work.came(day, 24, 20)
        await at_work.came(day + DAY, 24, 21)

        assert await at_work.look(day) == {"models": 1, "alarms": 1, "risen_errors": 0}
        assert (await at_work.look(day + DAY))["alarms"] == 0

        [alert] = await at_work.alerts()
        assert (alert["title"], alert["severity"]) == ("label: people are asked more often than usual", "medium")
        assert "On 13 Nov 2026 people were asked for 83.3 % of 24 decisions of gpt-x 2026-10." in alert["detail"]
        assert "Usual are 25.0 %" in alert["detail"]
        until = next(at_work.job.ticks(day + 2 * DAY)).at + WATCHED_FOR
        streams = await at_work.rows(t.audit_streams)
        assert [row.watched_until for row in streams] == [until, until, None]
        [told] = [row.facts for row in await at_work.rows(t.history) if row.event == "bot:audit:watched"]
        assert (told["model"], told["day"], told["rate"]) == ("gpt-x 2026-10", "2026-11-13", pytest.approx(20 / 24))


async def test_a_day_on_which_people_are_hardly_asked_is_an_alarm_too(at_work: Watching) -> None:
    day = await at_work.usual()
    await at_work.came(day, 96, 3)
    await at_work.look(day)
    assert [alert["title"] for alert in await at_work.alerts()] == ["label: people are asked less often than usual"]


async def test_each_model_and_version_has_a_chart_of_its_own_and_shadows_have_none(at_work: Watching) -> None:
    day = await at_work.usual()
    for changes in ({"model_version": "2026-11"}, {"variant": "shadow"}, {"task_type": "refund"}):
        await at_work.came(day, 24, 24, **changes)
    await at_work.came(day, 24, 6)
    assert await at_work.look(day) == {"models": 3, "alarms": 0, "risen_errors": 0}


async def test_a_replica_and_a_crash_tell_nobody_twice(tmp_path: Path, database_url: str) -> None:
    async with in_berlin(tmp_path, database_url) as at_work:
        await at_work.stream(MaturityState.STABLE)
        day = await at_work.usual()
        await at_work.came(day, 24, 20)
        async with replica(at_work.world) as other:
            tick = next(at_work.job.ticks(day + 2 * DAY))
            await asyncio.gather(at_work.job.run(tick), watching(other).job.run(tick))
        await at_work.job.run(tick)
        assert len(await at_work.alerts()) == 1
        assert [row.event for row in await at_work.rows(t.history)].count("bot:audit:watched") == 1


async def test_a_missed_day_of_the_last_week_is_looked_at_by_itself(at_work: Watching) -> None:
    day = await at_work.usual(days=31)
    await at_work.came(day, 24, 20)
    for later in (1, 2, 3):
        await at_work.came(day + later * DAY, 24, 6)
    await at_work.world.clock.advance((day + 5 * DAY - at_work.world.clock.now()).total_seconds())
    await at_work.jobs.run_due()
    assert len(await at_work.alerts()) == 1


async def test_risen_errors_are_told_once_for_each_alarm(at_work: Watching) -> None:
    await at_work.stream(MaturityState.DEGRADED)
    await at_work.stream(MaturityState.STABLE, model_version="2026-09")
    assert (await at_work.look(FIRST))["risen_errors"] == 1
    assert (await at_work.look(FIRST + DAY))["risen_errors"] == 0
    [alert] = await at_work.alerts()
    assert (alert["title"], alert["severity"]) == ("label: the errors have risen", "high")
    assert "After the alarm: 3 errors in 40 audits." in alert["detail"]
    assert alert["detail"].endswith("No audit was judged in the last four weeks, so nobody would see its errors rise.")


async def test_what_is_watched_is_drawn_from_at_the_rate_of_risen_errors(at_work: Watching) -> None:
    """Of 100 a stable stream has 7 looked at, and a watched one 25."""
    world = at_work.world
    draws: list[Sequence[Any]] = []
    for version, until in (("2026-09", None), ("2026-10", world.clock.now() + DAY), ("2026-11", world.clock.now())):
        await at_work.stream(MaturityState.STABLE, model_version=version)
        async with world.engine.begin() as connection:
            mine = t.audit_streams.update().where(t.audit_streams.c.model_version == version)
            await connection.execute(mine.values(watched_until=until))
        one = auditing(world)
        await one.ran_alone(100, **{**MODEL, "model_version": version}, confidence_source="logprob")
        draws.append((version, (await one.draw())["label"].drawn))
    assert draws == [("2026-09", 7), ("2026-10", 25), ("2026-11", 7)]
