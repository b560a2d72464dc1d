"""The weekly digest as a job: once a week and channel whatever the clocks and the processes do, of whole weeks only."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.digest import DigestSources, make_digest
from bot.jobs.runner import Jobs, Ran
from bot.jobs.weekly_digest import WeeklyDigest
from bot.policy_in_force import PolicyInForce
from bot.reporting.days import days
from bot.reporting.statistics import read_statistics, statistics_object
from routing.digest import Digest, Example, OpenWork, RollbacksOfWeek, Seal
from routing.metrics import Facts, Group
from routing.money import Money
from store import tables as t
from store.adjustments import AdjustmentStore
from store.decisions import Decision
from store.digests import NoteInBody
from store.engine import open_engine, parse_url
from store.facts import FactStore, Window
from store.runs import LEASE, BeginRun, RunStore
from store.writer import Writer
from tests.support.bot import POLICY
from tests.support.clock import ManualClock
from tests.support.databases import migrate
from tests.support.judged import Judgement, Past, Voted, counted
from tests.support.rows import NOW, add_world, decision

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)  # nine in Berlin, three days after NOW
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
WEEK = date(2026, 11, 16)
"""The Monday of the week that the digest of MONDAY is about."""


def policy_text(at: str = "mon 09:00") -> str:
    head = f'version: 1\ntimezone: Europe/Berlin\ndigest: {{channel: "#weekly", at: "{at}"}}'
    return POLICY.replace("version: 1", head, 1)


@dataclass
class Office:
    """One process of the bot with its jobs."""

    engine: AsyncEngine
    clock: ManualClock
    writer: Writer
    jobs: Jobs
    digest: WeeklyDigest
    policy: PolicyInForce
    policy_file: Path

    async def messages(self) -> list[Any]:
        async with self.engine.connect() as connection:
            found = await connection.execute(select(t.messages).where(t.messages.c.kind == "digest"))
        return list(found.all())

    async def digests(self) -> list[Digest]:
        return [Digest.model_validate(row.body["digest"]) for row in await self.messages()]

    async def go_to(self, moment: datetime) -> None:
        """It is this time now, and whatever is due is done."""
        await self.clock.advance((moment - self.clock.now()).total_seconds())
        await self.jobs.run_due()


@asynccontextmanager
async def office(url: str, folder: Path, clock: ManualClock) -> AsyncIterator[Office]:
    own = open_engine(parse_url(url))
    writer = Writer(own)
    writer.start()
    if await RunStore(own).installed_at() is None:
        await add_world(writer, own)
    path = folder / "policy.yml"
    path.write_text(policy_text())
    policy = PolicyInForce(path, writer, clock, AdjustmentStore(own))
    await policy.load()
    digest = WeeklyDigest(clock=clock, writer=writer, policy=policy, sources=DigestSources.on(own))
    jobs = Jobs(clock=clock, writer=writer, runs=RunStore(own), jobs=[digest])
    try:
        yield Office(own, clock, writer, jobs, digest, policy, path)
    finally:
        await writer.stop()
        await own.dispose()


@pytest.fixture
async def at_work(tmp_path: Path) -> AsyncIterator[Office]:
    url = f"sqlite:///{tmp_path}/hitl.db"
    await migrate(url)
    async with office(url, tmp_path, ManualClock(NOW)) as made:
        yield made


@pytest.fixture
async def any_at_work(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    """Once on each database, for what is read in their own ways."""
    await migrate(database_url)
    async with office(database_url, tmp_path, ManualClock(NOW)) as made:
        yield made


# Once -----------------------------------------------------------------------------------------------------------------


async def test_a_digest_is_due_on_its_day_in_its_channel_about_the_whole_week_before(at_work: Office) -> None:
    await at_work.go_to(MONDAY - timedelta(seconds=1))
    assert await at_work.messages() == []
    await at_work.go_to(MONDAY)
    [row] = await at_work.messages()
    assert (row.key, row.channel, row.urgency, row.due_at) == ("digest:#weekly:2026-W48", "#weekly", 3, MONDAY)
    [digest] = await at_work.digests()
    assert (digest.week, digest.first, digest.last) == ("2026-W47", "2026-11-16", "2026-11-22")
    await at_work.go_to(MONDAY + DAY)
    assert len(await at_work.messages()) == 1
    await at_work.go_to(MONDAY + 7 * DAY)
    assert [digest.week for digest in await at_work.digests()] == ["2026-W47", "2026-W48"]


async def test_two_replicas_that_tick_at_once_make_one(any_at_work: Office, database_url: str, tmp_path: Path) -> None:
    async with office(database_url, tmp_path, any_at_work.clock) as other:
        await other.clock.advance((MONDAY - NOW).total_seconds())
        await asyncio.gather(any_at_work.jobs.run_due(), other.jobs.run_due())
        assert len(await other.messages()) == 1


async def test_a_death_before_the_run_is_noted_leaves_the_digest_as_it_was(any_at_work: Office) -> None:
    tick = next(any_at_work.digest.ticks(MONDAY))
    await any_at_work.clock.advance((MONDAY - NOW).total_seconds())
    await any_at_work.writer.submit(BeginRun("weekly-digest", tick, MONDAY))
    await any_at_work.digest.run(tick)
    before = await any_at_work.messages()
    past = Past(any_at_work.engine, await _app_pk(any_at_work.engine))
    await past.add(MONDAY - DAY)  # a decision that comes to light between the two attempts

    await any_at_work.jobs.run_due()  # somebody still seems to be at it
    assert await any_at_work.messages() == before
    await any_at_work.go_to(MONDAY + LEASE)
    assert await any_at_work.messages() == before
    assert await RunStore(any_at_work.engine).done("weekly-digest", MONDAY) == {("#weekly", "2026-W48")}


async def test_one_that_was_made_early_gives_way_to_that_of_the_whole_week(any_at_work: Office) -> None:
    past = Past(any_at_work.engine, await _app_pk(any_at_work.engine))
    for day in (1, 2):
        await past.add(MONDAY - 3 * DAY - day * HOUR)
        assert isinstance(await any_at_work.jobs.run("weekly-digest", MONDAY), Ran)
        assert [digest.decisions for digest in await any_at_work.digests()] == [1], "asked for again it is as it was"
    await any_at_work.writer.submit(NoteInBody(1, 1, "file", "F0EARLY"))
    await any_at_work.go_to(MONDAY)
    [row], [digest] = await any_at_work.messages(), await any_at_work.digests()
    assert (digest.decisions, row.wanted, row.due_at, "file" in row.body) == (2, 2, MONDAY, False)

    await past.add(MONDAY - DAY)
    await any_at_work.digest.run(next(any_at_work.digest.ticks(MONDAY)))
    await any_at_work.writer.submit(NoteInBody(row.pk, 1, "file", "F0EARLY"))
    assert await any_at_work.messages() == [row], "what is of the whole week stays"


async def test_a_bot_that_comes_on_a_friday_owes_nothing_and_later_the_missed_monday_alone(at_work: Office) -> None:
    await at_work.jobs.run_due()
    assert await at_work.messages() == []
    await at_work.go_to(MONDAY + 16 * DAY)
    assert [digest.week for digest in await at_work.digests()] == ["2026-W49"], "not the two before it"


@pytest.mark.parametrize("change", [date(2027, 3, 28), date(2027, 10, 31)])
async def test_the_night_when_the_clocks_change_brings_one_digest(at_work: Office, change: date) -> None:
    """Half past two comes not at all, or twice."""
    at_work.policy_file.write_text(policy_text("sun 02:30"))
    await at_work.policy.reload()
    midnight = datetime(change.year, change.month, change.day, tzinfo=UTC)
    await at_work.go_to(midnight - HOUR)
    former = len(await at_work.messages())  # the Sunday before was missed
    for minute in range(0, 240, 15):
        await at_work.go_to(midnight + timedelta(minutes=minute))
    assert len(await at_work.messages()) == former + 1
    [*_, digest] = await at_work.digests()
    assert digest.last == (change - 7 * DAY).isoformat(), "the week that ends that night is not whole yet"


async def test_the_first_week_of_a_year_is_told_of_the_fifty_third_before_it(at_work: Office) -> None:
    await at_work.go_to(datetime(2027, 1, 4, 8, 0, tzinfo=UTC))
    [row] = await at_work.messages()
    assert row.key == "digest:#weekly:2027-W01"
    [digest] = await at_work.digests()
    assert (digest.week, digest.first, digest.last) == ("2026-W53", "2026-12-28", "2027-01-03")


# What is in it --------------------------------------------------------------------------------------------------------


async def fill(past: Past) -> None:
    """A week with something of everything, and a smaller one before it."""
    begin = datetime(2026, 11, 15, 23, 0, tzinfo=UTC)
    wrong = Voted("reject", "wrong_action", after=700)
    await past.add(begin - HOUR, Judgement("gate", [wrong]))
    await past.add(begin - DAY, Judgement("gate", [Voted("approve")]))
    for number in range(4):
        await past.add(begin + number * DAY, Judgement("gate", [wrong]), task_type="refund", cohort="eu")
    await past.add(begin, Judgement("provisional", [Voted("edit", "tone")]), Judgement("double", [Voted("approve")]))
    await past.add(begin, Judgement("gate", [Voted("approve"), wrong_by("U0BEN")], state="disputed"))
    for is_wrong in (True, False, False):
        voted = wrong if is_wrong else Voted("approve")
        await past.add(begin + 6 * DAY, Judgement("audit", [voted]), inclusion=0.3)
    await past.add(begin + 6 * DAY, Judgement("audit", deadline=HOUR), inclusion=0.3)
    for _ in range(9):
        await past.add(begin + 6 * DAY, inclusion=0.3)


def wrong_by(user_id: str) -> Voted:
    return Voted("reject", "wrong_action", user_id=user_id)


async def test_every_number_is_that_of_the_statistics(any_at_work: Office) -> None:
    past = Past(any_at_work.engine, await _app_pk(any_at_work.engine))
    await fill(past)
    await any_at_work.go_to(MONDAY)
    [digest] = await any_at_work.digests()
    store = FactStore(any_at_work.engine)
    span, before = days(WEEK, WEEK + 7 * DAY, BERLIN), days(WEEK - 7 * DAY, WEEK, BERLIN)
    stats = statistics_object(await read_statistics(store, span))
    former = statistics_object(await read_statistics(store, before))

    assert digest.metrics == {key: stats[key] for key in digest.metrics}
    assert digest.metrics_before == {key: former[key] for key in digest.metrics_before}
    assert digest.decisions == stats["escalation_rate"]["denominator"] == 19
    assert (digest.judged, digest.corrected) == (
        stats["reviewer_agreement"]["denominator"],
        stats["feedback_utilization"]["denominator"],
    )
    assert digest.corrected == 6
    told = [{"category": each.name or None, "count": each.count} for each in digest.categories]
    assert told == stats["error_categories"]
    assert sum(each.count for each in digest.categories) == digest.corrected
    assert {each.name: each.before for each in digest.categories} == {"wrong_action": 1, "tone": 0}
    assert digest.disputes == stats["disputes"] == 1
    between = stats["inter_reviewer_agreement"]
    assert digest.second_opinions == (between["denominator"], between["denominator"] - between["numerator"]) == (1, 1)
    assert [point.name for point in digest.trend] == [f"2026-W{number}" for number in range(40, 48)]
    assert digest.trend[-1].escalation == stats["escalation_rate"]["value"]
    assert digest.trend[-2].escalation == former["escalation_rate"]["value"]
    assert digest.open == OpenWork(audits=1, audits_overdue=1, disputes=1)


async def test_patterns_come_with_the_latest_examples_and_their_cards(any_at_work: Office) -> None:
    past = Past(any_at_work.engine, await _app_pk(any_at_work.engine))
    await fill(past)
    async with any_at_work.engine.begin() as connection:
        card = {"key": "card:50", "kind": "card", "review_pk": 60, "channel": "#refunds", "urgency": 30, "body": None}
        sent = {"wanted": 1, "sent": 1, "live": False, "attempts": 0, "due_at": NOW, "posted_at": NOW}
        place = {"message_channel": "C0REFUND", "message_ts": "1.5", "posting_since": NOW}
        await connection.execute(insert(t.messages), [{**card, **sent, **place}])
        seal = {"number": 3, "first_seq": 1, "last_seq": 9, "records": 9, "digests": b"", "sha256": "ab" * 32}
        await connection.execute(insert(t.seals), [{**seal, "at": NOW}])
    digest = await make_digest(DigestSources.on(any_at_work.engine), WEEK, any_at_work.policy.current, MONDAY)
    [pattern] = digest.patterns
    assert (pattern.category, pattern.task_type, pattern.cohort, pattern.count) == ("wrong_action", "refund", "eu", 4)
    assert pattern.examples == (
        Example(decision_id="d-6", channel="C0REFUND", ts="1.5"),
        Example(decision_id="d-5"),
    )
    assert digest.seal == Seal(number=3, sha256="ab" * 32)


async def test_a_rollback_that_nobody_answers_is_counted_with_its_age(any_at_work: Office) -> None:
    past = Past(any_at_work.engine, await _app_pk(any_at_work.engine))
    pk = await past.add(NOW - 30 * DAY, Judgement("audit", [Voted("reject")]), inclusion=0.3)
    asked = {"decision_pk": pk, "review_pk": pk * 10, "round": 1, "state": "requested", "reminders": 1}
    async with any_at_work.engine.begin() as connection:
        await connection.execute(insert(t.rollbacks), [{**asked, "requested_at": MONDAY - 30 * HOUR}])
    digest = await make_digest(DigestSources.on(any_at_work.engine), WEEK, any_at_work.policy.current, MONDAY)
    assert digest.open == OpenWork(rollbacks=1, rollbacks_overdue=1, oldest_rollback_hours=30.0)
    assert not digest.is_quiet, "no decision came, and yet there is something to say"


async def test_whose_doing_it_is_that_people_agree_too_little_comes_with_items_that_show_it(
    any_at_work: Office,
) -> None:
    """Of four weeks: no week alone has enough second opinions."""
    past = Past(any_at_work.engine, await _app_pk(any_at_work.engine))
    right, wrong = Voted("approve"), Voted("reject", "tone")
    async with past.together():
        for number in range(60):
            voted = wrong if number % 3 == 0 else right
            seconded = Judgement("double", [replace(voted, user_id="U0BEN", after=600)])
            await past.add(MONDAY - timedelta(days=2 + number % 26), Judgement("gate", [voted]), seconded)
    await any_at_work.go_to(MONDAY)
    [digest] = await any_at_work.digests()
    [doubt] = digest.doubts
    assert (doubt.task_type, doubt.whose, doubt.with_model, doubt.between) == ("label", "model", (40, 60), (60, 60))
    assert [example.decision_id for example in doubt.examples] == ["d-1", "d-28"]


HIDDEN_COHORT = "    redact: ['cust-[0-9]+', 'd-[0-9]+']\n    channel: \"#refunds\"\n"


async def test_what_the_week_cost_is_told_where_the_policy_says_what_things_cost(at_work: Office) -> None:
    past = Past(at_work.engine, await _app_pk(at_work.engine))
    await past.add(MONDAY - 2 * DAY, Judgement("gate", [Voted("approve")]))
    await at_work.go_to(MONDAY)
    at_work.policy_file.write_text(policy_text().replace("version: 1", "version: 1\ncost: {review_minute: 2}", 1))
    await at_work.policy.reload()
    await at_work.go_to(MONDAY + 7 * DAY)
    first, second = await at_work.digests()
    assert first.spent is None
    assert second.spent == Money(0.0, 0.0, None, None, None, None, None)


async def test_what_the_policy_hides_is_in_no_digest(at_work: Office) -> None:
    at_work.policy_file.write_text(policy_text().replace('    channel: "#refunds"\n', HIDDEN_COHORT))
    await at_work.policy.reload()
    past = Past(at_work.engine, await _app_pk(at_work.engine))
    voted, seconded = Voted("reject", "wrong_action"), Voted("approve", user_id="U0BEN", after=600)
    async with past.together():
        for number in range(54):
            asked = [Judgement("gate", [voted] if number < 4 else [Voted("approve")])]
            opinions = [*asked, Judgement("double", [seconded if number >= 16 else replace(voted, user_id="U0BEN")])]
            await past.add(MONDAY - 2 * DAY, *opinions, task_type="refund", cohort="cust-4111")
            await past.add(MONDAY - 2 * DAY, task_type="refund")
    await at_work.go_to(MONDAY)
    [row] = await at_work.messages()
    assert "cust-4111" not in str(row.body)
    assert "'d-" not in str(row.body)
    [digest] = await at_work.digests()
    [pattern], [doubt] = digest.patterns, digest.doubts
    assert (doubt.whose, len(doubt.examples)) == ("guideline", 2)
    assert (pattern.cohort, pattern.count) == ("[redacted 1]", 4)
    assert [(each.cohort, each.rate, each.value, each.rest) for each in digest.cohorts] == [
        ("[redacted 1]", "escalation_rate", 1.0, 0.0)
    ]
    assert [example.decision_id for example in pattern.examples] == ["[redacted 2]", "[redacted 3]"]


class Watched(dict[Group, Facts]):
    """Notes whether the event loop's thread goes through it."""

    on_the_loop = False

    def values(self) -> Any:
        self.note()
        return super().values()

    def items(self) -> Any:
        self.note()
        return super().items()

    def note(self) -> None:
        self.on_the_loop |= threading.current_thread() is threading.main_thread()


class WatchedFacts(FactStore):
    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine)
        self.read_so_far: list[Watched] = []

    async def read(self, window: Window) -> dict[Group, Facts]:
        self.read_so_far.append(Watched(await super().read(window)))
        return self.read_so_far[-1]


async def test_thousands_of_groups_hold_nobody_up(at_work: Office) -> None:
    await fill(Past(at_work.engine, await _app_pk(at_work.engine)))
    watched = WatchedFacts(at_work.engine)
    sources = replace(DigestSources.on(at_work.engine), facts=watched)
    assert (await make_digest(sources, WEEK, at_work.policy.current, MONDAY)).decisions
    assert [groups.on_the_loop for groups in watched.read_so_far] == [False] * 8


async def test_the_whole_is_summed_once(at_work: Office) -> None:
    statistics = await read_statistics(FactStore(at_work.engine), days(WEEK, WEEK + 7 * DAY, BERLIN))
    assert statistics.whole is statistics.whole


async def test_rollbacks_of_the_week_are_told_beside_those_that_are_open_now(any_at_work: Office) -> None:
    past, begin = Past(any_at_work.engine, await _app_pk(any_at_work.engine)), MONDAY - 6 * DAY
    for state, requested_at, answered_at in (
        ("done", begin, begin + HOUR),
        ("failed", begin - 7 * DAY, begin),  # asked for the week before
        ("done", begin, MONDAY),  # answered after the week
        ("requested", MONDAY, None),
    ):
        pk = await past.add(NOW - 30 * DAY, Judgement("audit", [Voted("reject")]), inclusion=0.3)
        asked = {"decision_pk": pk, "review_pk": pk * 10, "round": 1, "state": state, "reminders": 0}
        async with any_at_work.engine.begin() as connection:
            times = {"requested_at": requested_at, "answered_at": answered_at}
            await connection.execute(insert(t.rollbacks), [{**asked, **times}])
    digest = await make_digest(DigestSources.on(any_at_work.engine), WEEK, any_at_work.policy.current, MONDAY)
    assert digest.rollbacks == RollbacksOfWeek(requested=2, done=1, failed=1)
    assert (digest.open.rollbacks, digest.open.rollbacks_overdue) == (2, 1)
    assert not digest.is_quiet


async def test_a_week_without_anything_is_quiet(at_work: Office) -> None:
    await at_work.go_to(MONDAY)
    [digest] = await at_work.digests()
    assert digest.is_quiet


async def test_people_whose_load_raises_a_question_are_counted_and_not_named(at_work: Office) -> None:
    past = Past(at_work.engine, await _app_pk(at_work.engine))
    begin = datetime(2026, 11, 17, 8, 0, tzinfo=UTC)
    for number in range(60):  # an hour and a half without a pause, and approvals alone
        await past.add(begin + number * timedelta(seconds=90), Judgement("gate", [Voted("approve", after=60)]))
    digest = await make_digest(DigestSources.on(at_work.engine), WEEK, at_work.policy.current, MONDAY)
    assert (digest.protection.people, digest.protection.unedited, digest.protection.streaks) == (1, 1, 1)
    assert "U0ADA" not in digest.model_dump_json()


async def test_weeks_of_167_and_169_hours_add_up_to_all(at_work: Office) -> None:
    """A decision an hour through both changes of the clocks: each is in one week."""
    app_pk, first = await _app_pk(at_work.engine), date(2027, 3, 15)
    rows: list[Decision] = []
    for monday in (first, date(2027, 10, 18)):
        span = days(monday, monday + 21 * DAY, BERLIN)
        hours = int((span.until - span.since) / HOUR)
        rows += [decision(len(rows) + n, app_pk, created_at=span.since + n * HOUR) for n in range(1, hours)]
        rows += [decision(len(rows) + 1, app_pk, created_at=span.since)]
    async with at_work.engine.begin() as connection, counted(connection, [row.pk for row in rows]):
        await connection.execute(insert(t.decisions), [asdict(row) for row in rows])
    store = FactStore(at_work.engine)
    weeks = [begin + n * 7 * DAY for begin in (first, date(2027, 10, 18)) for n in range(3)]
    spans = [days(monday, monday + 7 * DAY, BERLIN) for monday in weeks]
    weekly = [(await read_statistics(store, span)).whole.decisions for span in spans]
    assert weekly == [168, 167, 168, 168, 169, 168]
    assert sum(weekly) == len(rows)


async def _app_pk(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        found: int | None = await connection.scalar(select(t.apps.c.pk))
    assert found is not None
    return found
