"""Every error leaves the server as a problem, says what the client needs and nothing that it must not see."""

from typing import Any, get_args

import asyncpg
import pytest
import sqlalchemy.exc
import structlog
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.problem import KINDS, Kind, Problem
from bot.web.problem import problem_middleware

SECRET = "sk-very-secret"


def server(error: Exception) -> TestServer:
    async def fail(_: web.Request) -> web.Response:
        raise error

    app = web.Application(middlewares=[problem_middleware])
    app.router.add_post("/v1/things/{id}", fail)
    return TestServer(app)


async def answer_to(error: Exception) -> tuple[int, dict[str, Any], dict[str, str], str]:
    async with TestClient(server(error)) as client, client.post("/v1/things/7", data=SECRET) as answer:
        return answer.status, await answer.json(content_type=None), dict(answer.headers), answer.content_type


def test_each_kind_of_the_contract_has_a_status_and_a_title() -> None:
    assert set(KINDS) == set(get_args(Kind))


async def test_a_problem_is_answered_as_rfc_9457_asks() -> None:
    problem = Problem("invalid_body", "confidence: too high", errors=[{"loc": ["confidence"], "msg": "too high"}])
    status, body, _, media_type = await answer_to(problem)
    assert (status, media_type) == (422, "application/problem+json")
    assert body == {
        "type": "urn:hitl:problem:invalid_body",
        "title": "The request is not valid",
        "status": 422,
        "detail": "confidence: too high",
        "errors": [{"loc": ["confidence"], "msg": "too high"}],
    }


@pytest.mark.parametrize(
    ("problem", "name", "value"),
    [
        (Problem("unauthorized", "No key."), "WWW-Authenticate", "Bearer"),
        (Problem("unavailable", "Later."), "Retry-After", "2"),
        (Problem("unavailable", "Later.", headers={"Retry-After": "30"}), "Retry-After", "30"),
        (Problem("rate_limited", "Slower.", headers={"Retry-After": "1"}), "Retry-After", "1"),
    ],
)
async def test_a_problem_carries_the_headers_that_its_status_asks_for(problem: Problem, name: str, value: str) -> None:
    _, body, headers, _ = await answer_to(problem)
    assert headers[name] == value
    assert "errors" not in body


async def test_the_routers_own_errors_are_problems_too() -> None:
    async with TestClient(server(RuntimeError())) as client:
        async with client.post("/nowhere") as answer:
            assert answer.status == 404
            assert (await answer.json(content_type=None))["type"] == "urn:hitl:problem:not_found"
        async with client.get("/v1/things/7") as answer:
            body = await answer.json(content_type=None)
            assert (answer.status, answer.headers["Allow"]) == (405, "POST")
            assert (body["type"], body["title"], body["status"]) == ("about:blank", "Method Not Allowed", 405)


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (web.HTTPRequestEntityTooLarge(max_size=1, actual_size=2), 413, "urn:hitl:problem:too_large"),
        (web.HTTPUnsupportedMediaType(), 415, "about:blank"),
    ],
)
async def test_an_http_exception_keeps_its_status(error: Exception, status: int, kind: str) -> None:
    answered, body, _, _ = await answer_to(error)
    assert (answered, body["status"], body["type"]) == (status, status, kind)


async def test_a_redirect_is_no_error() -> None:
    async with (
        TestClient(server(web.HTTPFound("/elsewhere"))) as client,
        client.post("/v1/things/7", allow_redirects=False) as answer,
    ):
        assert (answer.status, answer.headers["Location"]) == (302, "/elsewhere")


def from_postgres(sqlstate: str) -> Exception:
    error = asyncpg.PostgresError(SECRET)
    error.sqlstate = sqlstate
    return error  # type: ignore[no-any-return]  # asyncpg ships no types


@pytest.mark.parametrize(
    "error",
    [
        sqlalchemy.exc.OperationalError("INSERT", {"input": SECRET}, Exception("database is locked")),
        sqlalchemy.exc.InterfaceError("SELECT 1", {}, Exception("connection is closed")),
        sqlalchemy.exc.TimeoutError("QueuePool limit reached"),
        ConnectionRefusedError(SECRET),
        sqlalchemy.exc.DBAPIError("INSERT", {}, from_postgres("57P01")),
        from_postgres("57P03"),
    ],
)
async def test_a_database_that_is_away_is_a_503_to_try_again(error: Exception) -> None:
    with structlog.testing.capture_logs() as logs:
        status, body, headers, _ = await answer_to(error)
    assert (status, body["type"]) == (503, "urn:hitl:problem:unavailable")
    assert "may not have been stored" in body["detail"], "a connection may be lost while it commits"
    assert int(headers["Retry-After"]) > 0
    assert [entry["event"] for entry in logs] == ["http.database_unavailable"]
    assert SECRET not in str(body) + str(logs)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(SECRET),
        sqlalchemy.exc.DBAPIError("INSERT", {"input": SECRET}, from_postgres("22001")),
        sqlalchemy.exc.ProgrammingError("INSERT", {"input": SECRET}, Exception("no such column")),
    ],
)
async def test_a_bug_is_a_500_whose_log_names_the_place_and_quotes_nothing(error: Exception) -> None:
    with structlog.testing.capture_logs() as logs:
        status, body, _, _ = await answer_to(error)
    assert (status, body["type"], body["title"]) == (500, "about:blank", "Internal Server Error")
    (entry,) = logs
    assert entry["event"] == "http.unexpected_error"
    assert entry["error"] == [f"{type(error).__module__}.{type(error).__qualname__}"]
    assert entry["route"] == "/v1/things/{id}"
    assert any("test_problem.py" in line and line.endswith(" fail") for line in entry["where"])
    assert SECRET not in str(body) + str(logs)
