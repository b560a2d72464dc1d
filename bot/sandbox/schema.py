"""The few kinds of checks that Block Kit is made of, as values to build tables from.

A check looks at one value and reports what is wrong at its JSON pointer, in Slack's words where they are known.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from bot.sandbox.limits import utf16_length


class Report:
    """What is wrong with a payload, in Slack's format: `[ERROR] … [json-pointer:/blocks/0]`."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def add(self, problem: str, pointer: str) -> None:
        self.messages.append(f"[ERROR] {problem} [json-pointer:{pointer}]")


Check = Callable[[Any, str, Report], None]


def check_length(value: str, low: int, high: int, pointer: str, report: Report) -> None:
    length = utf16_length(value)
    if length > high:
        report.add(f"must be less than {high + 1} characters", pointer)
    if length < low:
        report.add(f"must be more than {low - 1} characters", pointer)


def string(high: int, low: int = 0) -> Check:
    def check(value: Any, pointer: str, report: Report) -> None:
        if not isinstance(value, str):
            report.add("must be a string", pointer)
        else:
            check_length(value, low, high, pointer, report)

    return check


def whole(low: int, high: int) -> Check:
    def check(value: Any, pointer: str, report: Report) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            report.add("must be an integer", pointer)
        elif not low <= value <= high:
            report.add(f"must be between {low} and {high}", pointer)

    return check


def boolean(value: Any, pointer: str, report: Report) -> None:
    if not isinstance(value, bool):
        report.add("must be a boolean", pointer)


def anything(value: Any, pointer: str, report: Report) -> None:
    """For members whose content Slack keeps without interpreting."""


def one_of(*allowed: str) -> Check:
    def check(value: Any, pointer: str, report: Report) -> None:
        if value not in allowed:
            report.add(f"must be one of {', '.join(allowed)}", pointer)

    return check


def items(check_item: Check, high: int, low: int = 1) -> Check:
    def check(value: Any, pointer: str, report: Report) -> None:
        if not isinstance(value, list):
            report.add("must be an array", pointer)
            return
        if len(value) > high:
            report.add(f"no more than {high} items allowed", pointer)
        if len(value) < low:
            report.add(f"no less than {low} items allowed", pointer)
        for index, item in enumerate(value):
            check_item(item, f"{pointer}/{index}", report)

    return check


def shape(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """An object with these members and no others."""
    members = {**required, **(optional or {})}

    def check(value: Any, pointer: str, report: Report) -> None:
        if not isinstance(value, dict):
            report.add("must be an object", pointer)
            return
        for name in required:
            if name not in value:
                report.add(f"missing required field: {name}", pointer)
        for name, member in value.items():
            if name not in members:
                report.add(f"invalid additional property: {name}", pointer)
            else:
                members[name](member, f"{pointer}/{name}", report)

    return check


def by_type(table: Mapping[str, Check]) -> Check:
    """An object checked by the table's entry for its `type`."""

    def check(value: Any, pointer: str, report: Report) -> None:
        if not isinstance(value, dict):
            report.add("must be an object", pointer)
        elif "type" not in value:
            report.add("missing required field: type", pointer)
        elif not isinstance(value["type"], str) or value["type"] not in table:
            report.add(f"unsupported type: {value['type']}", f"{pointer}/type")
        else:
            table[value["type"]](value, pointer, report)

    return check


def both(first: Check, second: Check) -> Check:
    def check(value: Any, pointer: str, report: Report) -> None:
        first(value, pointer, report)
        second(value, pointer, report)

    return check


def exactly_one(*names: str) -> Check:
    """An object that has one, and only one, of these members."""

    def check(value: Any, pointer: str, report: Report) -> None:
        if isinstance(value, dict) and sum(name in value for name in names) != 1:
            report.add(f"must define exactly one of {', '.join(names)}", pointer)

    return check


def size_in_bytes(payload: Any) -> int:
    return len(json.dumps(payload, ensure_ascii=False).encode("utf-8", "surrogatepass"))
