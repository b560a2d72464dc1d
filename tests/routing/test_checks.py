from typing import Any

import pytest

from routing.checks import CheckResult, CheckStatus, CompiledCheck, in_words, run_checks
from routing.decision import DecisionRequest, Source
from routing.expressions import Facts
from routing.policy_sections import Check

AMOUNT_SCHEMA = {"type": "object", "required": ["action", "amount"]}


def run(output: Any, *, on_fail: str = "escalate", **check: Any) -> CheckResult:
    request = DecisionRequest(
        task_type="refund",
        input="please",
        output=output,
        context={"note": "fine", "gone": None},
        sources=[Source(id="kb-17", text="the policy")],
    )
    compiled = CompiledCheck.of(Check.model_validate({"id": "c", "on_fail": on_fail, **check}))
    [result] = run_checks([compiled], Facts.of(request), output)
    return result


@pytest.mark.parametrize(
    ("check", "output"),
    [
        ({"json_schema": AMOUNT_SCHEMA}, {"action": "refund", "amount": 1}),
        ({"cel": "output.amount <= 500.0"}, {"amount": 500}),
        ({"field": "output", "forbid": r"(?i)drop\s+table"}, "drop the table"),
        ({"field": "output", "require": r"\[\d+\]"}, "as stated in [1]"),
        ({"field": "output.list", "require": r"^see \[1\]$"}, {"list": [1, {"a": "see [1]"}]}),
        ({"field": "output.amount", "require": r"^12\d$"}, {"amount": 120}),
        ({"field": "sources.0.text", "require": "policy"}, "x"),
        ({"field": "context.note", "forbid": "bad"}, "x"),
    ],
)
def test_check_passes(check: dict[str, Any], output: Any) -> None:
    assert run(output, **check) == CheckResult("c", CheckStatus.PASSED, rejects=False)


@pytest.mark.parametrize(
    ("check", "output", "message"),
    [
        ({"json_schema": AMOUNT_SCHEMA}, {"action": "refund"}, '"amount" is a required property'),
        ({"json_schema": {"properties": {"a": {"type": "string"}}}}, {"a": 1}, 'a: the value is not of type "string"'),
        ({"cel": "output.amount <= 500.0"}, {"amount": 501}, "does not hold: output.amount <= 500.0"),
        ({"field": "output", "forbid": r"(?i)drop\s+table"}, "DROP  TABLE x", "output holds what is"),
        ({"field": "output", "forbid": r"(?i)drop\s+table"}, {"sql": ["drop\ntable x"]}, "output holds what is"),
        ({"field": "output", "forbid": r"drop\s+table"}, {"drop\ttable": 1}, "output holds what is"),
        ({"field": "output", "require": r"\[\d+\]"}, "no source", r"output lacks what is required: \[\d+\]"),
        ({"field": "output", "require": r"\[\d+\]"}, [1], r"output lacks what is required: \[\d+\]"),
        ({"field": "output", "require": r"\[\d+\]"}, {"pages": [1]}, r"output lacks what is required: \[\d+\]"),
    ],
)
@pytest.mark.parametrize("on_fail", ["escalate", "reject"])
def test_check_fails_definitely(check: dict[str, Any], output: Any, message: str, on_fail: str) -> None:
    result = run(output, on_fail=on_fail, **check)
    assert (result.status, result.rejects) == (CheckStatus.FAILED, on_fail == "reject")
    assert message in (result.message or "")


@pytest.mark.parametrize(
    "check",
    [
        {"cel": "output.missing <= 500.0"},
        {"cel": "context.note"},
        {"field": "output.missing", "forbid": "x"},
        {"field": "context.gone", "require": "x"},
        {"field": "sources.7.text", "require": "x"},
        {"field": "output.text", "forbid": "x"},
    ],
)
def test_check_that_cannot_tell_never_rejects(check: dict[str, Any]) -> None:
    result = run({"text": "\ud800"}, on_fail="reject", **check)
    assert (result.status, result.rejects) == (CheckStatus.ERROR, False)
    assert result.message


@pytest.mark.parametrize(
    ("check", "output", "members"),
    [
        ({"json_schema": {"properties": {"a": {"items": {"type": "string"}}}}}, {"a": [1]}, ("a",)),
        ({"json_schema": AMOUNT_SCHEMA}, {}, ()),
        ({"json_schema": {"items": {"type": "string"}}}, [1], ("0",)),
        ({"field": "output.sql.0", "forbid": "x"}, {"sql": ["x"]}, ("sql",)),
        ({"field": "output", "forbid": "x"}, {"sql": "x"}, ()),
        ({"field": "context.note", "forbid": "fine"}, {"note": "x"}, ()),
        ({"cel": 'output.amount <= 5.0 || output["kind"] == "a" && output.amount > 0.0'},
         {"amount": 6, "kind": "b"}, ("amount", "kind")),
        ({"cel": "has(output.amount)"}, {}, ("amount",)),
        ({"cel": "output.amount <= 5.0"}, {}, ("amount",)),  # an error, not a failure
        ({"cel": "context.output_amount > 5"}, {}, ()),
    ],
)  # fmt: skip
def test_failure_names_the_members_it_is_about(check: dict[str, Any], output: Any, members: tuple[str, ...]) -> None:
    result = run(output, **check)
    assert (result.status is CheckStatus.PASSED, result.members) == (False, members)


@pytest.mark.parametrize(
    ("check", "output", "words"),
    [
        ({"cel": "output.amount <= 500.0"}, {"amount": 501}, ""),
        ({"field": "output.sql", "forbid": "drop"}, {"sql": "drop"}, "output.sql holds what is forbidden"),
        ({"field": "output", "require": "cite"}, "x", "output lacks what is required"),
        ({"json_schema": AMOUNT_SCHEMA}, {"action": "x"}, '"amount" is a required property'),
    ],
)
def test_words_leave_the_policys_own_source_out(check: dict[str, Any], output: Any, words: str) -> None:
    assert in_words(run(output, **check).message or "") == words


def test_output_that_no_schema_can_read_is_an_error() -> None:
    assert run("\ud800", json_schema={"maxLength": 2}).status is CheckStatus.ERROR


def test_message_quotes_little_of_a_large_output() -> None:
    result = run("x" * 10_000, json_schema={"maxLength": 2})
    assert len(result.message or "") < 400


def test_failure_reads_as_one_line() -> None:
    assert str(run({}, json_schema=AMOUNT_SCHEMA)) == 'c: "action" is a required property'


def test_edited_output_is_what_is_checked() -> None:
    request = DecisionRequest(task_type="refund", input="x", output={"amount": 900})
    cap = CompiledCheck.of(Check(id="cap", cel="output.amount <= 500.0"))
    facts = Facts.of(request)
    assert run_checks([cap], facts, {"amount": 900})[0].status is CheckStatus.FAILED
    assert run_checks([cap], facts, {"amount": 100})[0].status is CheckStatus.PASSED
