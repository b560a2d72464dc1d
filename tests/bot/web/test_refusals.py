"""What the running API refuses: each case with its type, path and remedy, and nothing of it stored."""

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from tests.support.bot import KEY, SURE, UNSURE, Bot, running_bot

SPANS = '"output": "abc", "uncertain_spans": '


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    async with running_bot(tmp_path, f"sqlite:///{tmp_path}/hitl.db") as running:
        yield running


def with_member(member: str) -> str:
    return '{"task_type": "label", "input": "?", "output": "shipping", ' + member + "}"


# body, status, kind, path of the first error, a word of its message
REFUSED: list[tuple[str, int, str, list[str | int], str]] = [
    ("", 400, "invalid_json", [], "line 1"),
    ("{", 400, "invalid_json", [], "line 1"),
    ("{'a': 1}", 400, "invalid_json", [], "line 1"),
    ("[]", 422, "invalid_body", [], "object"),
    ("null", 422, "invalid_body", [], "object"),
    ('{"input": 1, "output": 2}', 422, "invalid_body", ["task_type"], "required"),
    ('{"task_type": "t", "output": 2}', 422, "invalid_body", ["input"], "required"),
    ('{"task_type": "t", "input": 1}', 422, "invalid_body", ["output"], "required"),
    (with_member('"confidense": 0.5'), 422, "invalid_body", ["confidense"], "not permitted"),
    (with_member('"model": {"name": "m", "size": 7}'), 422, "invalid_body", ["model", "size"], "not permitted"),
    (with_member('"confidence": 1.01'), 422, "invalid_body", ["confidence"], "less than or equal to 1"),
    (with_member('"confidence": -0.1'), 422, "invalid_body", ["confidence"], "greater than or equal to 0"),
    (with_member('"confidence": "0.5"'), 422, "invalid_body", ["confidence"], "number"),
    (with_member('"confidence": NaN'), 422, "invalid_body", ["confidence"], "NaN"),
    (with_member('"confidence": -Infinity'), 422, "invalid_body", ["confidence"], "infinities"),
    (with_member('"metadata": {"a": [1e400]}'), 422, "invalid_body", ["metadata", "a", 0], "too large"),
    (with_member('"metadata": {"a": "x\\u0000"}'), 422, "invalid_body", ["metadata", "a"], "U+0000"),
    (with_member('"metadata": {"a": 9223372036854775808}'), 422, "invalid_body", ["metadata", "a"], "64 bits"),
    (with_member('"metadata": {"a": -9223372036854775809}'), 422, "invalid_body", ["metadata", "a"], "64 bits"),
    (with_member('"metadata": {"a": ' + "[" * 63 + "]" * 63 + "}"), 422, "invalid_body", [], "deeper than 64"),
    (with_member('"id": "-starts-with-a-dash"'), 422, "invalid_body", ["id"], "pattern"),
    (with_member(f'"id": "{"x" * 129}"'), 422, "invalid_body", ["id"], "pattern"),
    (with_member('"task_type": "Label"'), 422, "invalid_body", ["task_type"], "pattern"),
    (with_member('"reversible": 1'), 422, "invalid_body", ["reversible"], "boolean"),
    (with_member('"variant": "beta"'), 422, "invalid_body", ["variant"], "'canary'"),
    (with_member('"requested_by": "ada"'), 422, "invalid_body", ["requested_by"], "pattern"),
    (with_member('"context": {"a": "' + "x" * 65_536 + '"}'), 422, "invalid_body", ["context"], "65536"),
    (with_member(SPANS + '[{"start": 0, "end": 4}]'), 422, "invalid_body", ["uncertain_spans", 0], "code points"),
    (with_member(SPANS + '[{"start": 2, "end": 2}]'), 422, "invalid_body", ["uncertain_spans", 0], "end is exclusive"),
    (with_member(SPANS + '[{"start": -1, "end": 2}]'), 422, "invalid_body", ["uncertain_spans", 0, "start"], "0"),
    (with_member('"callback_url": "http://10.0.0.7/x"'), 422, "invalid_body", ["callback_url"], "HITL_CALLBACK_ALLOW"),
    (with_member('"callback_url": "https://a:b@c.example/"'), 422, "invalid_body", ["callback_url"], "user name"),
    (with_member('"retry_of": "nobody"'), 422, "invalid_body", ["retry_of"], "post it first"),
    (with_member('"metadata": {"a": "' + "x" * (1 << 20) + '"}'), 413, "too_large", [], "1048576"),
]


async def test_each_bad_body_is_refused_with_type_path_and_reason_and_nothing_is_stored(bot: Bot) -> None:
    for body, status, kind, loc, word in REFUSED:
        answered, problem = await bot.call("POST", "/v1/decisions", data=io.BytesIO(body.encode()))
        case = body[:200]
        assert (answered, problem["type"]) == (status, f"urn:hitl:problem:{kind}"), case
        assert problem["status"] == status, case
        assert word in problem["detail"], (case, problem)
        if kind == "invalid_body":
            found = problem["errors"][0]["loc"]
            assert (found[: len(loc)] if word == "deeper than 64" else found) == loc, case
        else:
            assert "errors" not in problem, case
    assert (await bot.get("/v1/decisions"))[1] == {"data": [], "next_cursor": None}


async def test_the_edges_of_what_is_allowed_are_taken(bot: Bot) -> None:
    for member in (
        f'"id": "{"x" * 128}"',
        '"confidence": 0',
        '"confidence": 1',
        '"metadata": {"a": [9223372036854775807, -9223372036854775808, 1e308, 5e-324]}',
        '"metadata": {"a": ' + "[" * 62 + "]" * 62 + "}",
        '"output": "a\\ud83d\\ude00c", "uncertain_spans": [{"start": 1, "end": 3}]',
        '"context": {"amount": null}',
    ):
        status, answer = await bot.call("POST", "/v1/decisions", data=with_member(member))
        assert status == 201, (member, answer)


NOT_FOUND = "urn:hitl:problem:not_found"
# method, path, status, type, Allow
ASTRAY: list[tuple[str, str, int, str, str | None]] = [
    ("GET", "/v1/decision", 404, NOT_FOUND, None),
    ("GET", "/", 404, NOT_FOUND, None),
    ("GET", "/v1/decisions/nobodys", 404, NOT_FOUND, None),
    ("GET", "/v1/decisions/a%00b", 404, NOT_FOUND, None),
    ("GET", "/v1/decisions/%FF", 404, NOT_FOUND, None),
    ("GET", "/v1/decisions/a%2Fb", 404, NOT_FOUND, None),
    ("DELETE", "/v1/decisions/x", 405, "about:blank", "GET"),
    ("PUT", "/v1/decisions", 405, "about:blank", "GET, POST"),
    ("GET", "/v1/decisions/x/cancel", 405, "about:blank", "POST"),
]


async def test_wrong_addresses_and_methods(tmp_path: Path, database_url: str) -> None:
    async with running_bot(tmp_path, database_url) as bot:
        for method, path, status, kind, allowed in ASTRAY:
            url = URL(bot.application.url + path, encoded=True)
            async with bot.http.request(method, url, headers={"Authorization": f"Bearer {KEY}"}) as answer:
                problem: dict[str, Any] = await answer.json(content_type="application/problem+json")
            assert (answer.status, problem["status"], problem["type"]) == (status, status, kind), path
            assert answer.headers.get("Allow") == allowed


async def test_a_body_in_an_encoding_that_is_not_read_is_refused(bot: Bot) -> None:
    for encoding in ("gzip", "deflate"):
        status, problem = await bot.call(
            "POST", "/v1/decisions", data=b"not compressed", headers={"Content-Encoding": encoding}
        )
        assert (status, problem["type"]) == (400, "urn:hitl:problem:invalid_json"), encoding


async def test_a_bug_shows_no_stack_and_no_secret(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: Any) -> Any:
        raise RuntimeError("sk-secret in a message")

    monkeypatch.setattr(bot.services.stores.decisions, "list", fail)
    status, problem = await bot.get("/v1/decisions")
    assert (status, problem["type"]) == (500, "about:blank")
    assert "sk-secret" not in str(problem)
    assert "Traceback" not in str(problem)
    assert (await bot.post(SURE))[0] == (await bot.post(UNSURE))[0] == 201
