"""Every error leaves the server as a problem; nothing else does.

An error that has no kind of its own (a wrong method, a bug) goes out as `about:blank`, whose title is the status's own
phrase.
"""

from collections.abc import Mapping
from http import HTTPStatus
from traceback import extract_tb
from types import TracebackType
from typing import Any, Final

import orjson
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from bot.problem import MEDIA_TYPE, Problem

log = structlog.get_logger(__name__)

# SQLSTATE classes after which the same request may succeed: lost connection, rollback forced by a concurrent
# transaction, exhausted resources, shutdown or restart of the server.
_PASSING_SQLSTATES: Final = frozenset({"08", "40", "53", "57"})

_CAUSES_LOGGED: Final = 8

# A connection that is lost at the COMMIT leaves open whether that was carried out.
_UNAVAILABLE: Final = (
    "The database cannot be reached. What was sent may not have been stored; repeat the request with the same id."
)


@web.middleware
async def problem_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every error as a problem. Goes first among the middlewares, so that it sees the others' errors too."""
    try:
        return await handler(request)
    except Problem as problem:
        return problem_response(problem)
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        return _from_http_exception(error)
    except Exception as error:  # the last resort of the server: logged, and no detail leaks out
        return _from_unexpected(request, error)


def problem_response(problem: Problem) -> web.Response:
    return _response(problem.to_json(), problem.headers)


def _from_http_exception(error: web.HTTPException) -> web.Response:
    match error:
        case web.HTTPNotFound():
            return problem_response(Problem("not_found", "There is nothing at this address."))
        case web.HTTPRequestEntityTooLarge():
            return problem_response(Problem("too_large", "The body exceeds the limit."))
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
        return problem_response(Problem("unavailable", _UNAVAILABLE))
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
