"""The review: how it moves, and what a verdict means for the decision.

    open ──votes agree──▶ decided            an edit takes the place of the proposal and the votes begin anew
      ├──votes disagree──▶ disputed ──adjudicator──▶ decided
      ├──decided, with an undo window──▶ held ──window ends──▶ decided
      │                                    └──undo──▶ open
      ├──deadline──▶ timed_out (never a verdict), or overdue and still open
      └──app cancels──▶ cancelled

The state itself changes by compare-and-set in the store; this module says what follows, as data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal, assert_never

from routing.decision import Disposition, Json, OutcomeResult, ReviewKind, Risk
from routing.json_value import json_equal


class ReviewState(StrEnum):
    OPEN = "open"
    DISPUTED = "disputed"
    HELD = "held"
    DECIDED = "decided"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"


WAITING = (ReviewState.OPEN, ReviewState.DISPUTED)
"""The states in which a person's verdict is awaited."""


class EventType(StrEnum):
    RESOLVED = "decision.resolved"
    CORRECTED = "decision.corrected"
    ROLLBACK_REQUESTED = "decision.rollback_requested"


@dataclass(frozen=True, slots=True)
class Approve:
    """The proposal is right as it stands."""

    name = "approve"


@dataclass(frozen=True, slots=True)
class Edit:
    """The proposal is replaced by `output`."""

    output: Json
    category: str | None = None
    severity: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    reason: str | None = None
    name = "edit"


@dataclass(frozen=True, slots=True)
class Reject:
    """The proposal is wrong; `correct_answer` is None where the person does not know it."""

    category: str | None = None
    severity: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    reason: str | None = None
    correct_answer: Json | None = None
    name = "reject"


Verdict = Approve | Edit | Reject


# Votes ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's verdict in the present round. `adjudicates`: an adjudicator's, given in a dispute."""

    user_id: str
    verdict: Verdict
    adjudicates: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a review stands: its state, how many distinct people have to agree, who has said what in this round."""

    state: ReviewState
    needed: int
    votes: tuple[Vote, ...] = ()


@dataclass(frozen=True, slots=True)
class Cast:
    """What a vote makes of a standing. `restarts`: it opens a new round, in which only it counts so far."""

    state: ReviewState
    votes: tuple[Vote, ...]
    restarts: bool


Objection = Literal["already_voted", "voted_before"]


def objection(standing: Standing, user_id: str) -> Objection | None:
    """Why this person has no (further) vote; None when they have."""
    if all(vote.user_id != user_id for vote in standing.votes):
        return None
    return "voted_before" if standing.state is ReviewState.DISPUTED else "already_voted"


def cast(standing: Standing, vote: Vote) -> Cast:
    """The standing after a vote that nothing objects to; `standing` is open or disputed.

    An edit restarts the votes, because what the others agreed to is no longer proposed; whoever edits agrees to it.
    The very edit that is proposed already is one more person's agreement.
    """
    if standing.state is ReviewState.DISPUTED:
        return Cast(ReviewState.DECIDED, (*standing.votes, replace(vote, adjudicates=True)), restarts=False)
    given = standing.votes
    restarts = isinstance(vote.verdict, Edit) and bool(given) and not _is_proposed(vote.verdict, given)
    votes = (vote,) if restarts else (*given, vote)
    if len({isinstance(each.verdict, Reject) for each in votes}) > 1:
        return Cast(ReviewState.DISPUTED, votes, restarts)
    state = ReviewState.DECIDED if len(votes) >= standing.needed else ReviewState.OPEN
    return Cast(state, votes, restarts)


def proposed_edit(votes: Sequence[Vote]) -> tuple[str, Edit] | None:
    """Whose edit has taken the place of the model's output in this round, and what it is; None: the output stands."""
    return next(((vote.user_id, vote.verdict) for vote in votes if isinstance(vote.verdict, Edit)), None)


def _is_proposed(verdict: Verdict, votes: Sequence[Vote]) -> bool:
    proposed = proposed_edit(votes)
    return proposed is not None and agrees(proposed[1], verdict)


def closing(votes: Sequence[Vote]) -> Verdict:
    """What the votes that closed a review say together (at least one vote): what was said last, where approving an
    edit means that edit. So an adjudicator's word counts alone, and of several rejections the last speaks."""
    last, proposed = votes[-1].verdict, proposed_edit(votes)
    return proposed[1] if isinstance(last, Approve) and proposed is not None else last


def agrees(first: Verdict, second: Verdict) -> bool:
    """Whether a second opinion is the first one's: the same verdict, and for edits the same output."""
    if isinstance(first, Edit) and isinstance(second, Edit):
        return json_equal(first.output, second.output)
    return type(first) is type(second)


# Consequences ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Resolution:
    """What becomes of the decision. `event` is what the app is told (contract, "Events to the app"); None: nothing
    that it does not know."""

    outcome: OutcomeResult
    disposition: Disposition
    event: EventType | None


def resolve(verdict: Verdict, *, told: Disposition, former: OutcomeResult | None) -> Resolution:
    """The consequence of people's verdict.

    Args:
        told: what the app was told to do so far; `wait` before anything was decided.
        former: the outcome that the decision had before; None while it was pending.
    """
    may_have_acted = told in (Disposition.EXECUTE, Disposition.EXECUTE_PROVISIONAL)
    provisional = told is Disposition.EXECUTE_PROVISIONAL
    match verdict:
        case Approve():
            event: EventType | None = EventType.RESOLVED
            if former is not None and not provisional:
                same = former in (OutcomeResult.AUTO, OutcomeResult.APPROVED)
                event = None if same else EventType.CORRECTED
            return Resolution(OutcomeResult.APPROVED, Disposition.EXECUTE, event)
        case Edit():
            first = former is None and not may_have_acted
            event = EventType.RESOLVED if first else EventType.CORRECTED
            return Resolution(OutcomeResult.EDITED, Disposition.EXECUTE, event)
        case Reject():
            event = EventType.RESOLVED if former is None else None
            if may_have_acted:
                event = EventType.ROLLBACK_REQUESTED
            return Resolution(OutcomeResult.REJECTED, Disposition.DO_NOT_EXECUTE, event)
        case _:
            assert_never(verdict)


def time_out(
    kind: ReviewKind, risk: Risk, on_timeout: Literal["hold", "reject", "provisional"], *, may_go_out: bool
) -> Resolution | None:
    """What a passed deadline makes of a pending decision; None: nothing, a person still has to decide.

    `may_go_out`: whether provisional release is open to the decision at all. High and critical risk never times out
    into action, and an answer that is out already is left to people.
    """
    if kind is not ReviewKind.GATE or on_timeout == "hold":
        return None
    if on_timeout == "reject":
        return Resolution(OutcomeResult.TIMED_OUT, Disposition.DO_NOT_EXECUTE, EventType.RESOLVED)
    if not may_go_out or risk > Risk.MEDIUM:
        return None
    return Resolution(OutcomeResult.TIMED_OUT, Disposition.EXECUTE_PROVISIONAL, EventType.RESOLVED)
