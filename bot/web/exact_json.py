"""JSON read exactly: slower than orjson, and every value that cannot be kept as it is gets named by its path."""

import json
import re
from collections.abc import Iterator
from itertools import islice
from math import isfinite
from typing import Final

from bot.web.problem import FieldError, Problem, invalid_body
from routing.decision import Json

MAX_DEPTH: Final = 64
MAX_ERRORS: Final = 50
"""Enough to mend a body with; a body full of NaN must not be answered by something larger than itself."""

_INT64: Final = range(-(1 << 63), 1 << 63)
_UNSTORABLE_TEXT: Final = re.compile("[\x00\ud800-\udfff]")


def parse_exactly(raw: bytes) -> Json:
    """The value of a JSON text in UTF-8.

    Raises:
        Problem: `invalid_json` when it is not JSON; `invalid_body`, with paths, when it holds NaN or an infinity
            (1e400 too), U+0000, a lone surrogate, an integer beyond 64 bits, or nesting deeper than 64.
    """
    try:
        value = json.loads(raw.decode(), parse_int=_int_or_beyond)
    except RecursionError:
        raise invalid_body([{"loc": [], "msg": f"nesting deeper than {MAX_DEPTH}"}]) from None
    except UnicodeDecodeError as error:
        raise Problem("invalid_json", f"Not UTF-8 at byte {error.start}.") from None
    except json.JSONDecodeError as error:
        raise Problem("invalid_json", f"{error.msg} at line {error.lineno} column {error.colno}.") from None
    errors = list(islice(_unstorable(value), MAX_ERRORS))
    if errors:
        raise invalid_body(errors)
    return value


def _int_or_beyond(digits: str) -> int:
    """An integer literal; one far too long becomes the first beyond 64 bits, for Python refuses 4,300 digits."""
    return int(digits) if len(digits) <= len(str(_INT64.start)) else _INT64.stop


def _unstorable(top: Json) -> Iterator[FieldError]:
    """Each value that must be refused, in the order of the text.

    Neither recursion nor a path per value: the text is not trusted, and a megabyte of `[],` must not hold up others.
    """
    path: list[str | int] = [""]  # of the value at hand; its first entry stands for the top and is not printed
    open_containers = [_members([top])]
    while open_containers:
        for name, value in open_containers[-1]:
            path[-1] = name
            is_container = isinstance(value, dict | list)
            fault = _container_fault(value, depth=len(path)) if is_container else _scalar_fault(value)
            if fault:
                yield {"loc": [_printable(step) for step in path[1:]], "msg": fault}
            if is_container and len(path) <= MAX_DEPTH:
                open_containers.append(_members(value))
                path.append("")
                break
        else:
            open_containers.pop()
            path.pop()


def _members(value: dict[str, Json] | list[Json]) -> Iterator[tuple[str | int, Json]]:
    return iter(value.items()) if isinstance(value, dict) else enumerate(value)


def _container_fault(value: dict[str, Json] | list[Json], depth: int) -> str | None:
    """`depth` counts the container itself and those around it."""
    if depth > MAX_DEPTH:
        return f"nesting deeper than {MAX_DEPTH}"
    if isinstance(value, dict) and any(map(_UNSTORABLE_TEXT.search, value)):
        return "a member name holds U+0000 or a lone surrogate"
    return None


def _scalar_fault(value: str | float | bool | None) -> str | None:
    match value:
        case str() if found := _UNSTORABLE_TEXT.search(value):
            return "U+0000 cannot be stored" if found.group() == "\x00" else "a lone surrogate is not a character"
        case float() if not isfinite(value):
            return "NaN and infinities are refused, and so is a number too large for a double"
        case int() if value not in _INT64:
            return "an integer beyond 64 bits"
        case _:
            return None


def _printable(step: str | int) -> str | int:
    """The step of a path as it may appear in an answer."""
    return _UNSTORABLE_TEXT.sub("\N{REPLACEMENT CHARACTER}", step) if isinstance(step, str) else step
