"""How far a task has come in earning the right to be audited less, and what share of it is audited.

    COLD ──enough labels──▶ LEARN ──certificate──▶ STABLE ──alarm──▶ DEGRADED
                                                     ▲──fresh certificate──┘
    any ──breach proven──▶ SUSPENDED ──the next time anything is learnt──▶ COLD
    any but SUSPENDED ──another bound in the policy──▶ COLD

The evidence starts anew wherever the question does: when the task becomes STABLE (has it got worse since?) and when it
becomes DEGRADED (is it good now?). So a good past neither certifies a task after an alarm nor outweighs a breach; each
`delta` is for one such stretch.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil, log, log1p

from routing.decision import Route
from routing.evidence import ALARM_AT, Evidence
from routing.policy_sections import Audit


class MaturityState(StrEnum):
    COLD = "cold"
    LEARN = "learn"
    STABLE = "stable"
    DEGRADED = "degraded"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class Goal:
    """The policy's bound: `max_error` may be exceeded with probability `delta`; both in (0, 1)."""

    max_error: float
    delta: float

    @property
    def least_labels(self) -> int:
        """The fewest labels that any certificate could rest on: that many in a row without an error."""
        return ceil(log(self.delta) / log1p(-self.max_error))


@dataclass(frozen=True, slots=True)
class Maturity:
    """A task's state, with what its audits have shown since the evidence last started anew."""

    state: MaturityState
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of state, with the numbers that made it: those of the evidence as it was, before it starts anew."""

    before: MaturityState
    after: MaturityState
    evidence: Evidence


def begun(goal: Goal) -> Maturity:
    """The maturity of a task, model and confidence source of which nothing is known yet."""
    return Maturity(MaturityState.COLD, Evidence(goal.max_error))


def step(
    maturity: Maturity, error: bool, weight: float, max_weight: float, goal: Goal
) -> tuple[Maturity, Transition | None]:
    """What one more audit verdict makes of it; `weight` and `max_weight` as in `Evidence.updated`."""
    current = _aimed_at(maturity, goal)
    seen = current.evidence.updated(error, weight, max_weight)
    state = _next_state(current.state, seen, goal)
    renewed = state is not current.state and state in (MaturityState.STABLE, MaturityState.DEGRADED)
    after = Maturity(state, Evidence(goal.max_error) if renewed else seen)
    return after, None if state is maturity.state else Transition(maturity.state, state, seen)


def resumed(maturity: Maturity, goal: Goal) -> tuple[Maturity, Transition | None]:
    """After a breach has taken the autonomy away: what was proven is about the past. The task begins anew, so that all
    of it is audited once it has its autonomy back. Another state stays as it is."""
    if maturity.state is not MaturityState.SUSPENDED:
        return maturity, None
    return begun(goal), Transition(MaturityState.SUSPENDED, MaturityState.COLD, maturity.evidence)


def _aimed_at(maturity: Maturity, goal: Goal) -> Maturity:
    """Evidence about another bound proves nothing about this one."""
    if maturity.evidence.max_error == goal.max_error:
        return maturity
    suspended = maturity.state is MaturityState.SUSPENDED
    return replace(begun(goal), state=MaturityState.SUSPENDED) if suspended else begun(goal)


def _next_state(state: MaturityState, seen: Evidence, goal: Goal) -> MaturityState:
    if state is MaturityState.SUSPENDED or seen.breached(goal.delta):
        return MaturityState.SUSPENDED
    match state:
        case MaturityState.COLD if seen.labels >= goal.least_labels:
            return MaturityState.LEARN
        case MaturityState.LEARN | MaturityState.DEGRADED if seen.certified(goal.delta):
            return MaturityState.STABLE
        case MaturityState.STABLE if seen.alarm:
            return MaturityState.DEGRADED
        case _:
            return state


def rate_of(route: Route, maturity: Maturity, audit: Audit, *, watched: bool = False) -> float:
    """The share of the decisions with this route to audit, 0..1; 0 for those that a person sees anyway. What is
    `watched`, for a sign that is no proof, is audited as if its errors had risen."""
    if watched and maturity.state in (MaturityState.LEARN, MaturityState.STABLE):
        maturity = replace(maturity, state=MaturityState.DEGRADED)
    match route:
        case Route.AUTO_AUDIT:
            return rate(maturity, audit)
        case Route.AUTO:
            return _auto_rate(maturity.state, audit)
        case Route.QUEUE | Route.ESCALATE:
            return 0.0


def rate(maturity: Maturity, audit: Audit) -> float:
    """The share of AUTO_AUDIT to audit, 0..1. A STABLE task's rises with the detector, before that gives the alarm:
    the detector allows a rate that depends on the past as long as each label carries the π it was drawn with."""
    most = max(audit.initial, audit.stable)
    match maturity.state:
        case MaturityState.COLD | MaturityState.SUSPENDED:
            return 1.0
        case MaturityState.LEARN | MaturityState.DEGRADED:
            return most
        case MaturityState.STABLE:
            worry = min(1.0, max(0.0, maturity.evidence.log_detector / log(ALARM_AT)))
            return audit.stable + (most - audit.stable) * worry


def _auto_rate(state: MaturityState, audit: Audit) -> float:
    match state:
        case MaturityState.COLD | MaturityState.SUSPENDED:
            return 1.0
        case MaturityState.DEGRADED:
            return max(audit.auto, audit.initial)
        case MaturityState.LEARN | MaturityState.STABLE:
            return audit.auto
