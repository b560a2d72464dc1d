"""One canonical text a value, equality by value, and every value that cannot be kept is found."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given

from routing.json_value import Fault, canonical, faults, json_equal, read_json
from tests.support.json_values import json_values

NOT_FINITE = "NaN and infinities are refused, and so is a number too large for a double"


@pytest.mark.parametrize(
    ("a", "b", "equal"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        (None, False, False),
        ({"a": 1, "b": [2.0]}, {"b": [2], "a": 1}, True),
        ({"a": None}, {}, False),
        ([1, 2], [2, 1], False),
        ([1], [1, 2], False),
        ([True], [1], False),
        ({}, [], False),
        ("1", 1, False),
        (9007199254740993, 9007199254740992.0, False),
    ],
)
def test_json_equality(a: Any, b: Any, equal: bool) -> None:
    assert json_equal(a, b) is json_equal(b, a) is equal


@given(json_values)
def test_the_canonical_text_ignores_the_order_of_members(value: Any) -> None:
    again = orjson.loads(canonical(value))
    assert json_equal(again, value)
    assert canonical({"a": value, "b": 1}) == canonical({"b": 1, "a": value})


@given(json_values)
def test_what_is_without_fault_is_read_back_as_it_was(value: Any) -> None:
    assert list(faults(value)) == []
    assert repr(read_json(json.dumps(value))) == repr(value)


def test_faults_are_found_in_the_order_of_the_text_with_their_paths() -> None:
    value = read_json('{"a": [NaN, 1, "\\u0000", 1e400], "b": {"c": 99999999999999999999, "\\udc00": "\\ud800"}}')
    assert list(faults(value)) == [
        Fault(("a", 0), NOT_FINITE),
        Fault(("a", 2), "U+0000 cannot be stored"),
        Fault(("a", 3), NOT_FINITE),
        Fault(("b",), "a member name holds U+0000 or a lone surrogate"),
        Fault(("b", "c"), "an integer beyond 64 bits"),
        Fault(("b", "\udc00"), "a lone surrogate is not a character"),
    ]


def test_a_container_is_too_deep_from_the_65th_on() -> None:
    assert list(faults(read_json("[" * 64 + "]" * 64))) == []
    assert list(faults(read_json("[" * 65 + "]" * 65))) == [Fault((0,) * 64, "nesting deeper than 64")]
