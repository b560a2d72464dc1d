"""What people make of a proposed adjustment: adjudicators apply it, decline it, or take it back."""

from dataclasses import dataclass

from bot.adjusting import Adjusted, Adjusting, Refused
from bot.policy_in_force import PolicyInForce
from bot.reviewing.eligibility import Eligibility
from bot.reviewing.people import MembershipUnknownError, Refusal, Reviewer
from routing.decision import Risk
from store.adjustments import AdjustmentStore, Proposal


@dataclass(frozen=True, slots=True)
class Declined:
    """It stays as it is."""


@dataclass(frozen=True, slots=True)
class TooLateForProposal:
    """Somebody was quicker; `proposal` shows who, and what they made of it."""

    proposal: Proposal


Result = Adjusted | Declined | Refused | Refusal | TooLateForProposal


class Proposals:
    def __init__(
        self, *, store: AdjustmentStore, adjusting: Adjusting, eligibility: Eligibility, policy: PolicyInForce
    ) -> None:
        self._store, self._adjusting = store, adjusting
        self._eligibility, self._policy = eligibility, policy

    async def find(self, proposal_id: str) -> Proposal | None:
        return await self._store.proposal(proposal_id)

    async def apply(self, proposal: Proposal, reviewer: Reviewer) -> Result:
        refusal = await self._refusal(proposal, reviewer)
        if refusal is not None or proposal.state != "open":
            return refusal or TooLateForProposal(proposal)
        return await self._adjusting.apply(proposal, by=reviewer.actor) or await self._too_late(proposal)

    async def decline(self, proposal: Proposal, reviewer: Reviewer) -> Result:
        refusal = await self._refusal(proposal, reviewer)
        if refusal is not None or proposal.state != "open":
            return refusal or TooLateForProposal(proposal)
        declined = await self._adjusting.decline(proposal, by=reviewer.actor)
        return Declined() if declined else await self._too_late(proposal)

    async def undo(self, proposal: Proposal, reviewer: Reviewer) -> Result:
        refusal = await self._refusal(proposal, reviewer)
        if refusal is not None or proposal.state != "applied" or proposal.adjustment_id is None:
            return refusal or TooLateForProposal(proposal)
        done = await self._adjusting.undo(proposal.adjustment_id, by=reviewer.actor)
        now = await self._now(proposal)
        return TooLateForProposal(now) if isinstance(done, Refused) and now.state != "applied" else done

    async def _refusal(self, proposal: Proposal, reviewer: Reviewer) -> Refusal | None:
        """Those who settle disputes about the task may; where the policy names no adjudicators, the people that it
        names as reviewers. Never all members of a channel."""
        task = self._policy.current.task(proposal.task_type)
        try:
            if await self._eligibility.is_in_circle(
                reviewer, proposal.task_type, Risk.HIGH, task.channel, settles=True, recent=False
            ):
                return None
        except MembershipUnknownError:
            return Refusal("unknown_now")
        return Refusal("adjudicators_only", task.settlers(Risk.HIGH))

    async def _too_late(self, proposal: Proposal) -> TooLateForProposal:
        return TooLateForProposal(await self._now(proposal))

    async def _now(self, proposal: Proposal) -> Proposal:
        return await self._store.proposal(proposal.id) or proposal
