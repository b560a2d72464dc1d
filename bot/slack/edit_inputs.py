"""The inputs of an edit form, and what was typed into them."""

from bot.slack.blocks import Block, Element, option
from bot.slack.edit_plan import FieldKind, PlannedField
from bot.slack.feedback_form import ACTION, input_block, selected, text_input, typed_text
from bot.slack.modal import StateValues
from bot.slack.prefill import Prefill
from bot.slack.text import clip_line, sendable

SHORT_TEXT = 60
_HINTS: dict[FieldKind, str] = {
    "int": "A whole number",
    "float": "A number",
    "json": "JSON",
}


def inputs_of(filled: Prefill, field: PlannedField) -> list[Block]:
    """One for each chunk."""
    if field.kind == "bool":
        return [_yes_no(filled, field)]
    count = len(field.chunks)
    return [
        text_input(
            filled.block_id(field, part),
            f"{name_of(field)} ({part + 1} of {count})" if count > 1 else name_of(field),
            required=_is_required(field),
            initial=sendable(chunk),
            hint=_hint(field),
            multiline=_is_long(field),
        )
        for part, chunk in enumerate(field.chunks)
    ]


def _is_required(field: PlannedField) -> bool:
    """Whether Slack may refuse it empty: an empty text is a text, and one of several chunks may go."""
    if field.is_blank:
        return field.kind != "text" or field.key is None
    return field.kind != "text" and field.original is not None and len(field.chunks) == 1


def _hint(field: PlannedField) -> str:
    if len(field.chunks) > 1 or (field.kind == "text" and _is_required(field)):
        return ""
    is_null = field.original is None and not field.is_blank
    return "JSON; empty means null" if is_null else _HINTS.get(field.kind, "")


def _is_long(field: PlannedField) -> bool:
    """Short members get one line each, so that the form stays short on a phone."""
    if field.key is None or (field.is_blank and field.kind in ("text", "json")):
        return True
    text = field.chunks[0]
    return len(text) > SHORT_TEXT or "\n" in sendable(text)


def _yes_no(filled: Prefill, field: PlannedField) -> Block:
    options = {word: option(word, word) for word in ("true", "false")}
    element: Element = {"type": "static_select", "action_id": ACTION, "options": list(options.values())}
    if not field.is_blank:
        element["initial_option"] = options[field.chunks[0]]
    return input_block(filled.block_id(field), name_of(field), element, required=True)


def name_of(field: PlannedField) -> str:
    if field.key is None:
        return "Answer" if field.is_blank else "Output"
    return clip_line(field.key, 100)


def typed_into(filled: Prefill, field: PlannedField, values: StateValues) -> list[str]:
    """What a submission has in them. Raises KeyError if the form had no such inputs."""
    if field.kind == "bool":
        return [selected(values, filled.block_id(field)) or field.chunks[0]]
    return [typed_text(values, filled.block_id(field, part)) for part in range(len(field.chunks))]
