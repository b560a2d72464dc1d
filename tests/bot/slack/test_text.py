import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.slack.text import CLIP_MARKER, body, chunks, clip, clip_body, escape, one_line, rendered_size, share
from tests.bot.slack.samples import texts
from tests.support.slack_checker import UNSAFE, escaped, units


@given(texts)
@settings(deadline=None)
def test_rendered_size_is_the_size_with_entities(text: str) -> None:
    assert rendered_size(text) == units(escaped(text))


@given(texts, st.integers(20, 3000))
@settings(deadline=None)
def test_chunks_join_to_the_original_and_fit(text: str, limit: int) -> None:
    parts = list(chunks(text, limit))
    assert "".join(parts) == text
    assert all(rendered_size(part) <= limit for part in parts)
    assert len(parts) == 1 or all(parts)


@given(texts, st.integers(2, 3000))
@settings(deadline=None)
def test_clip_fits_and_leaves_short_texts_alone(text: str, limit: int) -> None:
    clipped = clip(text, limit)
    assert rendered_size(clipped) <= limit
    assert (clipped == text) == (rendered_size(text) <= limit)


@given(texts, st.integers(CLIP_MARKER + 1, 3000), st.integers(1, 50))
@settings(deadline=None)
def test_clip_body_fits_and_counts_exactly_what_is_missing(text: str, limit: int, lines: int) -> None:
    text = body(text)
    clipped = clip_body(text, limit, lines)
    assert rendered_size(clipped) <= limit
    assert clipped.count("\n") < lines
    if clipped != text:
        shown, _, marker = clipped.rpartition("… (")
        assert text.startswith(shown)
        assert marker == f"{len(text) - len(shown):,} more characters: Details)"


@pytest.mark.parametrize("cluster", ["👩\u200d👩\u200d👧", "e\u0301", "👍🏽"])
@pytest.mark.parametrize("limit", range(2, 12))
def test_no_cut_inside_what_reads_as_one_character(cluster: str, limit: int) -> None:
    kept = clip("." + cluster * 3, limit).removesuffix("…")
    assert kept == "." + cluster * ((len(kept) - 1) // len(cluster)) or limit < 1 + units(cluster)


@given(texts)
@settings(deadline=None)
def test_lines_and_bodies_hold_nothing_that_deceives(text: str) -> None:
    assert not UNSAFE.search(body(text))
    assert not UNSAFE.search(one_line(text))
    assert "\n" not in one_line(text)
    assert one_line(text).strip()
    assert body(text).strip()


def test_a_direction_override_becomes_visible() -> None:
    assert one_line("invoice\u202efdp.exe") == "invoice\ufffdfdp.exe"


def test_zero_width_characters_vanish_from_names_and_stay_in_prose() -> None:
    assert one_line("ad\u200bmin") == one_line("ad\U000e0000min") == "admin"
    assert body("👩\u200d👧") == "👩\u200d👧"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a < b & c", "a &lt; b &amp; c"),
        ("<!channel>", "&lt;!channel&gt;"),
        ("@here ada@shop.example", "＠here ada＠shop.example"),
        ("*bold* _it_ ~no~ `x`", "∗bold∗ ˍitˍ ∼no∼ ˋxˋ"),
        ("big_money 2*3", "big_money 2*3"),
        ("a*_ b", "a∗ˍ b"),
        (":tada: 10:05", "∶tada: 10:05"),
        ("https://evil.example", "https∶//evil.example"),
    ],
)
def test_escape_shows_text_as_written(text: str, shown: str) -> None:
    assert escape(text) == shown


@given(texts)
@settings(deadline=None)
def test_escape_leaves_nothing_for_slack_to_parse(text: str) -> None:
    assert not re.search(r"<|>|`|://|(?<![^\W_])[*_~]|[*_~](?![^\W_])|:[\w+'-]+:|@\w", escape(text))


@given(st.integers(0, 9000), st.lists(st.integers(0, 5000), max_size=4))
def test_share_keeps_to_the_budget_and_wastes_none(budget: int, needs: list[int]) -> None:
    granted = share(budget, needs)
    assert sum(granted) <= budget
    assert all(grant <= min(need, 3000) for grant, need in zip(granted, needs, strict=True))
    if sum(min(need, 3000) for need in needs) <= budget:
        assert granted == [min(need, 3000) for need in needs]
