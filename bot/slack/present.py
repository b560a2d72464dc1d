"""From a case in the database to what the renderers are given."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from string import Formatter
from typing import Any, Literal, cast
from urllib.parse import quote

import orjson

from bot.calibrating.worths import Worths
from bot.reviewing.case import Case
from bot.reviewing.eligibility import Eligibility
from bot.slack import limits
from bot.slack.hiding import hidden, hide
from bot.slack.view import (
    CardState,
    CardView,
    ClaimView,
    EarlierView,
    OutcomeView,
    ProposalView,
    RubricView,
    VerdictWord,
    WorthView,
)
from routing.checks import CheckResult
from routing.decision import Disposition, OutcomeResult, Reason, ReviewKind, Risk, Route
from routing.policy import TaskPolicy
from routing.redaction import redaction
from routing.review import WAITING, ReviewState
from store.decisions import Decision, DecisionStore
from store.reviews import VerdictRecord

_EARLIER = 5
_VERDICTS: dict[OutcomeResult, VerdictWord] = {
    OutcomeResult.APPROVED: "approve",
    OutcomeResult.EDITED: "edit",
    OutcomeResult.REJECTED: "reject",
}


class Presenter:
    """Puts together what is shown of a review, by the policy of the moment, which also says what of it is hidden."""

    def __init__(self, eligibility: Eligibility, decisions: DecisionStore, worths: Worths) -> None:
        self._eligibility, self._decisions, self._worths = eligibility, decisions, worths

    async def card(self, case: Case) -> CardView:
        """With what people decided earlier about the same subject."""
        await self._worths.refresh()
        view = self.form(case)
        return replace(view, earlier=hide(await self._earlier(case), view.placeholders))

    async def notice(self, case: Case, body: Mapping[str, Any]) -> tuple[CardView, Mapping[str, Any]]:
        """What is said in a thread, and what it is about. Of its members only the note is a person's own words."""
        view = await self.card(case)
        return view, {**body, "note": view.placeholders.hide(body.get("note"))}

    def form(self, case: Case) -> CardView:
        """The same without the earlier verdicts: a form does not wait for them."""
        task = self._eligibility.task(case)
        waits = case.review.state in WAITING
        asks = waits and case.review.kind != ReviewKind.AUDIT
        view = replace(
            _view(case, task),
            needed=self._eligibility.needed(case),
            ran_on=self._eligibility.ran_on(case),
            # What ran alone is not written anew, whatever the task's autonomy is by now.
            hides_output=asks and task.autonomy == 0,
            is_draft=asks and task.autonomy == 1,
            worth=self._worth(case.decision),
            hides_confidence=waits and task.blind_confidence,
        )
        said = (case.said.get(case.review.verdict_part(record)) for record in case.review.verdicts)
        return hidden(view, said, redaction(task.redact))

    def changing(self, case: Case) -> CardView:
        """For a form that changes an edit: it begins with that edit and not with what the model wrote."""
        view = self.form(case)
        if view.outcome is None or view.outcome.verdict != "edit":
            return view
        return replace(view, proposal=ProposalView(output=view.outcome.output, edited_by=view.outcome.decided_by[-1]))

    def failures(self, case: Case, failures: Sequence[CheckResult]) -> list[CheckResult]:
        """Why an edit is not released: checks may quote it."""
        placeholders = self.form(case).placeholders
        return [replace(failure, message=placeholders.hide(failure.message)) for failure in failures]

    def rubric(self, case: Case) -> RubricView:
        """What the forms ask."""
        return rubric_view(self._eligibility.task(case))

    def _worth(self, decision: Decision) -> WorthView | None:
        found = self._worths.of(decision)
        return None if found is None else WorthView(right=found[0], labels=found[1])

    async def _earlier(self, case: Case) -> tuple[EarlierView, ...]:
        decision = case.decision
        if decision.subject is None:
            return ()
        found = await self._decisions.decided_about(
            decision.app_pk, decision.subject, before=decision.pk, limit=_EARLIER
        )
        contents = await self._decisions.contents([earlier.pk for earlier in found], "outcome")
        return tuple(
            EarlierView(
                task_type=earlier.task_type,
                verdict=_VERDICTS[OutcomeResult(str(earlier.outcome))],
                decided_by=tuple(earlier.decided_by),
                decided_at=earlier.decided_at or earlier.created_at,
                category=earlier.category,
                reason=orjson.loads(contents.get((earlier.pk, "outcome"), "{}")).get("reason"),
            )
            for earlier in found
        )


def _view(case: Case, task: TaskPolicy) -> CardView:
    decision, request, review = case.decision, case.request, case.review
    return CardView(
        review_id=review.id,
        kind=ReviewKind(review.kind),
        state=cast(CardState, review.state),
        decision_id=decision.id,
        app=review.app,
        task_type=decision.task_type,
        input=request.input,
        output=request.output,
        confidence=decision.confidence,
        confidence_source=request.confidence_source,
        threshold=decision.threshold,
        confident=decision.confident,
        risk=Risk(decision.risk),
        route=Route(decision.route),
        reasons=tuple(_reason(reason) for reason in decision.reasons),
        disposition=Disposition(decision.disposition),
        created_at=decision.created_at,
        reversible=request.reversible,
        deadline=review.deadline,
        model=_model(case),
        sources=tuple(request.sources),
        alternatives=tuple(request.alternatives),
        subject=decision.subject,
        context=request.context,
        requested_by=decision.requested_by,
        retry_of=request.retry_of,
        trace_url=_trace_url(case, task),
        guideline=task.rubric.guideline,
        outcome=_outcome(case),
        former=_former(case),
        claim=_claim(case),
        votes=len(case.votes) if review.state == ReviewState.OPEN else 0,
        positions=_positions(case) if review.state == ReviewState.DISPUTED else (),
        proposal=_proposal(case),
        released_at=review.release_at,
        overdue=review.overdue and review.state in WAITING,
        spans=tuple(request.uncertain_spans),
    )


def rubric_view(task: TaskPolicy) -> RubricView:
    rubric = task.rubric
    words = frozenset(cast(list[Literal["approve", "edit", "reject"]], list(rubric.require_reason)))
    return RubricView(
        categories=tuple(rubric.categories),
        severities=tuple(rubric.severities),
        labels={name: tuple(values) for name, values in rubric.labels.items()},
        require_reason=words,
    )


def _reason(reason: dict[str, str]) -> Reason:
    return Reason(**reason)  # type: ignore[arg-type]  # the codes were checked when they were stored


def _model(case: Case) -> str | None:
    model = case.request.model
    if model is None:
        return None
    return f"{model.name} {model.version}" if model.version else model.name


def _trace_url(case: Case, task: TaskPolicy) -> str | None:
    """The policy's template filled from the app's metadata; None where one of its members is missing, too long or not
    to be shown."""
    if task.trace_url is None:
        return None
    address = ""
    for written, name, _, _ in Formatter().parse(task.trace_url):
        address += written
        if name is not None:
            text = case.request.metadata.get(name)
            if not isinstance(text, str) or len(text) > limits.URL_TEXT or redaction(task.redact).matches(text):
                return None
            address += quote(text, safe="")
    return address


def _claim(case: Case) -> ClaimView | None:
    claim = case.review.claim
    if claim is None or case.review.state not in WAITING:
        return None
    return ClaimView(user_id=claim.user_id, since=claim.at, until=claim.until)


def _proposal(case: Case) -> ProposalView | None:
    proposal = case.proposal
    return None if proposal is None else ProposalView(output=proposal.output, edited_by=proposal.edited_by)


def _positions(case: Case) -> tuple[OutcomeView, ...]:
    """What the votes of a dispute say. Of a second opinion also what stands already."""
    given = tuple(_said(case, record) for record in case.review.votes)
    first = _standing(case) if case.review.kind == ReviewKind.DOUBLE else None
    return given if first is None else (first, *given)


def _outcome(case: Case) -> OutcomeView | None:
    """The decision's verdict as it stands; while it is held, what the votes say."""
    match case.review.state:
        case ReviewState.HELD:
            verdict = case.closing(case.votes)
            record = next(record for record in reversed(case.review.votes) if record.verdict == verdict.name)
            return replace(_said(case, record), decided_by=tuple(vote.user_id for vote in case.votes))
        case ReviewState.DECIDED:
            return _standing(case) or _looked_at(case)
        case _:
            return None


def _looked_at(case: Case) -> OutcomeView | None:
    """An audit that found nothing wrong left the decision as it was."""
    votes = case.review.votes
    return _said(case, votes[-1]) if votes and case.review.kind == ReviewKind.AUDIT else None


def _standing(case: Case) -> OutcomeView | None:
    decision, content = case.decision, case.outcome or {}
    verdict = _VERDICTS.get(OutcomeResult(decision.outcome)) if decision.outcome else None
    if verdict is None or decision.decided_at is None:
        return None
    last = case.review.verdicts[-1] if case.review.verdicts else None
    return OutcomeView(
        verdict=verdict,
        decided_by=tuple(decision.decided_by),
        decided_at=decision.decided_at,
        category=decision.category,
        severity=decision.severity,
        labels=decision.labels,
        reason=content.get("reason"),
        output=content.get("output"),
        correct_answer=content.get("correct_answer"),
        adjudicated=last is not None and last.adjudicates,
    )


def _said(case: Case, record: VerdictRecord) -> OutcomeView:
    content = case.said.get(case.review.verdict_part(record), {})
    return OutcomeView(
        verdict=cast(VerdictWord, record.verdict),
        decided_by=(record.user_id,),
        decided_at=record.at,
        category=record.category,
        severity=record.severity,
        labels=record.labels,
        reason=content.get("reason"),
        output=content.get("output"),
        correct_answer=content.get("correct_answer"),
        adjudicated=record.adjudicates,
    )


def _former(case: Case) -> OutcomeView | None:
    """What people had decided before the verdict was changed; not what went out on its own."""
    former: Any = (case.outcome or {}).get("previous")
    if case.review.state != ReviewState.DECIDED or not isinstance(former, dict):
        return None
    verdict = _VERDICTS.get(OutcomeResult(str(former["result"])))
    if verdict is None:
        return None
    return OutcomeView(
        verdict=verdict,
        decided_by=tuple(former["decided_by"]),
        decided_at=datetime.fromisoformat(str(former["decided_at"])),
        reason=former.get("reason"),
        output=former.get("output"),
    )
