"""`hitl pause` and `hitl resume`: what an operator is told, and that a mistyped name stops nothing and says so."""

import json
from pathlib import Path

import pytest

from tests.support.hitl import Hitl


def said(migrated: Hitl, *arguments: str) -> str:
    ended = migrated(*arguments)
    assert (ended.code, ended.err) == (0, "")
    return ended.out.splitlines()[-1]


def test_pause_and_resume_are_said_and_may_be_said_twice(migrated: Hitl) -> None:
    assert "refund is paused: everything goes to people (autonomy 3 → 2)" in said(migrated, "pause", "refund")
    assert "refund has been paused since" in said(migrated, "pause", "refund", "--why", "again")
    assert "refund is back at autonomy 3" in said(migrated, "resume", "refund")
    assert said(migrated, "resume", "refund") == "refund is not paused."


def test_the_brake_works_while_the_policy_file_is_broken(migrated: Hitl, settings: dict[str, str]) -> None:
    said(migrated, "resume", "refund")
    Path(settings["HITL_POLICY"]).write_text("tasks: [")
    assert "refund is paused" in said(migrated, "pause", "refund")
    assert "refund is back at autonomy 3" in said(migrated, "resume", "refund")


def test_without_any_policy_the_brake_says_what_is_wrong(migrated: Hitl, settings: dict[str, str]) -> None:
    Path(settings["HITL_POLICY"]).write_text("tasks: [")
    ended = migrated("pause", "refund")
    assert (ended.code, "refused as a whole" in ended.err) == (2, True)


def test_what_was_done_can_be_read_by_a_machine(migrated: Hitl) -> None:
    first, second = (json.loads(said(migrated, "pause", "label", "--json")) for _ in range(2))
    assert (first["changed"], first["before"], first["value"]) == (True, 3, 2)
    assert (second["changed"], "paused since" in second["reason"]) == (False, True)


@pytest.mark.parametrize("command", ["pause", "resume"])
def test_a_mistyped_task_is_wrong_use_with_the_name_that_was_meant(migrated: Hitl, command: str) -> None:
    ended = migrated(command, "refnud")
    assert (ended.code, ended.out) == (2, "")
    assert "Did you mean refund? Nothing was changed." in ended.err
