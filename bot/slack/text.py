"""Makes untrusted text harmless, measures it as Slack does, and cuts it to size."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator

from bot.slack import limits

EMPTY = "(empty)"
CLIP_MARKER = 50
"""Room that `clip_body` keeps for its last words."""
_NEWLINES = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_ANY_NEWLINE = "\n\r\v\f\x85\u2028\u2029"
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_TAGS = re.compile("[\U000e0000-\U000e007f]")  # Unicode assigns some of the block, and Slack shows none of it
_REPLACEMENT = "\ufffd"
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})

# Slack's mrkdwn has no escape character, so what could format, mention or link gets a look-alike. Inside a word these
# characters do nothing and stay (`big_money`).
_LOOKALIKES = {"*": "\u2217", "_": "\u02cd", "~": "\u223c", "`": "\u02cb", ":": "\u2236", "@": "\uff20"}
_ACTIVE = re.compile(r"(?<![^\W_])[*_~]|[*_~](?![^\W_])|`|:(?=[\w+'-]+:|//)|@(?=\w)")


def sendable(text: str) -> str:
    """The text with every newline as `\\n` and what no JSON or terminal carries safely (controls, lone surrogates)
    as U+FFFD. For inputs, where a person edits the real text."""
    return _CONTROLS.sub(_REPLACEMENT, _NEWLINES.sub("\n", text))


def body(text: str) -> str:
    """Text of several lines for a quote or preformatted block; never empty. Direction overrides become visible."""
    shown = visible(text.strip(_ANY_NEWLINE))
    return shown if shown.strip() else EMPTY


def visible(text: str) -> str:
    """`sendable`, with direction overrides as U+FFFD. Character by character, apart from `\\r\\n`."""
    return _BIDI.sub(_REPLACEMENT, sendable(text))


def one_line(text: str) -> str:
    """Text for a label or a fact; never empty. Newlines fold to spaces, invisible characters vanish."""
    visible = "".join(char for char in _TAGS.sub("", body(text)) if unicodedata.category(char) != "Cf")
    return " ".join(visible.split()) or EMPTY


def escape(text: str) -> str:
    """Text for mrkdwn that shows as written: no mention, link, formatting or emoji comes out of it."""
    return _ACTIVE.sub(lambda match: _LOOKALIKES[match[0]], text).translate(_ENTITIES)


def rendered_size(text: str) -> int:
    """UTF-16 units of the text with `&`, `<` and `>` as entities: the largest of the ways Slack may count it."""
    units = len(text.encode("utf-16-le", "surrogatepass")) // 2
    return units + 4 * text.count("&") + 3 * (text.count("<") + text.count(">"))


def clip(text: str, limit: int) -> str:
    """The text if its rendered size is within `limit`, else its beginning and `…`."""
    if len(text) <= limit and rendered_size(text) <= limit:
        return text
    return text[: _cut(text, limit - 1)].rstrip() + "…"


def clip_line(text: str, limit: int) -> str:
    """`one_line` and `clip` of the beginning of a text, so that a megabyte costs no more than a page."""
    window = 4 * limit
    return clip(one_line(text[:window]) + ("…" if len(text) > window else ""), limit)


def clip_body(text: str, limit: int, max_lines: int, *, is_whole: bool = True) -> str:
    """`body` and `clip` of the beginning of a text: also at most `max_lines`, and the end says how much is missing and
    where it is; at least how much if `text` itself is not the whole. `limit` is above `CLIP_MARKER`."""
    return "".join(clipped_body(text, limit, max_lines, is_whole=is_whole))


def clipped_body(text: str, limit: int, max_lines: int, *, is_whole: bool = True) -> tuple[str, str]:
    """`clip_body` in two parts: what is shown of the text, and the words about the rest, empty if there is none."""
    text = text.strip(_ANY_NEWLINE)
    window = 2 * limit
    shown = visible(text[:window])
    lines = shown.split("\n", max_lines)
    is_all = is_whole and len(text) <= window
    if is_all and len(lines) <= max_lines and rendered_size(shown) <= limit:
        return (shown if shown.strip() else EMPTY), ""
    head = "\n".join(lines[:max_lines])
    head = head[: _cut(head, limit - CLIP_MARKER)]
    missing = len(shown) - len(head) + max(len(text) - window, 0)
    return head, f"… ({'' if is_whole else 'over '}{missing:,} more characters: Details)"


def leading_newlines(text: str) -> int:
    """How many characters `body` and `clip_body` drop in front."""
    return len(text) - len(text.lstrip(_ANY_NEWLINE))


def starts_a_character(text: str, index: int) -> bool:
    """Whether what a reader takes for one character begins at `index`: no combining mark, joiner, skin tone or second
    half of a line break. True at both ends."""
    if not 0 < index < len(text):
        return True
    before, after = text[index - 1], text[index]
    return not (_continues(after) or before == "\u200d" or (before, after) == ("\r", "\n"))


def chunks(text: str, limit: int) -> Iterator[str]:
    """Parts of at most `limit` that joined give exactly `text`; cut after a line or a word where that is possible."""
    start = 0
    while True:
        window = text[start : start + limit]
        end = _cut(window, limit)
        if start + end < len(text):
            end = _natural_end(window, end)
        yield text[start : start + end]
        if start + end >= len(text):
            return
        start += end


def _natural_end(text: str, end: int) -> int:
    for separator in ("\n", " "):
        position = text.rfind(separator, end // 2, end)
        if position >= 0:
            return position + 1
    return end


def _cut(text: str, limit: int) -> int:
    """How many characters fit into `limit`, not separating a combining mark, a joiner or a skin tone from its base."""
    end = len(text[:limit]) if rendered_size(text[:limit]) <= limit else _fitting(text, limit)
    if end == len(text):
        return end
    longest_cluster = 16
    for earlier in range(end, max(end - longest_cluster, 0), -1):
        if starts_a_character(text, earlier):
            return earlier
    return end


def _fitting(text: str, limit: int) -> int:
    ends = range(min(len(text), limit) + 1)
    return bisect_right(ends, limit, key=lambda end: rendered_size(text[:end])) - 1


def _continues(char: str) -> bool:
    return unicodedata.category(char) in {"Mn", "Me", "Mc"} or char == "\u200d" or "\U0001f3fb" <= char <= "\U0001f3ff"


def share(budget: int, needs: list[int]) -> list[int]:
    """Divides the budget: what needs little gets it all, the rest is split evenly among what needs more."""
    granted = [0] * len(needs)
    for waiting, index in zip(range(len(needs), 0, -1), sorted(range(len(needs)), key=needs.__getitem__), strict=True):
        granted[index] = min(needs[index], budget // waiting, limits.BLOCK_TEXT)
        budget -= granted[index]
    return granted
