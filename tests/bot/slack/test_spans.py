import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.slack.spans import MOST_MARKED, Piece, Range, excerpt, split
from bot.slack.text import CLIP_MARKER, clip_body
from routing.decision import UncertainSpan
from tests.bot.slack import samples

FAMILY = "👩\u200d👩\u200d👧"
ranges = st.lists(st.tuples(st.integers(-3, 60), st.integers(-3, 60)), max_size=12)


def unsure(text: str, *marked: Range) -> list[str]:
    return [piece.text for piece in split(text, marked) if piece.is_unsure]


@pytest.mark.parametrize(
    ("marked", "bold"),
    [
        ([], []),
        ([(0, 3)], ["the"]),
        ([(4, 9), (0, 3)], ["the", "quick"]),
        ([(0, 5), (4, 9)], ["the quick"]),
        ([(0, 9), (2, 4)], ["the quick"]),
        ([(0, 4), (4, 9)], ["the quick"]),
        ([(10, 99)], ["fox"]),
        ([(50, 99)], []),
        ([(5, 5)], []),
    ],
)
def test_spans_merge_whatever_their_order(marked: list[Range], bold: list[str]) -> None:
    assert unsure("the quick fox", *marked) == bold


@pytest.mark.parametrize(
    ("text", "marked", "bold"),
    [
        ("😀😀 sure", (1, 2), "😀"),  # counted in code points, not in the UTF-16 units of Slack
        (f"a{FAMILY}b", (3, 4), FAMILY),
        ("ae\u0301b", (1, 2), "e\u0301"),
        ("ae\u0301b", (2, 3), "e\u0301"),
        ("👍🏽!", (1, 2), "👍🏽"),
        ("a\r\nb", (2, 4), "\r\nb"),
    ],
)
def test_a_span_takes_the_whole_of_what_reads_as_one_character(text: str, marked: Range, bold: str) -> None:
    assert unsure(text, marked) == [bold]


@given(text=samples.texts, marked=ranges)
@settings(deadline=None)
def test_the_pieces_are_the_text_and_hold_every_span(text: str, marked: list[Range]) -> None:
    pieces = split(text, marked)
    assert "".join(piece.text for piece in pieces) == text
    assert all(piece.text for piece in pieces)
    bold = [piece.is_unsure for piece in pieces for _ in piece.text]
    assert all(all(bold[max(start, 0) : max(end, 0)]) for start, end in marked)


@given(text=st.text("ab &é😀", max_size=60), marked=ranges)
def test_nothing_else_is_marked_where_no_character_is_cut(text: str, marked: list[Range]) -> None:
    bold = [piece.is_unsure for piece in split(text, marked) for _ in piece.text]
    assert bold == [any(start <= index < end for start, end in marked) for index in range(len(text))]


@given(
    text=samples.texts,
    spans=st.lists(st.builds(UncertainSpan.model_construct, start=st.integers(0, 60), end=st.integers(1, 60))),
    limit=st.integers(CLIP_MARKER + 1, 3000),
    lines=st.integers(1, 40),
)
@settings(deadline=None)
def test_marks_change_nothing_of_what_an_excerpt_shows(
    text: str, spans: list[UncertainSpan], limit: int, lines: int
) -> None:
    shown = excerpt(text, spans, limit, lines)
    assert "".join(piece.text for piece in shown) == clip_body(text, limit, lines)


def test_a_clipped_text_keeps_its_marks_in_place() -> None:
    text = "\n\r\nDear \r\nAda, " + "word " * 500
    start = text.index("Ada")
    spans = [UncertainSpan(start=start, end=start + 3), UncertainSpan(start=2000, end=2100)]
    *shown, last = excerpt(text, spans, 200, 40)
    assert shown[:2] == [Piece("Dear \n", False), Piece("Ada", True)]
    assert [piece.is_unsure for piece in shown] == [False, True, False]
    assert last.text.endswith("more characters: Details)")


def test_a_span_that_the_end_cuts_is_marked_up_to_there() -> None:
    shown = excerpt("a" * 1000, [UncertainSpan(start=90, end=900)], 150, 40)
    assert [(len(piece.text), piece.is_unsure) for piece in shown[:2]] == [(90, False), (10, True)]


def test_no_more_places_are_marked_than_anybody_looks_at() -> None:
    marked = [(number, number + 1) for number in range(0, 400, 2)]
    assert len(unsure("x" * 400, *marked)) == MOST_MARKED
