"""The stream that the demo posts, and what the demo's own policy makes of it."""

import subprocess
import sys
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.demo.stream import BLOCK, load, sample, story
from routing.decision import DecisionRequest, Route
from routing.policy import Policy, parse_policy
from routing.route import route


@pytest.fixture(scope="module")
def policy() -> Policy:
    return parse_policy(files("bot.demo").joinpath("policy.yml").read_text(encoding="utf-8"))


def test_a_request_holds_neither_the_truth_nor_the_mark_of_right() -> None:
    assert all(not {"truth", "right", "callback_url"} & one.request.keys() for one in load())


@settings(deadline=None, max_examples=50)  # the first example reads the file
@given(st.integers(0, 2600), st.integers())
def test_a_sample_has_no_decision_twice_and_the_seed_decides_it(count: int, seed: int) -> None:
    chosen = sample(count, seed)
    assert len({one.id for one in chosen}) == count
    assert sample(count, seed) == chosen


def test_the_story_is_the_sample_led_by_what_takes_two_people(policy: Policy) -> None:
    told = story(len(load()), 7)
    first = DecisionRequest.model_validate(told[0].request)
    assert policy.task(first.task_type).approvals_at(route(first, policy).risk) == 2
    assert [one.id for one in told[1:]] == [one.id for one in sample(len(load()), 7) if one != told[0]]
    assert story(3, 7) == told[:3]


def test_more_than_there_are_is_refused() -> None:
    with pytest.raises(ValueError, match="2600 decisions, 2601 are wanted"):
        sample(2601, 1)


@pytest.mark.parametrize("seed", range(20))
def test_the_first_fifty_show_every_route_task_and_both_right_and_wrong(policy: Policy, seed: int) -> None:
    first = sample(200, seed)[:BLOCK]
    routes = {route(DecisionRequest.model_validate(one.request), policy).route for one in first}
    assert routes == set(Route)
    assert {one.request["task_type"] for one in first} == {"ticket_classification", "refund", "reply_draft"}
    assert {one.right for one in first} == {True, False}


def test_people_see_a_fifth_or_so_and_every_kind_of_reason_occurs(policy: Policy) -> None:
    routings = [route(DecisionRequest.model_validate(one.request), policy) for one in load()]
    to_people = sum(one.route >= Route.QUEUE for one in routings) / len(routings)
    assert 0.15 < to_people < 0.30
    codes = {reason.code for one in routings for reason in one.reasons}
    assert codes >= {"risk.base", "risk.rule", "confidence.below", "confidence.missing", "irreversible", "check.failed"}
    assert not codes & {"rule.error", "check.error"}
    rules = {reason.rule for one in routings for reason in one.reasons if reason.code == "risk.rule"}
    assert rules == {"big_money", "mass_effect", "new_user"}


def test_the_running_demo_needs_no_training_library() -> None:
    script = "import sys, bot.demo.app, bot.demo.reviewers; bot.demo.stream.load(); print('sklearn' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603
    assert answer.stdout == "False\n"
