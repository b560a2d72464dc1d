import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from slack_sdk.models.views import View as SdkView

from bot.slack.edit_modal import CHANGE, EditSubmission, check_errors, edit_modal, parse_edit
from bot.slack.json_text import same
from bot.slack.modal import FieldErrors, View
from bot.slack.view import CardView, ProposalView, RubricView
from routing.checks import CheckResult, CheckStatus
from routing.decision import Json
from tests.bot.slack import samples
from tests.bot.slack.forms import submitted
from tests.support.slack_checker import check_modal

NOT_FINITE = "NaN and infinities are refused, and so is a number too large for a double"
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


def edit(output: Json, changes: dict[str, str | None]) -> EditSubmission | FieldErrors:
    view = replace(samples.REFUND, output=output)
    return parse_edit(view, samples.RUBRIC, submitted(edit_modal(view, samples.RUBRIC), changes))


def edited(output: Json, changes: dict[str, str | None]) -> Json:
    submission = edit(output, changes)
    assert isinstance(submission, EditSubmission), submission
    assert submission.changed
    return submission.output


def error(output: Json, block_id: str, typed: str) -> str:
    refused = edit(output, {block_id: typed})
    assert isinstance(refused, FieldErrors), refused
    assert set(refused.errors) == {block_id}
    return refused.errors[block_id]


def test_golden() -> None:
    view = edit_modal(samples.REFUND, samples.RUBRIC)
    check_modal(view, samples.PEOPLE)
    SdkView(**view).validate_json()
    assert json.loads(view["private_metadata"]) == {"review": "rev_7Q2M"}
    samples.assert_golden("edit_modal", view)


@given(view=samples.views, rubric=samples.rubrics)
@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
def test_an_untouched_form_of_any_output_gives_back_exactly_the_original(view: CardView, rubric: RubricView) -> None:
    form = edit_modal(view, rubric)
    check_modal(form, samples.PEOPLE)
    if "submit" not in form or view.asks_for_answer:
        return
    submission = parse_edit(view, replace(rubric, require_reason=frozenset()), submitted(form))
    assert submission == EditSubmission(
        output=view.proposed, changed=False, category=None, severity=None, labels={}, reason=None
    )
    assert isinstance(submission, EditSubmission)
    assert same(submission.output, view.proposed)


@given(output=samples.json_values)
@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
def test_trimmed_inputs_and_other_newlines_count_as_untouched(output: Json) -> None:
    view = replace(samples.REFUND, output=output)
    form = edit_modal(view, samples.RUBRIC)
    if "submit" not in form:
        return
    values = submitted(form)
    for block in values.values():
        for state in block.values():
            if state.get("value"):
                state["value"] = state["value"].strip().replace("\n", "\r\n") or None
    submission = parse_edit(view, samples.RUBRIC, values)
    assert isinstance(submission, EditSubmission)
    assert not submission.changed
    assert submission.output is output


@pytest.mark.parametrize(
    ("member", "typed", "value"),
    [
        (120, "100", 100),
        (120, " -7 ", -7),
        (0.5, "7", 7.0),
        (5.0, "1e3", 1000.0),
        (True, "false", False),
        ("refund", "deny", "deny"),
        ("refund", "", ""),
        ("refund", "5", "5"),
        (None, '"now known"', "now known"),
        (None, "3", 3),
        ([1], "null", None),
        ([1, 2.0], "[1, 2.5]", [1, 2.5]),
        ([1, 2.0], "[1.0, 2]", [1.0, 2]),
        ({"sku": "A1"}, '{"sku": null}', {"sku": None}),
    ],
)
def test_a_changed_member_keeps_its_type_and_the_others_stay(member: Json, typed: str, value: Json) -> None:
    output = edited({"kept": 5.0, "member": member}, {"output-1-0": typed})
    assert same(output, {"kept": 5.0, "member": value})
    assert list(output) == ["kept", "member"]


@pytest.mark.parametrize(
    ("member", "typed", "message"),
    [
        (120, "7.5", "amount: enter a whole number such as 120."),
        (120, "", "amount: enter a whole number such as 120."),
        (120, "٣", "amount: enter a whole number such as 120."),
        (120, "9223372036854775808", "amount: this number is too large."),
        (120, "9" * 2900, "amount: this number is too large."),
        (0.5, "1,5", "amount: enter a number such as 0.5."),
        (0.5, "NaN", "amount: enter a number such as 0.5."),
        (0.5, "1e400", "amount: this number is too large."),
        ("x", "a\x00b", "amount: remove the invisible control character."),
        (["x"], "[", "amount: not valid JSON at line 1, column 2: Expecting value."),
        (["x"], "[NaN]", f"amount: {NOT_FINITE}."),
        (["x"], "[-Infinity]", f"amount: {NOT_FINITE}."),
        (["x"], "[1e400]", f"amount: {NOT_FINITE}."),
        (["x"], "[18446744073709551616]", "amount: an integer beyond 64 bits."),
        (["x"], r'["\u0000"]', "amount: U+0000 cannot be stored."),
        (["x"], r'[{"\ud800": 1}]', "amount: a member name holds U+0000 or a lone surrogate."),
        (["x"], "[" * 65 + "]" * 65, "amount: nesting deeper than 64."),
        (["x"], "[" * 2900, "amount: nesting deeper than 64."),
    ],
)
def test_a_value_that_cannot_be_stored_is_refused_in_words(member: Json, typed: str, message: str) -> None:
    assert error({"amount": member}, "output-0-0", typed) == message


def test_typing_the_same_value_differently_is_no_change() -> None:
    submission = edit({"amount": 120, "lines": [1, 2]}, {"output-0-0": "+120", "output-1-0": "[1,2]"})
    assert isinstance(submission, EditSubmission)
    assert not submission.changed


def test_64_levels_are_allowed() -> None:
    deep = "[" * 64 + "]" * 64
    assert edited(["x"], {"output-0-0": deep}) == json.loads(deep)


def test_a_long_text_is_split_and_an_edit_of_one_part_leaves_the_rest_and_the_seams_alone() -> None:
    text = "".join(f"line {number}\n\n  indented " for number in range(600))
    view = replace(samples.REFUND, output=text)
    form = edit_modal(view, samples.RUBRIC)
    inputs = [block for block in form["blocks"] if block.get("block_id", "").startswith("output-")]
    parts = [block["element"]["initial_value"] for block in inputs]
    assert len(parts) == 5
    assert "".join(parts) == text
    assert inputs[1]["label"]["text"] == "Output (2 of 5)"
    trimmed: dict[str, str | None] = {f"output-0-{number}": part.strip() for number, part in enumerate(parts)}
    values = submitted(form, {**trimmed, "output-0-1": parts[1].replace("line", "row").strip()})
    submission = parse_edit(view, samples.RUBRIC, values)
    assert isinstance(submission, EditSubmission)
    assert submission.output == parts[0] + parts[1].replace("line", "row") + "".join(parts[2:])


def test_an_emptied_part_is_removed() -> None:
    parts = ["a " * 1450, "b " * 1450]
    assert edited("".join(parts), {"output-0-1": None}) == parts[0]


@pytest.mark.parametrize(
    "output",
    [
        {f"member {number}": number for number in range(41)},
        {"a": {"b": {"c": {"d": 1}}}},
        {},
        [1, 2],
        7,
        None,
    ],
)
def test_what_is_no_small_flat_object_is_edited_as_json(output: Json) -> None:
    assert same(edited(output, {"output-0-0": '{"other": 1.0}'}), {"other": 1.0})


@pytest.mark.parametrize(
    "output",
    ["x" * 300_000, "é" * 60_000, {"text": "<&>" * 100_000}, [["deep", "x" * 1000]] * 300],
    ids=["long", "wide", "entities", "list"],
)
def test_what_fits_into_no_form_says_so_and_offers_nothing_to_send(output: Json) -> None:
    view = edit_modal(replace(samples.REFUND, output=output), samples.RUBRIC)
    check_modal(view, samples.PEOPLE)
    assert "submit" not in view
    assert "choose *Reject*" in view["blocks"][0]["text"]["text"]


def test_feedback_comes_with_the_edit() -> None:
    submission = edit(
        {"amount": 120},
        {
            "output-0-0": "100",
            "category": "wrong_amount",
            "severity": "major",
            "label-safety": "SAFE",
            "reason": " capped ",
        },
    )
    assert submission == EditSubmission(
        output={"amount": 100},
        changed=True,
        category="wrong_amount",
        severity="major",
        labels={"safety": "SAFE"},
        reason="capped",
    )


def test_a_required_reason_and_every_other_error_are_told_at_once() -> None:
    rubric = replace(samples.RUBRIC, require_reason=frozenset({"edit"}))
    view = replace(samples.REFUND, output={"amount": 120})
    values = submitted(edit_modal(view, rubric), {"output-0-0": "many"})
    assert parse_edit(view, rubric, values) == FieldErrors(
        {"reason": "Say why, in a sentence.", "output-0-0": "amount: enter a whole number such as 120."}
    )


def test_a_choice_that_the_policy_dropped_is_refused() -> None:
    view = replace(samples.REFUND, output={"amount": 120})
    values = submitted(edit_modal(view, samples.RUBRIC), {"category": "wrong_amount"})
    rubric = replace(samples.RUBRIC, categories=("tone",))
    assert parse_edit(view, rubric, values) == FieldErrors(
        {"category": "This choice is no longer in the policy; choose another one."}
    )


def test_a_form_of_another_output_is_refused_rather_than_read_as_untouched() -> None:
    values: dict[str, Any] = submitted(edit_modal(replace(samples.REFUND, output="text"), samples.RUBRIC))
    refused = parse_edit(samples.REFUND, samples.RUBRIC, values)
    assert isinstance(refused, FieldErrors)
    assert refused.errors["output-5-0"] == "lines: this field is missing; close the form and open it again."


def inputs(output: Json) -> list[tuple[str, bool, str | None]]:
    """Label, whether it may stay empty, and hint of each input for the output."""
    form = edit_modal(replace(samples.REFUND, output=output), samples.RUBRIC)
    return [
        (block["label"]["text"], block["optional"], block.get("hint", {}).get("text"))
        for block in form["blocks"]
        if block["block_id"].startswith("output-")
    ]


def test_only_what_may_be_empty_is_called_optional() -> None:
    output = {"text": "x", "int": 1, "float": 0.5, "bool": True, "null": None, "list": [1]}
    assert inputs(output) == [
        ("text", True, None),
        ("int", False, "A whole number"),
        ("float", False, "A number"),
        ("bool", False, None),
        ("null", True, "JSON; empty means null"),
        ("list", False, "JSON"),
    ]
    assert inputs("word " * 1_000) == [("Output (1 of 2)", True, None), ("Output (2 of 2)", True, None)]
    assert inputs([["x" * 2_000]] * 2) == [("Output (1 of 2)", True, None), ("Output (2 of 2)", True, None)]


def test_an_emptied_null_is_still_null() -> None:
    submission = edit({"kept": 1, "note": None}, {"output-1-0": None})
    assert isinstance(submission, EditSubmission)
    assert not submission.changed


@pytest.mark.parametrize(
    ("view", "meaning"),
    [
        (samples.REFUND, "Sent unchanged, this counts as an approval."),
        (samples.PROPOSED, "Sent unchanged, this agrees to the edit."),
        (samples.HIDDEN, "Once you have sent your answer, the model's is shown beside it."),
    ],
)
def test_the_form_says_what_sending_it_unchanged_means(view: CardView, meaning: str) -> None:
    assert edit_modal(view, samples.RUBRIC)["blocks"][1]["elements"][0]["text"] == meaning


def test_the_form_says_who_else_is_at_it_and_what_it_is_for() -> None:
    first = edit_modal(samples.CLAIMED, samples.RUBRIC, reader="U0BEA")["blocks"][0]
    assert first["text"]["text"].startswith("👋 <@U0ADA> claimed this")
    own = edit_modal(samples.CLAIMED, samples.RUBRIC, reader="U0ADA", callback_id=CHANGE)
    assert (own["blocks"][0]["block_id"], own["callback_id"]) == ("asked", "change.edit")


def prefilled(view: View) -> list[str]:
    return [
        block["element"]["initial_value"]
        for block in view["blocks"]
        if block["type"] == "input" and "initial_value" in block["element"]
    ]


def test_an_edit_that_waits_for_others_is_what_is_edited_further() -> None:
    form = edit_modal(samples.PROPOSED, samples.RUBRIC)
    assert "100" in prefilled(form)
    assert "120" not in prefilled(form)
    untouched = parse_edit(samples.PROPOSED, samples.RUBRIC, submitted(form))
    assert isinstance(untouched, EditSubmission)
    assert (untouched.changed, untouched.output) == (False, samples.PROPOSED.proposed)


@pytest.mark.parametrize(
    ("opened", "sent"),
    [
        (samples.VOTED, samples.PROPOSED),
        (samples.PROPOSED, samples.VOTED),
        (samples.PROPOSED, replace(samples.PROPOSED, proposal=ProposalView(output={"amount": 1}, edited_by="U0ADA"))),
    ],
)
def test_a_form_of_what_is_not_proposed_any_more_decides_nothing(opened: CardView, sent: CardView) -> None:
    form = edit_modal(opened, samples.RUBRIC)
    refused = parse_edit(sent, samples.RUBRIC, submitted(form))
    assert isinstance(refused, FieldErrors)
    [(block_id, sentence)] = refused.errors.items()
    assert block_id in {block["block_id"] for block in form["blocks"]}
    assert sentence.startswith("What is proposed has changed meanwhile")


@pytest.mark.parametrize(
    ("members", "changes", "block_id"),
    [
        (("amount",), {"output-1-0": "600"}, "output-1-0"),
        (("action", "amount"), {"output-1-0": "600"}, "output-1-0"),
        (("action", "amount"), {"output-0-0": "deny", "output-1-0": "600"}, "output-0-0"),
        (("amount", "action"), {}, "output-0-0"),
        (("gone",), {"output-1-0": "600"}, "output-0-0"),
        ((), {"output-1-0": "600"}, "output-0-0"),
    ],
)
def test_a_failed_check_is_told_beside_its_field(
    members: tuple[str, ...], changes: dict[str, str | None], block_id: str
) -> None:
    view = replace(samples.REFUND, output={"action": "refund", "amount": 120})
    values = submitted(edit_modal(view, samples.RUBRIC), changes)
    failure = CheckResult("cap", CheckStatus.FAILED, rejects=False, message="does not hold", members=members)
    errors = check_errors(view, [failure], values)
    assert list(errors) == [block_id]
    assert "check cap failed" in errors[block_id]


def test_checks_of_different_fields_are_told_apart() -> None:
    view = replace(samples.REFUND, output={"action": "refund", "amount": 120})
    values = submitted(edit_modal(view, samples.RUBRIC))
    failures = [
        CheckResult(member, CheckStatus.FAILED, rejects=False, message="no", members=(member,))
        for member in ("amount", "action")
    ]
    errors = check_errors(view, failures, values)
    assert {block: "check amount" in error for block, error in errors.items()} == {
        "output-0-0": False,
        "output-1-0": True,
    }


def test_a_failed_check_of_a_text_is_told_beside_it() -> None:
    view = replace(samples.REFUND, output="word " * 1_000)
    failure = CheckResult("tone", CheckStatus.FAILED, rejects=False, message="no")
    assert list(check_errors(view, [failure], submitted(edit_modal(view, samples.RUBRIC)))) == ["output-0-0"]
