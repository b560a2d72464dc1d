import pytest
from slack_sdk.models.views import View as SdkView

from bot.slack.hand_over_modal import HandOverSubmission, hand_over_modal, parse_hand_over
from bot.slack.modal import FieldErrors, StateValues
from tests.bot.slack import samples
from tests.support.slack_checker import check_modal


def values(person: str | None, note: str | None) -> StateValues:
    return {
        "person": {"value": {"type": "users_select", "selected_user": person}},
        "note": {"value": {"type": "plain_text_input", "value": note}},
    }


def test_golden() -> None:
    view = hand_over_modal(samples.CLASSIFICATION)
    check_modal(view, samples.PEOPLE)
    SdkView(**view).validate_json()
    samples.assert_golden("hand_over_modal", view)


@pytest.mark.parametrize(
    ("person", "note", "parsed"),
    [
        ("U0BEA", None, HandOverSubmission("U0BEA", None)),
        ("U0BEA", "  ", HandOverSubmission("U0BEA", None)),
        ("U0BEA", " You know the lamp. ", HandOverSubmission("U0BEA", "You know the lamp.")),
        (None, "You know.", FieldErrors({"person": "Choose a person."})),
        ("U0BEA", "a\x00b", FieldErrors({"note": "Note: remove the invisible control character."})),
    ],
)
def test_a_person_and_perhaps_a_note(
    person: str | None, note: str | None, parsed: HandOverSubmission | FieldErrors
) -> None:
    assert parse_hand_over(values(person, note)) == parsed
