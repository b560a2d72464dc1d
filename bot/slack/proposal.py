"""A value as people read it: in one line where it is short, a small object member by member, else in full."""

import json
import re
from collections.abc import Sequence

from bot.slack import spans
from bot.slack.blocks import Element, line, preformatted, quote, words
from bot.slack.json_text import compact, pretty
from bot.slack.text import clip_body, one_line, rendered_size
from routing.decision import Json, UncertainSpan

LINE = 80
"""Rendered characters of what counts as short: two lines on a phone."""
MEMBERS = 12
MEASURED = 10_000
"""Characters up to which JSON is written to tell how many of them are missing; of more, that there are over so many."""
UNSURE_FURTHER_ON = "The model is unsure of something further on: Details."
_BARE = re.compile(r"(?!(?:true|false|null)\Z)[^\W\d][\w-]*")


def in_a_line(value: Json) -> str | None:
    """The whole value as one line of at most `LINE`, for a header or a notification; None where it is longer."""
    members = _small(value)
    if members is not None:
        line = ", ".join(f"{key} {member}" for key, member in members)
    else:
        text = compact(value, LINE)
        if len(text) > LINE:
            return None
        line = one_line(text)
    return line if rendered_size(line) <= LINE else None


def in_full(value: Json) -> str:
    """A string as it is, a small object as `key: value` in one line or in several, anything else as indented JSON:
    all of it up to `MEASURED` characters, else a longer beginning."""
    members = _small(value)
    if members is None:
        return pretty(value, MEASURED)
    lines = [f"{key}: {member}" for key, member in members]
    joined = " · ".join(lines)
    return joined if len(joined) <= LINE else "\n".join(lines)


def excerpt(value: Json, limit: int, max_lines: int) -> str:
    """`in_full` within `limit` rendered characters."""
    text = in_full(value)
    return clip_body(text, limit, max_lines, is_whole=isinstance(value, str) or len(text) <= MEASURED)


def element(value: Json, limit: int, max_lines: int) -> Element:
    """`excerpt` with prose and small objects as a quote, JSON as it is written."""
    text = excerpt(value, limit, max_lines)
    return quote(text) if isinstance(value, str) or _small(value) is not None else preformatted(text)


def marked(text: str, unsure: Sequence[UncertainSpan], limit: int, max_lines: int) -> list[Element]:
    """`element` of a text with the places where the model is unsure in bold, and what bold means in words."""
    pieces = spans.excerpt(text, unsure, limit, max_lines)
    shown = {"type": "rich_text_quote", "elements": [words(piece.text, bold=piece.is_unsure) for piece in pieces]}
    legend = "Bold: the model is unsure here." if any(piece.is_unsure for piece in pieces) else UNSURE_FURTHER_ON
    return [shown, line([words(legend)])]


def _small(value: Json) -> list[tuple[str, str]] | None:
    """The members of a flat object of short members, in words that cannot be taken for each other."""
    if not isinstance(value, dict) or not 0 < len(value) <= MEMBERS:
        return None
    members = []
    for key, member in value.items():
        if isinstance(member, dict | list) or len(key) > LINE or (isinstance(member, str) and len(member) > LINE):
            return None
        words = (_word(key), _word(member))
        if any(len(word) > LINE or one_line(word) != word for word in words):
            return None
        members.append(words)
    return members


def _word(scalar: Json) -> str:
    """A plain word bare, any other string in quotes: a model's text must not look like one member more."""
    bare = isinstance(scalar, str) and _BARE.fullmatch(scalar)
    return scalar if bare else json.dumps(scalar, ensure_ascii=False)
