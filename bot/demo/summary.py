"""What came of a demo run: routes, verdicts, and which of the model's mistakes a person caught. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from rich.table import Table

from bot.demo.stream import DemoDecision


class Fate(StrEnum):
    """How a decision ended, measured against the truth. Values are the words of the summary."""

    RIGHT_ALONE = "right, ran alone"
    ESCAPED = "errors escaped: wrong, ran alone"
    NEEDLESS = "right, approved by a person (needless review)"
    CAUGHT = "errors caught: wrong, put right or stopped by a person"
    OVERLOOKED = "errors overlooked: wrong, and a person let it pass"
    SPOILED = "right, but changed or stopped by a person"
    HELD = "ended without a person's verdict"
    WAITING = "still waiting for a person"


@dataclass(frozen=True, slots=True)
class Record:
    """One decision of the run and the bot's latest word on it (the decision object of the HTTP API)."""

    decision: DemoDecision
    answer: dict[str, Any]


def fate(record: Record) -> Fate:
    """The run's word on one decision. A person's correction counts as one only when it gives the truth."""
    right, answer = record.decision.right, record.answer
    outcome = answer["outcome"] or {"result": None}
    match outcome["result"]:
        case "approved":
            return Fate.NEEDLESS if right else Fate.OVERLOOKED
        case "edited" if outcome["output"] == record.decision.truth:
            return Fate.NEEDLESS if right else Fate.CAUGHT
        case "edited":
            return Fate.SPOILED if right else Fate.OVERLOOKED
        case "rejected" if outcome["decided_by"]:  # by nobody: a check of the policy's refused it
            return Fate.SPOILED if right else Fate.CAUGHT
    if answer["disposition"] in ("execute", "execute_provisional"):
        return Fate.RIGHT_ALONE if right else Fate.ESCAPED
    return Fate.WAITING if outcome["result"] is None else Fate.HELD


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Deliveries that the app received: genuine ones, repeats of them, and ones with a bad signature."""

    verified: int
    repeated: int
    refused: int


@dataclass(frozen=True, slots=True)
class Tally:
    """The counts of a run."""

    routes: Counter[str]
    verdicts: Counter[str]
    fates: Counter[Fate]
    callbacks: Callbacks

    @classmethod
    def of(cls, records: Iterable[Record], callbacks: Callbacks) -> Self:
        kept = list(records)
        outcomes = [record.answer["outcome"] for record in kept]
        return cls(
            routes=Counter(record.answer["route"] for record in kept),
            verdicts=Counter(outcome["result"] for outcome in outcomes if outcome and outcome["decided_by"]),
            fates=Counter(fate(record) for record in kept),
            callbacks=callbacks,
        )

    def story(self) -> str:
        """The run in a sentence."""
        caught, escaped = self.fates[Fate.CAUGHT], self.fates[Fate.ESCAPED]
        overlooked, open_ = self.fates[Fate.OVERLOOKED], self.fates[Fate.WAITING]
        wrong = f"errors caught by people {caught}, escaped {escaped}, overlooked by a person {overlooked}"
        return f"{self.routes.total():,} decisions: {wrong}" + (f"; {open_} still wait." if open_ else ".")

    def sections(self) -> list[list[tuple[str, int]]]:
        """Label and count, in reading order; routes and fates always in full, so that a zero is seen."""
        routes = [(f"route {name}: {meaning}", self.routes[name]) for name, meaning in _ROUTES.items()]
        verdicts = [(f"people {name}", self.verdicts[name]) for name in ("approved", "edited", "rejected")]
        callbacks = [
            ("callbacks verified", self.callbacks.verified),
            ("callbacks repeated", self.callbacks.repeated),
            ("callbacks refused", self.callbacks.refused),
        ]
        return [routes, verdicts, callbacks, [(one.value, self.fates[one]) for one in Fate]]


_ROUTES = {
    "AUTO": "ran alone",
    "AUTO_AUDIT": "ran alone, open to audit",
    "QUEUE": "asked a person",
    "ESCALATE": "asked a person first of all",
}


def table(tally: Tally) -> Table:
    """The tally for a terminal."""
    shown = Table()
    shown.add_column("what")
    shown.add_column("count", justify="right")
    for section in tally.sections():
        for label, count in section:
            shown.add_row(label, f"{count:,}")
        shown.add_section()
    return shown
