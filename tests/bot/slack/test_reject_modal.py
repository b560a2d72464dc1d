from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from slack_sdk.models.views import View as SdkView

from bot.slack.json_text import same
from bot.slack.modal import FieldErrors
from bot.slack.reject_modal import CHANGE, RejectSubmission, parse_reject, reject_modal
from bot.slack.view import CardView, RubricView
from routing.decision import Json
from tests.bot.slack import samples
from tests.bot.slack.forms import submitted
from tests.support.slack_checker import check_modal

FILLED: dict[str, str | None] = {"category": "wrong_action", "severity": "major", "reason": "Delivered on Monday"}


def reject(view: CardView, changes: dict[str, str | None]) -> RejectSubmission | FieldErrors:
    return parse_reject(view, samples.RUBRIC, submitted(reject_modal(view, samples.RUBRIC), changes))


def test_golden() -> None:
    view = reject_modal(samples.REFUND, samples.RUBRIC)
    check_modal(view, samples.PEOPLE)
    SdkView(**view).validate_json()
    samples.assert_golden("reject_modal", view)


def test_the_form_shows_what_is_rejected() -> None:
    view = reject_modal(samples.PAYOUT, samples.RUBRIC)
    asked, proposed = view["blocks"][:2]
    assert asked["elements"][1]["elements"][0]["text"].startswith("I want my money back")
    assert proposed["elements"][1]["elements"][0]["text"] == "action: refund · amount: 28.21 · currency: EUR"


def test_the_form_says_who_else_is_at_it_and_what_it_is_for() -> None:
    first = reject_modal(samples.CLAIMED, samples.RUBRIC, reader="U0BEA")["blocks"][0]
    assert first["text"]["text"].startswith("👋 <@U0ADA> claimed this")
    own = reject_modal(samples.CLAIMED, samples.RUBRIC, reader="U0ADA", callback_id=CHANGE)
    assert (own["blocks"][0]["block_id"], own["callback_id"]) == ("asked", "change.reject")


def test_an_edit_that_others_made_is_what_is_rejected() -> None:
    proposed = reject_modal(samples.PROPOSED, samples.RUBRIC)["blocks"][1]
    assert proposed["elements"][0]["elements"][0]["text"] == "Proposed: a reviewer's edit"
    assert '"amount": 100' in proposed["elements"][1]["elements"][0]["text"]


def test_a_long_proposal_leaves_room_for_the_form() -> None:
    view = reject_modal(replace(samples.REFUND, output="line\n" * 500), samples.RUBRIC)
    shown = view["blocks"][1]["elements"][1]["elements"][0]["text"]
    assert (shown.count("\n"), shown.endswith("more characters: Details)")) == (14, True)


def test_the_largest_rubric_of_a_policy_fits() -> None:
    rubric = replace(samples.RUBRIC, labels={f"label {number}": ("YES", "NO") for number in range(20)})
    check_modal(reject_modal(samples.REFUND, rubric), samples.PEOPLE)


@given(view=samples.views, rubric=samples.rubrics)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_text_in_any_field_stays_within_the_limits(view: CardView, rubric: RubricView) -> None:
    check_modal(reject_modal(view, rubric), samples.PEOPLE)


def test_a_rejection_carries_all_that_was_chosen_and_typed() -> None:
    submission = reject(samples.REFUND, {**FILLED, "label-safety": "UNSAFE", "answer": '{"action": "deny"}'})
    assert submission == RejectSubmission(
        category="wrong_action",
        severity="major",
        labels={"safety": "UNSAFE"},
        reason="Delivered on Monday",
        correct_answer={"action": "deny"},
    )


def test_what_is_required_and_missing_is_named_field_by_field() -> None:
    assert reject(samples.REFUND, {"reason": "   "}) == FieldErrors(
        {"category": "Choose one.", "severity": "Choose one.", "reason": "Say why, in a sentence."}
    )


@pytest.mark.parametrize(
    ("output", "typed", "answer"),
    [
        ("draft", '{"action": "deny"}', '{"action": "deny"}'),
        ("draft", "", None),
        ({"amount": 1}, "100.0", 100.0),
        ({"amount": 1}, "deny it, with an apology", "deny it, with an apology"),
        ({"amount": 1}, '"deny" is right', '"deny" is right'),
    ],
)
def test_the_correct_answer_is_json_where_the_output_is_and_may_be_words(
    output: Json, typed: str, answer: Json
) -> None:
    submission = reject(replace(samples.REFUND, output=output), {**FILLED, "answer": typed})
    assert isinstance(submission, RejectSubmission)
    assert same(submission.correct_answer, answer)


def test_json_with_a_slip_is_not_taken_for_words() -> None:
    assert reject(samples.REFUND, {**FILLED, "answer": '{"action": deny}'}) == FieldErrors(
        {"answer": "Correct answer: not valid JSON at line 1, column 12: Expecting value."}
    )


def test_more_choices_than_slack_shows_are_cut_and_long_names_still_work() -> None:
    name = "c" * 80
    rubric = replace(samples.RUBRIC, categories=(name, *(f"category {number}" for number in range(200))))
    view = reject_modal(samples.REFUND, rubric)
    check_modal(view, samples.PEOPLE)
    (block,) = [block for block in view["blocks"] if block["block_id"] == "category"]
    values = submitted(view, {**FILLED, "category": block["element"]["options"][0]["value"]})
    submission = parse_reject(samples.REFUND, rubric, values)
    assert isinstance(submission, RejectSubmission)
    assert submission.category == name


def test_a_rubric_without_categories_asks_for_none() -> None:
    rubric = replace(samples.RUBRIC, categories=(), severities=(), labels={})
    values = submitted(reject_modal(samples.REFUND, rubric), {"reason": "No"})
    assert parse_reject(samples.REFUND, rubric, values) == RejectSubmission(None, None, {}, "No", None)
