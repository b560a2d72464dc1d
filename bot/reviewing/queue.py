"""The waiting line as one person sees it: what they may decide, most urgent first."""

from dataclasses import dataclass, replace

from bot.clock import Clock
from bot.reviewing.case import Case, Cases
from bot.reviewing.claims import Claimed, Claims
from bot.reviewing.eligibility import Eligibility
from bot.reviewing.people import Refusal, Reviewer
from routing.decision import Risk
from routing.review import ReviewState
from store.queue import Group, QueueStore, Scope

# So many are looked at together before the next are fetched.
_LOOK = 20
# Claims of others and refusals may make the first ones unfit, but not without end.
_MOST_LOOKS = 10


@dataclass(frozen=True, slots=True)
class Line:
    """One page of what waits for a person, and how much that is in all."""

    cases: tuple[Case, ...]
    count: int


class Queue:
    def __init__(
        self, *, clock: Clock, queue: QueueStore, cases: Cases, eligibility: Eligibility, claims: Claims
    ) -> None:
        self._clock, self._queue, self._cases = clock, queue, cases
        self._eligibility, self._claims = eligibility, claims

    async def next(self, reviewer: Reviewer, channel: str | None) -> Case | None:
        """The next review for this person, claimed for them; None when nothing is left. Of a channel: what has no card
        there. Without: everything they may decide. Raises MembershipUnknownError."""
        scope = replace(await self._scope(reviewer, channel), with_cards=channel is None)
        refused = 0
        for _ in range(_MOST_LOOKS):
            pks = await self._queue.waiting(scope, _LOOK, offset=refused)
            for pk in pks:  # one by one: most often the first is free, and a request may be long
                case = await self._cases.by_pk(pk)
                match await self._claims.claim(case, reviewer, recent=True):
                    case Claimed():
                        return await self._cases.by_pk(case.review.pk)
                    case Refusal():
                        refused += 1
                    case _:
                        pass  # somebody was quicker, and the next look does not find it any more
            if len(pks) < _LOOK:
                break
        return None

    async def left(self, reviewer: Reviewer, channel: str | None) -> int:
        """How many `next` still has to give."""
        scope = replace(await self._scope(reviewer, channel), with_cards=channel is None)
        return await self._queue.count(scope)

    async def line(self, reviewer: Reviewer, *, offset: int, limit: int) -> Line:
        """What this person may decide, also what they skipped and what others are at; without what they are at
        themselves."""
        scope = replace(await self._scope(reviewer, None), with_skipped=True, with_claimed=True, with_own=False)
        count = await self._queue.count(scope)
        pks = await self._queue.waiting(scope, limit, offset=offset)
        return Line(tuple(await self._cases.by_pks(pks)), count)

    async def claimed(self, reviewer: Reviewer, limit: int) -> list[Case]:
        return await self._cases.by_pks(await self._queue.claimed(reviewer.user_id, self._clock.now(), limit))

    async def decided(self, reviewer: Reviewer, limit: int) -> list[Case]:
        """On what this person voted last, the latest first."""
        return await self._cases.by_pks(await self._queue.decided_by(reviewer.user_id, limit))

    async def _scope(self, reviewer: Reviewer, channel: str | None) -> Scope:
        groups = [group for group in await self._queue.groups(channel) if await self._may_decide(reviewer, group)]
        keys = [(group.channel, group.task_type, group.risk, group.state) for group in groups]
        return Scope(reviewer.user_id, self._clock.now(), channel, sorted(set(keys)))

    async def _may_decide(self, reviewer: Reviewer, group: Group) -> bool:
        disputed = group.state == ReviewState.DISPUTED
        return await self._eligibility.is_in_circle(
            reviewer, group.task_type, Risk(group.risk), group.channel, settles=disputed, recent=True
        )
