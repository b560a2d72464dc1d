"""The days that drift is seen on: counted once, and always what a count of the decisions gives."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.jobs.model_days import ModelDays
from routing.drift import DayCount
from store import tables as t
from store.audits import Period
from store.drift import Came, DriftStore, Model
from store.engine import open_engine, parse_url
from store.writer import Writer
from tests.support.clock import ManualClock
from tests.support.databases import migrate
from tests.support.rows import add_world, decision, review

BERLIN, KATHMANDU = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu")
LAST = date(2026, 10, 25)
"""On which Berlin's clocks go back: it has 25 hours."""
MIDNIGHT = datetime(2026, 10, 25, 23, tzinfo=UTC)
"""The end of it."""
HOUR = timedelta(hours=1)
GPT, NAMELESS = Model("label", "gpt-x", "2026-10"), Model("label", "", "")


class Noting(DriftStore):
    """Notes which days were read decision by decision."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine)
        self.read: list[Period] = []

    async def came(self, day: Period) -> dict[Model, Came]:
        self.read.append(day)
        return await super().came(day)


@dataclass
class Office:
    engine: AsyncEngine
    writer: Writer
    app_pk: int
    clock: ManualClock = field(default_factory=lambda: ManualClock(MIDNIGHT + 2 * HOUR))
    pks: "count[int]" = field(default_factory=lambda: count(1))

    def process(self) -> tuple[ModelDays, list[Period]]:
        """One that has just been started, and the days that it reads."""
        store = Noting(self.engine)
        return ModelDays(clock=self.clock, writer=self.writer, store=store), store.read

    async def came(
        self, at: datetime, model: Model = GPT, *, escalated: bool = False, variant: str = "primary"
    ) -> None:
        pk, (task_type, name, version) = next(self.pks), model
        names = {"model_name": name or None, "model_version": version or None, "variant": variant}
        async with self.engine.begin() as connection:
            row = asdict(decision(pk, self.app_pk, task_type=task_type, created_at=at, **names))
            await connection.execute(insert(t.decisions), [row])
            if escalated:
                await connection.execute(insert(t.reviews), [review(pk).row(pk, at)])


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Office]:
    await migrate(url)
    engine = open_engine(parse_url(url))
    writer = Writer(engine)
    writer.start()
    yield Office(engine, writer, await add_world(writer, engine))
    await writer.stop()
    await engine.dispose()


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    async with opened(database_url) as made:
        yield made


async def test_a_day_is_counted_by_model_from_midnight_to_midnight_without_shadows(office: Office) -> None:
    for at in (MIDNIGHT - 25 * HOUR, MIDNIGHT - timedelta(microseconds=1)):
        await office.came(at, escalated=True)
        await office.came(at, NAMELESS)
        await office.came(at, variant="shadow")
    for at in (MIDNIGHT - 26 * HOUR, MIDNIGHT):
        await office.came(at)
    days, _ = office.process()
    found = {GPT: [DayCount(LAST, 2, 2)], NAMELESS: [DayCount(LAST, 2, 0)]}
    assert await days.until(LAST, 1, BERLIN) == found
    assert await days.until(LAST, 1, BERLIN) == found, "when it is kept too"


async def test_each_morning_one_day_is_read_by_whatever_process(office: Office) -> None:
    await office.came(MIDNIGHT - HOUR)
    await office.process()[0].until(LAST, 30, BERLIN)
    await office.came(MIDNIGHT + HOUR, escalated=True)
    await office.clock.advance(86_400)

    days, read = office.process()
    tomorrow = LAST + timedelta(days=1)
    assert await days.until(tomorrow, 30, BERLIN) == {GPT: [DayCount(LAST, 1, 0), DayCount(tomorrow, 1, 1)]}
    assert read == [Period(MIDNIGHT, MIDNIGHT + 24 * HOUR)]
    async with office.engine.connect() as connection:
        assert len((await connection.execute(select(t.model_days))).all()) == 30, "and none that no chart shows"


async def test_a_day_to_which_something_may_come_is_read_again(office: Office) -> None:
    days, read = office.process()
    today = LAST + timedelta(days=1)
    for number in (1, 2):
        await office.came(MIDNIGHT + HOUR)
        assert await days.until(today, 2, BERLIN) == {GPT: [DayCount(today, number, 0)]}
    assert len(read) == 2 + 1


async def test_in_another_time_zone_days_are_other_days(office: Office) -> None:
    await office.came(MIDNIGHT - HOUR)
    days, read = office.process()
    for zone, day in ((BERLIN, LAST), (KATHMANDU, LAST + timedelta(days=1)), (BERLIN, LAST)):
        assert await days.until(LAST + timedelta(days=1), 3, zone) == {GPT: [DayCount(day, 1, 0)]}
    assert len(read) == 3 + 3 + 1, "in Berlin the last of them is not over"


_MORNING = st.tuples(
    st.lists(st.tuples(st.integers(1, 23), st.sampled_from([GPT, NAMELESS]), st.booleans()), max_size=6),
    st.sampled_from([BERLIN, KATHMANDU]),
)


@given(mornings=st.lists(_MORNING, min_size=2, max_size=5))
@example(mornings=[([(1, GPT, True), (23, NAMELESS, False)], zone) for zone in (BERLIN, KATHMANDU, BERLIN)])
@settings(max_examples=25)
async def test_what_is_kept_is_what_a_count_gives(
    mornings: Sequence[tuple[list[tuple[int, Model, bool]], ZoneInfo]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """However many came, and whatever the time zone was on the mornings before."""
    folder: Path = tmp_path_factory.mktemp("days")
    async with opened(f"sqlite:///{folder}/hitl.db") as office:
        came: list[tuple[datetime, Model, bool]] = []
        for arrivals, zone in mornings:
            for hours, model, escalated in arrivals:
                came.append((office.clock.now() + hours * HOUR, model, escalated))
                await office.came(came[-1][0], model, escalated=escalated)
            await office.clock.advance(86_400)
            last = office.clock.now().astimezone(zone).date() - timedelta(days=1)
            assert await office.process()[0].until(last, 3, zone) == _counted(came, last, 3, zone)


def _counted(
    came: Sequence[tuple[datetime, Model, bool]], last: date, days: int, zone: ZoneInfo
) -> dict[Model, list[DayCount]]:
    found: dict[Model, list[DayCount]] = {}
    for day in (last - timedelta(days=back) for back in reversed(range(days))):
        for model in {model for _, model, _ in came}:
            mine = [asked for at, whose, asked in came if whose == model and at.astimezone(zone).date() == day]
            if mine:
                found.setdefault(model, []).append(DayCount(day, len(mine), sum(mine)))
    return found
