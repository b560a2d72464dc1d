"""The statistics as a message: golden, within Slack's limits for any names, and nothing in them is parsed."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block as SdkBlock

from bot.reporting.hiding import Hiding
from bot.reporting.overview import TaskState, Waiting
from bot.reporting.statistics import Statistics
from bot.slack.stats_message import render_help, render_overview
from routing.maturity import MaturityState
from routing.metrics import Facts, Group
from routing.money import Money
from routing.policy import parse_policy
from tests.bot.reporting.test_overview import WEEK, overview
from tests.bot.slack import samples
from tests.bot.slack.test_digest import WEEK as FACTS
from tests.support.bot import POLICY
from tests.support.slack_checker import check_message

HIDING = Hiding(parse_policy(POLICY))
FULL: dict[str, Any] = {
    "statistics": Statistics(
        WEEK,
        {Group("refund", "eu-smb"): FACTS, Group("refund", "us"): Facts(decisions=900, escalated=90)},
    ),
    "spent": Money(600.0, 480.0, 12.4, 1_240.0, 1_720.0, 600.0, 4_100.0),
    "waiting": (Waiting("refund", 12, timedelta(hours=3, minutes=12)), Waiting("label", 3, timedelta(minutes=4))),
    "tasks": (TaskState("refund", MaturityState.STABLE, 0.07), TaskState("label", MaturityState.LEARN, 0.25)),
}


def test_golden() -> None:
    message = render_overview(overview(FACTS, **FULL), HIDING, "7d", "refund 7d")
    check_message(message.text, message.blocks, frozenset())
    for block in message.blocks:
        parsed = SdkBlock.parse(block)
        assert parsed is not None
        parsed.validate_json()
    samples.assert_golden("stats", {"text": message.text, "blocks": message.blocks})


@pytest.mark.parametrize("attack", samples.ATTACKS)
def test_hostile_names_forge_nothing(attack: str) -> None:
    stored = attack.encode("utf-8", "replace").decode().replace("\0", "")  # as the door lets it in
    groups = {Group("label", stored): Facts(decisions=90, escalated=80), Group("label", ""): Facts(decisions=900)}
    message = render_overview(overview(FACTS, statistics=Statistics(WEEK, groups)), HIDING, "30d", "30d")
    check_message(message.text, message.blocks, frozenset())
    told = render_help(["label"], HIDING, attack)
    check_message(told.text, told.blocks, frozenset())


@settings(max_examples=30)
@given(st.integers(0, 900), st.integers(0, 40))
def test_any_number_of_tasks_and_cohorts_fits_a_message(tasks: int, cohorts: int) -> None:
    names = [f"{number:064}" for number in range(tasks)]
    groups = {Group("label", "é" * 99 + str(n)): Facts(decisions=90, escalated=80 * (n % 2)) for n in range(cohorts)}
    shown = overview(
        FACTS,
        statistics=Statistics(WEEK, groups),
        waiting=tuple(Waiting(name, 1, timedelta(hours=1)) for name in names),
        tasks=tuple(TaskState(name, MaturityState.COLD, 1.0) for name in names),
    )
    message = render_overview(shown, HIDING, "7d", "7d")
    check_message(message.text, message.blocks, frozenset())
    told = render_help(names, HIDING, "x")
    check_message(told.text, told.blocks, frozenset())


def test_what_a_task_hides_is_shown_nowhere() -> None:
    policy = parse_policy(POLICY.replace("  label: {", "  label: {redact: ['smb'], "))
    groups = {Group("label", "eu-smb"): Facts(decisions=90, escalated=80), Group("label", ""): Facts(decisions=900)}
    message = render_overview(overview(FACTS, statistics=Statistics(WEEK, groups)), Hiding(policy), "7d", "7d")
    assert "smb" not in str(message)
    assert "eu-[redacted 1]" in str(message.blocks)
