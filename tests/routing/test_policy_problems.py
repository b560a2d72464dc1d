"""Whatever is wrong with a policy is said at once, with path and line, and never as a traceback."""

import random
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.policy import Policy, PolicyError, Problem, parse_policy
from tests.routing.policies import MINIMAL, SAMPLE


def problems(text: str) -> list[Problem]:
    with pytest.raises(PolicyError) as refused:
        parse_policy(dedent(text))
    return refused.value.problems


def task(members: str) -> str:
    return f"{MINIMAL}\ntasks:\n  refund:\n    {members}\n"


def defaults(members: str) -> str:
    return MINIMAL.replace("users: [U0ADA]}", f"users: [U0ADA]}}, {members}")


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("", "", "empty"),
        ("a: [1", "", "not YAML"),
        ("[]", "", "object"),
        ("&a [*a]", "", "alias loop"),
        ("[" * 1000, "", "nested too deeply"),
        ("%YAML 1.3\n--- a", "", "not YAML"),
        ("a: 1\n---\nb: 2", "", "single document"),
        ('a: "\\0"', "a", "U+0000"),
        ("a: !!python/object:os.system x", "a", "not supported"),
        ("a: 99999999999999999999", "a", "64 bits"),
        ("a: 1e999", "a", "out of range"),
        (f"{MINIMAL}\n1: x", "", "key must be text"),
        (f"{MINIMAL}\nversion: 1", "version", "duplicate key; first on line 2"),
        (MINIMAL.replace("version: 1", "version: 2"), "version", "knows version 1"),
        (MINIMAL.replace("version: 1", "version: true"), "version", "integer"),
        (MINIMAL.replace("version: 1", ""), "version", "required"),
        (MINIMAL.replace('channel: "#review", ', ""), "defaults.channel", "required"),
        (MINIMAL.replace("#review", "review"), "defaults.channel", "not a channel"),
        (f"{MINIMAL}\nruls: []", "ruls", "did you mean 'rules'?"),
        (f"{MINIMAL}\ntimezone: Mars/Olympus", "timezone", "time zone"),
        (f'{MINIMAL}\ndigest: {{at: "monday 9"}}', "digest.at", "mon 09:00"),
        (f'{MINIMAL}\nbusiness_hours: {{days: [], from: "09:00", to: "18:00"}}', "business_hours.days", "at least 1"),
        (f'{MINIMAL}\nbusiness_hours: {{days: [mon], from: "18:00", to: "09:00"}}', "business_hours", "later"),
        (f"{MINIMAL}\ntasks: {{Refund: {{}}}}", "tasks.Refund", "task type"),
        (defaults("tresholds: {}"), "defaults.tresholds", "did you mean 'thresholds'?"),
        (defaults("sla: 4"), "defaults.sla", "not a duration"),
        (defaults("sla: 0s"), "defaults.sla", "longer"),
        (defaults("sla: 91d"), "defaults.sla", "at most 90d"),
        (defaults("irreversible: AUTO"), "defaults.irreversible", "QUEUE"),
        (defaults("autonomy: 5"), "defaults.autonomy", "low risk only"),
        (defaults("rubric: none_such"), "defaults.rubric", "no rubric"),
        (f"{MINIMAL}\nrubrics: {{a: {{labels: {{{', '.join(f'l{number}: [x]' for number in range(21))}}}}}}}",
         "rubrics.a.labels", "at most 20"),
        (f"{MINIMAL}\nrubrics: {{a: {{categories: [{'x' * 76}]}}}}", "rubrics.a.categories[0]", "at most 75"),
        (f"{MINIMAL}\nrubrics: {{a: {{severities: [{', '.join(f's{number}' for number in range(101))}]}}}}",
         "rubrics.a.severities", "at most 100"),
        (defaults("redact: ['(']"), "defaults.redact[0]", "invalid regex"),
        (defaults('trace_url: "https://t.example/{a.b}"'), "defaults.trace_url", "placeholder"),
        (defaults("thresholds: {high: 0.5}"), "defaults.thresholds.high", "below medium's"),
        (defaults("approvals: {critical: 0}"), "defaults.approvals.critical", "greater"),
        (defaults("escalation: [{after: 1m}]"), "defaults.escalation[0]", "exactly one of"),
        (defaults("adjudicators: {users: []}"), "defaults.adjudicators.users", "at least 1"),
        (MINIMAL.replace("users: [U0ADA]", "channel_members: true"), "defaults.reviewers", "nobody to decide"),
        (MINIMAL.replace("U0ADA", "ada"), "defaults.reviewers.users[0]", "user id"),
        (task("reviewers: {channel_members: true}"), "tasks.refund.reviewers", "nobody to decide"),
        (task("{risk: high, on_timeout: provisional}"), "tasks.refund.on_timeout", "time out into action"),
        (task("{risk: high, queue: {provisional_from: 0.9}}"), "tasks.refund.queue", "provisional release"),
        (task("{autonomy: 5}"), "tasks.refund.autonomy", "low risk only"),
        (task("{risk: high, undo: 60s}"), "tasks.refund.undo", "nothing above medium can be undone"),
        (defaults("base_risk: critical") + "tasks: {refund: {undo: 1m}}", "tasks.refund.undo", "leave `undo` out"),
        (task("judge: {base_url: 'https://l.example', model: m, rubric: r, api_key_env: HITL_SECRET}"),
         "tasks.refund.judge.api_key_env", "HITL_JUDGE_"),
        (task("matrix: {critical: {confident: AUTO, unsure: ESCALATE}}"),
         "tasks.refund.matrix.critical.confident", "never AUTO"),
        (task("matrix: {low: {confident: QUEUE, unsure: AUTO}}"), "tasks.refund.matrix.low", "more oversight"),
        (task("matrix: {high: {confident: AUTO, unsure: ESCALATE}}"),
         "tasks.refund.matrix.high.confident", "less oversight"),
        (task("rules: [{id: a, when: 'nope', risk: low}]"), "tasks.refund.rules[0].when", "undeclared"),
        (task("rules: [{id: a, when: 'size(input)', risk: low}]"), "tasks.refund.rules[0].when", "boolean"),
        (task("rules: [{id: a, when: 'true', risk: low, at_least: low}]"), "tasks.refund.rules[0]", "exactly one of"),
        (task("checks: [{id: a, json_schema: {type: nonsense}}]"),
         "tasks.refund.checks[0].json_schema", "invalid schema"),
        (task("checks: [{id: a, json_schema: {$ref: 'https://s.example/x'}}]"),
         "tasks.refund.checks[0].json_schema", "remote"),
        (task("checks: [{id: a, json_schema: {pattern: '(?=x)'}}]"),
         "tasks.refund.checks[0].json_schema", "regex"),
        (task("checks: [{id: a, forbid: x}]"), "tasks.refund.checks[0]", "`field` goes with"),
        (task("checks: [{id: a, field: secret, forbid: x}]"), "tasks.refund.checks[0].field", "dotted path"),
        (task("checks: [{id: a, cel: 'true'}, {id: a, cel: 'true'}]"),
         "tasks.refund.checks[1].id", "duplicate id 'a'; first in tasks.refund.checks[0]"),
    ],
)  # fmt: skip
def test_each_mistake_alone(text: str, path: str, message: str) -> None:
    found = problems(text)
    assert any(problem.path == path and message in problem.message for problem in found), found


def test_rule_ids_are_unique_across_global_and_task_rules() -> None:
    text = f"""{MINIMAL}
rules: [{{id: a, when: "true", risk: low}}]
tasks: {{refund: {{rules: [{{id: a, when: "true", risk: low}}]}}, other: {{}}}}
"""
    assert [str(problem) for problem in problems(text)] == [
        "line 6: tasks.refund.rules[0].id: duplicate id 'a'; first in rules[0]"
    ]


def test_reused_anchor_is_no_problem() -> None:
    parse_policy(f"{MINIMAL}\nrubrics: {{a: &x {{}}, b: &x {{}}, c: *x}}\n")


def test_two_tasks_may_use_the_same_id() -> None:
    rule = 'rules: [{id: a, when: "true", risk: low}]'
    parse_policy(f"{MINIMAL}\ntasks: {{one: {{{rule}}}, two: {{{rule}}}}}\n")


def test_all_problems_are_found_at_once_in_the_order_of_the_file() -> None:
    found = problems(
        """\
        version: 1
        timezone: Nowhere
        defaults:
          channel: "#review"
          reviewers: {users: [U0ADA, bob]}
          thresholds: {low: 0.9, medium: 0.5}
          tresholds: {}
        rules:
          - {id: a, when: "nope", risk: low}
          - {id: b, when: "true", risk: hihg}
        tasks:
          refund:
            risk: critical
            on_timeout: provisional
            checks:
              - {id: x, field: output, forbid: "("}
        """
    )
    assert [(problem.line, problem.path) for problem in found] == [
        (2, "timezone"),
        (5, "defaults.reviewers.users[1]"),
        (6, "defaults.thresholds.medium"),
        (7, "defaults.tresholds"),
        (9, "rules[0].when"),
        (10, "rules[1].risk"),
        (14, "tasks.refund.on_timeout"),
        (16, "tasks.refund.checks[0].forbid"),
    ]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (MINIMAL.replace("[U0ADA]", "[ada]"), "defaults.reviewers.users[0]"),  # not: nobody to decide
        (defaults("autonomy: 5, base_risk: lov"), "defaults.base_risk"),  # not: autonomy 5 is for low risk only
        (task("{risk: lov, autonomy: 5}"), "tasks.refund.risk"),
        (f"{MINIMAL}\nrubrics: 3\ntasks: {{refund: {{rubric: special}}}}", "rubrics"),  # not: no rubric is named
        (task("judge: {base_url: 3, model: m, rubric: r}"), "tasks.refund.judge.base_url"),  # not: it is required
    ],
)
def test_one_mistake_is_not_reported_twice(text: str, path: str) -> None:
    assert [problem.path for problem in problems(text)] == [path]


def parses_or_is_refused(text: str) -> None:
    try:
        policy = parse_policy(text)
    except PolicyError as refused:
        found = refused.problems
    else:
        assert Policy.from_document(policy.document).version == policy.version
        policy.task("refund")
        return
    assert found
    assert all(problem.line is None or problem.line >= 1 for problem in found)


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("\n  -:[]{}&*!|>'\"%#,?@\t")), max_size=60))
def test_any_text_is_a_policy_or_refused(text: str) -> None:
    parses_or_is_refused(text)


_PIECES = [
    "null", "[]", "{}", "''", "0", "-1", "1e400", "true", "&a [*a]", "critical", "AUTO", "'('", "U0ADA", "0s", "400d",
    "{$ref: 'https://s.example/x'}", "'\\ud800'", '"\\ud800"', '"\\0"', "2026-11-01", "0x1F", "- - -", "\n", "? x",
    "<<",
]  # fmt: skip


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 6))
def test_mutated_samples_are_policies_or_refused(seed: int, mutations: int) -> None:
    draw = random.Random(seed)
    lines = SAMPLE.splitlines()
    for _ in range(mutations):
        at = draw.randrange(len(lines))
        words = lines[at].split(" ")
        match draw.randrange(4):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, lines[draw.randrange(len(lines))])
            case 2:
                words[draw.randrange(len(words))] = draw.choice(_PIECES)
                lines[at] = " ".join(words)
            case _:
                key, separator, _value = lines[at].partition(":")
                lines[at] = f"{key}{separator} {draw.choice(_PIECES)}"
    parses_or_is_refused("\n".join(lines))
