"""Values that are put in force without touching the policy file, and how they end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, select
from structlog.testing import capture_logs

from bot.adjusting import Adjusted, Adjusting, Post, Refused
from bot.policy_in_force import PolicyInForce
from routing.policy import AdjustedKey
from store import tables as t
from store.adjustments import AdjustmentStore, Proposal, StoredAdjustment
from store.policies import policy_document
from tests.bot.reviewing.world import World, replica, review_world
from tests.support.bot import POLICY

TASK = "label"
WHY = "The certified threshold."
BODY: dict[str, Any] = {"text": "Shall it?", "blocks": []}


@dataclass
class Adjusters:
    """One process with its policy in force."""

    world: World
    store: AdjustmentStore
    policy: PolicyInForce
    adjusting: Adjusting

    async def adjust(self, value: float, key: AdjustedKey = "threshold", task: str = TASK, by: str = "bot") -> Any:
        return await self.adjusting.adjust(task, key, value, by=by, why=WHY)

    async def put(self, value: float, key: AdjustedKey = "threshold") -> Adjusted:
        done = await self.adjust(value, key)
        assert isinstance(done, Adjusted), done
        return done

    async def proposed(self, value: float, dedup_key: str = "one") -> Proposal:
        made = await self.adjusting.propose(
            TASK, "threshold", value, channel="C0REVIEW", why=WHY, body=BODY, dedup_key=dedup_key
        )
        assert isinstance(made, Proposal), made
        return made

    async def now(self, proposal: Proposal) -> Proposal:
        found = await self.store.proposal(proposal.id)
        assert found is not None
        return found

    @property
    def threshold(self) -> float:
        return self.policy.current.value(TASK, "threshold")

    @property
    def autonomy(self) -> float:
        return self.policy.current.value(TASK, "autonomy")

    async def told(self) -> list[tuple[str, str, Any, Any]]:
        """What the history tells of adjustments: event, cause, before, after."""
        async with self.world.engine.connect() as connection:
            rows = await connection.execute(select(t.history).order_by(t.history.c.seq))
            return [
                (row.event, row.facts["cause"], row.facts["before"], row.facts["after"])
                for row in rows
                if row.event.endswith("policy:adjusted")
            ]


async def process(world: World, *, ends: bool = True) -> Adjusters:
    """One more process on this database and file."""
    store = AdjustmentStore(world.engine)
    policy = PolicyInForce(world.policy_file, world.writer, world.clock, store, ends=ends)
    await policy.load()
    made = Adjusting(clock=world.clock, writer=world.writer, store=store, policy=policy, new_id=world.new_id)
    return Adjusters(world, store, policy, made)


async def rows(here: Adjusters, table: Table) -> list[Any]:
    async with here.world.engine.connect() as connection:
        return list((await connection.execute(select(table).order_by(*table.primary_key))).all())


@pytest.fixture
async def world_here(tmp_path: Path) -> AsyncIterator[Adjusters]:
    """On SQLite alone, for what the database has no part in."""
    async with review_world(tmp_path, f"sqlite:///{tmp_path}/hitl.db") as world:
        yield await process(world)


@pytest.fixture
async def here(tmp_path: Path, database_url: str) -> AsyncIterator[Adjusters]:
    async with review_world(tmp_path, database_url) as world:
        yield await process(world)


async def test_an_adjustment_is_in_force_here_at_once_and_elsewhere_after_a_look(here: Adjusters) -> None:
    there = await process(here.world)
    before = here.threshold
    done = await here.put(0.97)
    assert (done.before, done.value, here.threshold, there.threshold) == (before, 0.97, 0.97, before)
    await there.policy.refresh()
    assert (there.threshold, there.policy.current.version) == (0.97, done.policy_version)
    assert await here.told() == [("bot:policy:adjusted", "apply", before, 0.97)]
    assert await policy_document(here.world.engine, done.policy_version) == there.policy.current.document


class _Slow(AdjustmentStore):
    """By the time that what it has read is in force, more has been adjusted."""

    meanwhile: list[Awaitable[Adjusted]]

    async def in_force(self) -> list[StoredAdjustment]:
        found = await super().in_force()
        while self.meanwhile:
            await self.meanwhile.pop()
        return found


async def test_who_notices_adjustments_one_by_one_does_not_pass_them_off_as_files(here: Adjusters) -> None:
    slow = _Slow(here.world.engine)
    slow.meanwhile = []
    there = PolicyInForce(here.world.policy_file, here.world.writer, here.world.clock, slow)
    await there.load()
    before = [row.event for row in await rows(here, t.history)]
    await here.put(0.97)
    slow.meanwhile = [here.put(0.98)]
    for threshold in (0.97, 0.98):
        await there.refresh()
        assert there.current.value(TASK, "threshold") == threshold
        assert await policy_document(here.world.engine, there.current.version) == there.current.document
    assert [row.event for row in await rows(here, t.history)] == [*before, *["bot:policy:adjusted"] * 2]


async def test_undo_brings_back_what_was_replaced(here: Adjusters) -> None:
    before = here.threshold
    first, second = await here.put(0.97), await here.put(0.98)
    assert isinstance(await here.adjusting.undo(first.adjustment_id, by="bot"), Refused)
    assert isinstance(await here.adjusting.undo(second.adjustment_id, by="user:T0HOME/U0ADA"), Adjusted)
    assert here.threshold == 0.97
    assert isinstance(await here.adjusting.undo(second.adjustment_id, by="bot"), Refused)
    assert isinstance(await here.adjusting.undo(first.adjustment_id, by="operator"), Adjusted)
    assert here.threshold == before
    assert [each[:2] for each in await here.told()][2:] == [
        ("reviewer:policy:adjusted", "undo"),
        ("operator:policy:adjusted", "undo"),
    ]


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("threshold", 0.70, "is 0.7 already"),
        ("threshold", 1.5, "The policy does not allow it"),
        ("autonomy", 6, "The policy does not allow it"),
    ],
)
async def test_what_cannot_be_in_force_is_refused_with_the_reason(
    world_here: Adjusters, key: AdjustedKey, value: float, words: str
) -> None:
    done = await world_here.adjust(value, key)
    assert isinstance(done, Refused)
    assert words in done.reason
    assert await world_here.store.in_force() == []


async def test_two_replicas_that_adjust_at_once_leave_one_value_in_force(here: Adjusters) -> None:
    async with replica(here.world) as other:
        there = await process(other)
        values = (0.91, 0.92, 0.93, 0.94)
        done = await asyncio.gather(*(each.adjust(v) for each in (here, there) for v in values[::2] + values[1::2]))
    [left] = await here.store.in_force()
    await here.policy.refresh()
    assert here.threshold == left.value
    assert left.id in {each.adjustment_id for each in done if isinstance(each, Adjusted)}


# The brake ------------------------------------------------------------------------------------------------------------


async def test_a_pause_sends_everything_to_people_and_resume_brings_back_what_was_applied(here: Adjusters) -> None:
    await here.put(4, "autonomy")
    done = await here.adjusting.pause(TASK, by="operator", why="flood", post=Post("C0REVIEW", {"what": "pause"}))
    assert isinstance(done, Adjusted)
    assert (done.before, done.value, here.autonomy) == (4, 2, 2)
    [told] = await rows(here, t.proposals)
    assert (told.state, told.adjustment_id) == ("applied", done.adjustment_id)

    assert isinstance(await here.adjusting.resume(TASK, by="operator"), Adjusted)
    assert here.autonomy == 4
    [told] = await rows(here, t.proposals)
    assert (told.state, told.undone_by) == ("undone", "operator")
    [message] = [row for row in await rows(here, t.messages) if row.kind == "proposal"]
    assert message.wanted == 2


async def test_a_pause_holds_until_it_is_ended(world_here: Adjusters) -> None:
    await world_here.adjusting.pause(TASK, by="operator", why="")
    for done in (
        await world_here.adjusting.pause(TASK, by="operator", why=""),
        await world_here.adjust(3, "autonomy"),
    ):
        assert isinstance(done, Refused)
        assert "paused since" in done.reason
    assert (await process(world_here.world)).autonomy == 2


async def test_where_people_decide_already_a_pause_keeps_it_so(world_here: Adjusters) -> None:
    await world_here.put(1, "autonomy")
    await world_here.adjusting.pause(TASK, by="operator", why="")
    assert world_here.autonomy == 1
    assert [each.cause for each in await world_here.store.in_force()] == ["brake"]


async def test_what_is_not_paused_is_not_resumed(world_here: Adjusters) -> None:
    await world_here.put(4, "autonomy")
    assert isinstance(await world_here.adjusting.resume(TASK, by="operator"), Refused)
    assert isinstance(await world_here.adjusting.undo("adj_unknown", by="operator"), Refused)
    assert world_here.autonomy == 4


# What the file says ---------------------------------------------------------------------------------------------------


async def test_a_file_that_changes_the_key_ends_the_adjustment(here: Adjusters) -> None:
    await here.put(0.97)
    await here.adjusting.pause(TASK, by="operator", why="")
    here.world.policy_file.write_text(POLICY.replace("threshold: 0.70", "threshold: 0.80"))
    await asyncio.gather(here.policy.reload(), here.world.policy.reload())
    assert (here.threshold, here.autonomy) == (0.80, 2)
    assert (await here.told())[2:] == [("operator:policy:adjusted", "file", 0.97, 0.80)]


async def test_a_file_that_says_the_same_of_the_key_leaves_it_alone(world_here: Adjusters) -> None:
    await world_here.put(0.97)
    world_here.world.policy_file.write_text(POLICY.replace("threshold: 0.90", "threshold: 0.80"))
    await world_here.policy.reload()
    assert world_here.threshold == 0.97


async def test_an_adjustment_that_a_new_file_rules_out_ends_alone(world_here: Adjusters) -> None:
    """Autonomy 5 is for low risk."""
    await world_here.put(5, "autonomy")
    await world_here.put(0.97)
    world_here.world.policy_file.write_text(POLICY.replace("label: {risk: low", "label: {risk: medium"))
    with capture_logs() as logs:
        await world_here.policy.reload()
    assert (world_here.autonomy, world_here.threshold) == (3, 0.97)
    [ended] = [each for each in logs if each["event"] == "policy.adjustment_ended"]
    assert (ended["task_type"], ended["key"]) == (TASK, "autonomy")
    assert (await world_here.told())[-1][1:] == ("file", 5, 3)


async def test_what_a_paused_task_had_does_not_come_back_against_the_file(world_here: Adjusters) -> None:
    await world_here.put(5, "autonomy")
    await world_here.adjusting.pause(TASK, by="operator", why="")
    world_here.world.policy_file.write_text(POLICY.replace("label: {risk: low", "label: {risk: medium"))
    await world_here.policy.reload()
    assert world_here.autonomy == 2
    await world_here.adjusting.resume(TASK, by="operator")
    assert world_here.autonomy == 3


async def test_a_command_beside_the_server_ends_nothing_of_what_its_own_file_changes(world_here: Adjusters) -> None:
    await world_here.put(0.97)
    world_here.world.policy_file.write_text(POLICY.replace("threshold: 0.70", "threshold: 0.80"))
    command = await process(world_here.world, ends=False)
    assert command.threshold == 0.80
    assert len(await world_here.store.in_force()) == 1


async def test_the_watch_notices_within_its_second(world_here: Adjusters) -> None:
    there = await process(world_here.world)
    watching = asyncio.create_task(there.policy.watch())
    await world_here.put(0.97)
    await world_here.world.clock.run_until(lambda: there.threshold == 0.97, limit=2)
    watching.cancel()


class FailingStore(AdjustmentStore):
    away = False

    async def in_force(self) -> list[StoredAdjustment]:
        if self.away:
            raise ConnectionRefusedError
        return await super().in_force()


async def test_while_the_database_is_away_the_old_policy_stays_which_is_told_once(world_here: Adjusters) -> None:
    world, store = world_here.world, FailingStore(world_here.world.engine)
    policy = PolicyInForce(world.policy_file, world.writer, world.clock, store)
    await policy.load()
    await world_here.put(0.97)
    store.away = True
    with capture_logs() as logs:
        for _ in range(2):
            await policy.notice()
        assert policy.current.value(TASK, "threshold") == 0.70
        store.away = False
        await policy.notice()
    assert policy.current.value(TASK, "threshold") == 0.97
    assert [each["event"] for each in logs] == ["policy.adjustments_unknown", "policy.adjusted"]


# Proposals ------------------------------------------------------------------------------------------------------------


async def test_a_proposal_is_made_once_and_the_latest_one_counts(here: Adjusters) -> None:
    first = await here.proposed(0.91)
    assert (
        await here.adjusting.propose(TASK, "threshold", 0.91, channel="C0REVIEW", why=WHY, body=BODY, dedup_key="one")
        is None
    )
    second = await here.proposed(0.92, "two")
    assert ((await here.now(first)).state, (await here.now(second)).state) == ("outdated", "open")
    assert await here.store.open_proposal(TASK, "threshold") == second
    assert await here.adjusting.apply(first, by="bot") is None
    assert here.threshold == 0.70


async def test_what_nobody_could_apply_is_not_proposed(world_here: Adjusters) -> None:
    for value in (0.70, 1.5):
        made = await world_here.adjusting.propose(
            TASK, "threshold", value, channel="C0REVIEW", why=WHY, body=BODY, dedup_key="one"
        )
        assert isinstance(made, Refused)
    assert await rows(world_here, t.proposals) == []


async def test_of_many_who_apply_or_decline_at_once_one_wins(here: Adjusters) -> None:
    proposal = await here.proposed(0.93)
    applied = [here.adjusting.apply(proposal, by=f"user:T0HOME/U0{name}") for name in ("ADA", "BEN", "CHEN")]
    declined = [here.adjusting.decline(proposal, by=f"user:T0HOME/U0{name}") for name in ("DORA", "EMIL")]
    await asyncio.gather(*applied, *declined)
    now = await here.now(proposal)
    assert (now.state == "applied") == (here.threshold == 0.93)
    assert len(await here.told()) == (1 if now.state == "applied" else 0)


async def test_what_was_proposed_for_other_values_is_out_of_date(world_here: Adjusters) -> None:
    proposal = await world_here.proposed(0.93)
    await world_here.put(0.80)
    done = await world_here.adjusting.apply(proposal, by="user:T0HOME/U0ADA")
    assert isinstance(done, Refused)
    assert ((await world_here.now(proposal)).state, world_here.threshold) == ("outdated", 0.80)


async def test_an_applied_proposal_is_undone_with_its_adjustment(world_here: Adjusters) -> None:
    proposal = await world_here.proposed(0.93)
    done = await world_here.adjusting.apply(proposal, by="user:T0HOME/U0ADA")
    assert isinstance(done, Adjusted)
    assert ((await world_here.now(proposal)).state, world_here.threshold) == ("applied", 0.93)
    await world_here.adjusting.undo(done.adjustment_id, by="user:T0HOME/U0BEN")
    now = await world_here.now(proposal)
    assert (now.state, now.undone_by, world_here.threshold) == ("undone", "user:T0HOME/U0BEN", 0.70)
