"""JSON as people read and type it: pretty text out, strictly checked values in."""

import json
import math
import re
from collections.abc import Iterable

from routing.decision import Json
from routing.json_value import INT64, MAX_DEPTH, UNSTORABLE_TEXT, faults, read_json

_INDENTED = json.JSONEncoder(ensure_ascii=False, indent=2)
_IN_ONE_LINE = json.JSONEncoder(ensure_ascii=False)
_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


class JsonTextError(ValueError):
    """What a person typed is no value that we can store; the message says what to do, without a full stop."""


def pretty(value: Json, most: int) -> str:
    """A string as it is, anything else as indented JSON: all of it up to `most` characters, else a longer beginning."""
    return value if isinstance(value, str) else indented(value, most)


def indented(value: Json, most: int) -> str:
    """`pretty` with a string as JSON too, in its quotes."""
    return _beginning(_INDENTED.iterencode(value), most)


def compact(value: Json, most: int) -> str:
    """The same with JSON in one line."""
    return value if isinstance(value, str) else _beginning(_IN_ONE_LINE.iterencode(value), most)


def _beginning(pieces: Iterable[str], most: int) -> str:
    """Stops early, because a megabyte of nested lists is sixty when it is indented."""
    written: list[str] = []
    length = 0
    for piece in pieces:
        written.append(piece)
        length += len(piece)
        if length > most:
            break
    return "".join(written)


def same(left: Json, right: Json) -> bool:
    """Equal as JSON, types included: 5 is not 5.0 and not true. The order of members does not matter."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


def depth(value: Json) -> int:
    """0 for a scalar, 1 for a flat list or object."""
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0


def parse_text(text: str) -> str:
    """Raises JsonTextError for characters that a database cannot hold."""
    if UNSTORABLE_TEXT.search(text):
        raise JsonTextError("remove the invisible control character")
    return text


def parse_int(text: str) -> int:
    """Raises JsonTextError unless it is a whole number of 64 bits."""
    if not _INTEGER.fullmatch(text):
        raise JsonTextError("enter a whole number such as 120")
    if len(text) > 20 or int(text) not in INT64:
        raise JsonTextError("this number is too large")
    return int(text)


def parse_float(text: str) -> float:
    """Raises JsonTextError unless it is a finite number; `7` gives 7.0."""
    if not _NUMBER.fullmatch(text):
        raise JsonTextError("enter a number such as 0.5")
    number = float(text)
    if not math.isfinite(number):
        raise JsonTextError("this number is too large")
    return number


def parse_json(text: str) -> Json:
    """Raises JsonTextError for what is no JSON, and for a value that cannot be kept (`json_value.faults`)."""
    try:
        value = read_json(text)
    except json.JSONDecodeError as error:
        raise JsonTextError(f"not valid JSON at line {error.lineno}, column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise JsonTextError(f"nesting deeper than {MAX_DEPTH}") from None
    for fault in faults(value):
        raise JsonTextError(fault.message)
    return value
