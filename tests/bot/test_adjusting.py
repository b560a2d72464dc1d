"""Values that are put in force without touching the policy file, and how they end."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.adjusting import Adjusted, Adjusting, Post, Refused
from bot.policy_in_force import PolicyInForce
from routing.policy import AdjustedKey, parse_policy
from store import tables as t
from store.adjustments import AdjustmentStore, Proposal
from store.policies import policy_document
from tests.bot.reviewing.world import World, review_world

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
