"""The heart: what may happen with one decision, and why.

Every reason is reported, in the order in which it was considered. Every failure (a rule or check that cannot be
evaluated, missing confidence) fails towards a person. A task that the policy does not list is routed as the defaults
say, with their base risk.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from routing.checks import CheckResult, CheckStatus, run_checks
from routing.decision import (
    DecisionRequest,
    Disposition,
    OutcomeResult,
    Reason,
    ReasonCode,
    ReviewKind,
    Risk,
    Route,
    Routing,
)
from routing.expressions import Facts
from routing.matrix import PEOPLE_DECIDE, oversight, person_floor
from routing.policy import Policy, TaskPolicy
from routing.rules import FiredRule, fired_rules

_LONGEST_DETAIL = 200


@dataclass(frozen=True, slots=True)
class _Assessment:
    """What is known about a decision before a route is chosen."""

    request: DecisionRequest
    task: TaskPolicy
    fired: list[FiredRule]
    risk: Risk
    threshold: float
    checks: list[CheckResult]

    @property
    def confident(self) -> bool:
        return self.request.confidence is not None and self.request.confidence >= self.threshold

    @property
    def failed_checks(self) -> list[CheckResult]:
        return [check for check in self.checks if check.status is not CheckStatus.PASSED]

    @property
    def rejected(self) -> bool:
        return any(check.rejects for check in self.checks)


def route(request: DecisionRequest, policy: Policy) -> Routing:
    """Decide how much oversight this decision gets under this policy."""
    assessment = _assess(request, policy.task(request.task_type))
    chosen, plain = _routes(assessment)
    provisional = _may_go_out_provisionally(assessment, chosen)
    reasons = list(_reasons(assessment))
    if chosen is not plain:
        reasons.append(Reason("autonomy", f"level {assessment.task.autonomy}", result=chosen))
    if provisional:
        detail = f"{request.confidence} >= {assessment.task.queue.provisional_from}"
        reasons.append(Reason("provisional", detail, result=Disposition.EXECUTE_PROVISIONAL))
    if request.variant == "shadow":
        reasons.append(Reason("shadow"))
    disposition, outcome, review = _consequence(assessment, chosen, provisional=provisional)
    return Routing(
        route=chosen,
        disposition=disposition,
        risk=assessment.risk,
        threshold=assessment.threshold,
        confident=assessment.confident,
        reasons=tuple(reasons),
        outcome=outcome,
        review=review,
    )


def _assess(request: DecisionRequest, task: TaskPolicy) -> _Assessment:
    facts = Facts.of(request)
    fired = fired_rules(task.rules, facts)
    risk = max([task.base_risk, *(rule.level for rule in fired)])
    return _Assessment(
        request=request,
        task=task,
        fired=fired,
        risk=risk,
        threshold=task.threshold_at(risk),
        checks=run_checks(task.checks, facts, request.output),
    )


def _routes(assessment: _Assessment) -> tuple[Route, Route]:
    """The route, and the one that autonomy 3 would have given."""
    task, risk = assessment.task, assessment.risk
    row = task.matrix.at(risk)
    cell = row.confident if assessment.confident else row.unsure
    demand = max(_demands(assessment), default=None)
    plain = oversight(cell, demand=demand, autonomy=3, risk=risk)
    return oversight(cell, demand=demand, autonomy=task.autonomy, risk=risk), plain


def _demands(assessment: _Assessment) -> Iterator[Route]:
    """What needs a person at every level of autonomy."""
    if assessment.request.confidence is None:
        yield person_floor(assessment.risk)
    if not assessment.request.reversible:
        yield assessment.task.irreversible
    if assessment.failed_checks:
        yield Route.ESCALATE


def _may_go_out_provisionally(assessment: _Assessment, chosen: Route) -> bool:
    """Whether the action may go out flagged while it waits; a failed check has escalated, so it never gets here."""
    request, task = assessment.request, assessment.task
    floor = task.queue.provisional_from
    return (
        chosen is Route.QUEUE
        and floor is not None
        and request.confidence is not None
        and request.confidence >= floor
        and task.autonomy > PEOPLE_DECIDE
        and _is_harmless(assessment)
    )


def may_be_released(request: DecisionRequest, task: TaskPolicy) -> bool:
    """Whether a waiting decision may go out as provisional (contract §5: at a timeout, under load), by the policy of
    this moment: low or medium risk, reversible, known confidence, all checks passed, no rule error. Where people decide
    everything, as while a task is paused, nothing goes out unseen."""
    if task.autonomy <= PEOPLE_DECIDE:
        return False
    assessment = _assess(request, task)
    return request.confidence is not None and not assessment.failed_checks and _is_harmless(assessment)


def _is_harmless(assessment: _Assessment) -> bool:
    return (
        assessment.risk <= Risk.MEDIUM
        and assessment.request.reversible
        and not any(rule.error for rule in assessment.fired)
    )


def _consequence(
    assessment: _Assessment, chosen: Route, *, provisional: bool
) -> tuple[Disposition, OutcomeResult | None, ReviewKind | None]:
    if assessment.request.variant == "shadow":
        return Disposition.DO_NOT_EXECUTE, OutcomeResult.SHADOW, None
    if assessment.rejected:
        return Disposition.DO_NOT_EXECUTE, OutcomeResult.REJECTED, None
    if chosen <= Route.AUTO_AUDIT:
        return Disposition.EXECUTE, OutcomeResult.AUTO, None
    if provisional:
        return Disposition.EXECUTE_PROVISIONAL, None, ReviewKind.PROVISIONAL
    return Disposition.WAIT, None, ReviewKind.GATE


def _reasons(assessment: _Assessment) -> Iterator[Reason]:
    """Everything but what autonomy, provisional release and the shadow variant add."""
    request = assessment.request
    yield Reason("risk.base", request.task_type, result=assessment.task.base_risk)
    for rule in assessment.fired:
        code: ReasonCode = "risk.rule" if rule.error is None else "rule.error"
        yield Reason(code, _clipped(rule.error or rule.expression), rule=rule.id, result=rule.level)
    if request.confidence is None:
        yield Reason("confidence.missing")
    elif not assessment.confident:
        yield Reason("confidence.below", f"{request.confidence} < {assessment.threshold}")
    if not request.reversible:
        yield Reason("irreversible", result=assessment.task.irreversible)
    for check in assessment.failed_checks:
        code = "check.error" if check.status is CheckStatus.ERROR else "check.failed"
        result = OutcomeResult.REJECTED if check.rejects else Route.ESCALATE
        yield Reason(code, _clipped(check.message or ""), rule=check.id, result=result)


def _clipped(text: str) -> str:
    return text if len(text) <= _LONGEST_DETAIL else f"{text[: _LONGEST_DETAIL - 1]}…"
