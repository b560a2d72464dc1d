"""What the policy redacts: not in anything that is rendered, and back in whatever a person sends."""

import json
from dataclasses import fields, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import pytest
from hypothesis import given, settings

from bot.slack.card import render_card
from bot.slack.details_modal import details_modal
from bot.slack.edit_modal import EditSubmission, check_errors, edit_modal, parse_edit
from bot.slack.hiding import OURS, hidden
from bot.slack.item import item_blocks, item_line
from bot.slack.modal import FieldErrors
from bot.slack.prefill import submitted_prefill
from bot.slack.reject_modal import RejectSubmission, parse_reject, reject_modal
from bot.slack.view import CardView, EarlierView, OutcomeView, ProposalView
from routing.checks import CheckResult, CheckStatus
from routing.decision import Alternative, Json, Model, Reason, Source, UncertainSpan
from routing.json_value import json_equal
from routing.redaction import Redaction
from tests.bot.slack import samples
from tests.bot.slack.forms import submitted
from tests.bot.slack.samples import REFUND
from tests.support.json_values import json_values

CARD, OTHER, THIRD = "4111111111111111", "5500000000000004", "3400000000000009"
SIXTEEN = Redaction([r"\b\d{16}\b"])
AT = datetime(2026, 11, 20, tzinfo=UTC)


def shown(output: Json, *, said: tuple[Json, ...] = (), redaction: Redaction = SIXTEEN, **changes: Any) -> CardView:
    return hidden(replace(REFUND, input="Asked", output=output, **changes), said, redaction)


def sent(view: CardView, changes: dict[str, str | None] | None = None, **how: Any) -> EditSubmission:
    parsed = parse_edit(view, samples.RUBRIC, submitted(edit_modal(view, samples.RUBRIC, **how), changes))
    assert isinstance(parsed, EditSubmission), parsed
    return parsed


def block(view: CardView, number: int = 0, **how: Any) -> str:
    """The block_id of an input."""
    form = edit_modal(view, samples.RUBRIC, **how)
    return str([each["block_id"] for each in form["blocks"] if each["type"] == "input"][number])


# What is shown --------------------------------------------------------------------------------------------------------


def planted() -> CardView:
    """A view with a card number of its own wherever anything can stand that an app or a person wrote."""
    numbers = (str(4111_0000_0000_0000 + count) for count in range(1_000_000))

    def number() -> str:
        return next(numbers)

    def outcome() -> OutcomeView:
        return OutcomeView(
            verdict="edit",
            decided_by=("U0ADA",),
            decided_at=AT,
            category=number(),
            severity=number(),
            labels={number(): number()},
            reason=f"Because of {number()}.",
            output={number(): [number(), int(number())]},
            correct_answer=number(),
        )

    return replace(
        REFUND,
        decision_id=f"d-{number()}",
        app=number(),
        task_type=number(),
        input={"text": number(), number(): int(number())},
        output=f"Pay {number()} and {number()} now.",
        spans=(UncertainSpan(start=4, end=8),),
        reasons=(Reason("check.failed", rule=number(), detail=number()),),
        model=number(),
        sources=(Source(id=number(), title=number(), url=f"https://kb.example/{number()}", text=number()),),
        alternatives=(Alternative(output=int(number()), model=Model(name=number())),),
        subject=number(),
        context={"number": float(number()), "nested": [{number(): number()}]},
        retry_of=number(),
        trace_url=f"https://traces.example/{number()}",
        former=outcome(),
        positions=(outcome(), outcome()),
        proposal=ProposalView(output=number(), edited_by="U0ADA"),
        earlier=(
            EarlierView(
                task_type=number(),
                verdict="reject",
                decided_by=(),
                decided_at=AT,
                category=number(),
                reason=number(),
            ),
        ),
        outcome=outcome(),
    )


@pytest.mark.parametrize("state", ["open", "disputed", "held", "decided"])
def test_nothing_that_is_rendered_holds_a_match(state: Any) -> None:
    view = hidden(replace(planted(), state=state), (), SIXTEEN)
    told = [
        render_card(view),
        details_modal(view),
        edit_modal(view, samples.RUBRIC),
        edit_modal(view, samples.RUBRIC, alternative=0),
        reject_modal(view, samples.RUBRIC),
        item_blocks(view),
        item_line(view),
    ]
    assert "41110000" not in str(told)
    assert "[redacted 1]" in str(told)


def test_no_member_of_a_view_is_forgotten() -> None:
    view = hidden(planted(), (), SIXTEEN)
    members = [getattr(view, field.name) for field in fields(view) if field.name != "placeholders"]
    assert "41110000" not in str(members)
    for field in fields(view):
        value = getattr(planted(), field.name)
        if field.name not in OURS and not isinstance(value, bool | Enum | datetime | None):
            assert "41110000" in str(value), field.name


def test_a_confidence_of_sixteen_digits_stays() -> None:
    view = shown("", reasons=(Reason("confidence.below", detail="0.1234567890123456 < 0.7"),))
    assert view.reasons[0].detail == "0.1234567890123456 < 0.7"


def test_uncertain_spans_mark_the_same_words() -> None:
    output = f"Pay {CARD} to Bob."
    spans = [("Pay", 0), (CARD[:3], 4), ("Bob", output.index("Bob"))]
    view = shown(output, spans=tuple(UncertainSpan(start=at, end=at + len(word)) for word, at in spans))
    assert [view.output[span.start : span.end] for span in view.spans] == ["Pay", "[redacted 1]", "Bob"]


def test_what_others_say_meanwhile_changes_no_number() -> None:
    edit = {"output": f"Pay {OTHER}"}
    before = shown(f"Pay {CARD}", said=(edit,), proposal=ProposalView(output=edit["output"], edited_by="U0ADA"))
    later = OutcomeView(verdict="edit", decided_by=("U0BEA",), decided_at=AT, output=f"Pay {THIRD}")
    after = replace(before, positions=(later,), output=f"Pay {CARD}", proposal=None)
    after = hidden(after, (edit, {"output": later.output}), SIXTEEN)
    assert before.proposed == "Pay [redacted 2]"
    assert (after.output, after.positions[0].output) == ("Pay [redacted 1]", "Pay [redacted 3]")


# What is sent ---------------------------------------------------------------------------------------------------------


@settings(max_examples=30)
@given(json_values)
def test_unchanged_is_the_original(output: Json) -> None:
    view = shown(output, redaction=Redaction([r"\d", "[a-f]"]))
    if "submit" in edit_modal(view, samples.RUBRIC):
        submission = sent(view)
        assert not submission.changed
        assert json.dumps(submission.output) == json.dumps(output)


def test_an_edit_elsewhere_leaves_what_is_hidden() -> None:
    output = {"card": CARD, "number": int(CARD), "to": "Bob", "deep": [{"card": int(OTHER), CARD: OTHER}]}
    view = shown(output)
    assert list(view.output.values())[:2] == ["[redacted 1]", "[redacted number 1]"]
    submission = sent(view, {block(view, 2): "Eve"})
    assert submission.changed
    assert json.dumps(submission.output) == json.dumps({**output, "to": "Eve"})


def test_an_edit_of_the_text_around_it() -> None:
    view = shown(f"Pay {CARD}, not {OTHER}. [redacted 1]")
    assert view.output == "Pay [redacted 2], not [redacted 3]. [redacted 1]"
    submission = sent(view, {block(view): "Pay [redacted 3]. [redacted 1]"})
    assert submission.output == f"Pay {OTHER}. [redacted 1]"


def test_deleting_it_deletes_what_it_stands_for() -> None:
    view = shown(f"Pay {CARD} now")
    assert sent(view, {block(view): "Pay now"}).output == "Pay now"


def test_typing_what_it_stands_for_is_no_change() -> None:
    view = shown(f"Pay {CARD}")
    assert not sent(view, {block(view): f"Pay {CARD}"}).changed


def test_a_member_keeps_its_type() -> None:
    view = shown({"card": int(CARD), "share": float(CARD), CARD: 1})
    changes = {block(view): OTHER, block(view, 1): "[redacted 1]", block(view, 2): "2"}
    submission = sent(view, {**changes, block(view, 1): "[redacted number 1]"})
    assert json.dumps(submission.output) == json.dumps({"card": int(OTHER), "share": float(CARD), CARD: 2})


def test_nested_numbers_stay_numbers_in_json_text() -> None:
    output = [{"cards": [int(CARD), CARD]}]
    view = shown(output)
    text = json.dumps(view.output, indent=2).replace("cards", "all")
    assert sent(view, {block(view): text}).output == [{"all": [int(CARD), CARD]}]


def test_what_stands_for_nothing_is_refused() -> None:
    view = shown(f"Pay {CARD}")
    form = submitted(edit_modal(view, samples.RUBRIC), {block(view): "Pay [redacted 11]"})
    parsed = parse_edit(view, samples.RUBRIC, form)
    assert isinstance(parsed, FieldErrors)
    assert parsed.errors == {block(view): "Output: [redacted 11] stands for nothing here; write what you mean."}


def test_where_nothing_is_redacted_the_words_are_words() -> None:
    view = shown(f"Pay {CARD}", redaction=Redaction(()))
    assert sent(view, {block(view): "Pay [redacted 1]"}).output == "Pay [redacted 1]"


@pytest.mark.parametrize("patterns", [[], [r"\d{4}"], [r"\b\d{16}\b", "Pay"]])
def test_a_form_made_under_other_patterns_is_outdated(patterns: list[str]) -> None:
    typed = submitted(edit_modal(shown(f"Pay {CARD}"), samples.RUBRIC))
    now = shown(f"Pay {CARD}", redaction=Redaction(patterns))
    assert submitted_prefill(now, typed) is None
    assert isinstance(parse_edit(now, samples.RUBRIC, typed), FieldErrors)


def test_an_alternative_sent_as_it_is() -> None:
    view = shown(f"Pay {CARD}", alternatives=(Alternative(output=f"Send {OTHER} and {CARD}"),))
    assert sent(view, alternative=0).output == f"Send {OTHER} and {CARD}"


def test_an_edit_by_others_agreed_to_or_changed_again() -> None:
    edit = f"Pay {OTHER}"
    view = shown(f"Pay {CARD}", said=({"output": edit},), proposal=ProposalView(output=edit, edited_by="U0BEA"))
    assert view.proposed == "Pay [redacted 2]"
    assert (sent(view).output, sent(view).changed) == (edit, False)
    assert sent(view, {block(view): "Pay [redacted 1] and [redacted 2]"}).output == f"Pay {CARD} and {OTHER}"


def test_an_answer_of_ones_own_may_speak_of_what_was_asked() -> None:
    view = hidden(replace(REFUND, input=f"From {CARD}", output=f"Pay {OTHER}", hides_output=True), (), SIXTEEN)
    assert sent(view, {block(view): "To [redacted 1]"}).output == f"To {CARD}"


@pytest.mark.parametrize(
    ("output", "answer", "expected"),
    [
        (f"Pay {CARD}", "Keep [redacted 1]", f"Keep {CARD}"),
        ({"card": int(CARD)}, '{"card": "[redacted number 1]"}', {"card": int(CARD)}),
        (int(CARD), "5", 5),
        (int(CARD), "none of [redacted 1]", f"none of {CARD}"),
    ],
)
def test_a_rejection_says_what_is_meant(output: Json, answer: str, expected: Json) -> None:
    view = shown(output)
    typed = {"category": "wrong_action", "severity": "minor", "reason": "[redacted number 1]", "answer": answer}
    parsed = parse_reject(view, samples.RUBRIC, submitted(reject_modal(view, samples.RUBRIC), {**typed}))
    assert isinstance(parsed, RejectSubmission), parsed
    assert json_equal(parsed.correct_answer, expected)
    assert parsed.reason == CARD


def test_a_failed_check_stands_beside_the_member_it_is_about() -> None:
    view = shown({"amount": 1, CARD: 2})
    failure = CheckResult("cap", CheckStatus.FAILED, rejects=False, message="too much", members=(CARD,))
    typed = submitted(edit_modal(view, samples.RUBRIC))
    assert list(check_errors(view, [failure], typed)) == [block(view, 1)]
