"""Verdicts: given, held for a while, taken back, changed. Each step is one commit against the state that was seen."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import orjson

from bot.clock import Clock
from bot.ids import NewId
from bot.policy_in_force import PolicyInForce
from bot.reviewing import announce
from bot.reviewing.case import Case, Cases
from bot.reviewing.consequence import Consequence, decided, judgement, said
from bot.reviewing.eligibility import Eligibility
from bot.reviewing.people import Refusal, Reviewer
from bot.reviewing.second_opinion import SecondOpinions
from bot.reviewing.until_done import until_done
from routing.checks import CheckResult, CheckStatus, run_checks
from routing.decision import Disposition, Json, OutcomeResult, ReviewKind
from routing.expressions import Facts
from routing.json_value import json_equal
from routing.review import (
    WAITING,
    Approve,
    Cast,
    Edit,
    ReviewState,
    Verdict,
    Vote,
    agrees,
    cast,
    resolve,
)
from store.decisions import Decision
from store.history import HistoryRecord
from store.reviews import NO_CLAIM, ChangeReview, StaleDecisionError, VerdictRecord
from store.writer import Writer


@dataclass(frozen=True, slots=True)
class Decided:
    """The vote stands. `state`: what the review is now; `missing`: how many more people have to agree."""

    verdict: VerdictRecord
    state: ReviewState = ReviewState.DECIDED
    missing: int = 0
    release_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TooLate:
    """The review was closed before; `case` shows by whom and how. `repeated`: by this person, saying just this."""

    case: Case
    repeated: bool


@dataclass(frozen=True, slots=True)
class ChecksFailed:
    """The edited output fails the policy's checks; nothing was changed."""

    failures: tuple[CheckResult, ...]


@dataclass(frozen=True, slots=True)
class Undone:
    """The verdict was taken back before the app was told; the review is open again."""


Result = Decided | TooLate | ChecksFailed | Refusal
Done = TypeVar("Done")


class Reviewing:
    def __init__(
        self,
        *,
        clock: Clock,
        writer: Writer,
        cases: Cases,
        eligibility: Eligibility,
        policy: PolicyInForce,
        second_opinions: SecondOpinions,
        new_id: NewId,
    ) -> None:
        self._clock, self._writer = clock, writer
        self._cases, self._eligibility, self._policy = cases, eligibility, policy
        self._second_opinions, self._new_id = second_opinions, new_id

    async def decide(self, case: Case, reviewer: Reviewer, verdict: Verdict, *, echo: bool = False) -> Result:
        """Gives one person's verdict: checks the person again, then an edited output, then commits the vote and what
        follows from it. `echo`: once it closes the review, say so in the thread too."""

        async def attempt(case: Case) -> Result | None:
            if case.review.state not in WAITING:
                return TooLate(case, _is_repeated(case, reviewer, verdict))
            refusal = await self._eligibility.refusal(case, reviewer, verdict)
            if refusal is not None:
                repeated = refusal.reason == "already_voted" and _is_repeated(case, reviewer, verdict)
                return TooLate(case, repeated=True) if repeated else refusal
            return self._failed_checks(case, verdict) or await self._vote(case, reviewer, verdict, echo=echo)

        return await self._until_done(case, attempt)

    async def change(self, case: Case, reviewer: Reviewer, verdict: Verdict) -> Result:
        """Turns a verdict that stands; the app is told what it has to correct or to undo (contract §4)."""

        async def attempt(case: Case) -> Result | None:
            if case.review.state != ReviewState.DECIDED:
                return TooLate(case, repeated=False)
            if reviewer.user_id in case.decided_by and _is_repeated(case, reviewer, verdict):
                return TooLate(case, repeated=True)
            refusal = await self._eligibility.refusal_to_change(case, reviewer, verdict)
            return refusal or self._failed_checks(case, verdict) or await self._change(case, reviewer, verdict)

        return await self._until_done(case, attempt)

    async def undo(self, case: Case, reviewer: Reviewer) -> Undone | TooLate | Refusal:
        """Takes a held verdict back: the review is open again, and everybody may vote anew. Whoever decided may, and
        whoever may change a verdict that stands."""

        async def attempt(case: Case) -> Undone | TooLate | Refusal | None:
            if case.review.state != ReviewState.HELD:
                return TooLate(case, repeated=False)
            if reviewer.user_id not in _deciders(case.votes):
                refusal = await self._eligibility.refusal_to_change(case, reviewer)
                if refusal is not None:
                    return refusal
            now = self._clock.now()
            columns = {
                "state": ReviewState.OPEN,
                "round": case.review.round + 1,
                "release_at": None,
                "closed_at": None,
                "due_at": now,  # the clock looks again at what is due when
            }
            record = self._history(case, now, reviewer, "undone", {})
            done = await self._writer.submit(ChangeReview(case.review, now, columns, (record,)))
            return Undone() if done else None

        return await self._until_done(case, attempt)

    async def release(self, case: Case) -> None:
        """The undo window of a held verdict has ended: it becomes the decision's outcome, and the app is told."""
        now = self._clock.now()
        verdict, by = case.closing(case.votes), _deciders(case.votes)
        consequence = self._consequence(case, verdict, by, case.review.votes[-1].at)
        command = ChangeReview(
            case.review,
            now,
            {"state": ReviewState.DECIDED, "release_at": None, "due_at": None},
            (case.record(now, "bot:review:released", "bot", {} if consequence is None else consequence.facts),),
            decision=None if consequence is None else consequence.change(now, self._new_id),
            messages=announce.answer(case, case.review.round),
            opens=await self._second_opinions.of(case, case.votes),
            expects=_expected(case),
        )
        await self._writer.submit(command)

    async def _until_done(self, case: Case, attempt: Callable[[Case], Awaitable[Done | None]]) -> Done:
        async def against_what_stands(case: Case) -> Done | None:
            try:
                return await attempt(case)
            except StaleDecisionError:
                return None

        return await until_done(case, against_what_stands, lambda: self._cases.by_pk(case.review.pk))

    # What a vote makes of a review ----------------------------------------------------------------------------------

    async def _vote(self, case: Case, reviewer: Reviewer, verdict: Verdict, *, echo: bool) -> Decided | None:
        now, review = self._clock.now(), case.review
        needed = self._eligibility.needed(case, verdict)
        step = _cast(case, Vote(reviewer.user_id, verdict), needed)
        record = self._record(case, reviewer, verdict, now, review.round + step.restarts)
        closes = step.state is ReviewState.DECIDED
        window = self._eligibility.undo_window(case, verdict) if closes else None
        release_at = now + window if window else None
        columns: dict[str, object] = {"state": step.state, "round": record.round}
        consequence = None
        if closes:
            columns |= {"closed_at": now, "due_at": None}
            consequence = self._consequence(case, case.closing(step.votes), _deciders(step.votes), now)
        if release_at is not None:
            columns |= {"state": ReviewState.HELD, "release_at": release_at, "due_at": release_at}
        if not closes and review.claim is not None and review.claim.user_id == reviewer.user_id:
            columns |= NO_CLAIM
        opens = closes and release_at is None
        facts = self._facts(case, verdict, record, consequence)
        command = ChangeReview(
            review,
            now,
            columns | ({"lane": "card"} if announce.needs_a_card(case, step) else {}),
            (self._history(case, now, reviewer, _happened(columns, consequence), facts),),
            verdict=record,
            contents=_written(case, record, verdict),
            decision=None if consequence is None or release_at else consequence.change(now, self._new_id),
            messages=announce.after_vote(
                case,
                step,
                record,
                settlers=self._eligibility.settlers(case, verdict),
                aloud=echo,
                held=release_at is not None,
            ),
            opens=await self._second_opinions.of(case, step.votes) if opens else None,
            expects=_expected(case),
        )
        if not await self._writer.submit(command):
            return None
        missing = needed - len(step.votes) if step.state is ReviewState.OPEN else 0
        return Decided(record, ReviewState(str(columns["state"])), missing, release_at)

    def _consequence(
        self, case: Case, verdict: Verdict, decided_by: tuple[str, ...], at: datetime
    ) -> Consequence | None:
        """None: the decision stays as it is, because a second opinion bore it out, or an audit what ran alone."""
        if _bears_out(case, verdict):
            return None
        decision = case.decision
        former = None if decision.outcome is None else OutcomeResult(decision.outcome)
        resolution = resolve(verdict, told=Disposition(decision.disposition), former=former)
        return decided(case, verdict, resolution, decided_by, at)

    async def _change(self, case: Case, reviewer: Reviewer, verdict: Verdict) -> Decided | None:
        now, review = self._clock.now(), case.review
        record = self._record(case, reviewer, verdict, now, review.round + 1)
        consequence = self._consequence(case, verdict, (reviewer.user_id,), now)
        command = ChangeReview(
            review,
            now,
            {"round": record.round},
            (self._history(case, now, reviewer, "changed", self._facts(case, verdict, record, consequence)),),
            verdict=record,
            contents=_written(case, record, verdict),
            decision=None if consequence is None else consequence.change(now, self._new_id),
            messages=(announce.echo(case, record), *announce.answer(case, record.round)),
            expects=_expected(case),
        )
        return Decided(record) if await self._writer.submit(command) else None

    def _record(self, case: Case, reviewer: Reviewer, verdict: Verdict, now: datetime, round_: int) -> VerdictRecord:
        category, severity, labels = judgement(verdict)
        claim = case.review.claim
        return VerdictRecord(
            round=round_,
            team_id=reviewer.team_id,
            user_id=reviewer.user_id,
            adjudicates=case.review.state == ReviewState.DISPUTED,
            verdict=verdict.name,
            category=category,
            severity=severity,
            labels=labels,
            at=now,
            began_at=claim.at if claim is not None and claim.user_id == reviewer.user_id else None,
            characters=case.characters,
        )

    def _failed_checks(self, case: Case, verdict: Verdict) -> ChecksFailed | None:
        if not isinstance(verdict, Edit):
            return None
        results = run_checks(self._eligibility.task(case).checks, Facts.of(case.request), verdict.output)
        failures = tuple(result for result in results if result.status is not CheckStatus.PASSED)
        return ChecksFailed(failures) if failures else None

    def _facts(
        self, case: Case, verdict: Verdict, record: VerdictRecord, consequence: Consequence | None
    ) -> dict[str, Json]:
        return {
            "verdict": record.verdict,
            "round": record.round,
            "adjudicates": record.adjudicates,
            "risk": self._eligibility.risk(case, verdict).value,
            "category": record.category,
            "severity": record.severity,
            "labels": record.labels,
            **({} if consequence is None else consequence.facts),
        }

    def _history(
        self, case: Case, now: datetime, reviewer: Reviewer, what: str, facts: dict[str, Json]
    ) -> HistoryRecord:
        # The policy of the moment: it said who may decide, and what an edit has to pass.
        told = {**facts, "policy_version": self._policy.current.version}
        return case.record(now, f"reviewer:review:{what}", reviewer.actor, told)


def _cast(case: Case, vote: Vote, needed: int) -> Cast:
    step = cast(case.standing(needed), vote)
    is_second = case.review.kind == ReviewKind.DOUBLE and case.review.state == ReviewState.OPEN
    if is_second and not agrees(case.standing_verdict, vote.verdict):
        return replace(step, state=ReviewState.DISPUTED)
    return step


def _bears_out(case: Case, verdict: Verdict) -> bool:
    if case.review.kind == ReviewKind.AUDIT:
        return case.decision.outcome == OutcomeResult.AUTO and isinstance(verdict, Approve)
    return case.review.kind == ReviewKind.DOUBLE and agrees(case.standing_verdict, verdict)


def _expected(case: Case) -> Decision | None:
    """A second opinion or an audit was compared with what stood, so that must stand still."""
    return case.decision if case.review.kind in (ReviewKind.DOUBLE, ReviewKind.AUDIT) else None


def _deciders(votes: tuple[Vote, ...]) -> tuple[str, ...]:
    """An adjudicator decides alone; else all who agreed."""
    return (votes[-1].user_id,) if votes[-1].adjudicates else tuple(vote.user_id for vote in votes)


def _happened(columns: Mapping[str, object], consequence: Consequence | None) -> str:
    """The last word of the history's event."""
    state = ReviewState(str(columns["state"]))
    if state is ReviewState.OPEN:
        return "voted"
    if state is ReviewState.DECIDED and consequence is not None:
        return str(consequence.after.outcome)
    return "confirmed" if state is ReviewState.DECIDED else state.value


def _written(case: Case, record: VerdictRecord, verdict: Verdict) -> dict[str, str]:
    """What a person wrote; an approval writes nothing."""
    if isinstance(verdict, Approve):
        return {}
    return {case.review.verdict_part(record): orjson.dumps(said(case, verdict)).decode()}


def _is_repeated(case: Case, reviewer: Reviewer, verdict: Verdict) -> bool:
    """Whether what this person said last came once more, as it does when Slack sends a form twice."""
    own = [record for record in case.review.votes if record.user_id == reviewer.user_id]
    if not own or own[-1].verdict != verdict.name:
        return False
    again, before = said(case, verdict), said(case, case.verdict(own[-1]))
    return (own[-1].category, own[-1].severity, own[-1].labels) == judgement(verdict) and json_equal(again, before)
