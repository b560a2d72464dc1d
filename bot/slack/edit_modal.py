"""The edit form: the model's output, prefilled, to be put right."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.slack import notices
from bot.slack.blocks import Block, context, option, plain
from bot.slack.edit_plan import FieldKind, PlannedField, parse_field, plan_fields
from bot.slack.feedback_form import (
    ACTION,
    feedback_blocks,
    input_block,
    parse_feedback,
    selected,
    text_input,
    typed_text,
)
from bot.slack.json_text import JsonTextError, same
from bot.slack.modal import FieldErrors, StateValues, View, asked, fits, modal, notice_modal
from bot.slack.text import clip_line, sendable
from bot.slack.view import CardView, RubricView
from routing.checks import CheckResult
from routing.decision import Json

CALLBACK = "review.edit"
SHORT_TEXT = 60
_HINTS: dict[FieldKind, str] = {
    "text": "Empty means an empty text",
    "int": "A whole number",
    "float": "A number",
    "json": "JSON",
}
_UNCHANGED = "Sent unchanged, this counts as an approval."
_TOO_LARGE = (
    "This output is too large for a form in Slack. *Details* shows it. To correct it, close this, choose *Reject* and "
    "give the correct answer there."
)


@dataclass(frozen=True, slots=True)
class EditSubmission:
    """What a reviewer sent. Without a change (`changed` false) it counts as approve and `output` is the model's own."""

    output: Json
    changed: bool
    category: str | None
    severity: str | None
    labels: Mapping[str, str]
    reason: str | None


def edit_modal(view: CardView, rubric: RubricView) -> View:
    """The form, or a modal without submit that says what to do if the output does not fit into one."""
    fields = plan_fields(view.output)
    inputs = [block for field in fields for block in _inputs(field)]
    blocks = [asked(view), context("unchanged", [plain(_UNCHANGED, 100)]), *inputs, *feedback_blocks(rubric, "edit")]
    form = modal("Edit", blocks, callback_id=CALLBACK, review_id=view.review_id, submit="Send")
    return form if fields and fits(form) else notice_modal("Too large to edit here", _TOO_LARGE)


def parse_edit(view: CardView, rubric: RubricView, values: StateValues) -> EditSubmission | FieldErrors:
    """Reads a submission against the stored output of the model; `values` is `view.state.values`."""
    feedback, errors = parse_feedback(rubric, "edit", values)
    fields = plan_fields(view.output)
    if not fields:
        errors["output"] = "This output is too large for a form in Slack."
    members: list[Json] = []
    for field in fields:
        try:
            members.append(parse_field(field, _typed(field, values)))
        except JsonTextError as error:
            errors[field.block_id()] = f"{_name(field)}: {error}."
        except KeyError:
            errors[field.block_id()] = f"{_name(field)}: this field is missing; close the form and open it again."
    if errors:
        return FieldErrors(errors)
    output = members[0] if fields[0].key is None else dict(zip((field.key for field in fields), members, strict=True))
    changed = not same(output, view.output)
    return EditSubmission(
        output=output if changed else view.output,
        changed=changed,
        category=feedback.category,
        severity=feedback.severity,
        labels=feedback.labels,
        reason=feedback.reason,
    )


def check_errors(view: CardView, failures: Iterable[CheckResult], values: StateValues) -> dict[str, str]:
    """Failed checks of a submission that `parse_edit` could read, as sentences by the block they belong beside: the
    one whose member the check is about, best a changed one, else the first."""
    fields = plan_fields(view.output)
    beside: dict[str, list[CheckResult]] = {}
    for failure in failures:
        about = [field for field in fields if field.key in failure.members]
        changed = [field for field in about if field.is_changed(_typed(field, values))]
        field = next(iter(changed or about), fields[0])
        beside.setdefault(field.block_id(), []).append(failure)
    return {block_id: notices.checks_failed(found) for block_id, found in beside.items()}


def _inputs(field: PlannedField) -> list[Block]:
    if field.kind == "bool":
        return [_yes_no(field)]
    count = len(field.chunks)
    return [
        text_input(
            field.block_id(number),
            f"{_name(field)} ({number + 1} of {count})" if count > 1 else _name(field),
            required=_is_required(field),
            initial=sendable(chunk),
            hint=_hint(field),
            multiline=_is_long(field),
        )
        for number, chunk in enumerate(field.chunks)
    ]


def _is_required(field: PlannedField) -> bool:
    """Whether Slack may refuse it empty: an empty text is a text, and one of several chunks may go."""
    return field.kind != "text" and field.original is not None and len(field.chunks) == 1


def _hint(field: PlannedField) -> str:
    if len(field.chunks) > 1:
        return ""
    return "JSON; empty means null" if field.original is None else _HINTS.get(field.kind, "")


def _is_long(field: PlannedField) -> bool:
    """Short members get one line each, so that the form stays short on a phone."""
    text = field.chunks[0]
    return field.key is None or len(text) > SHORT_TEXT or "\n" in sendable(text)


def _yes_no(field: PlannedField) -> Block:
    options = {word: option(word, word) for word in ("true", "false")}
    element = {
        "type": "static_select",
        "action_id": ACTION,
        "options": list(options.values()),
        "initial_option": options[field.chunks[0]],
    }
    return input_block(field.block_id(), _name(field), element, required=True)


def _typed(field: PlannedField, values: StateValues) -> list[str]:
    if field.kind == "bool":
        return [selected(values, field.block_id()) or field.chunks[0]]
    return [typed_text(values, field.block_id(number)) for number in range(len(field.chunks))]


def _name(field: PlannedField) -> str:
    return "Output" if field.key is None else clip_line(field.key, 100)
