"""The rejection form: what is wrong, how badly, why, and what would have been right."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.slack import phrases
from bot.slack.edit_plan import is_text, read_json, read_text
from bot.slack.feedback_form import feedback_blocks, parse_feedback, text_input, typed_text
from bot.slack.json_text import JsonTextError
from bot.slack.modal import FieldErrors, StateValues, View, asked, claimed, modal, proposed
from bot.slack.view import CardView, RubricView
from routing.decision import Json

CALLBACK = "review.reject"
CHANGE = "change.reject"
"""The same form for a verdict that stands already."""


@dataclass(frozen=True, slots=True)
class RejectSubmission:
    """What a reviewer sent, with nothing hidden; `correct_answer` None means that they gave none."""

    category: str | None
    severity: str | None
    labels: Mapping[str, str]
    reason: str | None
    correct_answer: Json


def reject_modal(view: CardView, rubric: RubricView, *, reader: str | None = None, callback_id: str = CALLBACK) -> View:
    """The form. `reader`: the id of the person who is to fill it in."""
    hint = "" if is_text(view.output) else "JSON like the model's output, or plain words"
    answer = text_input("answer", "Correct answer", hint=hint)
    about = [*claimed(view, reader), asked(view), *proposed(view)]
    blocks = [*about, *feedback_blocks(rubric, "reject"), answer]
    says = phrases.asks(view)["reject"]
    return modal(says, blocks, callback_id=callback_id, review_id=view.review_id, submit=says)


def parse_reject(view: CardView, rubric: RubricView, values: StateValues) -> RejectSubmission | FieldErrors:
    """Reads a submission; `values` is `view.state.values`."""
    feedback, errors = parse_feedback(rubric, "reject", values)
    answer: Json = None
    try:
        answer = _answer(view, typed_text(values, "answer").strip())
    except JsonTextError as error:
        errors["answer"] = f"Correct answer: {error}."
    if errors:
        return FieldErrors(errors)
    return RejectSubmission(
        category=feedback.category,
        severity=feedback.severity,
        labels=feedback.labels,
        reason=feedback.reason and view.placeholders.restored_text(feedback.reason),
        correct_answer=answer,
    )


def _answer(view: CardView, text: str) -> Json:
    """For a string output the words; else JSON, unless what was typed does not even look like it."""
    if not text:
        return None
    if is_text(view.output):
        return read_text(text, view.placeholders)
    try:
        return read_json(text, view.placeholders)
    except JsonTextError:
        if text[0] in "{[":
            raise
        return read_text(text, view.placeholders)
