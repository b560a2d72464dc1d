"""Who may apply, decline and undo what is proposed, and what the others are told."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from bot.adjusting import Adjusted, Adjusting, Refused
from bot.proposals import Declined, Proposals, TooLateForProposal
from bot.reviewing.people import Refusal
from store.adjustments import AdjustmentStore, Proposal
from tests.bot.reviewing.world import ADA, BEN, CHEN, World, policy_for_labels, review_world
from tests.support.bot import POLICY


@dataclass
class Desk:
    world: World
    store: AdjustmentStore
    adjusting: Adjusting
    proposals: Proposals

    async def proposed(self, value: float = 0.93) -> Proposal:
        made = await self.adjusting.propose(
            "label", "threshold", value, channel="#ai-review", why="", body={"text": "", "blocks": []}, dedup_key="one"
        )
        assert isinstance(made, Proposal)
        return made

    async def now(self, proposal: Proposal) -> Proposal:
        found = await self.proposals.find(proposal.id)
        assert found is not None
        return found

    @property
    def threshold(self) -> float:
        return self.world.policy.current.value("label", "threshold")


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    policy = policy_for_labels("adjudicators: {users: [U0BEN, U0CHEN]}")
    async with review_world(tmp_path, f"sqlite:///{tmp_path}/hitl.db", policy) as world:
        world.membership.strict = True
        store = AdjustmentStore(world.engine)
        adjusting = Adjusting(
            clock=world.clock, writer=world.writer, store=store, policy=world.policy, new_id=world.new_id
        )
        proposals = Proposals(store=store, adjusting=adjusting, eligibility=world.eligibility, policy=world.policy)
        yield Desk(world, store, adjusting, proposals)


async def test_an_adjudicator_applies_it_and_another_comes_too_late(desk: Desk) -> None:
    seen = await desk.proposed()
    assert isinstance(await desk.proposals.apply(seen, BEN), Adjusted)
    assert desk.threshold == 0.93

    for late in (await desk.proposals.apply(seen, CHEN), await desk.proposals.decline(await desk.now(seen), CHEN)):
        assert isinstance(late, TooLateForProposal)
        assert (late.proposal.state, late.proposal.decided_by) == ("applied", BEN.actor)


async def test_an_adjudicator_declines_it_and_it_stays_as_it_is(desk: Desk) -> None:
    seen = await desk.proposed()
    assert isinstance(await desk.proposals.decline(seen, BEN), Declined)
    assert isinstance(await desk.proposals.apply(seen, CHEN), TooLateForProposal)
    assert isinstance(await desk.proposals.undo(await desk.now(seen), CHEN), TooLateForProposal)
    assert (desk.threshold, (await desk.now(seen)).state) == (0.70, "declined")


async def test_who_undoes_it_is_told_to_whoever_comes_later(desk: Desk) -> None:
    seen = await desk.proposed()
    await desk.proposals.apply(seen, BEN)
    applied = await desk.now(seen)
    assert isinstance(await desk.proposals.undo(applied, CHEN), Adjusted)
    assert desk.threshold == 0.70
    late = await desk.proposals.undo(applied, BEN)
    assert isinstance(late, TooLateForProposal)
    assert late.proposal.undone_by == CHEN.actor


async def test_what_was_replaced_since_is_not_undone(desk: Desk) -> None:
    seen = await desk.proposed()
    await desk.proposals.apply(seen, BEN)
    await desk.adjusting.adjust("label", "threshold", 0.95, by="operator", why="")
    refused = await desk.proposals.undo(await desk.now(seen), BEN)
    assert isinstance(refused, Refused)
    minute = f"{desk.world.clock.now():%Y-%m-%d %H:%M} UTC"
    assert refused.reason == f"This is in force no more, since {minute}, so there is nothing to undo."
    assert desk.threshold == 0.95


@pytest.mark.parametrize("act", ["apply", "decline", "undo"])
async def test_a_reviewer_who_settles_nothing_is_refused_at_every_click(
    desk: Desk, act: Literal["apply", "decline", "undo"]
) -> None:
    proposal = await desk.proposed()
    if act == "undo":
        await desk.proposals.apply(proposal, BEN)
    before = await desk.now(proposal)
    refused = await getattr(desk.proposals, act)(before, ADA)
    assert isinstance(refused, Refusal)
    assert refused.reason == "adjudicators_only"
    assert await desk.now(proposal) == before


async def test_while_nobody_knows_who_belongs_nothing_is_applied(desk: Desk) -> None:
    proposal = await desk.proposed()
    desk.world.membership.away = True
    assert await desk.proposals.apply(proposal, BEN) == Refusal("unknown_now")
    assert desk.threshold == 0.70


async def test_without_adjudicators_the_named_reviewers_settle_and_no_channel_member(desk: Desk) -> None:
    await desk.world.set_policy(POLICY)
    proposal = await desk.proposed()
    assert isinstance(await desk.proposals.apply(proposal, BEN), Refusal)
    assert isinstance(await desk.proposals.apply(proposal, ADA), Adjusted)
