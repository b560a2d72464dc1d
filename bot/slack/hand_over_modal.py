"""The form that gives a review to somebody else."""

from dataclasses import dataclass

from bot.slack.feedback_form import ACTION, input_block, text_input, typed_text
from bot.slack.json_text import JsonTextError, parse_text
from bot.slack.modal import FieldErrors, StateValues, View, asked, modal
from bot.slack.view import CardView

CALLBACK = "review.hand_over"
PERSON = "person"
"""The block to stand an error beside if this person cannot take it."""


@dataclass(frozen=True, slots=True)
class HandOverSubmission:
    """To whom, and what they should know."""

    user_id: str
    note: str | None


def hand_over_modal(view: CardView) -> View:
    person = {"type": "users_select", "action_id": ACTION}
    blocks = [
        asked(view),
        input_block(PERSON, "To whom", person, required=True, hint="Somebody who may review this"),
        text_input("note", "Note", hint="What they should know; it stands in the thread"),
    ]
    return modal("Hand over", blocks, callback_id=CALLBACK, review_id=view.review_id, submit="Hand over")


def parse_hand_over(values: StateValues) -> HandOverSubmission | FieldErrors:
    """Reads a submission; `values` is `view.state.values`. Whether the person may take it is not known here."""
    user_id = values[PERSON][ACTION]["selected_user"]
    if not user_id:
        return FieldErrors({PERSON: "Choose a person."})
    try:
        note = parse_text(typed_text(values, "note").strip())
    except JsonTextError as error:
        return FieldErrors({"note": f"Note: {error}."})
    return HandOverSubmission(user_id, note or None)
