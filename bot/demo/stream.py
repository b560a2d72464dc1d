"""The demo's decisions as a stream: read from `world/decisions.jsonl`, mixed so that any fifty show the range."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any

BLOCK = 50
"""So many decisions in a row are a fair sample of all of them."""
_OPENING = "refund-0024"


@dataclass(frozen=True, slots=True)
class DemoDecision:
    """A decision to post, and what only the demo knows about it.

    `request` is the body of `POST /v1/decisions` without `callback_url`; `truth` is the right output and `right` says
    whether the model found it.
    """

    request: dict[str, Any]
    truth: Any
    right: bool

    @property
    def id(self) -> str:
        return str(self.request["id"])


@cache
def load() -> tuple[DemoDecision, ...]:
    """All decisions of the file, in its order."""
    lines = files("bot.demo").joinpath("world/decisions.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(_decision(json.loads(line)) for line in lines)


def _decision(line: dict[str, Any]) -> DemoDecision:
    truth, right = line.pop("truth"), line.pop("right")
    return DemoDecision(line, truth, right)


def sample(count: int, seed: int) -> list[DemoDecision]:
    """`count` different decisions; the same seed gives the same ones in the same order.

    Systematic sampling: decisions lie ordered by task, by whether a fact in them speaks for more care, and by
    confidence. A block takes every k-th from a random start, so each of these has its share in each block.

    Raises ValueError when more are wanted than there are.
    """
    ordered = sorted(load(), key=_stratum)
    if count > len(ordered):
        raise ValueError(f"the demo has {len(ordered)} decisions, {count} are wanted")
    rng = Random(seed)  # noqa: S311 - a reproducible mix, not a secret
    step = -(-len(ordered) // BLOCK)
    mixed: list[DemoDecision] = []
    for start in rng.sample(range(step), step):
        block = ordered[start::step]
        rng.shuffle(block)
        mixed += block
    return mixed[:count]


def story(count: int, seed: int) -> list[DemoDecision]:
    """A sample that is led by a large sum, which takes two people: they are too rare to come up by chance."""
    opening = next(decision for decision in load() if decision.id == _OPENING)
    return [opening, *(decision for decision in sample(count, seed) if decision != opening)][:count]


def _stratum(decision: DemoDecision) -> tuple[str, bool, bool, float]:
    request = decision.request
    context = request["context"]
    grave = not request["reversible"] or context.get("amount", 0) > 10_000
    return request["task_type"], grave, context.get("is_new_user", False), request.get("confidence", 0.0)
