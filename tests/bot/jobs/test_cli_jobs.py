"""`hitl jobs`: what an operator is told, and that it needs no Slack."""

import json
from typing import Any

import pytest

from bot.jobs.seal_history import SealHistory
from tests.support.hitl import Ended, Hitl, run_hitl

AT = "2026-11-20T10:30:00+01:00"


def answer(ended: Ended) -> dict[str, Any]:
    assert (ended.code, ended.err) == (0, "")
    told: dict[str, Any] = json.loads(ended.out.splitlines()[-1])
    return told


def test_jobs_are_listed_with_their_last_and_next_run(migrated: Hitl) -> None:
    jobs = {job["name"]: job for job in answer(migrated("jobs", "--json"))["jobs"]}
    assert {"seal-history", "retention"} <= set(jobs)
    assert jobs["seal-history"]["last_run"] is None
    assert jobs["retention"]["next_run"].endswith("T04:30:00Z")
    migrated("jobs", "run", "seal-history", "--at", AT)
    jobs = {job["name"]: job for job in answer(migrated("jobs", "--json"))["jobs"]}
    assert (jobs["seal-history"]["period"], jobs["seal-history"]["state"]) == ("2026-11-20T09:00Z", "done")
    listed = migrated("jobs").out.splitlines()
    assert any(line.split()[0] == "retention" and " never " in line for line in listed)


def test_a_tick_is_run_once_and_then_said_to_be_done(migrated: Hitl) -> None:
    first = answer(migrated("jobs", "run", "seal-history", "--at", AT, "--json"))
    assert first == {
        "job": "seal-history",
        "scope": "",
        "period": "2026-11-20T09:00Z",
        "at": "2026-11-20T09:00:00Z",
        "state": "done",
        "already_done": False,
        "did": {"seals": 1, "records": first["did"]["records"]},
    }
    again = migrated("jobs", "run", "seal-history", "--at", "2026-11-20T09:59:59")
    assert (again.code, again.err) == (0, "")
    assert "seal-history 2026-11-20T09:00Z: already done: seals 1" in again.out
    assert answer(migrated("jobs", "run", "seal-history", "--at", AT, "--json")) == first | {"already_done": True}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("windows",), ("windows", "seal-history", "retention")),
        (("retention", "--at", "monday"), ("--at", "monday", "ISO 8601")),
        (("retention", "--at", "0001-01-01"), ("--at", "0001", "1970")),
        ((), ("NAME",)),
    ],
)
def test_wrong_use_says_what_is_right(migrated: Hitl, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    ended = migrated("jobs", "run", *arguments)
    assert ended.code == 2
    assert all(word in ended.err for word in words)
    assert "Traceback" not in ended.err


def test_a_job_that_fails_says_so_and_why(migrated: Hitl, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(self: SealHistory, tick: object) -> None:
        raise RuntimeError("no wax")

    monkeypatch.setattr(SealHistory, "run", run)
    ended = migrated("jobs", "run", "seal-history", "--at", AT)
    assert ended.code == 1
    assert "RuntimeError: no wax" in ended.err
    assert "tried again" in ended.err
    listed = migrated("jobs").out
    assert "failed" in listed
    assert "→ RuntimeError: no wax" in listed


async def test_what_is_printed_is_the_answer_and_nothing_else(hitl: Hitl, settings: dict[str, str]) -> None:
    await hitl.aside("migrate")
    ended = await run_hitl("jobs", "run", "seal-history", "--json", environment=settings)
    assert json.loads(ended.out)["state"] == "done"
    assert "job.done" in ended.err
