"""Which kind of oversight fits a task: a short checklist, answered with the task's snippet of the policy and why.

    cannot be undone, or critical ──────────────▶ gate: a person decides each one
    people can look at all of them ─────────────▶ gate, until labels prove a threshold
    low or medium, for one in ten or fewer ─────▶ act first, correct later
    else ───────────────────────────────────────▶ confidence decides, audits watch

It is where to begin: no threshold is known to hold before there are labels.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from textwrap import wrap
from typing import Final

from routing.decision import Risk
from routing.drift import tripling_days
from routing.maturity import Goal

_DELTA: Final = 0.05
_MAX_ERROR: Final = {Risk.LOW: 0.05, Risk.MEDIUM: 0.02, Risk.HIGH: 0.01, Risk.CRITICAL: 0.005}
_FIRST_THRESHOLD: Final = {Risk.LOW: 0.90, Risk.MEDIUM: 0.95, Risk.HIGH: 0.99}
_FEW: Final = 0.1
"""The share of decisions that people can look at, up to which to wait for them is the rule, not the exception."""
_FOR_AUDITS: Final = 4
"""One in so many of the reviews that people have time for goes to audits."""
_COLUMNS: Final = 80
_PLAIN_KEY = re.compile("(?!(?:true|false|null)$)[a-z][a-z0-9_-]*")


class Pattern(StrEnum):
    GATE = "a person decides each one"
    CORRECT_LATER = "act first, correct later"
    THRESHOLD = "confidence decides, audits watch"


@dataclass(frozen=True, slots=True)
class Checklist:
    """Attributes:
    task_type: as apps post it.
    irreversible: whether what is done cannot be undone.
    per_day: decisions a day, 1 or more.
    error_cost: how bad one error is, in the words of risk.
    reviews_per_day: how many of them people have time for, 1 or more.
    """

    task_type: str
    irreversible: bool
    per_day: int
    error_cost: Risk
    reviews_per_day: int

    @property
    def share(self) -> float:
        """Of the decisions that people can look at, 0..1."""
        return min(1.0, self.reviews_per_day / self.per_day)


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of the snippet: YAML, and why."""

    yaml: str
    why: str


@dataclass(frozen=True, slots=True)
class Advice:
    task_type: str
    pattern: Pattern
    settings: tuple[Setting, ...]
    warning: str | None


def advise(asked: Checklist) -> Advice:
    """The pattern that fits, and the settings that make it."""
    pattern = _pattern(asked)
    settings = (_risk(asked), *_oversight(asked, pattern), _bound(asked))
    return Advice(asked.task_type, pattern, settings, _warning(asked, pattern))


def _pattern(asked: Checklist) -> Pattern:
    if asked.irreversible or asked.error_cost is Risk.CRITICAL or asked.share == 1:
        return Pattern.GATE
    if asked.share <= _FEW and asked.error_cost <= Risk.MEDIUM:
        return Pattern.CORRECT_LATER
    return Pattern.THRESHOLD


def _risk(asked: Checklist) -> Setting:
    return Setting(f"risk: {asked.error_cost}", "What one error costs. Rules may raise it for single decisions.")


def _oversight(asked: Checklist, pattern: Pattern) -> Iterator[Setting]:
    if pattern is Pattern.GATE:
        yield Setting("autonomy: 2", f"{_why_gate(asked)} Nothing goes out unseen.")
        yield Setting("on_timeout: hold", "Nobody's silence is consent: what nobody decided waits on, as overdue.")
        return
    first = _FIRST_THRESHOLD[asked.error_cost]
    yield Setting("autonomy: 3", "The matrix decides: the sure ones run alone, the unsure ones meet a person.")
    yield Setting(f"threshold: {first}", "A strict guess. Only labels prove a threshold: see hitl calibrate.")
    if pattern is Pattern.CORRECT_LATER:
        yield Setting(
            f"queue: {{provisional_from: {first / 2}}}",
            f"People can look at {asked.reviews_per_day:,} of {asked.per_day:,}: what is neither sure nor unlikely "
            "goes out at once, marked as provisional. Your app must be able to correct it and to roll it back.",
        )
        yield Setting("on_timeout: provisional", "So does what nobody had time for.")
    else:
        yield Setting("on_timeout: hold", "Nobody's silence is consent: what nobody decided waits on, as overdue.")
    yield _audits(asked)


def _why_gate(asked: Checklist) -> str:
    if asked.irreversible:
        return "What cannot be undone, no audit can correct: a person decides before it happens."
    if asked.error_cost is Risk.CRITICAL:
        return "Critical decisions never run alone."
    return (
        f"People have time for all {asked.per_day:,} a day, and each verdict is a label: go up a level when they have "
        "proven a threshold."
    )


def _audits(asked: Checklist) -> Setting:
    most = max(1, asked.reviews_per_day // _FOR_AUDITS)
    days = tripling_days(most, _MAX_ERROR[asked.error_cost])
    return Setting(
        f"audit: {{max_per_day: {most}}}",
        f"A quarter of people's time, for what ran alone. Errors three times as frequent are then found in about "
        f"{ceil(days or 0):,} days.",
    )


def _bound(asked: Checklist) -> Setting:
    goal = Goal(_MAX_ERROR[asked.error_cost], _DELTA)
    days = ceil(goal.least_labels / min(asked.reviews_per_day, asked.per_day))
    return Setting(
        f"max_error: {goal.max_error}",
        f"The errors allowed among what runs alone. To prove it takes {goal.least_labels:,} labels without an error at "
        f"least: {days:,} {'day' if days == 1 else 'days'} of reviews.",
    )


def _warning(asked: Checklist, pattern: Pattern) -> str | None:
    if asked.share == 1 or pattern is Pattern.CORRECT_LATER:
        return None
    few = f"People have time for {asked.reviews_per_day:,} of {asked.per_day:,} a day"
    if pattern is Pattern.GATE:
        return (
            f"{few}, and all of them wait for a person: find more reviewers, or split off what can be undone, or costs "
            "less, as a task of its own."
        )
    if asked.share <= _FEW:
        return f"{few}: if the model is unsure of more than that, reviews pile up."
    return None


def snippet(advice: Advice) -> str:
    """YAML for the policy file, each setting under its reason."""
    key = advice.task_type if _PLAIN_KEY.fullmatch(advice.task_type) else json.dumps(advice.task_type)
    lines = [*_comment("", f"{advice.task_type}: {advice.pattern}.")]
    if advice.warning is not None:
        lines += _comment("", f"Mind: {advice.warning}")
    lines += ["tasks:", f"  {key}:"]
    for setting in advice.settings:
        lines += [*_comment("    ", setting.why), f"    {setting.yaml}"]
    return "\n".join(lines) + "\n"


def _comment(indent: str, text: str) -> list[str]:
    return wrap(text, _COLUMNS, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")
