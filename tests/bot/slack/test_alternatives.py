"""Filling the edit form with one of the model's alternatives, and back, without losing what was typed."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.slack.edit_modal import PROPOSED, EditSubmission, edit_modal, parse_edit
from bot.slack.json_text import same
from bot.slack.modal import View
from bot.slack.returned_modal import typed_texts
from bot.slack.text import sendable
from bot.slack.view import CardView
from routing.decision import Alternative, Json
from tests.bot.slack import samples
from tests.bot.slack.forms import submitted
from tests.support.slack_checker import check_modal

VIEW = replace(
    samples.REFUND,
    output={"action": "refund", "amount": 120},
    alternatives=(
        Alternative(output={"action": "refund", "amount": 60}, confidence=0.1),
        Alternative(output="deny"),
        *(Alternative(output={"action": "deny", "amount": number}) for number in range(5)),
    ),
)


def form(view: CardView = VIEW, **options: Any) -> View:
    made = edit_modal(view, samples.RUBRIC, **options)
    check_modal(made, samples.PEOPLE)
    return made


def offers(view: View) -> list[tuple[str, str]]:
    buttons = [block["accessory"] for block in view["blocks"] if "accessory" in block]
    assert {button["action_id"] for button in buttons} == {"edit.alternative"}
    return [(button["text"]["text"], button["value"]) for button in buttons]


def inputs(view: View) -> dict[str, str]:
    """Block id to prefilled text."""
    return {
        block["block_id"]: block["element"]["initial_value"]
        for block in view["blocks"]
        if block["type"] == "input" and "initial_value" in block["element"]
    }


def shown_back(view: View) -> list[str]:
    return [text for block_id, text in inputs(view).items() if block_id.startswith("kept-")]


def test_golden() -> None:
    typed = submitted(form(), {"output-1-0": "99"})
    samples.assert_golden("edit_modal_alternative", form(alternative=0, typed=typed))


def test_each_alternative_is_offered_and_the_way_back() -> None:
    assert offers(form()) == [
        ("Use alternative 1 (10 %)", "0"),
        *((f"Use alternative {number + 1}", str(number)) for number in range(1, 5)),
    ]
    assert [value for _, value in offers(form(alternative=1))] == [str(PROPOSED), "0", "2", "3", "4"]
    assert offers(form(alternative=1))[0] == ("Use the model's output", "-1")


def test_confidence_of_an_alternative_is_hidden_with_the_models() -> None:
    assert offers(form(replace(VIEW, hides_confidence=True)))[0] == ("Use alternative 1", "0")


def test_where_the_output_is_hidden_so_are_its_alternatives() -> None:
    hidden = replace(VIEW, hides_output=True)
    assert not any("accessory" in block for block in form(hidden)["blocks"])
    assert form(hidden, alternative=0) == form(hidden)


@pytest.mark.parametrize("index", [PROPOSED, 5, 99])
def test_what_is_not_offered_is_what_is_proposed(index: int) -> None:
    assert form(alternative=index) == form()


@pytest.mark.parametrize("index", range(5))
def test_no_field_of_one_filling_is_taken_for_a_field_of_another(index: int) -> None:
    assert not inputs(form()).keys() & inputs(form(alternative=index)).keys()


@pytest.mark.parametrize("index", range(5))
def test_an_alternative_sent_as_it_is_takes_the_place_of_the_output(index: int) -> None:
    submission = parse_edit(VIEW, samples.RUBRIC, submitted(form(alternative=index)))
    assert isinstance(submission, EditSubmission)
    assert submission.changed
    assert same(submission.output, VIEW.alternatives[index].output)


@given(output=samples.json_values, other=samples.json_values)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_alternative_arrives_as_it_is(output: Json, other: Json) -> None:
    view = replace(VIEW, output=output, alternatives=(Alternative.model_construct(output=other),))
    filled = form(view, alternative=0)
    if "submit" not in filled:
        return
    submission = parse_edit(view, samples.RUBRIC, submitted(filled))
    assert isinstance(submission, EditSubmission)
    assert same(submission.output, other)
    assert submission.changed != same(output, other)


def test_one_of_another_shape_is_edited_as_json() -> None:
    assert inputs(form(alternative=1)) == {"alt1-0-0": '"deny"'}
    of_a_text = replace(VIEW, output="deny", alternatives=(Alternative(output={"a": 1}),))
    assert inputs(form(of_a_text, alternative=0)) == {"alt0-0-0": '{\n  "a": 1\n}'}


def test_what_was_typed_is_shown_back_through_every_change_of_mind() -> None:
    first = form()
    second = form(alternative=0, typed=submitted(first, {"output-1-0": "99"}))
    assert shown_back(second) == ["99"]
    third = form(alternative=1, typed=submitted(second, {"alt0-0-0": "deny kindly"}))
    assert shown_back(third) == ["99", "deny kindly"]
    back = form(alternative=PROPOSED, typed=submitted(third))
    assert shown_back(back) == ["99", "deny kindly"]
    assert inputs(back)["output-1-0"] == "120"


def test_what_a_person_threw_away_does_not_come_back_in_anothers_place() -> None:
    second = form(alternative=0, typed=submitted(form(), {"output-0-0": "a", "output-1-0": "1"}))
    typed = submitted(second, {"kept-0": None, "alt0-0-0": "b"})
    third = form(alternative=1, typed=typed)
    assert {name: text for name, text in inputs(third).items() if name.startswith("kept-")} == {
        "kept-1": "1",
        "kept-2": "b",
    }


def test_what_is_shown_back_is_not_sent_but_comes_back_if_the_form_is_too_late() -> None:
    second = form(alternative=0, typed=submitted(form(), {"output-1-0": "99"}))
    values = submitted(second)
    submission = parse_edit(VIEW, samples.RUBRIC, values)
    assert isinstance(submission, EditSubmission)
    assert submission.output == {"action": "refund", "amount": 60}
    assert typed_texts(second["blocks"], values) == [("You had typed", "99")]


@given(text=st.text(min_size=1, max_size=3_000).filter(str.strip))
@settings(deadline=None)
def test_whatever_was_typed_fits_and_is_whole(text: str) -> None:
    view = replace(VIEW, output="short", alternatives=(Alternative(output="other"),))
    back = form(view, alternative=0, typed=submitted(form(view), {"output-0-0": text}))
    if text.strip() != "short":
        assert "".join(shown_back(back)).split() == sendable(text).split()


def test_without_room_the_form_stays_and_says_so() -> None:
    view = replace(VIEW, output="word " * 30_000, alternatives=(Alternative(output="other " * 30_000),))
    first = form(view)
    typed = {name: text.replace("word", "row") for name, text in inputs(first).items()}
    stays = form(view, alternative=0, typed=submitted(first, dict(typed)))
    assert inputs(stays).keys() == inputs(first).keys()
    assert "no room" in stays["blocks"][1]["elements"][0]["text"]


def test_a_form_that_is_full_offers_no_alternatives_rather_than_none_at_all() -> None:
    full = replace(VIEW, output="&" * (580 * 92))  # five characters each, as Slack counts
    assert "submit" in form(full)
    assert not any("accessory" in block for block in form(full)["blocks"])
