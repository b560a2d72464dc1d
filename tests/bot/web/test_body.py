"""The door of the HTTP API: what is refused, with which words and path; the fast path decides as the exact one."""

import gzip
import json
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import example, given
from hypothesis import strategies as st

from bot.problem import Problem
from bot.web.body import parse_decision, parse_exactly, parse_json, read_body
from bot.web.problem import problem_middleware
from routing.json_value import canonical
from tests.support.json_values import json_values

DECISION: dict[str, Any] = {"task_type": "refund", "input": "I want my money back", "output": "no"}
SPAN = {"start": 0, "end": 1}


def refusal(raw: bytes, parse: Any = parse_json) -> Problem:
    with pytest.raises(Problem) as caught:
        parse(raw)
    return caught.value


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"   ",
        b"{",
        b"[1,]",
        b"{'a': 1}",
        b'{"a": 1} x',
        b"nan",
        b"+1",
        b"01",
        b'"\x00"',
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b"\xef\xbb\xbf1",
        '{"a": 1}'.encode("utf-16"),
        b"1" * 30 + b",",
    ],
)
def test_what_is_not_json_is_a_400(raw: bytes) -> None:
    problem = refusal(raw)
    assert (problem.status, problem.kind, problem.errors) == (400, "invalid_json", [])


@pytest.mark.parametrize(
    ("raw", "loc", "word"),
    [
        (b'{"a": NaN}', ["a"], "NaN"),
        (b"[1, Infinity]", [1], "NaN"),
        (b'{"a": {"b": [-Infinity]}}', ["a", "b", 0], "NaN"),
        (b'{"a": 1e400}', ["a"], "NaN"),
        (b"[" + b"9" * 310 + b".0]", [0], "NaN"),
        (b'{"a": "x\\u0000y"}', ["a"], "U+0000"),
        (b'{"a": "\\ud800"}', ["a"], "surrogate"),
        (b'{"a": "\\udc00\\ud800"}', ["a"], "surrogate"),
        (b'{"a": {"b\\u0000": 1}}', ["a"], "U+0000"),
        (b'{"a": 9223372036854775808}', ["a"], "64 bits"),
        (b'{"a": -9223372036854775809}', ["a"], "64 bits"),
        (b'{"a": 18446744073709551616}', ["a"], "64 bits"),
        (b"[" + b"1" * 5000 + b"]", [0], "64 bits"),
        (b"[" * 65 + b"]" * 65, [0] * 64, "nesting"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, ["a"] * 64, None),
        (b"[" * 200_000 + b"]" * 200_000, [], "nesting"),
    ],
)
def test_a_value_that_cannot_be_kept_is_a_422_with_its_path(raw: bytes, loc: list[str | int], word: str | None) -> None:
    problem = refusal(raw)
    assert (problem.status, problem.kind) == (422, "invalid_body")
    assert [error["loc"] for error in problem.errors] == [loc]
    assert (word or "nesting") in problem.errors[0]["msg"]


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"[9223372036854775807, -9223372036854775808]", [(1 << 63) - 1, -(1 << 63)]),
        (b"[1e308, 123456789012345678901234567890.5]", [1e308, 1.2345678901234568e29]),
        (b'"\\\\u0000"', "\\u0000"),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"12345678901234567890"', "12345678901234567890"),
        (b"[" * 64 + b"]" * 64, json.loads("[" * 64 + "]" * 64)),
        (b"[" + b",".join([b"[]"] * 100) + b"]", [[]] * 100),
        (b'{"a": 1, "a": 2}', {"a": 2}),
    ],
)
def test_what_only_looks_dangerous_passes_unchanged(raw: bytes, value: Any) -> None:
    assert parse_json(raw) == value


def test_every_problem_is_named_in_the_order_of_the_text() -> None:
    problem = refusal(b'{"a": [NaN, 1, "\\u0000"], "b\\u0000": {"c": 99999999999999999999}}')
    assert [error["loc"] for error in problem.errors] == [[], ["a", 0], ["a", 2], ["b\ufffd", "c"]]
    assert orjson.loads(orjson.dumps(problem.to_json()))["errors"] == problem.errors


def test_the_answer_to_a_body_full_of_faults_stays_small() -> None:
    assert len(refusal(b"[" + b"NaN," * 1000 + b"1]").errors) == 50


@given(json_values)
def test_every_storable_value_passes_unchanged_by_both_paths(value: Any) -> None:
    for raw in (orjson.dumps(value), json.dumps(value).encode()):
        assert repr(parse_json(raw)) == repr(parse_exactly(raw)) == repr(value)


PUNCTUATION = ["[", "]", "{", "}", ",", ":", '"', "\\", " ", "[[[", "]]]", "[" * 64, "]" * 64, '"a":']
ESCAPES = ["\\u0000", "\\ud800", "\\udc00", "\x00", "é"]
NUMBERS = ["NaN", "-Infinity", "1e400", "-", "0", ".5", "e99", "9" * 19, str(2**63 - 1), str(2**63), str(2**64)]
fragments = st.lists(st.sampled_from([*PUNCTUATION, *ESCAPES, *NUMBERS, "true", "null"]), max_size=12)
texts_like_json = fragments.map(lambda parts: "".join(parts).encode())


def verdict(raw: bytes, parse: Any) -> Any:
    try:
        return repr(parse(raw))
    except Problem as problem:
        return problem.to_json()


@given(texts_like_json | st.binary(max_size=40))
@example(b"-9223372036854775809")
@example(b"18446744073709551615")
@example(b"-0")
@example(b"1E400")
@example(b"[" * 65 + b"]" * 65)
def test_the_fast_path_decides_as_the_exact_one(raw: bytes) -> None:
    assert verdict(raw, parse_json) == verdict(raw, parse_exactly)


def test_a_decision_comes_back_with_the_json_it_was_read_from() -> None:
    body = {**DECISION, "confidence": 1, "context": {"amount": 120}}
    request, value = parse_decision(orjson.dumps(body))
    assert (request.task_type, request.confidence, request.context) == ("refund", 1.0, {"amount": 120})
    assert value == body


@pytest.mark.parametrize(
    ("change", "loc", "msg"),
    [
        ({"task_type": "Refund!"}, ["task_type"], "String should match pattern"),
        ({"confidense": 0.5}, ["confidense"], "Extra inputs are not permitted"),
        ({"confidence": 1.5}, ["confidence"], "less than or equal to 1"),
        ({"confidence": "0.9"}, ["confidence"], "valid number"),
        ({"model": {"name": "m", "size": 1}}, ["model", "size"], "Extra inputs"),
        ({"uncertain_spans": [SPAN, {"start": 1, "end": 3}]}, ["uncertain_spans", 1], "1..3 does not lie"),
        ({"output": {}, "uncertain_spans": [SPAN]}, ["uncertain_spans"], "only a string output has spans"),
        ({"context": {"text": "x" * 65536}}, ["context"], "larger than 65536 bytes"),
    ],
)
def test_a_member_that_breaks_the_contract_is_named(change: dict[str, Any], loc: list[str | int], msg: str) -> None:
    problem = refusal(orjson.dumps({**DECISION, **change}), parse_decision)
    assert (problem.status, problem.kind) == (422, "invalid_body")
    assert [error["loc"] for error in problem.errors] == [loc]
    assert msg in problem.errors[0]["msg"]
    assert "pydantic" not in str(problem.to_json())


def test_all_wrong_members_are_named_at_once_and_no_value_is_echoed() -> None:
    problem = refusal(orjson.dumps({"task_type": "sk-secret-value!", "input": 1}), parse_decision)
    assert [error["loc"] for error in problem.errors] == [["task_type"], ["output"]]
    assert "sk-secret-value" not in str(problem.to_json())


def test_a_body_that_is_no_object_is_told_so() -> None:
    assert refusal(b"[]", parse_decision).errors == [{"loc": [], "msg": "must be a JSON object"}]


def test_a_context_of_exactly_the_limit_passes() -> None:
    frame = len('{"text":"é"}'.encode()) - 2
    context = {"text": "é" * ((65_536 - frame) // 2) + "x" * (frame % 2)}
    assert len(canonical(context)) == 65_536
    request, _ = parse_decision(json.dumps({**DECISION, "context": context}).encode())
    assert request.context == context


async def _echo_length(request: web.Request) -> web.Response:
    return web.json_response(len(await read_body(request, limit=1000)))


async def _chunks(total: int) -> Any:
    for _ in range(total // 10):
        yield b"x" * 10


async def test_a_body_is_read_up_to_its_limit_however_it_is_sent() -> None:
    app = web.Application(middlewares=[problem_middleware])
    app.router.add_post("/", _echo_length)
    async with TestClient(TestServer(app)) as client:

        async def status(data: Any, **headers: str) -> int:
            async with client.post("/", data=data, headers=headers) as answer:
                return answer.status

        assert await status(b"x" * 1000) == 200
        assert await status(b"x" * 1001) == 413
        assert await status(_chunks(1000)) == 200
        assert await status(_chunks(100_000)) == 413
        assert await status(gzip.compress(b"x" * 1000), **{"Content-Encoding": "gzip"}) == 200
        assert await status(gzip.compress(b"x" * 1_000_000), **{"Content-Encoding": "gzip"}) == 413
        assert await status(b"not gzip at all", **{"Content-Encoding": "gzip"}) == 400
