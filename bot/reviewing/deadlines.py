"""What time brings: claims that end, escalation steps, timeouts, releases after the undo window. Under load, releases
and steps that ask more people come before their time.

Due work is rows found by a sweep. Each step is one commit against the state that was seen, so that a killed process or
a second replica neither loses nor doubles one.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from bot.clock import Clock
from bot.ids import NewId
from bot.policy_in_force import PolicyInForce
from bot.reviewing import announce
from bot.reviewing.case import Case, Cases
from bot.reviewing.consequence import Consequence, timed_out
from bot.reviewing.eligibility import Eligibility
from bot.reviewing.sweep import sweep
from bot.reviewing.verdicts import Reviewing
from routing.deadlines import deadline
from routing.decision import Disposition, Json, ReviewKind, Risk, Route
from routing.escalation import Schedule, Waiting, due_steps, next_due
from routing.policy_sections import EscalationStep
from routing.review import WAITING, Approve, Resolution, ReviewState, time_out
from routing.route import may_be_released, route
from store.decisions import NewReview, PrimaryKeys
from store.messages import NewMessage, card_of
from store.reviews import NO_CLAIM, ChangeReview, PutOffReview, ReviewStore, StaleDecisionError
from store.writer import Writer

# Reviews about which nobody is reminded.
_NOBODY_WAITS = (ReviewKind.DOUBLE, ReviewKind.AUDIT)
_ANY_TIME = datetime.max.replace(tzinfo=UTC)

Cause = Literal["deadline", "load"]
"""Why something comes about that nobody decided."""


@dataclass(slots=True)
class _Changes:
    """What has come about for one review, collected for one commit."""

    columns: dict[str, Any] = field(default_factory=dict)
    messages: list[NewMessage] = field(default_factory=list)
    happened: list[tuple[str, dict[str, Json]]] = field(default_factory=list)
    consequence: Consequence | None = None
    opens: NewReview | None = None


class Deadlines:
    def __init__(
        self,
        *,
        clock: Clock,
        writer: Writer,
        reviews: ReviewStore,
        cases: Cases,
        eligibility: Eligibility,
        reviewing: Reviewing,
        policy: PolicyInForce,
        keys: PrimaryKeys,
        new_id: NewId,
    ) -> None:
        self._clock, self._writer, self._reviews, self._cases = clock, writer, reviews, cases
        self._eligibility, self._reviewing, self._policy = eligibility, reviewing, policy
        self._keys, self._new_id = keys, new_id

    async def sweep(self, until: datetime | None = None) -> int:
        """Does everything that is due by now, or `until` then where that is later; how many reviews that were. One that
        fails stops no other, and is tried again after a minute."""
        return await sweep(
            self._clock,
            until,
            due=self._reviews.due,
            advance=self._advance,
            put_off=lambda pk, by, at: self._writer.submit(PutOffReview(pk, by, at)),
        )

    async def release(self, review_pk: int) -> bool:
        """Lets a decision that waits for its turn go out as provisional before its deadline; it is looked at
        afterwards, as after a timeout. False: by now it may not go out, or somebody was quicker."""
        case, now, changes = await self._cases.by_pk(review_pk), self._clock.now(), _Changes()
        self._end_claim(case, now, changes)
        resolution = self._early_release(case, now)
        if resolution is None:
            return False
        await self._time_out(case, resolution, now, "load", changes)
        return await self._commit(case, now, changes)

    async def widen(self, review_pk: int) -> bool:
        """Brings the steps of a waiting card forward through the last one that asks more people than its channel.
        False: there is none left, or somebody was quicker."""
        case, now, changes = await self._cases.by_pk(review_pk), self._clock.now(), _Changes()
        steps = due_steps(_waiting(case), self._schedule(case), _ANY_TIME)
        last = max((number for number, step in enumerate(steps, 1) if step.remind is None), default=0)
        if last == 0 or case.review.state not in WAITING:
            return False
        self._escalate(case, steps[:last], "load", changes)
        return await self._commit(case, now, changes)

    async def next_due(self) -> datetime | None:
        return await self._reviews.next_due()

    async def _advance(self, review_pk: int, by: datetime) -> None:
        """Does what is due `by` then; whatever comes of it is stamped with the clock's now, so that it goes out."""
        case, changes = await self._cases.by_pk(review_pk), _Changes()
        review = case.review
        if review.due_at is None or review.due_at > by:
            return
        if review.release_at is not None and review.release_at <= by:
            with suppress(StaleDecisionError):
                await self._reviewing.release(case)
            return
        now = self._clock.now()
        if review.state in WAITING:
            self._end_claim(case, by, changes)
            await self._go_on(case, by, now, changes)
        await self._commit(case, now, changes)

    async def _commit(self, case: Case, now: datetime, changes: _Changes) -> bool:
        changes.columns["due_at"] = self._next(case, changes)
        # A change that somebody else was quicker with is looked at again by the next sweep.
        with suppress(StaleDecisionError):
            return await self._writer.submit(self._command(case, now, changes))
        return False

    def _end_claim(self, case: Case, by: datetime, changes: _Changes) -> None:
        claim = case.review.claim
        if claim is not None and claim.until <= by:
            changes.columns |= NO_CLAIM
            changes.happened.append(("claim_ended", {"user": claim.user_id}))

    async def _go_on(self, case: Case, by: datetime, now: datetime, changes: _Changes) -> None:
        """Nobody is reminded of what times out."""
        passed = case.review.deadline <= by and not case.review.overdue
        resolution = self._timeout(case) if passed else None
        if resolution is not None:
            await self._time_out(case, resolution, now, "deadline", changes)
            return
        self._escalate(case, due_steps(_waiting(case), self._schedule(case), by), "deadline", changes)
        if passed:
            changes.columns["overdue"] = True
            changes.happened.append(("overdue", {}))

    def _escalate(self, case: Case, steps: Sequence[EscalationStep], cause: Cause, changes: _Changes) -> None:
        review = case.review
        if not steps:
            return
        if review.lane == "batch":
            # It has waited long enough to stand by itself.
            changes.columns |= {"lane": "card", "posted_at": review.opened_at}
            changes.messages.append(card_of(review.pk, review.channel, review.urgency))
        for number, step in enumerate(steps, review.steps_done + 1):
            changes.messages.append(_step_message(case, number, step))
            done = step.model_dump(mode="json", exclude_none=True, exclude={"after"})
            changes.happened.append(("escalated", {"step": number, "cause": cause, **done}))
        changes.columns["steps_done"] = review.steps_done + len(steps)

    def _timeout(self, case: Case) -> Resolution | None:
        """What the passed deadline makes of the decision. What somebody has found wrong does not go out by itself."""
        if case.decision.status != "pending":
            return None
        task = self._eligibility.task(case)
        nobody_objects = all(isinstance(vote.verdict, Approve) for vote in case.votes)
        may_go_out = nobody_objects and may_be_released(case.request, task)
        kind, risk = ReviewKind(case.review.kind), Risk(case.decision.risk)
        return time_out(kind, risk, task.on_timeout, may_go_out=may_go_out)

    def _early_release(self, case: Case, now: datetime) -> Resolution | None:
        """What becomes of a decision that need not wait for its deadline; None: a person has begun with it, or the
        policy, then or now, wants one."""
        review, task = case.review, self._eligibility.task(case)
        is_claimed = review.claim is not None and review.claim.until > now
        untouched = review.state == ReviewState.OPEN and not review.verdicts and not is_claimed
        in_turn = review.lane == "batch" and case.decision.route == Route.QUEUE
        if not (untouched and in_turn and route(case.request, self._policy.current).route <= Route.QUEUE):
            return None
        may_go_out = may_be_released(case.request, task)
        return time_out(ReviewKind(review.kind), Risk(case.decision.risk), "provisional", may_go_out=may_go_out)

    async def _time_out(
        self, case: Case, resolution: Resolution, now: datetime, cause: Cause, changes: _Changes
    ) -> None:
        changes.consequence = timed_out(case, resolution, now)
        changes.columns |= {"state": ReviewState.TIMED_OUT, "closed_at": now}
        changes.happened.append(("timed_out", {"cause": cause, **changes.consequence.facts}))
        if resolution.disposition is Disposition.EXECUTE_PROVISIONAL:
            changes.opens = await self._afterwards(case, now)

    async def _afterwards(self, case: Case, now: datetime) -> NewReview:
        """What went out because nobody had time is looked at all the same."""
        review, task, schedule = case.review, self._eligibility.task(case), self._schedule(case)
        until = deadline(now, task.sla, schedule.hours, schedule.tz)
        return NewReview(
            pk=await self._keys.take(),
            id=self._new_id("rev"),
            kind=ReviewKind.PROVISIONAL,
            lane="batch",
            channel=review.channel,
            task_type=case.decision.task_type,
            risk=case.decision.risk,
            urgency=review.urgency,
            deadline=until,
            due_at=next_due(Waiting(now, 0, until, overdue=False), schedule),
        )

    def _next(self, case: Case, changes: _Changes) -> datetime | None:
        state = changes.columns.get("state", case.review.state)
        if state not in WAITING:
            return case.review.release_at
        waiting = _waiting(case)
        claim_ended = "claimed_until" in changes.columns
        waiting = replace(
            waiting,
            steps_done=changes.columns.get("steps_done", waiting.steps_done),
            overdue=changes.columns.get("overdue", waiting.overdue),
            claimed_until=None if claim_ended else waiting.claimed_until,
        )
        return next_due(waiting, self._schedule(case))

    def _schedule(self, case: Case) -> Schedule:
        policy = self._policy.current
        steps = () if case.review.kind in _NOBODY_WAITS else self._eligibility.task(case).escalation
        return Schedule(steps, policy.business_hours, ZoneInfo(policy.timezone))

    def _command(self, case: Case, now: datetime, changes: _Changes) -> ChangeReview:
        version = {"policy_version": self._policy.current.version}
        return ChangeReview(
            case.review,
            now,
            changes.columns,
            tuple(
                case.record(now, f"bot:review:{what}", "bot", {**facts, **version}) for what, facts in changes.happened
            ),
            decision=None if changes.consequence is None else changes.consequence.change(now, self._new_id),
            messages=tuple(changes.messages),
            opens=changes.opens,
        )


def _waiting(case: Case) -> Waiting:
    review = case.review
    # A card's steps count from its posting; what rides in a batch was seen with the batch.
    since = review.posted_at if review.lane == "card" else review.opened_at
    claimed_until = None if review.claim is None else review.claim.until
    return Waiting(since, review.steps_done, review.deadline, review.overdue, claimed_until)


def _step_message(case: Case, number: int, step: EscalationStep) -> NewMessage:
    review = case.review
    if step.channel is not None:
        return card_of(review.pk, step.channel, review.urgency)
    body: dict[str, Json] = {"what": "remind"} if step.notify is None else {"what": "notify", "whom": step.notify}
    return announce.notice(case, f"step.{number}", body)
