import re

import pytest
from hypothesis import HealthCheck, given, settings

from bot.slack.proposal import element, in_a_line, in_full, marked
from routing.decision import Json, UncertainSpan
from tests.bot.slack import samples

SMALL = {"action": "refund", "amount": 28.21, "currency": "EUR"}


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("damaged_item", "damaged_item"),
        ("two\nlines", "two lines"),
        ("", "(empty)"),
        (SMALL, "action refund, amount 28.21, currency EUR"),
        ({"ok": True, "id": "120", "note": None, "word": "null"}, 'ok true, id "120", note null, word "null"'),
        ({"a": "x, b y"}, 'a "x, b y"'),
        ([1, "x"], '[1, "x"]'),
        ({"a": [1]}, '{"a": [1]}'),
        ({}, "{}"),
        (None, "null"),
        ("x" * 80, "x" * 80),
        ("x" * 81, None),
        ("&" * 17, None),  # each is five characters on its way to Slack
        ([["long"]] * 30, None),
        ({"a": "x" * 90}, None),
        ({f"k{number}": number for number in range(20)}, None),
    ],
)
def test_what_is_short_is_told_in_one_line(value: Json, line: str | None) -> None:
    assert in_a_line(value) == line


@pytest.mark.parametrize(
    ("value", "text", "kind"),
    [
        ("It is\nfine", "It is\nfine", "rich_text_quote"),
        (SMALL, "action: refund · amount: 28.21 · currency: EUR", "rich_text_quote"),
        ({"a": "x" * 40, "b": "y" * 40}, f"a: {'x' * 40}\nb: {'y' * 40}", "rich_text_quote"),
        ({"a": "two\nlines"}, r'a: "two\nlines"', "rich_text_quote"),
        ({"a": {"b": 1}}, '{\n  "a": {\n    "b": 1\n  }\n}', "rich_text_preformatted"),
        ({"a": "zero\u200bwidth"}, '{\n  "a": "zero\u200bwidth"\n}', "rich_text_preformatted"),
        ([1], "[\n  1\n]", "rich_text_preformatted"),
    ],
)
def test_small_objects_are_lines_and_others_json(value: Json, text: str, kind: str) -> None:
    assert in_full(value) == text
    assert element(value, 3_000, 40) == {"type": kind, "elements": [{"type": "text", "text": text}]}


@pytest.mark.parametrize(
    "forged",
    ["refund · amount: 5", "refund, amount 5", "refund\namount: 5", "refund\u2028amount: 5", 'refund", amount: 5'],
)
def test_a_text_does_not_look_like_one_member_more(forged: str) -> None:
    outside_quotes = re.sub(r'"(?:\\.|[^"\\])*"', "", in_full({"action": forged, "amount": 5000}))
    assert outside_quotes.count("amount") <= 1
    line = in_a_line({"action": forged, "amount": 5000})
    assert line is not None
    assert re.sub(r'"(?:\\.|[^"\\])*"', "", line).count("amount") <= 1


@given(samples.json_values)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_a_line_is_one_line_and_short(value: Json) -> None:
    line = in_a_line(value)
    assert line is None or (0 < len(line) <= 80 and len(line.splitlines()) == 1)


def test_marks_are_bold_pieces_of_the_quote_and_explained() -> None:
    shown, legend = marked("It is fine.", [UncertainSpan(start=6, end=10)], 3_000, 40)
    assert shown == {
        "type": "rich_text_quote",
        "elements": [
            {"type": "text", "text": "It is "},
            {"type": "text", "text": "fine", "style": {"bold": True}},
            {"type": "text", "text": "."},
        ],
    }
    assert legend["elements"][0]["text"] == "Bold: the model is unsure here."
