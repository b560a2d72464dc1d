"""Category, severity, labels and reason: the part of a form that the rubric describes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from bot.slack import limits
from bot.slack.blocks import Block, Element, option, plain
from bot.slack.json_text import JsonTextError, parse_text
from bot.slack.modal import StateValues
from bot.slack.text import rendered_size
from bot.slack.view import RubricView, VerdictWord

ACTION = "value"
"""The action_id of every input: its block_id says which it is."""


@dataclass(frozen=True, slots=True)
class Feedback:
    category: str | None
    severity: str | None
    labels: Mapping[str, str]
    reason: str | None


def feedback_blocks(rubric: RubricView, verdict: VerdictWord) -> list[Block]:
    """Inputs for the rubric; a rejection must name category and severity, an edit may."""
    required = verdict == "reject"
    blocks = [
        *_select("category", "Category", rubric.categories, required=required),
        *_select("severity", "Severity", rubric.severities, required=required),
    ]
    for name, values in rubric.labels.items():
        blocks += _select(_label_block(name), name, values, required=False)
    return [*blocks, text_input("reason", "Reason", required=verdict in rubric.require_reason)]


def parse_feedback(rubric: RubricView, verdict: VerdictWord, values: StateValues) -> tuple[Feedback, dict[str, str]]:
    """What was chosen and typed, with errors by block_id. Only values that the rubric of this moment knows count."""
    required = verdict == "reject"
    errors: dict[str, str] = {}
    category = _chosen("category", rubric.categories, values, errors, required=required)
    severity = _chosen("severity", rubric.severities, values, errors, required=required)
    chosen = {name: _chosen(_label_block(name), rubric.labels[name], values, errors) for name in rubric.labels}
    labels = {name: value for name, value in chosen.items() if value is not None}
    reason = _reason(values, errors, required=verdict in rubric.require_reason)
    return Feedback(category, severity, labels, reason), errors


def text_input(
    block_id: str, label: str, *, required: bool = False, initial: str = "", hint: str = "", multiline: bool = True
) -> Block:
    """`initial` is prefilled as it is and stays below Slack's 3,000; one with newlines needs `multiline`."""
    element: Element = {
        "type": "plain_text_input",
        "action_id": ACTION,
        "multiline": multiline,
        "max_length": limits.INPUT_TEXT,
    }
    if initial:
        element["initial_value"] = initial
    return input_block(block_id, label, element, required=required, hint=hint)


def input_block(block_id: str, label: str, element: Element, *, required: bool, hint: str = "") -> Block:
    block: Block = {
        "type": "input",
        "block_id": block_id,
        "label": plain(label, 150),
        "element": element,
        "optional": not required,
    }
    return {**block, "hint": plain(hint, 150)} if hint else block


def typed_text(values: StateValues, block_id: str) -> str:
    """What a text input holds; Slack sends null for an empty one. Raises KeyError if the form had no such input."""
    return values[block_id][ACTION]["value"] or ""


def selected(values: StateValues, block_id: str) -> str | None:
    """The value of the chosen option. Raises KeyError if the form had no such select."""
    chosen = values[block_id][ACTION]["selected_option"]
    return None if chosen is None else chosen["value"]


def _select(block_id: str, label: str, names: Iterable[str], *, required: bool) -> list[Block]:
    options = [option(name, value) for value, name in _by_value(names).items()]
    if not options:
        return []
    element = {"type": "static_select", "action_id": ACTION, "options": options}
    return [input_block(block_id, label, element, required=required)]


def _chosen(
    block_id: str, names: Iterable[str], values: StateValues, errors: dict[str, str], *, required: bool = False
) -> str | None:
    known = _by_value(names)
    value = selected(values, block_id) if block_id in values else None
    if value in known:
        return known[value]
    if value is not None:
        errors[block_id] = "This choice is no longer in the policy; choose another one."
    elif required and known:
        errors[block_id] = "Choose one."
    return None


def _reason(values: StateValues, errors: dict[str, str], *, required: bool) -> str | None:
    try:
        reason = parse_text(typed_text(values, "reason").strip())
    except JsonTextError as error:
        errors["reason"] = f"Reason: {error}."
        return None
    if required and not reason:
        errors["reason"] = "Say why, in a sentence."
    return reason or None


def _by_value(names: Iterable[str]) -> dict[str, str]:
    """Option value to name: by name, not by position, because the policy may change while a form is open."""
    return {_value(name): name for name in list(names)[: limits.SELECT_OPTIONS]}


def _value(name: str) -> str:
    fits = 0 < rendered_size(name) <= limits.OPTION_VALUE
    return name if fits else sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def _label_block(name: str) -> str:
    return f"label-{_value(name)}"
