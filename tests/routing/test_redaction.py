"""What a policy hides is in nothing that is shown, and comes back unharmed."""

import json
import re
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from routing.patterns import compile_pattern
from routing.redaction import HiddenNumber, Placeholders, Redaction, nothing_hidden
from tests.support.json_values import json_values

CARD = "4111111111111111"
OTHER = "5500000000000004"
CARDS = Redaction([r"\b\d{16}\b"])

PATTERNS = [
    r"\b\d{16}\b",
    r"\d+",
    r"(?i)iban \w+",
    r"[a-z]+ing\b",
    r"^.$",
    ".",
    r"card: .*",
    r"\d{4} \d{4}",
    r"x*",
    r"\].",
]
"""Also such as match a placeholder, what is left beside one, or nothing at all."""

texts = st.lists(
    st.sampled_from(
        [
            CARD,
            "x",
            " ",
            "\n",
            "\u200b",
            "iban",
            "4111",
            "card: ",
            "ring",
            "é",
            "👍🏽",
            "[redacted 1]",
            "[redacted number 2]",
        ]
    )
    | st.text(max_size=3),
    max_size=6,
).map("".join)
values: st.SearchStrategy[Any] = st.recursive(
    texts | json_values | st.sampled_from([int(CARD), float(CARD), -1, 0.5]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)
few = settings(max_examples=40)
redactions = st.lists(st.sampled_from(PATTERNS), max_size=3, unique=True).map(Redaction)


def test_pieces_are_replaced_where_they_stand() -> None:
    hidden = CARDS.of({"note": f"from {CARD} to {OTHER}", "again": [CARD], CARD: True})
    assert hidden.value == {
        "note": "from [redacted 1] to [redacted 2]",
        "again": ["[redacted 1]"],
        "[redacted 1]": True,
    }


def test_a_number_is_hidden_by_its_decimal_text_and_stays_a_number() -> None:
    hidden = CARDS.of({"card": int(CARD), "float": float(CARD), "text": CARD, "amount": 120})
    card = hidden.value["card"]
    assert (card, hidden.value["text"], hidden.value["amount"]) == ("[redacted number 1]", "[redacted 1]", 120)
    assert isinstance(card, HiddenNumber)
    assert card.is_whole
    assert not hidden.value["float"].is_whole
    back = hidden.placeholders.restored(json.loads(json.dumps(hidden.value)))
    assert json.dumps(back) == json.dumps({"card": int(CARD), "float": float(CARD), "text": CARD, "amount": 120})


@few
@given(redactions, values)
@example(CARDS, ["[redacted 1]", CARD, "[redacted 1]"])
@example(CARDS, [CARD, "[redacted 1]", "[redacted number 1]", int(CARD)])
@example(CARDS, f"[redacted 1] {CARD}")
def test_what_is_hidden_comes_back(redaction: Redaction, value: Any) -> None:
    hidden = redaction.of(value)
    assert json.dumps(hidden.placeholders.restored(json.loads(json.dumps(hidden.value)))) == json.dumps(value)


@few
@given(redactions, values)
def test_nothing_that_matches_is_left(redaction: Redaction, value: Any) -> None:
    assert not any(redaction.matches(text) for text in _shown(redaction.of(value).value))


@few
@given(values)
def test_no_card_number_is_left(value: Any) -> None:
    for text in _shown(CARDS.of(value).value):
        for read in (text, " ".join(text.replace("\u200b", "").split())):
            assert not re.search(r"\b\d{16}\b", read, re.ASCII)


@few
@given(redactions, values)
def test_hiding_twice_changes_nothing(redaction: Redaction, value: Any) -> None:
    once = redaction.of(value).value
    assert json.dumps(redaction.of(once).value) == json.dumps(once)


@few
@given(redactions, values, values)
def test_later_values_change_no_number(redaction: Redaction, first: Any, second: Any) -> None:
    placeholders = Placeholders(redaction)
    shown = placeholders.hide(first)
    placeholders.hide(second)
    assert json.dumps(placeholders.restored(shown)) == json.dumps(first)
    assert json.dumps(shown) == json.dumps(redaction.of(first).value)


@few
@given(redactions, texts, st.data())
def test_a_range_keeps_its_text(redaction: Redaction, text: str, data: st.DataObject) -> None:
    start, end = sorted(data.draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
    if start == end:
        return
    hidden = redaction.of(text)
    [(first, last)] = hidden.placeholders.moved(hidden.value, [(start, end)])
    restored = hidden.placeholders.restored_text
    before, marked = restored(hidden.value[:first]), restored(hidden.value[first:last])
    assert text.startswith(before + marked)
    # No less than what was marked, and more only where a placeholder would have been cut through.
    assert len(before) <= start
    assert len(before + marked) >= end


def test_a_range_beside_a_piece_is_not_widened() -> None:
    text = f"pay {CARD} to Bob"
    hidden = CARDS.of(text)
    ranges = hidden.placeholders.moved(hidden.value, [(0, 4), (6, 8), (20, 24), (24, 27)])
    assert [hidden.value[start:end] for start, end in ranges] == ["pay ", "[redacted 1]", " to ", "Bob"]


@pytest.mark.parametrize("between", ["\u200b", "\u2060", "\ufeff"])
def test_a_number_does_not_hide_behind_what_vanishes_in_one_line(between: str) -> None:
    text = f"a {CARD[:4]}{between}{CARD[4:]} b"
    assert CARDS.of(text).value == "a [redacted 1] b"
    assert CARDS.of(text).placeholders.restored("[redacted 1]") == text[2:-2]


def test_line_breaks_read_as_spaces() -> None:
    assert Redaction([r"\d{4} \d{4}"]).of("4111\n  1111").value == "[redacted 1]"


def test_an_anchor_means_each_text_by_itself() -> None:
    assert Redaction([r"^\d{4}$"]).of(["4111", "a 4111"]).value == ["[redacted 1]", "a 4111"]


def test_what_nobody_can_know_is_named() -> None:
    hidden = CARDS.of(f"{CARD} [redacted 7]")
    assert hidden.value == "[redacted 1] [redacted 7]"
    assert hidden.placeholders.unknown("[redacted 1] [redacted 7]") is None
    assert hidden.placeholders.unknown("to [redacted 2]") == "[redacted 2]"
    assert nothing_hidden().unknown("to [redacted 2]") is None


def test_what_needs_no_hiding_is_the_very_value() -> None:
    value = {"list": [1, "a", {"b": None}]}
    hidden = CARDS.of(value)
    assert hidden.value is value
    assert hidden.placeholders.digest == ""


def test_other_patterns_have_another_digest() -> None:
    digests = {Redaction(patterns).of("4111 1").placeholders.digest for patterns in ([r"\d{4}"], ["1$"], ["1$", "4"])}
    assert len(digests) == 3


@dataclass
class Counted:
    """A pattern that counts how often it is asked."""

    pattern: Any
    asked: int = 0

    def search(self, text: str) -> Any:
        self.asked += 1
        return self.pattern.search(text)

    def finditer(self, text: str) -> Any:
        self.asked += 1
        return self.pattern.finditer(text)


def test_a_crowd_of_texts_is_searched_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pattern = Counted(compile_pattern(r"\b\d{16}\b"))
    monkeypatch.setattr("routing.redaction.compile_pattern", lambda _source: pattern)
    value = {f"k{number}": 0 for number in range(90_000)}
    assert Redaction([r"\b\d{16}\b"]).of({**value, "card": CARD}).value == {**value, "card": "[redacted 1]"}
    assert pattern.asked < 2_000


def _shown(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for name, member in value.items() for text in (name, *_shown(member))]
    if isinstance(value, list):
        return [text for item in value for text in _shown(item)]
    if value is None or isinstance(value, bool):
        return []
    return [value if isinstance(value, str) else json.dumps(value)]
