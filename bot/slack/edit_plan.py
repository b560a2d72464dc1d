"""Which inputs a value is edited in, and what their values mean.

The plan is a pure function of the value: it is made once to open the form and again, from the stored value, to read the
submission, so nothing about it is taken from Slack.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from bot.slack import limits
from bot.slack.json_text import JsonTextError, depth, indented, parse_float, parse_int, parse_json, parse_text, pretty
from bot.slack.text import chunks, sendable
from routing.decision import Json
from routing.redaction import HiddenNumber, Placeholders

FieldKind = Literal["text", "int", "float", "bool", "json"]

INPUT_CHUNK = 2_900
"""Rendered characters prefilled in one input: below Slack's 3,000, so that there is room to add some."""
MAX_INPUTS = 40
"""More would be a form that nobody reads: then the object is edited as JSON text."""
MAX_DEPTH = 3
"""Levels of nesting up to which an object is edited field by field."""


@dataclass(frozen=True, slots=True)
class PlannedField:
    """One member of a value, or with `key` None all of it, prefilled in one input per chunk; a blank one is empty and
    takes from the original nothing but its type."""

    index: int
    key: str | None
    kind: FieldKind
    original: Json
    chunks: tuple[str, ...]
    is_blank: bool = False

    def is_changed(self, typed: Sequence[str]) -> bool:
        """Whether any of the chunks was touched."""
        return self.is_blank or not all(untouched(was, now) for was, now in zip(self.chunks, typed, strict=True))


def plan_fields(value: Json) -> tuple[PlannedField, ...]:
    """A flat enough object member by member, a string as text, anything else as JSON text; () if no form holds it.
    `value` is what may be shown."""
    fields = _members(value) if isinstance(value, dict) and len(value) <= MAX_INPUTS else ()
    # Measured last, because then it is known to be small.
    if fields and depth(value) <= MAX_DEPTH:
        return fields
    return _whole(value, "text" if is_text(value) else "json")


def is_text(value: Json) -> bool:
    """Whether a value is edited as it stands and not as JSON."""
    return isinstance(value, str) and not isinstance(value, HiddenNumber)


def plan_json(value: Json) -> tuple[PlannedField, ...]:
    """Any value as JSON text, a string in its quotes; () if no form holds it."""
    return _whole(value, "json")


def plan_blank(value: Json) -> tuple[PlannedField, ...]:
    """Empty fields for another value of the same members and types. Tells nothing else of the value."""
    if isinstance(value, dict) and 0 < len(value) <= MAX_INPUTS:
        members = enumerate(value.items())
        return tuple(PlannedField(index, key, _kind(member), None, ("",), True) for index, (key, member) in members)
    return (PlannedField(0, None, "text" if is_text(value) else "json", None, ("",), True),)


def _whole(value: Json, kind: FieldKind) -> tuple[PlannedField, ...]:
    field = _field(0, None, value, kind, limits.MODAL_BLOCKS)
    return (field,) if len(field.chunks) <= limits.MODAL_BLOCKS else ()


def _members(output: dict[str, Json]) -> tuple[PlannedField, ...]:
    """() if they need more than `MAX_INPUTS`."""
    fields = []
    room = MAX_INPUTS
    for index, (key, member) in enumerate(output.items()):
        fields.append(_field(index, key, member, _kind(member), room))
        room -= len(fields[-1].chunks)
        if room < 0:
            return ()
    return tuple(fields)


def parse_field(field: PlannedField, typed: Sequence[str], placeholders: Placeholders) -> Json:
    """The value typed into the chunks of a field, with what stands behind its placeholders; the very original if none
    of them was touched.

    Raises json_text.JsonTextError if it is not a value of the field's type.
    """
    if not field.is_changed(typed):
        return placeholders.restored(field.original)
    text = _joined(field.chunks, typed)
    if field.kind == "json":
        is_null = field.original is None and not field.is_blank and not text.strip()
        return None if is_null else read_json(text, placeholders)
    text = read_text(text, placeholders)
    match field.kind:
        case "text":
            return text
        case "int":
            return parse_int(text.strip())
        case "float":
            return parse_float(text.strip())
        case "bool":
            return _parse_bool(text)


def read_text(text: str, placeholders: Placeholders) -> str:
    """What a person means by a text with placeholders. Raises JsonTextError."""
    _all_known(text, placeholders)
    return placeholders.restored_text(parse_text(text))


def read_json(text: str, placeholders: Placeholders) -> Json:
    """The same for JSON text: a placeholder that is a number by itself becomes one. Raises JsonTextError."""
    _all_known(text, placeholders)
    return placeholders.restored(parse_json(text))


def _all_known(text: str, placeholders: Placeholders) -> None:
    unknown = placeholders.unknown(text)
    if unknown is not None:
        raise JsonTextError(f"{unknown} stands for nothing here; write what you mean")


def _parse_bool(text: str) -> bool:
    if text not in ("true", "false"):
        raise JsonTextError("choose true or false")
    return text == "true"


def _field(index: int, key: str | None, value: Json, kind: FieldKind, most: int) -> PlannedField:
    """With its first `most + 1` chunks if it has more than `most`, so that one too large costs no more than a form."""
    write = indented if kind == "json" else pretty
    text = write(value, most * INPUT_CHUNK)
    return PlannedField(index, key, kind, value, tuple(islice(chunks(text, INPUT_CHUNK), most + 1)))


def _kind(value: Json) -> FieldKind:
    match value:
        case HiddenNumber():
            return "int" if value.is_whole else "float"
        case str():
            return "text"
        case bool():
            return "bool"
        case int():
            return "int"
        case float():
            return "float"
        case _:
            return "json"


def untouched(was: str, now: str) -> bool:
    """Slack may trim an input and rewrite its newlines."""
    return sendable(was).strip() == sendable(now).strip()


def _joined(was: Sequence[str], now: Sequence[str]) -> str:
    """Untouched chunks as they were; in touched ones the white space at an inner seam is the original's."""
    parts = []
    last = len(was) - 1
    for index, (old, new) in enumerate(zip(was, now, strict=True)):
        if untouched(old, new):
            parts.append(old)
        elif new.strip():
            before = old[: len(old) - len(old.lstrip())] + new.lstrip() if index else new
            parts.append(before.rstrip() + old[len(old.rstrip()) :] if index < last else before)
    return "".join(parts)
