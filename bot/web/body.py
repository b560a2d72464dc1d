"""The strict JSON door: what passes here can be stored in every database and read back as the same value.

Two parsers, one answer. orjson reads the ordinary body. What orjson refuses, and what it might read too kindly (an
integer beyond 64 bits becomes a float, U+0000 passes, depth is hardly bounded), is read again by `parse_exactly`.
"""

import json
import re
from itertools import islice
from typing import Final, TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel, ValidationError

from bot.problem import FieldError, Problem, invalid_body
from routing.decision import DecisionRequest, Json
from routing.json_value import MAX_DEPTH, UNSTORABLE_TEXT, Fault, faults, read_json

Model = TypeVar("Model", bound=BaseModel)

MAX_BODY: Final = 1 << 20
MAX_CONTEXT: Final = 64 << 10
MAX_ERRORS: Final = 50
"""Enough to mend a body with; a body full of NaN must not be answered by something larger than itself."""

_COARSE: Final = bytes.maketrans(b"123456789{", b"000000000[")
_LONG_NUMBER: Final = b"0" * len(str(1 << 63))


async def read_body(request: web.Request, limit: int = MAX_BODY) -> bytes:
    """The whole body, whatever its content type.

    Raises:
        Problem: `too_large` beyond `limit` bytes (counted after decompression, and before more than a chunk above
            it is held); `invalid_json` when the transfer or content encoding is broken.
    """
    if (request.content_length or 0) > limit:
        raise _too_large(limit)
    body = bytearray()
    try:
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > limit:
                raise _too_large(limit)
    except web.RequestPayloadError as error:
        # Where the next request would begin is unknown.
        headers = {"Connection": "close"}
        raise Problem("invalid_json", "The body's transfer or content encoding is broken.", headers=headers) from error
    return bytes(body)


def parse_json(raw: bytes) -> Json:
    """The value of a JSON text; refuses exactly what `parse_exactly` refuses, and as it does.

    Raises:
        Problem: `invalid_json` (400) or `invalid_body` (422, with paths).
    """
    if _is_suspicious(raw):
        return parse_exactly(raw)
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return parse_exactly(raw)  # which says whether it is no JSON, or JSON with a value that is refused


def parse_exactly(raw: bytes) -> Json:
    """The value of a JSON text in UTF-8; slower than orjson, and every value that is refused is named by its path.

    Raises:
        Problem: `invalid_json` when it is not JSON; `invalid_body`, with paths, when it holds `faults`.
    """
    try:
        value = read_json(raw.decode())
    except RecursionError:
        raise invalid_body([{"loc": [], "msg": f"nesting deeper than {MAX_DEPTH}"}]) from None
    except UnicodeDecodeError as error:
        raise Problem("invalid_json", f"Not UTF-8 at byte {error.start}.") from None
    except json.JSONDecodeError as error:
        raise Problem("invalid_json", f"{error.msg} at line {error.lineno} column {error.colno}.") from None
    errors = [_printable(fault) for fault in islice(faults(value), MAX_ERRORS)]
    if errors:
        raise invalid_body(errors)
    return value


def parse_decision(raw: bytes) -> tuple[DecisionRequest, Json]:
    """The decision that a body posts, and the body's JSON value (which a replay is compared with).

    Raises:
        Problem: as `parse_json`; `invalid_body` with one error per member that breaks the contract.
    """
    request, value = parse_as(DecisionRequest, raw)
    if len(orjson.dumps(request.context)) > MAX_CONTEXT:
        raise invalid_body([{"loc": ["context"], "msg": f"larger than {MAX_CONTEXT} bytes of compact JSON"}])
    return request, value


def parse_as(model: type[Model], raw: bytes) -> tuple[Model, Json]:
    """The body as one of the API's small models, and as the JSON value that it is.

    Raises:
        Problem: as `parse_json`; `invalid_body` with one error per member that breaks the contract.
    """
    value = parse_json(raw)
    try:
        return model.model_validate(value), value
    except ValidationError as error:
        raise invalid_body(field_errors(error)) from None


def field_errors(error: ValidationError) -> list[FieldError]:
    """Pydantic's errors in the API's words: no links, no echo of the input."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return [_field_error(item["type"], item["loc"], item["msg"]) for item in found[:MAX_ERRORS]]


def _is_suspicious(raw: bytes) -> bool:
    """Whether orjson might read more kindly than it should. A false alarm (long digits in a string) costs only time.

    Searching a coarser copy is ten times faster than a regular expression for 19 digits.
    """
    coarse = raw.translate(_COARSE)
    return _LONG_NUMBER in coarse or coarse.count(b"[") > MAX_DEPTH or b"\\u0000" in raw


def _printable(fault: Fault) -> FieldError:
    """With a path that may appear in an answer."""
    loc = [UNSTORABLE_TEXT.sub("\N{REPLACEMENT CHARACTER}", s) if isinstance(s, str) else s for s in fault.path]
    return {"loc": loc, "msg": fault.message}


def _field_error(kind: str, loc: tuple[int | str, ...], msg: str) -> FieldError:
    if kind == "model_type" and not loc:
        return {"loc": [], "msg": "must be a JSON object"}
    if kind == "value_error" and not loc:
        return _from_model_validator(msg.removeprefix("Value error, "))
    return {"loc": list(loc), "msg": msg}


def _from_model_validator(msg: str) -> FieldError:
    """A validator over the whole model cannot set a path, so it puts it in front: `uncertain_spans[3]: what`."""
    found = re.fullmatch(r"(\w+)(?:\[(\d+)\])?: (.*)", msg, re.DOTALL)
    if not found:
        return {"loc": [], "msg": msg}
    name, index, rest = found.groups()
    return {"loc": [name] if index is None else [name, int(index)], "msg": rest}


def _too_large(limit: int) -> Problem:
    return Problem("too_large", f"At most {limit} bytes are accepted here.")
