"""Claims: somebody says that they are at it. A claim informs; it locks nobody out, and ends by itself."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.reviewing import announce
from bot.reviewing.case import Case, Cases
from bot.reviewing.eligibility import Eligibility
from bot.reviewing.people import Refusal, Reviewer
from bot.reviewing.verdicts import TooLate
from routing.decision import Json
from routing.review import WAITING
from store.history import HistoryRecord
from store.messages import NewMessage
from store.queue import Skip
from store.reviews import NO_CLAIM, ChangeReview
from store.writer import Writer

LEASE = timedelta(minutes=10)
"""How long a claim lasts. Slack's forms tell nobody that they were left open."""

_MOST_TRIES = 20


@dataclass(frozen=True, slots=True)
class Claimed:
    """The claim stands until then."""

    until: datetime


@dataclass(frozen=True, slots=True)
class TakenBy:
    """Somebody else is at it, since then."""

    user_id: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Released:
    """Nobody is at it any more. `former`: who was; None where nobody was."""

    former: str | None


@dataclass(frozen=True, slots=True)
class HandedOver:
    """It is the other person's now; they are told."""

    until: datetime


class Claims:
    def __init__(self, *, clock: Clock, writer: Writer, cases: Cases, eligibility: Eligibility) -> None:
        self._clock, self._writer, self._cases, self._eligibility = clock, writer, cases, eligibility

    async def claim(
        self, case: Case, reviewer: Reviewer, *, recent: bool = False
    ) -> Claimed | TakenBy | TooLate | Refusal:
        """For one who may decide it. A claim of somebody else's that has not ended stays theirs."""
        refusal = await self._eligibility.refusal(case, reviewer, recent=recent)
        if refusal is not None and case.review.state in WAITING:
            return refusal
        for _ in range(_MOST_TRIES):
            if case.review.state not in WAITING:
                return TooLate(case, repeated=False)
            taken = self.taken_by_other(case, reviewer)
            if taken is not None:
                return taken
            until = self._clock.now() + LEASE
            if await self._set(case, reviewer.user_id, reviewer, "claimed"):
                return Claimed(until)
            case = await self._cases.by_pk(case.review.pk)
        raise RuntimeError(f"review {case.review.pk} changes faster than anybody can claim it")

    def taken_by_other(self, case: Case, reviewer: Reviewer) -> TakenBy | None:
        claim = case.review.claim
        if claim is None or claim.user_id == reviewer.user_id or claim.until <= self._clock.now():
            return None
        return TakenBy(claim.user_id, claim.at)

    async def release(self, case: Case, reviewer: Reviewer) -> Released | TooLate | Refusal:
        """Ends a claim, one's own or another's: whoever may decide it may do that."""
        if case.review.state not in WAITING:
            return TooLate(case, repeated=False)
        claim = case.review.claim
        if claim is None:
            return Released(None)
        if claim.user_id != reviewer.user_id:
            refusal = await self._eligibility.refusal(case, reviewer)
            if refusal is not None:
                return refusal
        await self._set(case, None, reviewer, "unclaimed")
        return Released(claim.user_id)

    async def skip(self, case: Case, reviewer: Reviewer) -> TooLate | None:
        """Leaves it to others: this person's walk does not show it again."""
        if case.review.state not in WAITING:
            return TooLate(case, repeated=False)
        await self._writer.submit(Skip(case.review.pk, reviewer.user_id, self._clock.now()))
        if case.review.claim is not None and case.review.claim.user_id == reviewer.user_id:
            await self._set(case, None, reviewer, "unclaimed")
        return None

    async def hand_over(
        self, case: Case, reviewer: Reviewer, to: Reviewer, note: str | None
    ) -> HandedOver | TooLate | Refusal:
        """Gives it to another who may decide it, and tells them: in the thread, or directly where there is none.

        The refusal speaks of the one who may not, be it the giver or the taker.
        """
        if case.review.state not in WAITING:
            return TooLate(case, repeated=False)
        for person in (reviewer, to):
            refusal = await self._eligibility.refusal(case, person)
            if refusal is not None:
                return refusal
        now = self._clock.now()
        body: dict[str, Json] = {"what": "handed_over", "by": reviewer.user_id, "to": to.user_id, "note": note}
        in_thread = any(card.channel == case.review.channel and card.place for card in case.review.cards)
        where = None if in_thread else to.user_id
        message = announce.notice(case, f"handed_over.{case.review.version}", body, where)
        for _ in range(_MOST_TRIES):
            if case.review.state not in WAITING:
                return TooLate(case, repeated=False)
            if await self._set(case, to.user_id, reviewer, "handed_over", {"to": to.user_id}, (message,)):
                return HandedOver(now + LEASE)
            case = await self._cases.by_pk(case.review.pk)
        raise RuntimeError(f"review {case.review.pk} changes faster than anybody can hand it over")

    async def _set(
        self,
        case: Case,
        user_id: str | None,
        by: Reviewer,
        what: str,
        facts: dict[str, Json] | None = None,
        messages: tuple[NewMessage, ...] = (),
    ) -> bool:
        now, review = self._clock.now(), case.review
        columns: dict[str, object] = dict(NO_CLAIM)
        if user_id is not None:
            until = now + LEASE
            same = review.claim is not None and review.claim.user_id == user_id
            since = review.claim.at if same and review.claim is not None else now
            columns = {"claimed_by": user_id, "claimed_at": since, "claimed_until": until}
            columns["due_at"] = min(until, review.due_at) if review.due_at else until
        record = HistoryRecord(
            now,
            f"reviewer:review:{what}",
            by.actor,
            case.decision.app_pk,
            case.decision.pk,
            review.pk,
            {"review": review.id, **(facts or {})},
        )
        return await self._writer.submit(ChangeReview(review, now, columns, (record,), messages=messages))
