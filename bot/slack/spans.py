"""Where the model is unsure of its own words: the spans of a string output, cut out of the text that is shown of it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bot.slack.text import EMPTY, clipped_body, leading_newlines, starts_a_character, visible
from routing.decision import UncertainSpan

MOST_MARKED = 40
"""Marked places in one text: each is a piece of the message, and where all is bold nothing is."""

Range = tuple[int, int]
"""Start and end (exclusive), in code points."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text, never empty."""

    text: str
    is_unsure: bool


def excerpt(text: str, spans: Sequence[UncertainSpan], limit: int, max_lines: int) -> list[Piece]:
    """`text.clip_body` in pieces, its last words included. At most the first `MOST_MARKED` places are marked."""
    shown, rest = clipped_body(text, limit, max_lines)
    if shown == EMPTY:
        return [Piece(shown, False)]
    skipped = leading_newlines(text)
    # As much of the text as an excerpt can show; the rest may be a megabyte.
    window = text[skipped : skipped + 2 * limit]
    pieces = split(window, [(span.start - skipped, span.end - skipped) for span in spans])
    last_words = [Piece(rest, False)] if rest else []
    return [*_clipped(pieces, len(shown)), *last_words]


def split(text: str, ranges: Iterable[Range]) -> list[Piece]:
    """Pieces that joined give exactly `text`. Ranges may overlap, touch, lie in any order or beyond the text; one that
    cuts through what reads as one character takes all of it."""
    inside = ((max(start, 0), min(end, len(text))) for start, end in ranges)
    marked = _merged(_widened(text, *each) for each in _merged(each for each in inside if each[0] < each[1]))
    cuts = [0, *(cut for each in marked[:MOST_MARKED] for cut in each), len(text)]
    pieces = [Piece(text[start:end], number % 2 == 1) for number, (start, end) in enumerate(pairwise(cuts))]
    return [piece for piece in pieces if piece.text]


def _merged(ranges: Iterable[Range]) -> list[Range]:
    merged: list[Range] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def _widened(text: str, start: int, end: int) -> Range:
    while not starts_a_character(text, start):
        start -= 1
    while not starts_a_character(text, end):
        end += 1
    return start, end


def _clipped(pieces: Iterable[Piece], room: int) -> Iterator[Piece]:
    """Made harmless piece by piece, which is the same as in one, because no cut goes through a line break."""
    for piece in pieces:
        text = visible(piece.text)[:room]
        room -= len(text)
        if text:
            yield Piece(text, piece.is_unsure)
