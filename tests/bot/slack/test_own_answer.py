"""Autonomy 0: people write the answer before they see the model's."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.edit_modal import EditSubmission, check_errors, edit_modal, parse_edit
from bot.slack.json_text import same
from bot.slack.modal import FieldErrors, View
from bot.slack.view import CardView
from routing.checks import CheckResult, CheckStatus
from routing.decision import Json
from tests.bot.slack import samples
from tests.bot.slack.forms import submitted
from tests.support.slack_checker import check_modal

OUTPUT = {"action": "refund", "amount": 120, "fee": 0.5, "notify": True, "note": None, "lines": [1]}
ANSWERED: dict[str, str | None] = {
    "answer-0-0": "deny",
    "answer-1-0": "0",
    "answer-2-0": "1",
    "answer-3-0": "false",
    "answer-4-0": "null",
    "answer-5-0": "[]",
}
SAME: dict[str, str | None] = {
    "answer-0-0": "refund",
    "answer-1-0": "120",
    "answer-2-0": "0.50",
    "answer-3-0": "true",
    "answer-4-0": "null",
    "answer-5-0": "[ 1 ]",
}


def hidden(output: Json) -> CardView:
    return replace(samples.HIDDEN, output=output, spans=())


def form(output: Json) -> View:
    return edit_modal(hidden(output), samples.RUBRIC)


def sent(output: Json, typed: dict[str, str | None]) -> EditSubmission | FieldErrors:
    return parse_edit(hidden(output), samples.RUBRIC, submitted(form(output), typed))


def test_golden() -> None:
    view = form(OUTPUT)
    check_modal(view, samples.PEOPLE)
    samples.assert_golden("answer_modal", view)


@given(
    st.fixed_dictionaries(
        {"text": samples.texts, "int": st.integers(), "float": st.floats(), "bool": st.booleans()},
        optional={"json": st.none() | st.lists(st.integers())},
    )
)
def test_the_form_depends_on_nothing_but_the_names_and_types(output: dict[str, Json]) -> None:
    other = {"text": "", "int": 0, "float": 0.0, "bool": False, "json": {}}
    assert form(output) == form({name: other[name] for name in output})


@pytest.mark.parametrize(
    ("one", "other"), [("a", "word " * 99_999), ([1], {"x" * 9: 1} | dict.fromkeys(map(str, range(50))))]
)
def test_neither_length_nor_content_shows(one: Json, other: Json) -> None:
    assert form(one) == form(other)


def test_an_answer_of_ones_own_is_an_edit() -> None:
    submission = sent(OUTPUT, ANSWERED)
    assert isinstance(submission, EditSubmission), submission
    assert submission.changed
    own = {"action": "deny", "amount": 0, "fee": 1.0, "notify": False, "note": None, "lines": []}
    assert same(submission.output, own)


@pytest.mark.parametrize(
    ("output", "typed"), [(OUTPUT, SAME), ("Yes.", {"answer-0-0": "Yes."}), ([1], {"answer-0-0": "[1]"})]
)
def test_the_models_own_answer_is_an_approval(output: Json, typed: dict[str, str | None]) -> None:
    submission = sent(output, typed)
    assert isinstance(submission, EditSubmission), submission
    assert not submission.changed
    assert submission.output is output


def test_what_is_left_empty_is_asked_for() -> None:
    refused = sent(OUTPUT, {})
    assert isinstance(refused, FieldErrors)
    assert refused.errors == {
        "answer-1-0": "amount: enter a whole number such as 120.",
        "answer-2-0": "fee: enter a number such as 0.5.",
        "answer-3-0": "notify: choose true or false.",
        "answer-4-0": "note: not valid JSON at line 1, column 1: Expecting value.",
        "answer-5-0": "lines: not valid JSON at line 1, column 1: Expecting value.",
    }


def test_only_an_empty_text_among_others_may_be_meant() -> None:
    optional = {block["block_id"]: block["optional"] for block in form(OUTPUT)["blocks"] if block["type"] == "input"}
    assert [name for name, may in optional.items() if may and name.startswith("answer")] == ["answer-0-0"]
    assert not next(block for block in form("Yes.")["blocks"] if block["block_id"] == "answer-0-0")["optional"]


def test_an_answer_counts_though_somebody_else_was_faster() -> None:
    values = submitted(form(OUTPUT), ANSWERED)
    submission = parse_edit(replace(hidden(OUTPUT), hides_output=False, votes=1), samples.RUBRIC, values)
    assert isinstance(submission, EditSubmission)
    assert submission.changed


def test_a_failed_check_is_told_beside_its_field() -> None:
    failure = CheckResult("cap", CheckStatus.FAILED, rejects=False, message="no", members=("amount",))
    values = submitted(form(OUTPUT), ANSWERED)
    assert list(check_errors(hidden(OUTPUT), [failure], values)) == ["answer-1-0"]
