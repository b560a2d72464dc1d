"""What a megabyte costs: all that is shown is rendered in the one process that answers everybody, so no text may hold
it up. Counted in characters and pieces, as seconds depend on the machine."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bot.slack import edit_inputs, edit_plan, kept, reject_modal, text
from bot.slack.card import render_card
from bot.slack.details_modal import details_modal
from bot.slack.edit_modal import edit_modal, parse_edit
from bot.slack.item import item_blocks, item_line
from bot.slack.json_text import compact, pretty
from bot.slack.modal import FieldErrors, View
from bot.slack.notices import already_closed
from bot.slack.proposal import MEASURED
from bot.slack.returned_modal import returned_modal, typed_texts
from bot.slack.view import CardView, EarlierView, OutcomeView, ProposalView
from routing.decision import Alternative, Json, Reason, Source, UncertainSpan
from tests.bot.slack import samples
from tests.bot.slack.forms import submitted
from tests.support.slack_checker import check_message, check_modal

MIB = 1 << 20
READ = 1_000_000
"""Characters that are made harmless, or prepared for a form: four views full."""
SIZED = 10_000_000
"""Characters that are measured, most of them a dozen times to find a cut: two views full."""
PIECES = 250_000
"""Pieces of JSON that are written one by one: as many as two views hold at most."""
WRITTEN = 16 * MIB
"""Characters of all JSON, the fast way too: each of the huge strings here may pass, none may grow by indentation."""


@dataclass
class Work:
    read: int = 0
    measured: int = 0
    pieces: int = 0
    written: int = 0

    def is_bounded(self) -> bool:
        is_looked_at = self.read < READ and self.measured < SIZED
        return is_looked_at and self.pieces < PIECES and self.written < WRITTEN


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    done = Work()
    sendable, rendered_size, iterencode = text.sendable, text.rendered_size, json.JSONEncoder.iterencode

    def counted_sendable(untrusted: str) -> str:
        done.read += len(untrusted)
        return sendable(untrusted)

    def counted_rendered_size(shown: str) -> int:
        done.measured += len(shown)
        return rendered_size(shown)

    def counted_iterencode(encoder: json.JSONEncoder, value: Json, _one_shot: bool = False) -> Iterator[str]:
        for piece in iterencode(encoder, value, _one_shot):
            done.pieces += 1
            done.written += len(piece)
            yield piece

    for module in (text, edit_plan, edit_inputs, kept):
        monkeypatch.setattr(module, "sendable", counted_sendable)
    monkeypatch.setattr(text, "rendered_size", counted_rendered_size)
    monkeypatch.setattr(json.JSONEncoder, "iterencode", counted_iterencode)
    return done


def nested(value: Json, levels: int = 60) -> Json:
    for _ in range(levels):
        value = [value]
    return value


def in_members(value: Json, levels: int = 60) -> Json:
    for _ in range(levels):
        value = {"a": value}
    return value


SHAPES: dict[str, Json] = {
    "nested lists": nested([[0]] * (MIB // 4)),
    "nested empty lists": nested([[]] * (MIB // 3)),
    "nested objects": in_members({f"k{number}": 0 for number in range(MIB // 12)}),
    "64 KiB of nested lists": nested([[0]] * (1 << 14)),
    "flat list": [0] * (MIB // 2),
    "list of texts": ["&" * 1_000] * 1_000,
    "ampersands": "&" * MIB,
    "controls": "\x01" * MIB,
    "line breaks": "\r\n" * (MIB // 2),
    "emoji": "👍🏽" * (MIB // 8),
    "words": "word " * (MIB // 5),
    "members": {f"key {number}": "v" * 90 for number in range(10_000)},
    "many small members": {f"k{number}": 0 for number in range(90_000)},
    "one long name": {"&" * MIB: 0},
    "one long text": {"text": "&" * MIB, "amount": 1},
    "fields of nested lists": {str(number): nested([[0]] * (MIB // 160)) for number in range(40)},
    "fields of text": {str(number): "&" * (MIB // 40) for number in range(40)},
    "many fields and a list": {**{str(number): 0 for number in range(39)}, "list": [0] * (MIB // 2)},
}


def show_card(view: CardView) -> None:
    message = render_card(view)
    check_message(message.text, message.blocks, samples.PEOPLE)


def show_details(view: CardView) -> None:
    check_modal(details_modal(view), samples.PEOPLE)


def open_edit(view: CardView) -> View:
    form = edit_modal(view, samples.RUBRIC)
    check_modal(form, samples.PEOPLE)
    return form


def send_edit(view: CardView) -> None:
    form = open_edit(view)
    values = submitted(form) if "submit" in form else NOTHING_TYPED
    parsed = parse_edit(view, samples.RUBRIC, values)
    assert isinstance(parsed, FieldErrors) == ("submit" not in form)


def return_edit(view: CardView) -> None:
    form = open_edit(view)
    inputs = [block["block_id"] for block in form["blocks"] if block["block_id"].startswith("output-")]
    typed = typed_texts(form["blocks"], submitted(form, dict.fromkeys(inputs, "&" * 3_000)) if inputs else {})
    check_modal(returned_modal("Already closed", already_closed(view), typed), samples.PEOPLE)


def send_reject(view: CardView) -> None:
    form = reject_modal.reject_modal(view, samples.RUBRIC)
    check_modal(form, samples.PEOPLE)
    chosen = {"category": "wrong_action", "severity": "major", "answer": json.dumps(nested([0] * 400))}
    parsed = reject_modal.parse_reject(view, samples.RUBRIC, submitted(form, {**chosen, "reason": "&" * 3_000}))
    assert isinstance(parsed, reject_modal.RejectSubmission)


NOTHING_TYPED: dict[str, dict[str, dict[str, Any]]] = {"reason": {"value": {"value": None}}}
RENDERERS: tuple[Callable[[CardView], Any], ...] = (
    show_card, show_details, open_edit, send_edit, return_edit, send_reject,
)  # fmt: skip


def everywhere(value: Json) -> CardView:
    """An open review with the value wherever an app may put one."""
    return replace(
        samples.REFUND,
        input=value,
        output=value,
        context={"value": value},
        alternatives=(Alternative(output=value),),
        sources=(Source(id="kb", text=value if isinstance(value, str) else None),),
        reasons=(Reason("check.failed", rule="schema", detail=value if isinstance(value, str) else None),),
    )


def edited(value: Json) -> CardView:
    """The same after an edit that changed almost nothing."""
    after = {**value, "more": 1} if isinstance(value, dict) else value + value[:1]
    return replace(
        everywhere(value),
        state="decided",
        outcome=OutcomeView(verdict="edit", decided_by=("U0ADA",), decided_at=samples.NOW, output=after),
    )


@pytest.mark.parametrize("render", RENDERERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_megabyte_costs_no_more_than_what_is_shown_of_it(
    work: Work, shape: str, render: Callable[[CardView], None]
) -> None:
    render(everywhere(SHAPES[shape]))
    assert work.is_bounded(), work


@pytest.mark.parametrize("render", [show_card, show_details])
@pytest.mark.parametrize("shape", SHAPES)
def test_an_edited_megabyte_neither(work: Work, shape: str, render: Callable[[CardView], None]) -> None:
    render(edited(SHAPES[shape]))
    assert work.is_bounded(), work


def test_a_megabyte_in_many_pieces_neither(work: Work) -> None:
    part = [0] * (MIB // 100)
    many = replace(samples.REFUND, alternatives=(Alternative(output=part),) * 20, context=dict.fromkeys("abcdef", part))
    show_details(replace(many, input=part, output=part))
    assert work.is_bounded(), work


def test_a_thousand_long_marks_and_reasons_neither(work: Work) -> None:
    spans = tuple(UncertainSpan(start=number, end=MIB - number) for number in range(1_000))
    past = EarlierView(
        task_type="t", verdict="reject", decided_by=("U0ADA",), decided_at=samples.NOW, reason="&" * 3_000
    )
    marked = replace(samples.REFUND, output="&" * MIB, spans=spans, earlier=(past,) * 20)
    show_card(marked)
    item_blocks(marked)
    item_line(marked)
    assert work.is_bounded(), work
    show_details(marked)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_megabyte_of_an_alternative_neither(work: Work, shape: str) -> None:
    view = replace(samples.REFUND, output={"a": 1}, alternatives=(Alternative(output=SHAPES[shape]),) * 5)
    form = edit_modal(view, samples.RUBRIC, alternative=0, typed={"output-0-0": {"value": {"value": "2"}}})
    check_modal(form, samples.PEOPLE)
    assert work.is_bounded(), work


@pytest.mark.parametrize("render", [show_card, open_edit, send_reject])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_megabyte_of_an_edit_that_others_are_to_agree_to_neither(
    work: Work, shape: str, render: Callable[[CardView], Any]
) -> None:
    render(replace(samples.REFUND, proposal=ProposalView(output=SHAPES[shape], edited_by="U0ADA")))
    assert work.is_bounded(), work


@pytest.mark.parametrize("write", [pretty, compact])
def test_json_is_written_up_to_what_is_asked_for_and_a_little_more(
    work: Work, write: Callable[[Json, int], str]
) -> None:
    whole = write([[1, 2], {"a": None}], 1_000)
    assert json.loads(whole) == [[1, 2], {"a": None}]
    assert write([[1, 2], {"a": None}], len(whole)) == whole
    work.pieces = 0
    beginning = write(SHAPES["flat list"], 100)
    assert 100 < len(beginning) < 110
    assert work.pieces <= 100


def test_of_a_huge_value_the_card_says_at_least_how_much_is_missing() -> None:
    blocks = render_card(everywhere(SHAPES["flat list"])).blocks
    shown = "[" + "\n  0," * 39
    (asked,) = [block["elements"][1]["elements"][0]["text"] for block in blocks if block["block_id"] == "open.bodies"]
    beginning, _, marker = asked.partition("…")
    assert beginning == shown
    assert marker.startswith(" (over ")
    assert 0 <= int(marker.split()[1].replace(",", "")) - (MEASURED - len(shown)) < 10


def test_the_details_of_a_huge_value_say_that_more_is_left_out() -> None:
    last = details_modal(replace(samples.REFUND, input=SHAPES["flat list"]))["blocks"][-1]
    assert last["elements"][0]["text"].startswith("Over ")


def test_an_output_that_no_form_holds_is_not_planned() -> None:
    assert edit_plan.plan_fields(SHAPES["flat list"]) == ()
    assert edit_plan.plan_fields(SHAPES["ampersands"]) == ()
    refused = parse_edit(everywhere(SHAPES["ampersands"]), samples.RUBRIC, NOTHING_TYPED)
    assert refused == FieldErrors({"output": "This output is too large for a form in Slack."})
