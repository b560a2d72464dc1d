"""Claims: somebody says that they are at it. A claim informs; it locks nobody out, and ends by itself."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from bot.clock import Clock
from bot.reviewing import announce
from bot.reviewing.case import Case, Cases
from bot.reviewing.eligibility import Eligibility
from bot.reviewing.people import Refusal, Reviewer
from bot.reviewing.until_done import until_done
from bot.reviewing.verdicts import TooLate
from routing.decision import Json
from routing.review import WAITING
from store.messages import NewMessage
from store.queue import Skip
from store.reviews import NO_CLAIM, ChangeReview
from store.writer import Writer

LEASE = timedelta(minutes=10)
"""How long a claim lasts. Slack's forms tell nobody that they were left open."""

Done = TypeVar("Done")


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

        async def attempt(case: Case) -> Claimed | TakenBy | Refusal | None:
            refusal = await self._eligibility.refusal(case, reviewer, recent=recent)
            refused = refusal or self.taken_by_other(case, reviewer)
            if refused is not None:
                return refused
            until = await self._set(case, reviewer.user_id, reviewer, "claimed")
            return None if until is None else Claimed(until)

        return await self._while_waiting(case, attempt)

    def taken_by_other(self, case: Case, reviewer: Reviewer) -> TakenBy | None:
        claim = case.review.claim
        if claim is None or claim.user_id == reviewer.user_id or claim.until <= self._clock.now():
            return None
        return TakenBy(claim.user_id, claim.at)

    async def release(self, case: Case, reviewer: Reviewer) -> Released | TooLate | Refusal:
        """Ends a claim, one's own or another's: whoever may decide it may do that."""

        async def attempt(case: Case) -> Released | Refusal | None:
            claim = case.review.claim
            if claim is None:
                return Released(None)
            if claim.user_id != reviewer.user_id:
                refusal = await self._eligibility.refusal(case, reviewer)
                if refusal is not None:
                    return refusal
            return Released(claim.user_id) if await self._clear(case, reviewer) else None

        return await self._while_waiting(case, attempt)

    async def skip(self, case: Case, reviewer: Reviewer) -> TooLate | None:
        """Leaves it to others: this person's walk does not show it again."""
        if case.review.state not in WAITING:
            return TooLate(case, repeated=False)
        await self._writer.submit(Skip(case.review.pk, reviewer.user_id, self._clock.now()))

        async def attempt(case: Case) -> Released | None:
            claim = case.review.claim
            if claim is None or claim.user_id != reviewer.user_id:
                return Released(None)
            return Released(claim.user_id) if await self._clear(case, reviewer) else None

        done = await self._while_waiting(case, attempt)
        return done if isinstance(done, TooLate) else None

    async def hand_over(
        self, case: Case, reviewer: Reviewer, to: Reviewer, note: str | None
    ) -> HandedOver | TooLate | Refusal:
        """Gives it to another who may decide it, and tells them: in the thread, or directly where there is none.

        The refusal speaks of the one who may not, be it the giver or the taker.
        """

        async def attempt(case: Case) -> HandedOver | Refusal | None:
            for person in (reviewer, to):
                refusal = await self._eligibility.refusal(case, person)
                if refusal is not None:
                    return refusal
            told = _handed_over(case, reviewer, to, note)
            until = await self._set(case, to.user_id, reviewer, "handed_over", {"to": to.user_id}, (told,))
            return None if until is None else HandedOver(until)

        return await self._while_waiting(case, attempt)

    async def _while_waiting(self, case: Case, attempt: Callable[[Case], Awaitable[Done | None]]) -> Done | TooLate:
        async def while_it_waits(case: Case) -> Done | TooLate | None:
            return await attempt(case) if case.review.state in WAITING else TooLate(case, repeated=False)

        return await until_done(case, while_it_waits, lambda: self._cases.by_pk(case.review.pk))

    async def _clear(self, case: Case, by: Reviewer) -> bool:
        return await self._submit(case, dict(NO_CLAIM), by, "unclaimed")

    async def _set(
        self,
        case: Case,
        user_id: str,
        by: Reviewer,
        what: str,
        facts: dict[str, Json] | None = None,
        messages: tuple[NewMessage, ...] = (),
    ) -> datetime | None:
        """Until when the claim stands; None: the review has changed since."""
        now, claim, due_at = self._clock.now(), case.review.claim, case.review.due_at
        until = now + LEASE
        since = claim.at if claim is not None and claim.user_id == user_id else now
        columns: dict[str, object] = {"claimed_by": user_id, "claimed_at": since, "claimed_until": until}
        columns["due_at"] = min(until, due_at) if due_at else until
        return until if await self._submit(case, columns, by, what, facts, messages) else None

    async def _submit(
        self,
        case: Case,
        columns: dict[str, object],
        by: Reviewer,
        what: str,
        facts: dict[str, Json] | None = None,
        messages: tuple[NewMessage, ...] = (),
    ) -> bool:
        now = self._clock.now()
        record = case.record(now, f"reviewer:review:{what}", by.actor, facts or {})
        return await self._writer.submit(ChangeReview(case.review, now, columns, (record,), messages=messages))


def _handed_over(case: Case, by: Reviewer, to: Reviewer, note: str | None) -> NewMessage:
    body: dict[str, Json] = {"what": "handed_over", "by": by.user_id, "to": to.user_id, "note": note}
    in_thread = any(card.channel == case.review.channel and card.place for card in case.review.cards)
    return announce.notice(case, f"handed_over.{case.review.version}", body, None if in_thread else to.user_id)
