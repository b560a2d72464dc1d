"""What people say about a decision: who may say it, what follows, and the one commit that makes it so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, Protocol

import orjson

from bot.answer import decision_object, event_body, outcome_object, sha256_of
from bot.clock import Clock
from bot.ids import NewId
from bot.policy_in_force import PolicyInForce
from routing.checks import CheckResult, CheckStatus, run_checks
from routing.decision import DecisionRequest, Disposition, Json, OutcomeResult, ReviewKind, Risk
from routing.expressions import Facts
from routing.json_value import json_equal
from routing.policy import Circle, TaskPolicy
from routing.review import Approve, Edit, Reject, Resolution, ReviewState, Verdict, resolve
from routing.rules import fired_rules
from store.decisions import Decision, DecisionStore, outcome_content
from store.history import HistoryRecord
from store.reviews import Decide, NewEvent, Review, ReviewStore, VerdictRecord
from store.writer import Writer


@dataclass(frozen=True, slots=True)
class Reviewer:
    """A person in Slack. Ids count, names never do; on Enterprise Grid a user id may begin with W."""

    team_id: str
    user_id: str

    @property
    def actor(self) -> str:
        return f"user:{self.team_id}/{self.user_id}"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a person may not decide a review: their own request, not in its circle, or not to be found out now."""

    reason: Literal["own_request", "not_a_reviewer", "named_reviewers_only", "unknown_now"]
    circle: Circle | None = None
    """Who may decide instead, if the person is not in it."""


class MembershipUnknownError(Exception):
    """Nobody could say just now whether a person belongs to a circle."""


class Membership(Protocol):
    """Looks up who belongs where."""

    async def includes(self, circle: Circle, reviewer: Reviewer, channel_id: str | None) -> bool:
        """Whether the person is in the circle now; members of the channel count if it says so.

        Raises MembershipUnknownError.
        """
        ...


@dataclass(frozen=True, slots=True)
class Case:
    """A review with the content that it is about."""

    review: Review
    request: DecisionRequest
    outcome: Mapping[str, Json] | None

    @property
    def decision(self) -> Decision:
        return self.review.decision


@dataclass(frozen=True, slots=True)
class Decided:
    """The verdict stands."""

    verdict: VerdictRecord


@dataclass(frozen=True, slots=True)
class TooLate:
    """The review was closed before; `case` shows by whom and how. `repeated`: by this person, saying just this."""

    case: Case
    repeated: bool


@dataclass(frozen=True, slots=True)
class ChecksFailed:
    """The edited output fails the policy's checks; nothing was changed."""

    failures: tuple[CheckResult, ...]


class Reviewing:
    def __init__(
        self,
        *,
        clock: Clock,
        writer: Writer,
        reviews: ReviewStore,
        decisions: DecisionStore,
        policy: PolicyInForce,
        membership: Membership,
        new_id: NewId,
    ) -> None:
        self._clock, self._writer = clock, writer
        self._reviews, self._decisions = reviews, decisions
        self._policy, self._membership = policy, membership
        self._new_id = new_id

    async def case(self, review_id: str) -> Case | None:
        """The review as the database has it now."""
        review = await self._reviews.by_id(review_id)
        return None if review is None else await self._with_content(review)

    async def case_by_pk(self, review_pk: int) -> Case:
        """The same for a review that is known to be there (its card says so)."""
        return await self._with_content(await self._reviews.by_pk(review_pk))

    def task(self, case: Case) -> TaskPolicy:
        """The policy of the moment: it decides who may act and what the forms ask."""
        return self._policy.current.task(case.decision.task_type)

    async def refusal(self, case: Case, reviewer: Reviewer, risk: Risk | None = None) -> Refusal | None:
        """Why this person may not decide this review now, at its own risk or a higher one; None when they may."""
        if case.decision.requested_by == reviewer.user_id:
            return Refusal("own_request")
        risk = risk or Risk(case.decision.risk)
        task = self.task(case)
        circle = task.reviewers(risk)
        if case.review.channel != task.channel:
            # The policy has moved the task elsewhere: the members of its former channel have no say any more.
            circle = replace(circle, channel_members=False)
        try:
            if await self._membership.includes(circle, reviewer, case.review.message_channel):
                return None
        except MembershipUnknownError:
            return Refusal("unknown_now")
        return Refusal("named_reviewers_only" if risk > Risk.MEDIUM else "not_a_reviewer", circle)

    async def decide(
        self, case: Case, reviewer: Reviewer, verdict: Verdict
    ) -> Decided | TooLate | ChecksFailed | Refusal:
        """Checks the person again, then the edited output, then closes the review by compare-and-set."""
        if case.review.state != ReviewState.OPEN:
            return TooLate(case, _is_repeated(case, reviewer, verdict))
        refusal = await self.refusal(case, reviewer, self._risk(case, verdict))
        if refusal is not None:
            return refusal
        if isinstance(verdict, Edit):
            failures = self._failures(case, verdict.output)
            if failures:
                return ChecksFailed(failures)
        command = self._command(case, reviewer, verdict)
        if not await self._writer.submit(command):
            current = await self.case_by_pk(case.review.pk)
            return TooLate(current, _is_repeated(current, reviewer, verdict))
        return Decided(command.verdict)

    def _risk(self, case: Case, verdict: Verdict) -> Risk:
        """The decision's risk, or what the rules say of an edited output where that is more: an edit must not take a
        way around the people who would have been asked about it."""
        risk = Risk(case.decision.risk)
        if not isinstance(verdict, Edit):
            return risk
        fired = fired_rules(self.task(case).rules, Facts.of(case.request).with_output(verdict.output))
        return max([risk, *(rule.level for rule in fired)])

    async def _with_content(self, review: Review) -> Case:
        pk = review.decision.pk
        contents = await self._decisions.contents([pk], "request", "outcome")
        outcome = contents.get((pk, "outcome"))
        return Case(
            review,
            DecisionRequest.model_validate_json(contents[(pk, "request")]),
            None if outcome is None else orjson.loads(outcome),
        )

    def _failures(self, case: Case, output: Json) -> tuple[CheckResult, ...]:
        results = run_checks(self.task(case).checks, Facts.of(case.request), output)
        return tuple(result for result in results if result.status is not CheckStatus.PASSED)

    def _command(self, case: Case, reviewer: Reviewer, verdict: Verdict) -> Decide:
        now = self._clock.now()
        resolution = resolve(ReviewKind(case.review.kind), verdict)
        content = _outcome(case, verdict)
        decision = _resolved(case.decision, resolution, verdict, reviewer, content["output"], now)
        record = VerdictRecord(
            reviewer.team_id,
            reviewer.user_id,
            verdict.name,
            decision.category,
            decision.severity,
            decision.labels,
            now,
        )
        return Decide(
            review_pk=case.review.pk,
            app_pk=decision.app_pk,
            decision_pk=decision.pk,
            verdict=record,
            changes=_changes(case.decision, decision),
            outcome=orjson.dumps(content).decode(),
            event=self._event(case, decision, resolution, content, now),
            history=(self._history(case, decision, reviewer, verdict, content),),
        )

    def _event(
        self, case: Case, decision: Decision, resolution: Resolution, content: Mapping[str, Json], now: datetime
    ) -> NewEvent | None:
        if decision.callback_url is None:
            return None
        data = decision_object(decision, metadata=case.request.metadata, outcome=content)
        event_type = resolution.event.value
        return NewEvent(self._new_id("evt"), event_type, decision.callback_url, event_body(event_type, now, data))

    def _history(
        self, case: Case, decision: Decision, reviewer: Reviewer, verdict: Verdict, content: Mapping[str, Json]
    ) -> HistoryRecord:
        facts: dict[str, Json] = {
            "review": case.review.id,
            "verdict": verdict.name,
            "risk": self._risk(case, verdict).value,
            "outcome": decision.outcome,
            "disposition": decision.disposition,
            "category": decision.category,
            "severity": decision.severity,
            "labels": decision.labels,
            "action_sha256": decision.action_sha256,
            "content_sha256": sha256_of(dict(content)),
            # The policy of the moment: it said who may decide, and what an edit has to pass.
            "policy_version": self._policy.current.version,
        }
        event = f"reviewer:review:{decision.outcome}"
        at = decision.decided_at or self._clock.now()
        return HistoryRecord(at, event, reviewer.actor, decision.app_pk, decision.pk, case.review.pk, facts)


def _is_repeated(closed: Case, reviewer: Reviewer, verdict: Verdict) -> bool:
    """Whether what closed the review came once more, as it does when Slack sends a form twice."""
    said, content = closed.review.verdict, closed.outcome
    if said is None or content is None or (said.user_id, said.verdict) != (reviewer.user_id, verdict.name):
        return False
    again = _outcome(closed, verdict)
    return (said.category, said.severity, said.labels) == _judgement(verdict) and all(
        json_equal(again[name], content[name]) for name in ("output", "reason", "correct_answer")
    )


def _outcome(case: Case, verdict: Verdict) -> dict[str, Json]:
    match verdict:
        case Approve():
            content = outcome_content(case.request.output)
        case Edit():
            content = outcome_content(verdict.output, verdict.reason)
        case Reject():
            content = outcome_content(None, verdict.reason, verdict.correct_answer)
    released = case.decision.disposition == Disposition.EXECUTE_PROVISIONAL
    if released and not isinstance(verdict, Approve):
        content["previous"] = _provisional_outcome(case)
    return content


def _provisional_outcome(case: Case) -> dict[str, Json]:
    """What the app was told to do before anybody looked."""
    released = replace(case.decision, outcome=OutcomeResult.AUTO.value, decided_at=case.decision.created_at)
    return outcome_object(released, outcome_content(case.request.output))


def _resolved(
    decision: Decision, resolution: Resolution, verdict: Verdict, reviewer: Reviewer, output: Json, now: datetime
) -> Decision:
    category, severity, labels = _judgement(verdict)
    return replace(
        decision,
        status="resolved",
        outcome=resolution.outcome.value,
        disposition=resolution.disposition.value,
        deadline=None,
        decided_by=[reviewer.user_id],
        decided_at=now,
        action_sha256=sha256_of(output) if isinstance(verdict, Edit) else decision.action_sha256,
        category=category,
        severity=severity,
        labels=labels,
    )


def _judgement(verdict: Verdict) -> tuple[str | None, str | None, dict[str, str]]:
    """Category, severity and labels."""
    if isinstance(verdict, Approve):
        return None, None, {}
    return verdict.category, verdict.severity, dict(verdict.labels)


_DECIDED_COLUMNS: Sequence[str] = (
    "status",
    "outcome",
    "disposition",
    "deadline",
    "decided_by",
    "decided_at",
    "action_sha256",
    "category",
    "severity",
    "labels",
)


def _changes(before: Decision, after: Decision) -> dict[str, Any]:
    return {name: getattr(after, name) for name in _DECIDED_COLUMNS if getattr(after, name) != getattr(before, name)}
