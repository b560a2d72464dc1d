"""What the policy hides from people (contract, `redact`): numbered placeholders in its place, and the way back.

What is hidden stays where it is stored; only what is shown holds placeholders. The same piece has the same number
wherever it is shown with the same `Placeholders`, so that people can tell whether two texts speak of one thing.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from itertools import islice
from typing import Protocol, cast

from routing.decision import Json
from routing.patterns import compile_pattern

_PLACEHOLDER = re.compile(r"\[redacted (?:number )?([1-9][0-9]{0,6})\]")
_NUMBER_PLACEHOLDER = re.compile(r"\[redacted number ([1-9][0-9]{0,6})\]")
_PASSES = 3
"""What stands beside a placeholder may match anew. A text that still does after so many passes is hidden as a whole."""
_SEARCHED_AT_ONCE = 200
_DEPENDS_ON_THE_EDGE = re.compile(r"[\^$]|\\[Az]")
_WORD = re.compile(r"\S+")
_INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]+")
"""Characters that vanish where a text is shown in one line; a number must not hide behind them."""

Range = tuple[int, int]
"""Start and end (exclusive), in code points."""


class HiddenNumber(str):
    """The placeholder that stands for a number as a whole."""

    __slots__ = ("is_whole",)
    is_whole: bool

    @classmethod
    def of(cls, placeholder: str, *, is_whole: bool) -> "HiddenNumber":
        made = cls(placeholder)
        made.is_whole = is_whole
        return made


class _Match(Protocol):
    def span(self) -> Range: ...


class _Pattern(Protocol):
    def search(self, text: str) -> object | None: ...
    def finditer(self, text: str) -> Iterator[_Match]: ...


@dataclass(frozen=True, slots=True)
class Redacted:
    """`value` is what may be shown; `placeholders.restored` leads back."""

    value: Json
    placeholders: "Placeholders"


class Redaction:
    """The `redact` of a policy: RE2 patterns, of which no match is to be shown.

    They are applied to each string, each member name and the decimal text of each number on its own; to strings also as
    they read in one line.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = [cast(_Pattern, compile_pattern(pattern)) for pattern in patterns]
        self._found_in_a_crowd = not any(map(_DEPENDS_ON_THE_EDGE.search, patterns))
        self.digest = sha256("\0".join(patterns).encode()).hexdigest()[:8]
        """Tells these patterns from others."""

    def __bool__(self) -> bool:
        """Whether anything can be hidden."""
        return bool(self._patterns)

    def of(self, value: Json) -> Redacted:
        """One value by itself. Doing it twice changes nothing."""
        placeholders = Placeholders(self)
        return Redacted(placeholders.hide(value), placeholders)

    def concerned(self, texts: Iterable[str]) -> set[str]:
        """Those of the texts that hold a match or what looks like a placeholder."""
        left = iter(texts)
        concerned: set[str] = set()
        size = _SEARCHED_AT_ONCE if self._found_in_a_crowd else 1
        while block := list(islice(left, size)):
            # No match ends at a line break that is not its own, so what is not found in all is in none.
            if self._concerns("\n".join(block)):
                concerned.update(filter(self._concerns, block))
        return concerned

    def matches(self, text: str) -> list[Range]:
        """What is to be hidden, in order and without overlaps; placeholders are left alone."""
        found = self._spans(text)
        line = _in_one_line(text)
        if line != text:
            spans = self._spans(line)
            at = _positions(text) if spans else []
            found += [(at[start], at[end - 1] + 1) for start, end in spans]
        return list(_without(_merged(found), [match.span() for match in _PLACEHOLDER.finditer(text)]))

    def _concerns(self, text: str) -> bool:
        line = _in_one_line(text)
        searched = (text,) if line == text else (text, line)
        return bool(_PLACEHOLDER.search(text)) or any(p.search(each) for p in self._patterns for each in searched)

    def _spans(self, text: str) -> list[Range]:
        spans = [match.span() for pattern in self._patterns for match in pattern.finditer(text)]
        return [(start, end) for start, end in spans if start < end]


@lru_cache(maxsize=64)
def redaction(patterns: tuple[str, ...]) -> Redaction:
    """Compiled once for each policy."""
    return Redaction(patterns)


def nothing_hidden() -> "Placeholders":
    """For what is shown as it is."""
    return Placeholders(Redaction(()))


class Placeholders:
    """Hides one value after another. Numbers are given out in that order, so that what is hidden later changes none.

    What looks like a placeholder in a value stays as it is and its number is not given out any more; had it been given
    out before, the look-alike is hidden like a match.
    """

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction
        self._numbers: dict[str, int] = {}
        self._originals: dict[int, str] = {}
        self._of_numbers: set[int] = set()
        self._literal: set[int] = set()
        self._next = 1

    @property
    def digest(self) -> str:
        """Tells apart the patterns under which the same number stands for something else; "" if nothing is hidden."""
        return self._redaction.digest if self._originals else ""

    def hide(self, value: Json) -> Json:
        """The value as it may be shown; the very same object if there is nothing to hide."""
        concerned = self._redaction.concerned(_texts(value)) if self._redaction else None
        return self._shown(value, concerned) if concerned else value

    def restored(self, value: Json) -> Json:
        """The value with the original of each placeholder in its place, a number where it stands for a number."""
        if not self._originals:
            return value
        if isinstance(value, str):
            number = _NUMBER_PLACEHOLDER.fullmatch(value)
            if number and int(number[1]) in self._of_numbers:
                return json.loads(self._originals[int(number[1])])
            return self.restored_text(value)
        if isinstance(value, dict):
            return {self.restored_text(name): self.restored(member) for name, member in value.items()}
        return [self.restored(item) for item in value] if isinstance(value, list) else value

    def restored_text(self, text: str) -> str:
        return _PLACEHOLDER.sub(lambda found: self._originals.get(int(found[1]), found[0]), text)

    def unknown(self, text: str) -> str | None:
        """The first thing in what a person wrote that looks like a placeholder and stands for nothing. Where nothing is
        ever hidden it means what it says."""
        if not self._redaction:
            return None
        known = self._originals.keys() | self._literal
        return next((found[0] for found in _PLACEHOLDER.finditer(text) if int(found[1]) not in known), None)

    def moved(self, shown: str, ranges: Iterable[Range]) -> list[Range]:
        """Where ranges of the original of `shown` are now; a placeholder that one cuts through belongs to all of it."""
        pieces = list(self._pieces(shown))
        starts = [was[0] for was, _ in pieces]

        def at(offset: int) -> Range:
            index = bisect_right(starts, offset) - 1
            if index < 0:
                return offset, offset + 1
            was, now = pieces[index]
            return now if offset < was[1] else (offset - was[1] + now[1], offset - was[1] + now[1] + 1)

        return [(at(start)[0], at(end - 1)[1]) for start, end in ranges]

    def _pieces(self, shown: str) -> Iterator[tuple[Range, Range]]:
        """Where each placeholder's piece was, and where the placeholder is."""
        grown = 0
        for found in _PLACEHOLDER.finditer(shown):
            original = self._originals.get(int(found[1]))
            if original is not None:
                start = found.start() - grown
                yield (start, start + len(original)), found.span()
                grown += len(found[0]) - len(original)

    def _shown(self, value: Json, concerned: set[str]) -> Json:
        match value:
            case str():
                return self._shown_text(value) if value in concerned else value
            case dict():
                return {self._shown(name, concerned): self._shown(member, concerned) for name, member in value.items()}
            case list():
                return [self._shown(item, concerned) for item in value]
            case int() | float() if not isinstance(value, bool):
                text = repr(value)
                return self._shown_number(value, text) if text in concerned else value
            case _:
                return value

    def _shown_number(self, value: float, text: str) -> Json:
        if not self._redaction.matches(text):
            return value
        number = self._number(text)
        self._of_numbers.add(number)
        return HiddenNumber.of(f"[redacted number {number}]", is_whole=isinstance(value, int))

    def _shown_text(self, text: str) -> str:
        looking_alike = [(int(found[1]), found.span()) for found in _PLACEHOLDER.finditer(text)]
        given_out = [span for number, span in looking_alike if number in self._originals]
        self._literal |= {number for number, _ in looking_alike if number not in self._originals}
        shown = self._replaced(text, sorted([*given_out, *self._redaction.matches(text)]))
        for _ in range(_PASSES):
            matches = self._redaction.matches(shown)
            if not matches:
                return shown
            shown = self._replaced(shown, matches)
        return self._placeholder(text)

    def _replaced(self, text: str, ranges: Iterable[Range]) -> str:
        parts, end = [], 0
        for start, stop in ranges:
            parts += [text[end:start], self._placeholder(text[start:stop])]
            end = stop
        return "".join([*parts, text[end:]])

    def _placeholder(self, original: str) -> str:
        return f"[redacted {self._number(original)}]"

    def _number(self, original: str) -> int:
        if original not in self._numbers:
            while self._next in self._literal:
                self._next += 1
            self._numbers[original], self._originals[self._next] = self._next, original
            self._next += 1
        return self._numbers[original]


def _texts(value: Json) -> dict[str, None]:
    """Every string, member name and number in it, once each. Not by recursion: a megabyte of nested lists must not
    hold up others."""
    texts: dict[str, None] = {}
    open_values = [value]
    while open_values:
        match open_values.pop():
            case str() as text:
                texts[text] = None
            case dict() as members:
                texts.update(dict.fromkeys(members))
                open_values += members.values()
            case list() as items:
                open_values += items
            case None | True | False:
                pass
            case number:
                texts[repr(number)] = None
    return texts


def _in_one_line(text: str) -> str:
    return " ".join(_INVISIBLE.sub("", text).split())


def _positions(text: str) -> list[int]:
    """Where each character of `_in_one_line` stands in the text."""
    positions: list[int] = []
    for word in _WORD.finditer(text):
        seen = [at for at in range(*word.span()) if not _INVISIBLE.match(text[at])]
        if seen and positions:
            positions.append(seen[0] - 1)
        positions += seen
    return positions


def _merged(ranges: Iterable[Range]) -> Iterator[Range]:
    last: Range | None = None
    for start, end in sorted(ranges):
        if last is None:
            last = (start, end)
        elif start < last[1]:
            last = (last[0], max(last[1], end))
        else:
            yield last
            last = (start, end)
    if last is not None:
        yield last


def _without(ranges: Iterable[Range], holes: Sequence[Range]) -> Iterator[Range]:
    """The ranges with the holes cut out of them; both in order."""
    first = 0
    for start, end in ranges:
        while first < len(holes) and holes[first][1] <= start:
            first += 1
        free, at = start, first
        while at < len(holes) and holes[at][0] < end:
            if free < holes[at][0]:
                yield free, holes[at][0]
            free, at = holes[at][1], at + 1
        if free < end:
            yield free, end
