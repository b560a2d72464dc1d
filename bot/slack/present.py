"""From a case in the database to what the renderers are given."""

from string import Formatter
from typing import Literal, cast
from urllib.parse import quote

from bot.reviewing import Case
from bot.slack import limits
from bot.slack.view import CardState, CardView, OutcomeView, RubricView, VerdictWord
from routing.decision import Disposition, Reason, ReviewKind, Risk, Route
from routing.policy import TaskPolicy
from routing.review import ReviewState


def card_view(case: Case, task: TaskPolicy) -> CardView:
    decision, request = case.decision, case.request
    return CardView(
        review_id=case.review.id,
        kind=ReviewKind(case.review.kind),
        state=cast(CardState, case.review.state),
        decision_id=decision.id,
        app=case.review.app,
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
        deadline=decision.deadline,
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
    """The policy's template filled from the app's metadata; None where one of its members is missing or too long."""
    if task.trace_url is None:
        return None
    address = ""
    for written, name, _, _ in Formatter().parse(task.trace_url):
        address += written
        if name is not None:
            text = case.request.metadata.get(name)
            if not isinstance(text, str) or len(text) > limits.URL_TEXT:
                return None
            address += quote(text, safe="")
    return address


def _outcome(case: Case) -> OutcomeView | None:
    verdict = case.review.verdict
    if case.review.state != ReviewState.DECIDED or verdict is None:
        return None
    content = case.outcome or {}
    return OutcomeView(
        verdict=cast(VerdictWord, verdict.verdict),
        decided_by=(verdict.user_id,),
        decided_at=verdict.at,
        category=verdict.category,
        severity=verdict.severity,
        labels=verdict.labels,
        reason=content.get("reason"),
        output=content.get("output"),
        correct_answer=content.get("correct_answer"),
    )
