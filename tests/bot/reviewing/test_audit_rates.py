"""The adaptive rate: what verdicts on audits make of a stream, what is kept of it, and who hears of it."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.adjusting import Adjusted
from bot.reviewing.audit_rates import followed
from routing.maturity import Goal, MaturityState, begun
from routing.policy import TaskPolicy, parse_policy
from store import tables as t
from store.audit_streams import SETTLED_AFTER, AuditVerdict, Stream, StreamKey
from tests.bot.reviewing.audit_world import CORRECT, DAY, WRONG, Auditing, auditing
from tests.bot.reviewing.world import World, policy_for_labels, replica
from tests.support.rows import NOW

KEY = StreamKey("label", "gpt-x", "2026-10", "logprob")
STRICT = "max_error: 0.3, delta: 0.2, audit: {initial: 0.5, stable: 0.1, max_per_day: 200}"
"""A bound that few labels prove: without an error 5 end the cold start, and 7 certify."""


@pytest.fixture
def at_work(world: World) -> Auditing:
    return auditing(world)


def task(settings: str = STRICT) -> TaskPolicy:
    return parse_policy(policy_for_labels(settings)).task("label")


def verdicts(*errors: bool, inclusion: float = 1.0) -> list[AuditVerdict]:
    return [AuditVerdict(pk, KEY, error, inclusion, inclusion) for pk, error in enumerate(errors, 1)]


# What verdicts make of it ---------------------------------------------------------------------------------------------


def test_a_stream_begins_cold_and_is_audited_in_full() -> None:
    maturity, [move] = followed(None, verdicts(False), task())
    assert maturity.state is MaturityState.COLD
    assert (move.before, move.after, move.rate_before, move.rate_after) == (None, MaturityState.COLD, None, 1.0)


def test_enough_labels_and_then_a_certificate_bring_the_rate_down() -> None:
    maturity, moves = followed(None, verdicts(*[False] * 7), task())
    assert maturity.state is MaturityState.STABLE
    assert [(move.after, move.rate_after) for move in moves] == [
        (MaturityState.COLD, 1.0),
        (MaturityState.LEARN, 0.5),
        (MaturityState.STABLE, 0.1),
    ]


def test_proof_that_the_bound_is_broken_suspends_with_the_numbers_that_made_it() -> None:
    maturity, moves = followed(None, verdicts(*[True] * 12), task())
    assert maturity.state is MaturityState.SUSPENDED
    assert moves[-1].after is MaturityState.SUSPENDED
    assert moves[-1].evidence.errors == moves[-1].evidence.labels < 12


def test_a_days_equal_chances_count_in_full_however_small_they_are() -> None:
    in_full, _ = followed(None, verdicts(*[False] * 9), task())
    rarely, _ = followed(None, verdicts(*[False] * 9, inclusion=0.02), task())
    assert rarely == in_full


def test_what_had_the_greater_chance_in_the_same_draw_counts_less() -> None:
    often, seldom = (AuditVerdict(1, KEY, True, chance, 0.1) for chance in (1.0, 0.1))
    alone = AuditVerdict(1, KEY, True, 1.0, 1.0)
    counted = [followed(None, [each], task())[0].evidence.log_breach for each in (often, seldom, alone)]
    assert 0 < counted[0] < counted[1] == counted[2]


def test_an_easy_kind_that_is_judged_first_proves_little() -> None:
    """Nine of ten decisions are of a kind with a tenth of the chance, and nobody has judged one of them yet."""
    easy = [replace(each, least_inclusion=0.1) for each in verdicts(*[False] * 9)]
    assert followed(None, verdicts(*[False] * 9), task())[0].state is MaturityState.STABLE
    assert followed(None, easy, task())[0].state is MaturityState.LEARN


def suspended() -> Stream:
    maturity, _ = followed(None, verdicts(*[True] * 12), task())
    stored = {"state": maturity.state, "evidence": maturity.evidence.as_json()}
    return Stream(KEY, stored, 1.0, NOW, judged_to=12, pk=1, version=1)


@pytest.mark.parametrize("autonomy", [0, 2, 3, 4])
def test_the_next_time_a_suspension_ends_and_all_begins_anew(autonomy: int) -> None:
    """Whether people still decide, or have given the autonomy back."""
    late = verdicts(True, True)
    maturity, [move] = followed(suspended(), late, task(f"{STRICT}, autonomy: {autonomy}"))
    assert maturity == begun(Goal(0.3, 0.2))
    assert (move.before, move.after, move.rate_after) == (MaturityState.SUSPENDED, MaturityState.COLD, 1.0)
    assert move.evidence.errors == 14


def test_a_breach_is_told_even_where_people_decide_already() -> None:
    maturity, moves = followed(None, verdicts(*[True] * 12), task(f"{STRICT}, autonomy: 2"))
    assert maturity.state is moves[-1].after is MaturityState.SUSPENDED


# What is kept and told ------------------------------------------------------------------------------------------------


async def test_nothing_found_is_nothing_learnt(at_work: Auditing) -> None:
    assert await at_work.learn() == 0
    assert await at_work.streams() == []


async def test_each_change_is_a_record_and_one_of_the_state_is_announced_once(at_work: Auditing) -> None:
    await at_work.world.set_policy(policy_for_labels(STRICT))
    await at_work.judge(await _drawn(at_work, 6))

    assert await at_work.learn() == 1
    assert await at_work.learn() == 0

    [stream] = await at_work.streams()
    assert (stream.maturity["state"], stream.rate) == ("learn", 0.5)
    assert [(each["before"], each["after"]) for each in await at_work.told("bot:audit:rate_changed")] == [
        (None, "cold"),
        ("cold", "learn"),
    ]
    [announced] = await _announcements(at_work)
    assert (announced.channel, announced.body["rate_before"], announced.body["rate_after"]) == ("#ai-review", 1.0, 0.5)
    assert (announced.body["errors"], announced.body["labels"]) == (0, 5)


async def test_verdicts_of_later_days_go_on_from_there(at_work: Auditing) -> None:
    await at_work.world.set_policy(policy_for_labels(STRICT))
    first, second = await _drawn(at_work, 3), await _drawn(at_work, 3)
    await at_work.judge(first)
    await at_work.learn()
    await at_work.judge(second)
    await at_work.learn()
    [in_two] = await at_work.streams()

    assert in_two.maturity["evidence"]["labels"] == 6
    assert in_two.version == 2


async def test_a_new_model_version_begins_anew(at_work: Auditing) -> None:
    await at_work.world.set_policy(policy_for_labels(STRICT))
    await at_work.judge(await _drawn(at_work, 6, model_name="gpt-x", model_version="1"))
    await at_work.learn()
    await at_work.ran_alone(4, model_name="gpt-x", model_version="1")
    await at_work.ran_alone(4, model_name="gpt-x", model_version="2")
    await at_work.draw(day=DAY + timedelta(days=1))

    sources = (await at_work.posts())[-1].body["sources"]
    assert {each["state"]: each["drawn"] for each in sources} == {"learn": 2, "cold": 4}


async def test_a_rate_that_only_the_policy_changes_is_a_record_and_no_announcement(at_work: Auditing) -> None:
    await at_work.world.set_policy(policy_for_labels(STRICT))
    await at_work.judge(await _drawn(at_work, 6))
    await at_work.learn()
    told = len(await _announcements(at_work))

    await at_work.world.set_policy(policy_for_labels(STRICT.replace("initial: 0.5", "initial: 0.4")))
    assert await at_work.learn() == 1
    last = (await at_work.told("bot:audit:rate_changed"))[-1]
    assert (last["before"], last["after"], last["rate_before"], last["rate_after"]) == ("learn", "learn", 0.5, 0.4)
    assert len(await _announcements(at_work)) == told


async def test_a_breach_calls_the_adjudicators(at_work: Auditing) -> None:
    settings = f"{STRICT}, autonomy: 2, adjudicators: {{users: [U0BEN]}}"
    await at_work.world.set_policy(policy_for_labels(settings))
    await at_work.judge(await _drawn(at_work, 9), WRONG)
    await at_work.learn()

    [announced] = await _announcements(at_work)
    assert (announced.body["after"], announced.body["users"]) == ("suspended", ["U0BEN"])
    assert await at_work.all(t.adjustments) == []


async def test_a_breach_takes_the_autonomy_away_at_once_and_offers_the_way_back(at_work: Auditing) -> None:
    world = at_work.world
    await world.set_policy(policy_for_labels(STRICT))
    await at_work.judge(await _drawn(at_work, 9), WRONG)
    await at_work.learn()

    assert world.policy.current.task("label").autonomy == 2
    [proposal] = await at_work.all(t.proposals)
    assert (proposal.state, proposal.decided_by, proposal.from_value, proposal.value) == ("applied", "bot", 3, 2)
    assert (proposal.body["what"], proposal.body["labels"]) == ("breach", proposal.body["errors"])
    assert await _announcements(at_work) == []
    [adjusted] = await at_work.told("bot:policy:adjusted")
    assert (adjusted["cause"], adjusted["after"]) == ("breach", 2)
    [alert] = await at_work.all(t.alerts)
    assert (alert.severity, "9 errors in the last 9 audits" in alert.content["detail"]) == ("high", True)


async def test_a_breach_that_is_proven_during_a_pause_outlasts_it(at_work: Auditing) -> None:
    world = at_work.world
    await world.set_policy(policy_for_labels(STRICT))
    drawn = await _drawn(at_work, 9)
    await at_work.adjusting.pause("label", by="operator", why="odd answers")
    await at_work.judge(drawn, WRONG)
    await at_work.learn()

    [proposal] = await at_work.all(t.proposals)
    assert (proposal.state, proposal.body["what"], proposal.from_value, proposal.value) == ("applied", "breach", 2, 2)
    for autonomy in (2, 3):
        assert isinstance(await at_work.adjusting.resume("label", by="operator"), Adjusted)
        assert world.policy.current.task("label").autonomy == autonomy
    assert await at_work.adjustments.in_force() == []


async def test_after_a_breach_all_begins_anew_also_where_it_was_undone_at_once(at_work: Auditing) -> None:
    await at_work.world.set_policy(policy_for_labels(STRICT))
    await at_work.judge(await _drawn(at_work, 9), WRONG)
    await at_work.learn()
    [proposal] = await at_work.all(t.proposals)
    await at_work.adjusting.undo(proposal.adjustment_id, by="user:T0HOME/U0ADA")
    assert at_work.world.policy.current.task("label").autonomy == 3

    assert await at_work.learn() == 1
    assert await at_work.learn() == 0

    [stream] = await at_work.streams()
    assert (stream.maturity["state"], stream.maturity["evidence"]["labels"], stream.rate) == ("cold", 0, 1.0)
    last = (await at_work.told("bot:audit:rate_changed"))[-1]
    assert (last["before"], last["after"], last["errors"]) == ("suspended", "cold", 9)
    assert [each.body["after"] for each in await _announcements(at_work)] == ["cold"]
    assert len(await at_work.all(t.alerts)) == 1


async def test_two_models_of_a_task_that_break_its_bound_are_one_step(at_work: Auditing) -> None:
    await at_work.world.set_policy(policy_for_labels(STRICT))
    for version in "12":
        await at_work.judge(await _drawn(at_work, 9, model_name="gpt-x", model_version=version), WRONG)
    await at_work.learn()

    assert len(await at_work.all(t.adjustments)) == 1
    assert len(await _announcements(at_work)) == 1
    assert len(await at_work.all(t.alerts)) == 2


async def test_risen_errors_propose_a_level_less(at_work: Auditing) -> None:
    in_full = "max_error: 0.3, delta: 0.001, audit: {initial: 1, stable: 1, max_per_day: 200}"
    await at_work.world.set_policy(policy_for_labels(in_full))
    await at_work.judge(await _drawn(at_work, 26))
    await at_work.judge(await _drawn(at_work, 7), WRONG)
    await at_work.learn()

    assert [each.maturity["state"] for each in await at_work.streams()] == ["degraded"]
    [proposal] = await at_work.all(t.proposals)
    assert (proposal.state, proposal.body["what"], proposal.from_value, proposal.value) == ("open", "alarm", 3, 2)
    assert at_work.world.policy.current.task("label").autonomy == 3
    assert [each.body["after"] for each in await _announcements(at_work)] == ["learn", "stable"]


async def test_a_stream_that_fails_stops_no_other_and_misses_nothing(at_work: Auditing) -> None:
    pks = await _drawn(at_work, 2), await _drawn(at_work, 2, task_type="refund")
    for first, _ in pks:
        await at_work.judge([first])
    await at_work.learn()
    known = await at_work.spoil("label")
    for _, second in pks:
        await at_work.judge([second])

    with pytest.raises(ExceptionGroup, match="some streams have learnt nothing"), capture_logs() as logs:
        await at_work.learn()
    assert [(each["event"], each["task_type"]) for each in logs] == [("audit.learn_failed", "label")]
    await at_work.repair("label", known)
    await at_work.learn()

    assert {each.key.task_type: each.maturity["evidence"]["labels"] for each in await at_work.streams()} == {
        "label": 2,
        "refund": 2,
    }


async def test_the_history_hides_what_the_policy_hides(at_work: Auditing) -> None:
    await at_work.judge(await _drawn(at_work, 1, model_name="41111111", model_version="4111111111111111"))
    await at_work.learn()
    [told] = await at_work.told("bot:audit:rate_changed")
    assert told["model"] == "41111111 [redacted 1]"
    assert "4111111111111111" not in str(told)


async def test_a_held_verdict_is_learnt_from_once_it_stands(at_work: Auditing) -> None:
    await at_work.world.set_policy(policy_for_labels(f"{STRICT}, undo: 5m"))
    await at_work.judge(await _drawn(at_work, 2))
    assert await at_work.learn() == 0
    await at_work.world.pass_time(timedelta(minutes=5))
    assert await at_work.learn() == 1
    assert (await at_work.streams())[0].maturity["evidence"]["labels"] == 2


async def test_two_replicas_learn_each_verdict_once(any_world: World) -> None:
    one = auditing(any_world)
    await any_world.set_policy(policy_for_labels(STRICT))
    await one.judge(await _drawn(one, 4), CORRECT)
    async with replica(any_world) as other:
        two = auditing(other)
        await any_world.clock.advance(SETTLED_AFTER.total_seconds())
        await asyncio.gather(one.rates.learn(), two.rates.learn(), one.rates.learn(), two.rates.learn())

    [stream] = await one.streams()
    assert stream.maturity["evidence"]["labels"] == 4
    assert len(await one.told("bot:audit:rate_changed")) == 1


async def _drawn(at_work: Auditing, count: int, **changes: object) -> list[int]:
    pks = await at_work.ran_alone(count, **changes)
    await at_work.draw()
    return pks


async def _announcements(at_work: Auditing) -> list[Any]:
    return [row for row in await at_work.posts() if row.body["what"] == "rate"]
