from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from slack_sdk.models.blocks import Block as SdkBlock

from bot.slack.blocks import Block
from bot.slack.card import render_card, review_of, verdict_buttons
from bot.slack.said import changed_members
from bot.slack.view import CardView, EarlierView, OutcomeView, ProposalView
from routing.decision import Disposition, Reason, ReviewKind, Risk, Source, UncertainSpan
from tests.bot.slack import samples
from tests.support.slack_checker import DATE, check_message, units


@pytest.mark.parametrize(
    ("name", "view"),
    [
        ("card_open", samples.REFUND),
        ("card_short", samples.CLASSIFICATION),
        ("card_irreversible", samples.PAYOUT),
        ("card_approved", samples.APPROVED),
        ("card_edited", samples.EDITED),
        ("card_rejected", samples.REJECTED),
        ("card_cancelled", samples.CANCELLED),
        ("card_timed_out", samples.TIMED_OUT),
        ("card_claimed", samples.CLAIMED),
        ("card_reply", samples.REPLY),
        ("card_hidden", samples.HIDDEN),
        ("card_draft", samples.DRAFT),
        ("card_proposed", samples.PROPOSED),
        ("card_disputed", samples.DISPUTED),
        ("card_held", samples.HELD),
        ("card_changed", samples.CHANGED),
    ],
)
def test_golden(name: str, view: CardView) -> None:
    message = render_card(view)
    check_message(message.text, message.blocks, samples.PEOPLE)
    for block in message.blocks:
        parsed = SdkBlock.parse(block)
        assert parsed is not None
        parsed.validate_json()
    samples.assert_golden(name, {"text": message.text, "blocks": message.blocks})


@given(view=samples.views)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_text_in_any_field_stays_text_and_within_the_limits(view: CardView) -> None:
    message = render_card(view)
    check_message(message.text, message.blocks, samples.PEOPLE)


@given(text=samples.texts)
@settings(deadline=None)
def test_no_untrusted_text_reaches_what_slack_parses_in_blocks(text: str) -> None:
    """The strongest form of "cannot mention, link or format": the parsed parts do not depend on the text at all."""
    names = {field.name for field in fields(CardView)} & {
        "decision_id", "app", "task_type", "input", "output", "confidence_source", "model", "subject", "retry_of",
    }  # fmt: skip
    facts: dict[str, Any] = dict.fromkeys(names, text)
    outcome = samples.REJECTED.outcome
    assert outcome is not None
    said = replace(outcome, category=text, severity=text, labels={text: text}, reason=text, correct_answer=text)
    hostile = replace(samples.REJECTED, **facts, outcome=said)
    assert _mrkdwn(render_card(hostile).blocks) == _mrkdwn(render_card(samples.REJECTED).blocks)


def _mrkdwn(node: Any) -> list[str]:
    if isinstance(node, list):
        return [text for member in node for text in _mrkdwn(member)]
    if not isinstance(node, dict):
        return []
    if node.get("type") == "mrkdwn":
        return [node["text"]]
    return _mrkdwn(list(node.values()))


def _actions(view: CardView) -> Block:
    (actions,) = [block for block in render_card(view).blocks if block["type"] == "actions"]
    return actions


def test_buttons_carry_the_opaque_id_and_nothing_else() -> None:
    actions = _actions(samples.REFUND)
    assert [(element["action_id"], element.get("value")) for element in actions["elements"]] == [
        ("review.approve", "rev_7Q2M"),
        ("review.edit", "rev_7Q2M"),
        ("review.reject", "rev_7Q2M"),
        ("review.more", None),
    ]
    assert review_of(actions["block_id"]) == "rev_7Q2M"


@pytest.mark.parametrize(
    "view", [samples.APPROVED, samples.EDITED, samples.REJECTED, samples.CANCELLED, samples.TIMED_OUT]
)
def test_a_closed_card_has_no_verdict_button(view: CardView) -> None:
    actions = _actions(view)
    assert [element["action_id"] for element in actions["elements"]] == ["review.more"]
    assert review_of(actions["block_id"]) == "rev_7Q2M"


def test_a_held_verdict_can_be_undone_and_nothing_else() -> None:
    undo, more = _actions(samples.HELD)["elements"]
    assert (undo["action_id"], undo["value"], undo["text"]["text"]) == ("review.undo", "rev_7Q2M", "Undo")
    assert [option["value"] for option in more["options"]] == ["details"]


@pytest.mark.parametrize(
    ("view", "offered"),
    [
        (samples.REFUND, ["claim", "hand_over", "details", "skip"]),
        (samples.CLAIMED, ["release", "hand_over", "details", "skip"]),
        (samples.DISPUTED, ["claim", "hand_over", "details", "skip"]),
        (samples.APPROVED, ["details", "change"]),
        (samples.CANCELLED, ["details"]),
        (samples.TIMED_OUT, ["details"]),
    ],
)
def test_the_menu_offers_what_can_be_done_now(view: CardView, offered: list[str]) -> None:
    assert [option["value"] for option in _actions(view)["elements"][-1]["options"]] == offered


@pytest.mark.parametrize(
    ("view", "labels"),
    [
        (samples.REFUND, ["Approve!", "Edit", "Reject"]),
        (samples.DISPUTED, ["Approve!", "Edit", "Reject"]),
        (samples.PROPOSED, ["Approve the edit!", "Edit", "Reject"]),
        (samples.DRAFT, ["Edit!", "Use the draft", "Reject"]),
        (samples.HIDDEN, ["Write the answer!", "Reject"]),
        (replace(samples.PROPOSED, hides_output=True, is_draft=True), ["Approve the edit!", "Edit", "Reject"]),
    ],
)
def test_the_first_button_is_what_a_person_should_do(view: CardView, labels: list[str]) -> None:
    buttons = verdict_buttons(view)
    assert [b["text"]["text"] + "!" * (b.get("style") == "primary") for b in buttons] == labels


def test_no_block_id_survives_a_change_of_state() -> None:
    before = {block["block_id"] for block in render_card(samples.REFUND).blocks}
    after = {block["block_id"] for block in render_card(samples.APPROVED).blocks}
    assert not before & after


def test_short_texts_are_whole_and_long_ones_say_what_is_missing() -> None:
    long = replace(samples.REFUND, input="word " * 5000, output="short answer")
    quotes = [
        element["elements"][0]["text"]
        for block in render_card(long).blocks
        for element in block.get("elements", [])
        if element.get("type") == "rich_text_quote"
    ]
    shown, marker = quotes[0].split("… (")
    assert marker == f"{25_000 - len(shown):,} more characters: Details)"
    assert units(quotes[0]) > 2900
    assert quotes[1] == "short answer"


@pytest.mark.parametrize("text", ["x" * 20_000, "&" * 20_000, "<b> " * 9_000, "👩🏽‍🚒" * 9_000])
@pytest.mark.parametrize("view", [samples.REFUND, samples.EDITED, samples.DISPUTED, samples.HIDDEN])
def test_the_longest_card_stays_within_the_budget(view: CardView, text: str) -> None:
    everywhere: dict[str, Any] = dict.fromkeys(
        ["decision_id", "app", "task_type", "input", "output", "confidence_source", "model", "subject", "retry_of"],
        text,
    )
    outcome = view.outcome and replace(
        view.outcome,
        decided_by=("U" + "A" * 31,) * 12,
        labels={f"{number}{text}": text for number in range(20)},
        category=text,
        severity=text,
        reason=text,
        correct_answer=text,
        output=text,
    )
    reasons = (Reason("check.failed", rule=text),) * 20
    past = EarlierView(task_type=text, verdict="reject", decided_by=(), decided_at=samples.NOW, reason=text)
    said = OutcomeView(
        verdict="edit",
        decided_by=("U" + "A" * 31,),
        decided_at=samples.NOW,
        labels={f"{number}{text}": text for number in range(20)},
        reason=text,
        output=text,
    )
    message = render_card(
        replace(
            view,
            **everywhere,
            outcome=outcome,
            former=outcome,
            reasons=reasons,
            reversible=False,
            needed=3,
            claim=samples.CLAIM,
            positions=(said,) * 9 if view.state == "disputed" else (),
            proposal=ProposalView(output=text, edited_by="U" + "A" * 31) if view.waits else None,
            sources=(Source.model_construct(id=text, url=f"https://kb.example/{'x' * 181}", text=text),) * 9,
            earlier=(past,) * 9,
            requested_by="U" + "A" * 31,
        )
    )
    check_message(message.text, message.blocks, samples.PEOPLE | {"U" + "A" * 31})


def test_a_tall_text_leaves_the_buttons_within_reach() -> None:
    message = render_card(replace(samples.REFUND, input="yes\n" * 200))
    quotes = [
        element["elements"][0]["text"]
        for block in message.blocks
        for element in block.get("elements", [])
        if element.get("type") == "rich_text_quote"
    ]
    assert quotes[0].count("\n") == 39
    assert quotes[0].endswith("more characters: Details)")


def test_the_spoken_text_holds_item_risk_and_decision() -> None:
    assert render_card(samples.REFUND).text.startswith(
        "Decide: refund – critical risk, 87 % confident, below the 99 % needed.\nAsked: I want my money back"
    )
    assert render_card(samples.CLASSIFICATION).text.startswith(
        "ticket_classification: damaged_item? – low risk, 67 % confident, below the 70 % needed.\nAsked: The parcel"
    )
    assert render_card(samples.EDITED).text.startswith("Edited by <@U0ADA>: refund, critical risk")
    assert "amount: 120 → 100" in render_card(samples.EDITED).text


def test_unknown_confidence_is_said_and_not_shown_as_a_number() -> None:
    text = render_card(replace(samples.REFUND, confidence=None, risk=Risk.LOW)).text
    assert text.startswith("Decide: refund – low risk, confidence unknown.")


@pytest.mark.parametrize(
    ("view", "title"),
    [
        (samples.CLASSIFICATION, "ticket_classification: damaged_item?"),
        (samples.PAYOUT, "refund: action refund, amount 28.21, currency EUR?"),
        (replace(samples.CLASSIFICATION, output="Dear customer, " * 20), "Decide: ticket_classification"),
        (samples.APPROVED, "Approved: refund"),
        (samples.TIMED_OUT, "Timed out: refund"),
        (samples.PROPOSED, "Edited: refund"),
        (
            replace(samples.PAYOUT, proposal=ProposalView(output={"amount": 20}, edited_by="U0ADA")),
            "Edited: refund: amount 20?",
        ),
        (samples.DISPUTED, "Opinions differ: refund"),
        (samples.HELD, "Approved: refund"),
        (samples.HIDDEN, "Write the answer: reply"),
        (replace(samples.DRAFT, output="word " * 30), "Draft: reply"),
    ],
)
def test_the_header_is_the_whole_question_where_that_is_short(view: CardView, title: str) -> None:
    assert render_card(view).blocks[0]["text"]["text"] == title


def _approve(view: CardView) -> dict[str, Any]:
    button: dict[str, Any] = _actions(view)["elements"][0]
    return button


@pytest.mark.parametrize(
    ("changes", "asked"),
    [
        ({}, None),
        ({"risk": Risk.MEDIUM}, None),
        ({"risk": Risk.HIGH}, "High risk. ticket_classification: damaged_item"),
        ({"risk": Risk.CRITICAL, "output": "x" * 500}, "Critical risk. ticket_classification"),
        ({"reversible": False}, "The action cannot be undone. ticket_classification: damaged_item"),
    ],
)
def test_a_dear_approval_is_asked_for_twice(changes: dict[str, Any], asked: str | None) -> None:
    dialog = _approve(replace(samples.CLASSIFICATION, **changes)).get("confirm")
    assert (dialog and dialog["text"]["text"]) == asked


def test_the_second_question_is_about_the_edit_that_is_approved() -> None:
    view = replace(samples.PAYOUT, proposal=ProposalView(output={"amount": 20}, edited_by="U0ADA"))
    assert _approve(view)["confirm"]["text"]["text"] == "The action cannot be undone. refund: amount 20"


def test_edit_and_reject_open_forms_and_need_no_second_question() -> None:
    assert ["confirm" in element for element in _actions(samples.PAYOUT)["elements"]] == [True, False, False, False]


def test_confidence_and_the_tasks_own_risk_are_said_once() -> None:
    assert "open.reasons" not in [block["block_id"] for block in render_card(samples.CLASSIFICATION).blocks]


def test_many_reasons_are_counted() -> None:
    view = replace(samples.REFUND, reasons=(Reason("irreversible"),) * 9)
    (block,) = [block for block in render_card(view).blocks if block["block_id"] == "open.reasons"]
    lines = [item["elements"][0]["text"] for item in block["elements"][1]["elements"]]
    assert lines == ["The action cannot be undone"] * 6 + ["3 more: Details"]


def test_changed_members_keeps_types_apart_and_names_what_came_and_went() -> None:
    before = {"kept": 1, "amount": 5, "gone": "x", "long": "a" * 500 + "b"}
    after = {"kept": 1, "amount": 5.0, "long": "a" * 500 + "c", "new": True}
    assert changed_members(before, after).split("\n") == [
        "amount: 5 → 5.0",
        "gone: x → (none)",
        f"long: {'a' * 199}… (changed further on: Details)",
        "new: (none) → true",
    ]


def _facts(view: CardView) -> list[str]:
    """The lines of mrkdwn below the title, without their times."""
    (facts,) = [block for block in render_card(view).blocks if block["block_id"].endswith(".facts")]
    return [DATE.sub("<time>", line) for line in facts["text"]["text"].split("\n")]


@pytest.mark.parametrize(
    ("view", "line"),
    [
        (samples.CLASSIFICATION, "⏳ Waiting since <time> · due <time> · The app waits."),
        (replace(samples.CLASSIFICATION, deadline=None), "⏳ Waiting since <time> · The app waits."),
        (samples.OVERDUE, "⏰ *Overdue* since <time>; the app still waits."),
        (samples.CLAIMED, "👋 <@U0ADA> is on it since <time>"),
        (samples.VOTED, "👥 2 people have to agree · 1 has voted"),
        (replace(samples.VOTED, votes=0), "👥 2 people have to agree · nobody has voted yet"),
        (replace(samples.VOTED, needed=4, votes=3), "👥 4 people have to agree · 3 have voted"),
        (samples.PROPOSED, "✏️ Edited by <@U0ADA>: approving it agrees to the edit."),
        (samples.DISPUTED, "⚖️ *Opinions differ:* an adjudicator has to settle it."),
        (samples.PROVISIONAL, "📤 *Provisional:* the app acts on it already, marked as open to revision."),
        (samples.HIDDEN, "✍️ *Write the answer yourself:* the model's is shown afterwards."),
        (samples.DRAFT, "📝 *Draft:* put it right, or use it as it is."),
        (samples.BLIND, "🟢 *Low risk* · confidence hidden for now"),
        (samples.HELD, "⏸️ *Held* until <time>: *Undo* takes it back; then the app is told."),
        (samples.CHANGED, "🔁 Changed by <@U0ADA>; before: approved by <@U0ADA>, <@U0BEA>"),
        (samples.SETTLED, "⛔ *Rejected*, settled by adjudicator <@U0BEA>, <time>"),
    ],
)
def test_the_facts_say_where_it_stands(view: CardView, line: str) -> None:
    assert line in _facts(view)


def test_nobody_learns_what_others_voted_until_it_closes() -> None:
    assert "<@" not in str(render_card(replace(samples.VOTED, requested_by=None)))


def test_a_second_opinion_learns_nothing_of_what_became_of_the_first() -> None:
    second = replace(samples.REFUND, kind=ReviewKind.DOUBLE)
    cards = {str(render_card(replace(second, disposition=known))) for known in Disposition}
    assert len(cards) == 1


def test_the_places_where_the_model_is_unsure_are_bold_and_explained() -> None:
    (bodies,) = [block for block in render_card(samples.REPLY).blocks if block["block_id"] == "open.bodies"]
    quote, legend = bodies["elements"][-2:]
    assert [leaf["text"] for leaf in quote["elements"] if "style" in leaf] == ["60 days", "Postage is free"]
    assert legend["elements"][0]["text"] == "Bold: the model is unsure here."


def test_unsure_places_beyond_the_excerpt_are_told() -> None:
    long = replace(samples.REPLY, output="word " * 2000, spans=(UncertainSpan(start=9000, end=9005),))
    assert "unsure of something further on: Details" in str(render_card(long).blocks)


@pytest.mark.parametrize("view", [samples.PROPOSED, samples.EDITED])
def test_an_edit_stands_beside_what_the_model_wrote(view: CardView) -> None:
    (bodies,) = [block for block in render_card(view).blocks if block["block_id"].endswith(".bodies")]
    titles = [each["elements"][0]["text"] for each in bodies["elements"][::2]]
    assert titles == ["Asked", "Before: the model's proposal", "After: the reviewer's edit"]
    assert bodies["elements"][-1]["elements"][0]["text"] == "amount: 120 → 100"
    assert render_card(view).text.endswith("After the edit: amount: 120 → 100")
