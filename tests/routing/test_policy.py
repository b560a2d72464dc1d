import json
from datetime import time, timedelta

import pytest

from routing.decision import Risk, Route
from routing.policy import Adjustment, Circle, Policy, PolicyError, parse_policy
from tests.routing.policies import MINIMAL, SAMPLE, policy


def test_sample_of_the_contract_is_accepted() -> None:
    sample = parse_policy(SAMPLE)
    assert sample.timezone == "Europe/Berlin"
    assert sample.business_hours is not None
    assert sample.business_hours.opens == time(9)
    assert sample.file.digest.at == ("mon", time(9))
    assert sample.file.cost.escaped_error == 100


def test_task_resolves_its_own_keys_before_the_defaults() -> None:
    refund = parse_policy(SAMPLE).task("refund")
    assert refund.channel == "#refunds"
    assert refund.base_risk is Risk.MEDIUM
    assert refund.threshold == 0.90
    assert refund.sla == timedelta(minutes=10)
    assert refund.on_timeout == "reject"
    assert refund.double_review == 0.05  # from the defaults
    assert [rule.id for rule in refund.rules] == ["big_money", "mass_effect", "new_user"]
    assert [check.id for check in refund.checks] == ["shape", "no_sql", "cites", "cap"]
    assert refund.judge is not None
    assert refund.judge.api_key_env == "HITL_JUDGE_KEY"


def test_unlisted_task_gets_the_defaults() -> None:
    task = parse_policy(SAMPLE).task("never_heard_of")
    assert (task.channel, task.base_risk, task.threshold, task.checks) == ("#ai-review", Risk.MEDIUM, None, ())


def test_minimal_policy_has_the_samples_values() -> None:
    task = parse_policy(MINIMAL).task("any")
    assert task.sla == timedelta(hours=4)
    assert task.matrix.at(Risk.CRITICAL).confident is Route.ESCALATE
    assert task.approvals == {}
    assert task.double_review == 0
    assert task.escalation == ()
    assert task.rubric.categories[0] == "factual_error"
    assert task.rubric.require_reason == ("reject",)


def test_a_tasks_key_replaces_the_whole_value() -> None:
    changed = policy(defaults="queue: {provisional_from: 0.8, max_live_cards: 3}", task="queue: {max_live_cards: 5}")
    assert changed.task("refund").queue.provisional_from is None
    assert changed.task("other").queue.provisional_from == 0.8


def test_rules_of_a_task_add_to_the_global_ones() -> None:
    both = policy(
        rest='rules: [{id: a, when: "true", risk: low}]', task='rules: [{id: b, when: "true", at_least: high}]'
    )
    assert [(rule.id, rule.level) for rule in both.task("refund").rules] == [("a", Risk.LOW), ("b", Risk.HIGH)]
    assert [rule.id for rule in both.task("other").rules] == ["a"]


def test_rubric_is_chosen_by_name() -> None:
    named = policy(rest="rubrics: {safety: {labels: {safety: [SAFE, UNSAFE]}}}", task="rubric: safety")
    assert named.task("refund").rubric.labels == {"safety": ("SAFE", "UNSAFE")}
    assert named.task("other").rubric.labels == {}


@pytest.mark.parametrize(
    ("risk", "anyone"), [(Risk.LOW, True), (Risk.MEDIUM, True), (Risk.HIGH, False), (Risk.CRITICAL, False)]
)
def test_channel_members_decide_low_and_medium_only(risk: Risk, anyone: bool) -> None:
    task = policy(task="reviewers: {users: [U0ADA, U0BEN], usergroup: S0TEAM, channel_members: true}").task("refund")
    assert task.reviewers(risk) == Circle(frozenset({"U0ADA", "U0BEN"}), "S0TEAM", anyone)


@pytest.mark.parametrize("risk", list(Risk))
def test_whoever_may_review_settles_where_no_adjudicator_is_named(risk: Risk) -> None:
    task = policy(task="reviewers: {users: [U0ADA], channel_members: true}").task("refund")
    assert task.settlers(risk) == task.reviewers(risk)


@pytest.mark.parametrize("risk", list(Risk))
def test_named_adjudicators_settle_alone(risk: Risk) -> None:
    named = policy(
        defaults="adjudicators: {users: [U0CEA]}", task="adjudicators: {usergroup: S0LEADS}, channel: '#refunds'"
    )
    assert named.task("refund").settlers(risk) == Circle(frozenset(), "S0LEADS", channel_members=False)
    assert named.task("other").settlers(risk) == Circle(frozenset({"U0CEA"}), None, channel_members=False)


def test_one_approval_is_enough_where_no_number_is_named() -> None:
    task = policy(task="approvals: {high: 2, critical: 3}").task("refund")
    assert [task.approvals_at(risk) for risk in Risk] == [1, 1, 2, 3]


def test_undo_is_for_low_and_medium_whoever_set_it() -> None:
    minute, never = timedelta(minutes=1), timedelta(0)
    by_task = policy(task="risk: low, undo: 60s").task("refund")  # a rule may raise it above
    assert [by_task.undo_at(risk) for risk in Risk] == [minute, minute, never, never]
    inherited = policy(defaults="undo: 60s", task="risk: critical").task("refund")
    assert [inherited.undo_at(risk) for risk in Risk] == [minute, minute, never, never]


def test_threshold_is_the_tasks_own_until_the_risk_is_raised() -> None:
    task = policy(task="risk: medium, threshold: 0.6").task("refund")
    assert [task.threshold_at(risk) for risk in Risk] == [0.6, 0.6, 0.95, 0.99]
    strict = policy(task="risk: medium, threshold: 0.97").task("refund")
    assert [strict.threshold_at(risk) for risk in Risk] == [0.97, 0.97, 0.97, 0.99]


def test_version_depends_on_the_content_not_on_the_layout() -> None:
    same = 'defaults:\n  reviewers: {users: [U0ADA]}\n  channel: "#review"\nversion: 1  # the first\n'
    other = MINIMAL.replace("U0ADA", "U0BEN")
    assert parse_policy(same).version == parse_policy(MINIMAL).version
    assert parse_policy(other).version != parse_policy(MINIMAL).version
    assert len(parse_policy(MINIMAL).version) == 12


def test_document_survives_storage() -> None:
    adjusted = parse_policy(SAMPLE).with_adjustments(
        [Adjustment("refund", "threshold", 0.97), Adjustment("x", "autonomy", 0)]
    )
    stored = Policy.from_document(json.loads(json.dumps(adjusted.document)))
    assert stored.version == adjusted.version
    assert stored.file == adjusted.file
    assert stored.task("refund").threshold == 0.97
    assert stored.task("x").autonomy == 0


def test_adjustments_replace_earlier_ones_and_change_the_version() -> None:
    plain = parse_policy(SAMPLE)
    paused = plain.with_adjustments([Adjustment("refund", "autonomy", 4), Adjustment("refund", "autonomy", 0)])
    assert paused.task("refund").autonomy == 0
    assert plain.task("refund").autonomy == 3
    assert paused.version != plain.version
    assert paused.with_adjustments([]).version == plain.version


def test_order_of_adjustments_does_not_change_the_version() -> None:
    plain = parse_policy(SAMPLE)
    one, two = Adjustment("refund", "threshold", 0.97), Adjustment("refund", "autonomy", 1)
    assert plain.with_adjustments([one, two]).version == plain.with_adjustments([two, one]).version


@pytest.mark.parametrize(
    ("adjustment", "path"),
    [
        (Adjustment("refund", "autonomy", 5), "tasks.refund.autonomy"),
        (Adjustment("refund", "autonomy", 6), "tasks.refund.autonomy"),
        (Adjustment("refund", "threshold", 1.5), "tasks.refund.threshold"),
    ],
)
def test_adjustments_obey_the_rules_of_the_file(adjustment: Adjustment, path: str) -> None:
    with pytest.raises(PolicyError) as refused:
        parse_policy(SAMPLE).with_adjustments([adjustment])
    assert [problem.path for problem in refused.value.problems] == [path]


def test_tasks_are_resolved_once() -> None:
    sample = parse_policy(SAMPLE)
    assert sample.task("refund") is sample.task("refund")
    assert sample.task("unlisted") is sample.task("also_unlisted")


def test_adjustments_do_not_depend_on_how_a_database_gives_numbers() -> None:
    plain = parse_policy(SAMPLE)
    one = plain.with_adjustments([Adjustment("refund", "autonomy", 2), Adjustment("refund", "threshold", 1)])
    two = plain.with_adjustments([Adjustment("refund", "autonomy", 2.0), Adjustment("refund", "threshold", 1.0)])
    assert one.version == two.version
