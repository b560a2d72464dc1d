"""Tier 1 checks: cheap, deterministic tests of an output, before it is released and again after a person edited it."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

import orjson
from jsonschema_rs import Validator

from routing.decision import Json
from routing.expressions import EvaluationError, Expression, Facts
from routing.json_schema import compile_schema, describe
from routing.patterns import Pattern, compile_pattern
from routing.policy_sections import Check

_MENTIONED = re.compile(r"""\boutput(?:\.([A-Za-z_]\w*)|\[["']([^"'\]]+)["']\])""")
_FORBIDDEN, _REQUIRED, _UNHELD = "holds what is forbidden: ", "lacks what is required: ", "does not hold: "


class CheckStatus(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    """It could not be evaluated; that escalates whatever its `on_fail`."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check said; `message` is for people and None when it passed."""

    id: str
    status: CheckStatus
    rejects: bool
    """A definite failure of a check with `on_fail: reject`."""
    message: str | None = None
    members: tuple[str, ...] = ()
    """The members of the output that a failure or an error is about, as far as the check tells."""

    def __str__(self) -> str:
        return f"{self.id}: {self.message or self.status}"


@dataclass(frozen=True, slots=True)
class _Fault:
    message: str
    members: tuple[str, ...] = ()


_Test = Callable[[Facts], _Fault | None]
"""Gives None when the check passes, else what is wrong; raises EvaluationError when it cannot tell."""


@dataclass(frozen=True, slots=True)
class CompiledCheck:
    """A check of the policy, ready to be run."""

    id: str
    reject: bool
    test: _Test
    mentioned: tuple[str, ...]
    """Members of the output that the check names itself."""

    @classmethod
    def of(cls, check: Check) -> Self:
        return cls(check.id, check.on_fail == "reject", _test(check), _mentioned(check))

    def run(self, facts: Facts) -> CheckResult:
        try:
            fault = self.test(facts)
        except EvaluationError as error:
            return CheckResult(self.id, CheckStatus.ERROR, rejects=False, message=str(error), members=self.mentioned)
        if fault is None:
            return CheckResult(self.id, CheckStatus.PASSED, rejects=False)
        return CheckResult(self.id, CheckStatus.FAILED, self.reject, fault.message, fault.members or self.mentioned)


def run_checks(checks: Iterable[CompiledCheck], facts: Facts, output: Json) -> list[CheckResult]:
    """Run every check on `output`, which may differ from the decision's own (an edited one)."""
    with_output = facts.with_output(output)
    return [check.run(with_output) for check in checks]


def in_words(message: str) -> str:
    """A failure's message without the policy's own CEL or pattern, which tells a reviewer little; may be empty."""
    for words in (_FORBIDDEN, _REQUIRED, _UNHELD):
        before, found, _ = message.partition(words)
        if found:
            return before and before + words.removesuffix(": ")
    return message


def _mentioned(check: Check) -> tuple[str, ...]:
    found = _MENTIONED.findall(check.cel or check.field or "")
    return tuple(dict.fromkeys(dotted or quoted for dotted, quoted in found))


def _test(check: Check) -> _Test:
    if check.json_schema is not None:
        return _schema_test(compile_schema(check.json_schema))
    if check.cel is not None:
        return _cel_test(Expression(check.cel))
    if check.forbid is not None:
        return _forbid_test(check.field or "", compile_pattern(check.forbid), check.forbid)
    return _require_test(check.field or "", compile_pattern(check.require or ""), check.require or "")


def _schema_test(validator: Validator) -> _Test:
    def test(facts: Facts) -> _Fault | None:
        try:
            error = next(validator.iter_errors(facts.fields["output"]), None)
        except ValueError as cause:
            raise EvaluationError(str(cause)) from None
        return None if error is None else _Fault(describe(error), tuple(map(str, error.instance_path[:1])))

    return test


def _cel_test(expression: Expression) -> _Test:
    def test(facts: Facts) -> _Fault | None:
        return None if expression.holds(facts) else _Fault(f"{_UNHELD}{expression.source}")

    return test


def _forbid_test(field: str, pattern: Pattern, source: str) -> _Test:
    def test(facts: Facts) -> _Fault | None:
        value = _lookup(facts, field)
        # JSON text writes a line break as \n: the strings inside are searched as they are, too.
        found = any(_found(pattern, text) for text in (_text(value), *_strings(value)))
        return _Fault(f"{field} {_FORBIDDEN}{source}") if found else None

    return test


def _require_test(field: str, pattern: Pattern, source: str) -> _Test:
    def test(facts: Facts) -> _Fault | None:
        value = _lookup(facts, field)
        # The brackets and quotes of JSON text were not written by the model: only the strings inside can cite anything.
        texts = _strings(value) if isinstance(value, list | dict) else (_text(value),)
        found = any(_found(pattern, text) for text in texts)
        return None if found else _Fault(f"{field} {_REQUIRED}{source}")

    return test


def _found(pattern: Pattern, text: str) -> bool:
    try:
        return pattern.search(text) is not None
    except UnicodeEncodeError as error:
        raise EvaluationError(str(error)) from None


def _lookup(facts: Facts, path: str) -> Json:
    value: Json = facts.fields
    for part in path.split("."):
        try:
            value = value[int(part)] if isinstance(value, list) else value[part]
        except (KeyError, IndexError, TypeError, ValueError):
            raise EvaluationError(f"there is no {path}") from None
    return value


def _text(value: Json) -> str:
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value).decode()
    except TypeError as error:
        raise EvaluationError(str(error)) from None


def _strings(value: Json) -> Iterator[str]:
    """Every string inside a list or object, keys included."""
    match value:
        case list():
            for item in value:
                yield from [item] if isinstance(item, str) else _strings(item)
        case dict():
            yield from _strings(list(value))
            yield from _strings(list(value.values()))
