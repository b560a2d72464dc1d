"""What an edit form is filled with: the model's output, an edit that others proposed, an alternative, or nothing yet.

Slack keeps what was typed wherever a block_id stays the same, so each filling has ids of its own, and a submission says
by its ids what it had been filled with; where something is redacted, also by which patterns, for a placeholder means
something else under others.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from bot.slack.edit_plan import PlannedField, is_text, plan_blank, plan_fields, plan_json
from bot.slack.view import CardView
from routing.decision import Alternative, Json

OFFERED = 5
"""Alternatives in a form; the others are in Details."""
OUTPUT, ANSWER, EDIT, ALTERNATIVE = "output", "answer", "edit", "alt"
_BLOCK = re.compile(rf"({OUTPUT}|{ANSWER}|{EDIT}[0-9a-f]{{8}}|{ALTERNATIVE}[0-9])(\.[0-9a-f]{{8}})?-[0-9]+-[0-9]+")


@dataclass(frozen=True, slots=True)
class Prefill:
    """`fields` is () if no form holds the value. `alternative`: which one it is, if it is one. `is_blank`: there is
    nothing to edit, and people write an answer of their own."""

    source: str
    fields: tuple[PlannedField, ...]
    alternative: int | None = None
    is_blank: bool = False

    def block_id(self, field: PlannedField, chunk: int = 0) -> str:
        return f"{self.source}-{field.index}-{chunk}"

    def texts(self) -> dict[str, str]:
        """Block id to what it is prefilled with."""
        return {self.block_id(field, part): text for field in self.fields for part, text in enumerate(field.chunks)}


def offered(view: CardView) -> tuple[Alternative, ...]:
    return view.alternatives[:OFFERED] if view.shows_output else ()


def prefill(view: CardView, alternative: int | None = None) -> Prefill:
    """`alternative`: an index among those that are offered; any other means what is proposed."""
    if alternative is not None and 0 <= alternative < len(offered(view)):
        value = view.alternatives[alternative].output
        fields = plan_fields(value) if _shape(value) == _shape(view.output) else plan_json(value)
        return Prefill(_named(f"{ALTERNATIVE}{alternative}", view), fields, alternative)
    if view.asks_for_answer:
        return _blank(view)
    if view.proposal is not None:
        fields = plan_fields(view.proposal.output)
        return Prefill(_named(f"{EDIT}{_digest(fields)}", view), fields)
    return _models(view)


def source_blocks(values: Iterable[str]) -> list[str]:
    """The blocks of a submission that hold the value."""
    return [block_id for block_id in values if _BLOCK.fullmatch(block_id)]


def submitted_prefill(view: CardView, values: Mapping[str, object]) -> Prefill | None:
    """What a submitted form had been filled with; None if that is not what is proposed any more."""
    blocks = source_blocks(values)
    proposed = prefill(view)
    if not blocks:
        return proposed
    source = blocks[0].partition("-")[0]
    kind = source.partition(".")[0]
    if kind == ANSWER:
        proposed = _blank(view)
    elif kind == OUTPUT and view.proposal is None:
        proposed = _models(view)
    elif kind.startswith(ALTERNATIVE):
        proposed = prefill(view, int(kind.removeprefix(ALTERNATIVE)))
    return proposed if proposed.source == source else None


def _blank(view: CardView) -> Prefill:
    return Prefill(_named(ANSWER, view), plan_blank(view.output), is_blank=True)


def _models(view: CardView) -> Prefill:
    return Prefill(_named(OUTPUT, view), plan_fields(view.output))


def _named(source: str, view: CardView) -> str:
    return f"{source}.{view.placeholders.digest}" if view.placeholders.digest else source


def _shape(value: Json) -> str:
    return "text" if is_text(value) else "object" if isinstance(value, dict) else "other"


def _digest(fields: tuple[PlannedField, ...]) -> str:
    """Tells one edit from the next: it may change while a form is open."""
    text = "\0".join(f"{field.key}\0{chunk}" for field in fields for chunk in field.chunks)
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
