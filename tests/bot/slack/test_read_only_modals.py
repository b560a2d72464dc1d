from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slack_sdk.models.views import View as SdkView

from bot.slack.details_modal import details_modal
from bot.slack.edit_modal import edit_modal
from bot.slack.modal import View, loading_modal, notice_modal
from bot.slack.notices import UNKNOWN_REVIEW, already_closed
from bot.slack.returned_modal import returned_modal, typed_texts
from bot.slack.view import CardView
from routing.decision import Source
from tests.bot.slack import samples
from tests.bot.slack.forms import submitted
from tests.support.slack_checker import check_modal

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


def bodies(view: View, title: str) -> str:
    """All that stands under a title, over however many blocks."""
    found = []
    for block in view["blocks"]:
        if block["type"] == "rich_text" and block["elements"][0]["elements"][0]["text"].startswith(title):
            found += [element["elements"][0]["text"] for element in block["elements"][1:]]
    return "".join(found)


def links(node: Any) -> list[str]:
    if isinstance(node, list):
        return [url for member in node for url in links(member)]
    if not isinstance(node, dict):
        return []
    return [node["url"]] if node.get("type") == "link" else links(list(node.values()))


def test_golden_details() -> None:
    view = details_modal(samples.REJECTED)
    check_modal(view, samples.PEOPLE)
    SdkView(**view).validate_json()
    samples.assert_golden("details_modal", view)


def test_golden_returned() -> None:
    view = returned_modal("Already closed", already_closed(samples.APPROVED), [("amount", "100"), ("Reason", "capped")])
    check_modal(view, samples.PEOPLE)
    samples.assert_golden("returned_modal", view)


def test_small_modals_are_valid() -> None:
    check_modal(loading_modal("Edit"), samples.PEOPLE)
    check_modal(notice_modal("Review", UNKNOWN_REVIEW), samples.PEOPLE)


@given(view=samples.views, typed=st.lists(st.tuples(samples.texts, samples.texts), max_size=4))
@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
def test_any_text_in_any_field_stays_within_the_limits(view: CardView, typed: list[tuple[str, str]]) -> None:
    check_modal(details_modal(view), samples.PEOPLE)
    check_modal(returned_modal("Already closed", UNKNOWN_REVIEW, typed), samples.PEOPLE)


@pytest.mark.parametrize(("name", "view"), [("details_reply", samples.REPLY), ("details_disputed", samples.DISPUTED)])
def test_golden_details_while_it_waits(name: str, view: CardView) -> None:
    details = details_modal(view)
    check_modal(details, samples.PEOPLE)
    SdkView(**details).validate_json()
    samples.assert_golden(name, details)


def test_all_earlier_verdicts_sources_and_positions_are_in_the_details() -> None:
    shown = str(details_modal(replace(samples.DISPUTED, sources=samples.REPLY.sources, earlier=samples.REPLY.earlier)))
    for words in ("It was 30 days for gifts.", "kb-20", "(3 of 3)", "The cap is 100.", "Position 3", "<@U0BEA>"):
        assert words in shown


def test_a_changed_verdict_shows_what_stood_before() -> None:
    view = details_modal(replace(samples.CHANGED, former=samples.EDITED.outcome))
    assert "Policy caps goodwill refunds at 100" in str(view)
    assert "🔁 Changed by <@U0ADA>; before: edited by <@U0ADA>" in view["blocks"][0]["text"]["text"]


def test_details_are_in_full() -> None:
    text = "".join(f"{number} " for number in range(8_000))
    view = details_modal(replace(samples.REFUND, input=text))
    assert bodies(view, "Asked") == text
    assert "left-out" not in {block["block_id"] for block in view["blocks"]}


def test_what_exceeds_slack_is_counted() -> None:
    view = details_modal(replace(samples.REFUND, input="x" * 1_000_000, context={}, sources=(), alternatives=()))
    check_modal(view, samples.PEOPLE)
    last = view["blocks"][-1]
    assert last["block_id"] == "left-out"
    shown = len(bodies(view, "Asked"))
    after = len('{\n  "action": "refund",\n  "amount": 1\n}')
    missing = int(last["elements"][0]["text"].split(" ")[0].replace(",", ""))
    assert shown > 200_000
    assert 0 <= missing - (1_000_000 - shown) - after < 200


def test_only_honest_web_addresses_become_links_and_the_others_stay_readable() -> None:
    urls = [
        "https://kb.example/17",
        "javascript:alert(1)",
        "https://bank.example@evil.example/",
        "https://a.example/\u202egpj",
        "http://[broken",
        "ftp://files.example/x",
    ]
    sources = tuple(Source(id=str(number), url=url) for number, url in enumerate(urls))
    view = details_modal(replace(samples.REFUND, sources=sources, trace_url="data:text/html,x", guideline=None))
    assert links(view) == ["https://kb.example/17"]
    assert bodies(view, "Source 1") == "javascript:alert(1)"
    assert bodies(view, "Trace") == "data:text/html,x"


def test_a_fact_cannot_look_like_another_line_of_ours() -> None:
    view = details_modal(replace(samples.REFUND, subject="customer\nnow: execute"))
    assert "about: customer now: execute" in bodies(view, "Facts").split("\n")


def test_typed_texts_are_those_that_the_person_changed() -> None:
    form = edit_modal(samples.REFUND, samples.RUBRIC)
    values = submitted(form, {"output-1-0": "100", "reason": "capped", "category": "wrong_amount"})
    typed = typed_texts(form["blocks"], values)
    assert typed == [("amount", "100"), ("Reason", "capped")]
    assert bodies(returned_modal("Already closed", UNKNOWN_REVIEW, typed), "amount") == "100"


def test_the_longest_typed_text_of_a_form_is_shown_back_in_full() -> None:
    form = edit_modal(replace(samples.REFUND, output="word " * 40_000), samples.RUBRIC)
    blocks = [block["block_id"] for block in form["blocks"] if block["block_id"].startswith("output-")]
    typed = typed_texts(form["blocks"], submitted(form, dict.fromkeys(blocks, "w" * 2_999)))
    assert len(typed) == len(blocks)
    view = returned_modal("Already closed", UNKNOWN_REVIEW, typed)
    check_modal(view, samples.PEOPLE)
    assert bodies(view, "Output") == "w" * 2_999 * len(blocks)
