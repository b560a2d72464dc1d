"""Blind second opinions: a share of what one person decided is shown to another, who does not see the verdict."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from bot.clock import Clock
from bot.ids import NewId
from bot.reviewing.case import Case
from bot.reviewing.eligibility import Eligibility
from routing.decision import ReviewKind, Risk
from routing.review import Vote
from store.decisions import NewReview, PrimaryKeys

_SHARED = (ReviewKind.GATE, ReviewKind.PROVISIONAL)
# It holds up nobody, so it waits behind everything that does.
_URGENCY = 0


class SecondOpinions:
    """`draw` gives a decision's number in [0, 1), from the app's name and the decision's id; nobody can foresee it."""

    def __init__(
        self,
        *,
        clock: Clock,
        keys: PrimaryKeys,
        new_id: NewId,
        eligibility: Eligibility,
        draw: Callable[[str, str], float],
    ) -> None:
        self._clock, self._keys, self._new_id = clock, keys, new_id
        self._eligibility, self._draw = eligibility, draw

    async def of(self, case: Case, votes: Sequence[Vote]) -> NewReview | None:
        """The second opinion to ask for as these votes close this review; None: none, as where several voted."""
        task = self._eligibility.task(case)
        if case.review.kind not in _SHARED or len(votes) > 1:
            return None
        if self._draw(case.review.app, case.decision.id) >= task.double_review:
            return None
        until = self._clock.now() + max(task.sla, timedelta(days=1))
        return NewReview(
            pk=await self._keys.take(),
            id=self._new_id("rev"),
            kind=ReviewKind.DOUBLE,
            lane="blind",
            channel=case.review.channel,
            task_type=case.decision.task_type,
            risk=case.decision.risk,
            urgency=_URGENCY + Risk(case.decision.risk).rank,
            deadline=until,
            due_at=until,
        )
