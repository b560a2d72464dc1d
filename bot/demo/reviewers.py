"""Simulated reviewers: they know the truth, take time to read, and now and then are wrong themselves."""

from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from bot.demo.stream import DemoDecision

HUMAN_ERROR = 0.03
_WORDS_PER_SECOND = 4.0
_SECONDS_TO_DECIDE = 2.0

Severity = Literal["minor", "major", "critical"]


@dataclass(frozen=True, slots=True)
class Approve:
    """The model's output may go out as it is."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Send this output instead."""

    output: Any
    category: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Reject:
    """Do not send it; `correct_answer` is None when the reviewer does not know better."""

    category: str
    severity: Severity
    reason: str
    correct_answer: Any


Verdict = Approve | Edit | Reject


@dataclass(frozen=True, slots=True)
class Opinion:
    """A verdict and how long it took, in seconds from opening the card."""

    verdict: Verdict
    reading_seconds: float


def review(decision: DemoDecision, seed: int, *, error_rate: float = HUMAN_ERROR) -> Opinion:
    """What a simulated person says about a decision; the same seed and decision give the same opinion.

    With probability `error_rate` the person errs: overlooks a mistake, or spoils an output that was right.
    """
    rng = Random(f"{seed}-{decision.id}")  # noqa: S311 - reproducible people, not a secret
    seconds = _reading_seconds(decision, rng)
    errs = rng.random() < error_rate
    if decision.right:
        return Opinion(_spoiled(decision) if errs else Approve(), seconds)
    return Opinion(Approve() if errs else _corrected(decision), seconds)


def _reading_seconds(decision: DemoDecision, rng: Random) -> float:
    words = len(f"{decision.request['input']} {decision.request['output']}".split())
    return _SECONDS_TO_DECIDE + words / _WORDS_PER_SECOND * rng.uniform(0.7, 1.5)


def _corrected(decision: DemoDecision) -> Verdict:
    output, truth = decision.request["output"], decision.truth
    match decision.request["task_type"]:
        case "refund" if output["action"] != truth["action"]:
            reason = f"The shop's rules say {truth['action']} here, not {output['action']}."
            return Reject("wrong_action", "major", reason, truth)
        case "refund":
            return Edit(truth, "wrong_amount", "major" if abs(output["amount"] - truth["amount"]) > 1 else "minor")
        case "reply_draft":
            return Reject("factual_error", "major", "The draft answers another question.", truth)
        case _:
            return Edit(truth, "wrong_label", "minor")


def _spoiled(decision: DemoDecision) -> Verdict:
    """A wrong verdict on a right output: the model's second choice looked better."""
    second_choice = decision.request["alternatives"][0]["output"]
    return Edit(second_choice, "other", "minor")
