"""JSON values: their one canonical text, when two are equal, and which cannot be kept as they are.

What has no `faults` can be stored in every database and read back as the same value.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Final

import orjson

from routing.decision import Json

MAX_DEPTH: Final = 64
INT64: Final = range(-(1 << 63), 1 << 63)
UNSTORABLE_TEXT: Final = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Fault:
    """A value that cannot be kept: the path of member names and list indexes to it, and what is wrong."""

    path: tuple[str | int, ...]
    message: str


def canonical(value: Json) -> bytes:
    """The value as compact JSON with sorted member names: one text per value, to hash or to store."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def json_equal(a: Json, b: Json) -> bool:
    """Whether two JSON values are the same: numbers by value (1 is 1.0), true is not 1, members in any order."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(json_equal(value, b[name]) for name, value in a.items())
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(json_equal, a, b))
    return bool(a == b)


def read_json(text: str) -> Json:
    """The value of a JSON text; what cannot be kept is still in it, for `faults` to name.

    Raises json.JSONDecodeError, and RecursionError for a text nested some thousand levels deep.
    """
    return json.loads(text, parse_int=_int_or_beyond)


def faults(top: Json) -> Iterator[Fault]:
    """Each NaN, infinity (1e400 too), U+0000, lone surrogate, integer beyond 64 bits and too deep container, in order.

    Neither recursion nor a path per value: the text is not trusted, and a megabyte of `[],` must not hold up others.
    """
    path: list[str | int] = [""]  # of the value at hand; its first entry stands for the top and is left out
    open_containers = [_members([top])]
    while open_containers:
        for name, value in open_containers[-1]:
            path[-1] = name
            is_container = isinstance(value, dict | list)
            message = _container_fault(value, depth=len(path)) if is_container else _scalar_fault(value)
            if message:
                yield Fault(tuple(path[1:]), message)
            if is_container and len(path) <= MAX_DEPTH:
                open_containers.append(_members(value))
                path.append("")
                break
        else:
            open_containers.pop()
            path.pop()


def _int_or_beyond(digits: str) -> int:
    """An integer literal; one far too long becomes the first beyond 64 bits, for Python refuses 4,300 digits."""
    return int(digits) if len(digits) <= len(str(INT64.start)) else INT64.stop


def _members(value: dict[str, Json] | list[Json]) -> Iterator[tuple[str | int, Json]]:
    return iter(value.items()) if isinstance(value, dict) else enumerate(value)


def _container_fault(value: dict[str, Json] | list[Json], depth: int) -> str | None:
    """`depth` counts the container itself and those around it."""
    if depth > MAX_DEPTH:
        return f"nesting deeper than {MAX_DEPTH}"
    if isinstance(value, dict) and any(map(UNSTORABLE_TEXT.search, value)):
        return "a member name holds U+0000 or a lone surrogate"
    return None


def _scalar_fault(value: str | float | bool | None) -> str | None:
    match value:
        case str() if found := UNSTORABLE_TEXT.search(value):
            return "U+0000 cannot be stored" if found.group() == "\x00" else "a lone surrogate is not a character"
        case float() if not isfinite(value):
            return "NaN and infinities are refused, and so is a number too large for a double"
        case int() if value not in INT64:
            return "an integer beyond 64 bits"
        case _:
            return None
