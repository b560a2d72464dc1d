"""Who may decide a review now."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from bot.policy_in_force import PolicyInForce
from bot.reviewing.case import Case
from bot.reviewing.people import Membership, MembershipUnknownError, Refusal, Reviewer
from routing.decision import ReviewKind, Risk
from routing.expressions import Facts
from routing.policy import Circle, TaskPolicy
from routing.review import WAITING, Edit, ReviewState, Verdict, objection
from routing.rules import fired_rules
from store.reviews import Review


class Eligibility:
    def __init__(self, policy: PolicyInForce, membership: Membership) -> None:
        self._policy, self._membership = policy, membership

    def task(self, case: Case) -> TaskPolicy:
        """The policy of the moment: it decides who may act and what the forms ask."""
        return self._policy.current.task(case.decision.task_type)

    def ran_on(self, case: Case) -> date:
        """The local day on which the decision came in."""
        return case.decision.created_at.astimezone(ZoneInfo(self._policy.current.timezone)).date()

    def risk(self, case: Case, verdict: Verdict | None = None) -> Risk:
        """The decision's risk, or what the rules say of the edit at hand where that is more: an edit must not take a
        way around the people who would have been asked about it."""
        risk = Risk(case.decision.risk)
        if isinstance(verdict, Edit):
            output = verdict.output
        elif case.proposal is not None:
            output = case.proposal.output
        else:
            return risk
        fired = fired_rules(self.task(case).rules, Facts.of(case.request).with_output(output))
        return max([risk, *(rule.level for rule in fired)])

    def needed(self, case: Case, verdict: Verdict | None = None) -> int:
        """How many distinct people have to agree. A second opinion is one person's."""
        return 1 if case.review.kind == ReviewKind.DOUBLE else self._approvals(case, self.risk(case, verdict))

    def _approvals(self, case: Case, risk: Risk) -> int:
        """An audit is one person's too, unless they would put something of more risk in the place of what ran."""
        alone = case.review.kind == ReviewKind.AUDIT and risk <= Risk(case.decision.risk)
        return 1 if alone else self.task(case).approvals_at(risk)

    def settlers(self, case: Case, verdict: Verdict | None = None) -> Circle:
        """Who settles a dispute about it."""
        return self.task(case).settlers(self.risk(case, verdict))

    def undo_window(self, case: Case, verdict: Verdict) -> timedelta | None:
        """How long a verdict waits before the app is told; None where it does not."""
        return self.task(case).undo_at(self.risk(case, verdict)) or None

    async def refusal(
        self, case: Case, reviewer: Reviewer, verdict: Verdict | None = None, *, recent: bool = False
    ) -> Refusal | None:
        """Why this person may not decide this review now, or not like this; None when they may.

        `recent`: Slack's answers of the last minute will do, as for a list that nothing is decided by.
        """
        if case.content_removed:
            return Refusal("content_removed")
        if case.decision.requested_by == reviewer.user_id:
            return Refusal("own_request")
        if case.review.kind == ReviewKind.DOUBLE and _spoke(case.siblings, reviewer):
            return Refusal("second_opinion")
        objected = objection(case.standing(self.needed(case)), reviewer.user_id)
        if objected is not None and case.review.state in WAITING:
            return Refusal(objected)
        settles = case.review.state == ReviewState.DISPUTED
        return await self._outside(case, reviewer, self.risk(case, verdict), settles=settles, recent=recent)

    async def is_in_circle(
        self, reviewer: Reviewer, task_type: str, risk: Risk, channel: str, *, settles: bool, recent: bool
    ) -> bool:
        """Whether this person is among those who may decide such reviews. Single reviews may refuse them all the same.
        `recent`: as in refusal(). Raises MembershipUnknownError."""
        task = self._policy.current.task(task_type)
        circle = task.settlers(risk) if settles else task.reviewers(risk)
        channels = sorted(({task.channel} & {channel}) | {step.channel for step in task.escalation if step.channel})
        return await self._membership.includes(circle, reviewer, channels, recent=recent)

    async def refusal_to_change(self, case: Case, reviewer: Reviewer, verdict: Verdict | None = None) -> Refusal | None:
        """The same for a verdict that stands already. What took more than one person to decide, or an adjudicator, is
        not for one reviewer to turn; what bore a second opinion out or not is turned where it was decided first."""
        if case.content_removed:
            return Refusal("content_removed")
        if case.decision.requested_by == reviewer.user_id:
            return Refusal("own_request")
        if case.review.kind == ReviewKind.DOUBLE and case.review.state == ReviewState.DECIDED:
            return Refusal("second_opinion")
        stands = case.closing(case.votes) if case.review.state == ReviewState.HELD else case.standing_verdict
        risk = max(self.risk(case, each) for each in (stands, verdict) if each is not None)
        settles = self._approvals(case, risk) > 1 or _took_many((case.review, *case.siblings))
        return await self._outside(case, reviewer, risk, settles=settles, recent=False)

    async def _outside(
        self, case: Case, reviewer: Reviewer, risk: Risk, *, settles: bool, recent: bool
    ) -> Refusal | None:
        circle = self.task(case).settlers(risk) if settles else self.task(case).reviewers(risk)
        channels = self._channels(case)
        if not channels:
            # The policy has moved the task elsewhere: the members of its former channel have no say any more.
            circle = replace(circle, channel_members=False)
        try:
            if await self._membership.includes(circle, reviewer, channels, recent=recent):
                return None
        except MembershipUnknownError:
            return Refusal("unknown_now")
        if settles:
            return Refusal("adjudicators_only", circle)
        return Refusal("named_reviewers_only" if risk > Risk.MEDIUM else "not_a_reviewer", circle)

    def _channels(self, case: Case) -> list[str]:
        """The channels whose members count: the task's, and those to which its escalation has widened the circle. Ids
        where a card is there already."""
        task = self.task(case)
        named = {task.channel} & {case.review.channel}
        done = sorted(task.escalation, key=lambda step: step.after)[: case.review.steps_done]
        named |= {step.channel for step in done if step.channel}
        ids = {card.channel: card.place.channel for card in case.review.cards if card.place is not None}
        return sorted(ids.get(name, name) for name in named)


def _spoke(reviews: Sequence[Review], reviewer: Reviewer) -> bool:
    return any(verdict.user_id == reviewer.user_id for review in reviews for verdict in review.verdicts)


def _took_many(reviews: Sequence[Review]) -> bool:
    """Whether an adjudicator settled any of these reviews, or several people voted in one round."""
    verdicts = [(review.pk, verdict) for review in reviews for verdict in review.verdicts]
    rounds = Counter((pk, verdict.round) for pk, verdict in verdicts)
    return any(verdict.adjudicates for _, verdict in verdicts) or max(rounds.values(), default=0) > 1
