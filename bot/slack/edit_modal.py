"""The edit form: what is proposed, prefilled, to be put right; or empty fields for an answer of one's own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from bot.slack import notices, phrases
from bot.slack.blocks import Block, button, context, plain
from bot.slack.edit_inputs import inputs_of, name_of, typed_into
from bot.slack.edit_plan import parse_field
from bot.slack.feedback_form import feedback_blocks, parse_feedback
from bot.slack.json_text import JsonTextError, compact, same
from bot.slack.kept import LABEL, kept_inputs, shown_back, with_newly_typed
from bot.slack.modal import FieldErrors, StateValues, View, asked, claimed, fits, modal
from bot.slack.prefill import Prefill, offered, prefill, source_blocks, submitted_prefill
from bot.slack.returned_modal import returned_modal
from bot.slack.view import CardView, RubricView
from routing.checks import CheckResult
from routing.decision import Json
from routing.redaction import Placeholders

CALLBACK = "review.edit"
CHANGE = "change.edit"
"""The same form for a verdict that stands already."""
USE_ALTERNATIVE = "edit.alternative"
PROPOSED = -1
"""In place of an alternative's index: what is proposed."""
_OFFER_TEXT = 150
_TOO_LARGE = (
    "This output is too large for a form in Slack. *Details* shows it. To correct it, close this, choose *Reject* and "
    "give the correct answer there."
)
_NO_ROOM = "There is no room here for the alternative beside what you typed: copy that elsewhere and empty it first."
_OUTDATED = "What is proposed has changed meanwhile: copy what you need, close this form and open it again."


@dataclass(frozen=True, slots=True)
class EditSubmission:
    """What a reviewer sent, with nothing hidden. Without a change (`changed` false) it is an approval, and `output` is
    what is proposed."""

    output: Json
    changed: bool
    category: str | None
    severity: str | None
    labels: Mapping[str, str]
    reason: str | None


# The form -------------------------------------------------------------------------------------------------------------


def edit_modal(
    view: CardView,
    rubric: RubricView,
    *,
    reader: str | None = None,
    alternative: int | None = None,
    typed: StateValues | None = None,
    callback_id: str = CALLBACK,
) -> View:
    """The form, or a modal without submit that says what to do if the output does not fit into one.

    Args:
        reader: the id of the person who is to fill it in.
        alternative: the index of the one to prefill; `PROPOSED` or None for what is proposed.
        typed: `view.state.values` of the form that this one replaces. What was typed there is shown to copy from; if
            that leaves no room, the form stays as it is and says so.
    """
    filled = prefill(view, alternative)
    before = submitted_prefill(view, typed) if typed else None
    kept = shown_back(typed or {})
    texts = with_newly_typed(kept, before, typed or {})
    body = _body(view, filled, texts, _meaning(view, filled))
    attempts = [(filled, [*body, *_alternatives(view, filled)]), (filled, body)]
    if before is not None:
        attempts.append((before, _body(view, before, kept, _NO_ROOM)))
    for shown, blocks in attempts:
        title = "Write the answer" if shown.is_blank else phrases.asks(view)["edit"]
        whole = [*claimed(view, reader), *blocks, *feedback_blocks(_asked_of(rubric, shown), "edit")]
        form = modal(title, whole, callback_id=callback_id, review_id=view.review_id, submit="Send")
        if shown.fields and fits(form):
            return form
    return returned_modal("Too large to edit here", _TOO_LARGE, [(LABEL, text) for text in texts.values()])


def _asked_of(rubric: RubricView, filled: Prefill) -> RubricView:
    """Nobody can name the fault of what they have not seen."""
    return replace(rubric, categories=(), severities=()) if filled.is_blank else rubric


def _body(view: CardView, filled: Prefill, texts: Mapping[str, str], meaning: str) -> list[Block]:
    inputs = [block for field in filled.fields for block in inputs_of(filled, field)]
    return [asked(view), context("meaning", [plain(meaning, 200)]), *inputs, *kept_inputs(texts)]


def _meaning(view: CardView, filled: Prefill) -> str:
    """What it means to send the form as it is."""
    if filled.is_blank:
        return "Once you have sent your answer, the model's is shown beside it."
    if filled.alternative is not None:
        return f"This is alternative {filled.alternative + 1}: sent as it is, it takes the place of what is proposed."
    if view.proposal is not None:
        return "Sent unchanged, this agrees to the edit."
    if view.is_audit:
        return "Sent unchanged, this says that it was correct; changed, the app is sent a correction."
    return "Sent unchanged, this counts as an approval."


def _alternatives(view: CardView, filled: Prefill) -> list[Block]:
    """What else the form can be filled with."""
    others = [
        _offer(index, alternative.output, f"Use alternative {index + 1}{_sure(view, alternative.confidence)}")
        for index, alternative in enumerate(offered(view))
        if index != filled.alternative
    ]
    if filled.alternative is not None:
        label = "Use the model's output" if view.proposal is None else "Use the edit"
        others.insert(0, _offer(PROPOSED, view.proposed, label))
    return others


def _offer(index: int, value: Json, label: str) -> Block:
    text = plain(compact(value, 4 * _OFFER_TEXT), _OFFER_TEXT)
    accessory = button(USE_ALTERNATIVE, label, str(index))
    return {"type": "section", "block_id": f"offer{index}", "text": text, "accessory": accessory}


def _sure(view: CardView, confidence: float | None) -> str:
    return f" ({phrases.percent(confidence)})" if confidence is not None and view.shows_confidence else ""


# The submission -------------------------------------------------------------------------------------------------------


def parse_edit(view: CardView, rubric: RubricView, values: StateValues) -> EditSubmission | FieldErrors:
    """Reads a submission against what is stored; `values` is `view.state.values`."""
    feedback, errors = parse_feedback(rubric, "edit", values)
    filled = submitted_prefill(view, values)
    if filled is None:
        return FieldErrors({source_blocks(values)[0]: _OUTDATED})
    if not filled.fields:
        errors["output"] = "This output is too large for a form in Slack."
    members: list[Json] = []
    for field in filled.fields:
        try:
            members.append(parse_field(field, typed_into(filled, field, values), view.placeholders))
        except JsonTextError as error:
            errors[filled.block_id(field)] = f"{name_of(field)}: {error}."
        except KeyError:
            errors[filled.block_id(field)] = (
                f"{name_of(field)}: this field is missing; close the form and open it again."
            )
    if errors:
        return FieldErrors(errors)
    output, proposed = _joined(filled, members, view.placeholders), view.placeholders.restored(view.proposed)
    changed = not same(output, proposed)
    return EditSubmission(
        output=output if changed else proposed,
        changed=changed,
        category=feedback.category,
        severity=feedback.severity,
        labels=feedback.labels,
        reason=feedback.reason and view.placeholders.restored_text(feedback.reason),
    )


def _joined(filled: Prefill, members: list[Json], placeholders: Placeholders) -> Json:
    if filled.fields[0].key is None:
        return members[0]
    keys = (placeholders.restored_text(field.key or "") for field in filled.fields)
    return dict(zip(keys, members, strict=True))


def check_errors(view: CardView, failures: Iterable[CheckResult], values: StateValues) -> dict[str, str]:
    """Failed checks of a submission that `parse_edit` could read, as sentences by the block they belong beside: the
    one whose member the check is about, best a changed one, else the first."""
    filled = submitted_prefill(view, values) or prefill(view)
    beside: dict[str, list[CheckResult]] = {}
    for failure in failures:
        members = set(map(view.placeholders.hide, failure.members))
        about = [field for field in filled.fields if field.key in members]
        changed = [field for field in about if field.is_changed(typed_into(filled, field, values))]
        field = next(iter(changed or about), filled.fields[0])
        beside.setdefault(filled.block_id(field), []).append(failure)
    return {block_id: notices.checks_failed(found) for block_id, found in beside.items()}
