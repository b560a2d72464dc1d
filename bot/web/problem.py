"""Errors of the HTTP API as RFC 9457 problem details; nothing else leaves the server as an error.

The kinds are the contract's; each has one status and one title. An error that has no kind of its own (a wrong
method, a bug) goes out as `about:blank`, whose title is the status's own phrase.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from traceback import extract_tb
from types import TracebackType
from typing import Any, Final, Literal, TypedDict

import orjson
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

log = structlog.get_logger(__name__)

Kind = Literal[
    "invalid_json", "invalid_body", "unauthorized", "forbidden", "not_found", "id_conflict", "already_resolved",
    "already_executed", "hash_mismatch", "not_allowed", "too_large", "rate_limited", "unavailable",
]  # fmt: skip

TYPE_PREFIX: Final = "urn:hitl:problem:"
MEDIA_TYPE: Final = "application/problem+json"

KINDS: Final[Mapping[Kind, tuple[int, str]]] = {
    "invalid_json": (400, "The body is not JSON"),
    "invalid_body": (422, "The request is not valid"),
    "unauthorized": (401, "A valid API key is required"),
    "forbidden": (403, "The API key lacks the scope"),
    "not_found": (404, "Not found"),
    "id_conflict": (409, "The id is taken by another body"),
    "already_resolved": (409, "Already resolved"),
    "already_executed": (409, "Already executed"),
    "hash_mismatch": (409, "The hash is not that of the output to execute"),
    "not_allowed": (409, "Not allowed in this state"),
    "too_large": (413, "The body is too large"),
    "rate_limited": (429, "Too many requests"),
    "unavailable": (503, "Temporarily unavailable"),
}

_DEFAULT_HEADERS: Final[Mapping[Kind, Mapping[str, str]]] = {
    "unauthorized": {"WWW-Authenticate": "Bearer"},
    "unavailable": {"Retry-After": "2"},
}

# SQLSTATE classes after which the same request may succeed: lost connection, rollback forced by a concurrent
# transaction, exhausted resources, shutdown or restart of the server.
_PASSING_SQLSTATES: Final = frozenset({"08", "40", "53", "57"})

_CAUSES_LOGGED: Final = 8


class FieldError(TypedDict):
    """One thing wrong in a body: `loc` is the path of member names and list indexes from the top."""

    loc: list[str | int]
    msg: str


class Problem(Exception):  # noqa: N818 - RFC 9457's own word
    """An error that the client is told about. Raise it anywhere below the middleware.

    Args:
        kind: one of the contract's problem types; it fixes status and title.
        detail: a sentence about this very case. Never put a secret or a piece of the body into it.
        errors: for `invalid_body`, each member that is wrong.
        headers: sent with the answer, over the kind's own (401 WWW-Authenticate, 503 Retry-After).
    """

    def __init__(
        self,
        kind: Kind,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.status, self.title = KINDS[kind]
        self.detail = detail
        self.errors = list(errors)
        self.headers = {**_DEFAULT_HEADERS.get(kind, {}), **(headers or {})}

    def to_json(self) -> dict[str, Any]:
        members: dict[str, Any] = {
            "type": TYPE_PREFIX + self.kind,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            members["errors"] = self.errors
        return members

    def to_response(self) -> web.Response:
        return _response(self.to_json(), self.headers)


def invalid_body(errors: Sequence[FieldError]) -> Problem:
    """The 422 for these errors; `detail` tells the first one, for those who read no further."""
    first = errors[0]
    place = ".".join(map(str, first["loc"])) or "the body"
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return Problem("invalid_body", f"{place}: {first['msg']}{more}", errors=errors)


@web.middleware
async def problem_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every error as a problem. Goes first among the middlewares, so that it sees the others' errors too."""
    try:
        return await handler(request)
    except Problem as problem:
        return problem.to_response()
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        return _from_http_exception(error)
    except Exception as error:  # the last resort of the server: logged, and no detail leaks out
        return _from_unexpected(request, error)


def _from_http_exception(error: web.HTTPException) -> web.Response:
    match error:
        case web.HTTPNotFound():
            return Problem("not_found", "There is nothing at this address.").to_response()
        case web.HTTPRequestEntityTooLarge():
            return Problem("too_large", "The body exceeds the limit.").to_response()
        case web.HTTPMethodNotAllowed():
            allowed = ", ".join(sorted(error.allowed_methods))
            return _blank(error.status, f"Allowed here: {allowed}.", {"Allow": allowed})
        case _:
            return _blank(error.status, error.reason)


def _from_unexpected(request: web.Request, error: Exception) -> web.Response:
    passing = is_passing(error)
    log.error(
        "http.database_unavailable" if passing else "http.unexpected_error",
        method=request.method,
        route=request.match_info.route.resource and request.match_info.route.resource.canonical,
        error=_type_names(error),
        where=_where(error.__traceback__),
    )
    if passing:
        return Problem("unavailable", "The database cannot be reached. Nothing was stored; try again.").to_response()
    return _blank(500, "The server failed on this request. Its log says where.")


def is_passing(error: Exception) -> bool:
    """Whether an error is the database's being away or busy, so that trying again makes sense."""
    if isinstance(error, OperationalError | InterfaceError | PoolTimeoutError | ConnectionError | TimeoutError):
        return True
    cause = error.orig if isinstance(error, DBAPIError) else error
    sqlstate = getattr(cause, "sqlstate", None)
    return isinstance(sqlstate, str) and sqlstate[:2] in _PASSING_SQLSTATES


def _type_names(error: BaseException | None) -> list[str]:
    """The types along the chain of causes, and never a message: it may quote the body or a query's parameters."""
    names: list[str] = []
    while error is not None and len(names) < _CAUSES_LOGGED:
        names.append(f"{type(error).__module__}.{type(error).__qualname__}")
        error = error.__cause__ or error.__context__
    return names


def _where(traceback: TracebackType | None) -> list[str]:
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in extract_tb(traceback)]


def _blank(status: int, detail: str, headers: Mapping[str, str] | None = None) -> web.Response:
    title = HTTPStatus(status).phrase
    return _response({"type": "about:blank", "title": title, "status": status, "detail": detail}, headers)


def _response(members: Mapping[str, Any], headers: Mapping[str, str] | None) -> web.Response:
    return web.Response(body=orjson.dumps(members), status=members["status"], headers=headers, content_type=MEDIA_TYPE)
