"""A draft of the policy against decisions that were made under another: what would go another way, and what of it.

What people said of a decision is known whichever way it went, so the errors that a draft lets run alone are estimated
as those that did: each judged decision counts with 1 / the probability with which somebody looked at it.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from routing.decision import DecisionRequest, OutcomeResult, Risk, Route
from routing.estimates import EscapeRate, escape_rate
from routing.money import Money, spent
from routing.policy import Policy
from routing.policy_sections import Cost
from routing.route import route

EXAMPLES: Final = 3
"""Decisions named for each change."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Where a decision stood: its route and risk."""

    route: Route
    risk: Risk


@dataclass(frozen=True, slots=True)
class Change:
    """From one cell to another, for decisions of one task type; `before` equals `after` where nothing changed."""

    task_type: str
    before: Cell
    after: Cell


@dataclass(frozen=True, slots=True)
class Judgement:
    """What people found: whether the model was wrong, and the probability (0, 1] with which they looked."""

    is_wrong: bool
    inclusion: float


@dataclass(frozen=True, slots=True)
class Made:
    """A decision as it was made; `reviewed`: it was to meet a person. `judgement` None: nobody has said anything."""

    id: str
    request: DecisionRequest
    cell: Cell
    reviewed: bool
    judgement: Judgement | None


@dataclass(slots=True)
class Side:
    """What happens under one of the two policies.

    Attributes:
        reviewed: decisions that meet a person.
        alone: decisions that run alone.
        judgements: of those that run alone, how often each was said.
    """

    reviewed: int = 0
    alone: int = 0
    judgements: Counter[Judgement] = field(default_factory=Counter)

    def count(self, *, reviewed: bool, alone: bool, judgement: Judgement | None) -> None:
        self.reviewed += reviewed
        self.alone += alone
        if alone and judgement is not None:
            self.judgements[judgement] += 1

    @property
    def escape_rate(self) -> EscapeRate:
        """Of what runs alone, 0..1, with its 95 % interval."""
        audits: Counter[tuple[bool, float]] = Counter()
        for each, number in self.judgements.items():
            audits[each.is_wrong, 1 / each.inclusion] += number
        return escape_rate(audits, round(sum(weight * number for (_, weight), number in audits.items())))

    def money(self, cost: Cost, minutes_each: float) -> Money:
        """What people's minutes and the errors that run alone cost; `minutes_each`: of one review."""
        rate = self.escape_rate
        return spent(self.reviewed, self.alone, (rate.value, rate.low, rate.high), cost, minutes_each)


@dataclass(slots=True)
class Simulation:
    """What a draft would change, counted decision by decision.

    Attributes:
        draft: the policy that is tried.
        lost: decisions whose content retention has removed: they cannot be tried.
        changes: how many decisions went from which cell to which.
        examples: the first decisions of each change that is one.
        before: what happened, of those that could be tried.
        after: what the draft would have done with the same.
    """

    draft: Policy
    lost: int = 0
    changes: Counter[Change] = field(default_factory=Counter)
    examples: dict[Change, list[str]] = field(default_factory=dict)
    before: Side = field(default_factory=Side)
    after: Side = field(default_factory=Side)

    @property
    def replayed(self) -> int:
        return self.changes.total()

    @property
    def changed(self) -> int:
        return sum(number for change, number in self.changes.items() if change.before != change.after)

    def replay(self, made: Made) -> None:
        """Routes one decision by the draft."""
        found = route(made.request, self.draft)
        after = Cell(found.route, found.risk)
        change = Change(made.request.task_type, made.cell, after)
        self.changes[change] += 1
        if change.before != change.after:
            named = self.examples.setdefault(change, [])
            if len(named) < EXAMPLES:
                named.append(made.id)
        alone = not made.reviewed and made.cell.route <= Route.AUTO_AUDIT
        self.before.count(reviewed=made.reviewed, alone=alone, judgement=made.judgement)
        would_run = found.outcome is OutcomeResult.AUTO
        self.after.count(reviewed=found.review is not None, alone=would_run, judgement=made.judgement)
