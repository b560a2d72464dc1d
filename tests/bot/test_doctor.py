"""`hitl doctor`: everything is looked at, each failure has its remedy, and any failure is exit code 1."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.adjusting import Wanted
from bot.config import Settings
from bot.doctor import Finding, examine
from bot.manifest import SCOPES
from bot.sandbox.demo_world import BOT_USER
from bot.sandbox.faults import Fault
from routing.matrix import PEOPLE_DECIDE
from tests.bot.delivery.simulated import reject
from tests.bot.slack.at_work import sql
from tests.support.bot import POLICY, UNSURE, Bot, running_bot
from tests.support.clock import ManualClock
from tests.support.hitl import Hitl


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    async with running_bot(tmp_path, f"sqlite:///{tmp_path}/hitl.db") as running:
        yield running


async def found(settings: Settings) -> dict[str, Finding]:
    """By subject; every failure has a remedy that is a sentence of its own."""
    findings = [finding async for finding in examine(settings)]
    assert all(finding.detail for finding in findings)
    assert all(len(finding.remedy or "") > 20 for finding in findings if finding.failed)
    return {finding.subject: finding for finding in findings}


async def failed(settings: Settings) -> dict[str, tuple[str, str]]:
    """Detail and remedy of each failure."""
    return {name: (one.detail, one.remedy or "") for name, one in (await found(settings)).items() if one.failed}


def changed(bot: Bot, **changes: object) -> Settings:
    return bot.settings.model_copy(update=changes)


async def test_where_all_is_well_nothing_fails_and_all_is_named(bot: Bot) -> None:
    findings = await found(bot.settings)
    assert [name for name, finding in findings.items() if finding.failed] == []
    assert set(findings) == {
        "Slack settings", "secret", "policy", "database", "webhook secrets", "dead letters", "rollbacks",
        "Slack token", "Slack scopes", "channel #ai-review", "channel #refunds",
    }  # fmt: skip


async def test_rollbacks_that_nobody_did_for_a_day(bot: Bot, tmp_path: Path) -> None:
    await bot.post(UNSURE, id="fresh", task_type="draft")
    await bot.post(UNSURE, id="old", task_type="draft")
    for decision in ("fresh", "old"):
        await reject(bot, decision)
    assert await failed(bot.settings) == {}
    day_before = "UPDATE rollbacks SET requested_at = datetime(requested_at, '-26 hours') || '.000000'"
    of_old = "WHERE decision_pk = (SELECT pk FROM decisions WHERE id = 'old')"
    (await sql(tmp_path, f"{day_before} {of_old}")).close()
    problems = await failed(bot.settings)
    assert set(problems) == {"rollbacks"}
    assert problems["rollbacks"][0] == "1 open for a day or longer: old of shop, for 1 d"
    assert "rolled-back" in problems["rollbacks"][1]


async def test_tasks_that_were_stopped_are_named_and_are_no_failure(bot: Bot) -> None:
    adjusting, now = bot.services.adjusting, bot.clock.now()
    await adjusting.pause("refund", by="operator", why="odd\nanswers")
    breach = await adjusting.lowered([Wanted("label", "autonomy", PEOPLE_DECIDE, "", "breach", {})])
    assert breach is not None
    await bot.services.writer.submit(breach)
    await adjusting.adjust("draft", "threshold", 0.9, by="operator", why="")
    findings = await found(bot.settings)
    assert [each for each in findings.values() if each.failed] == []
    told = {name: each.detail for name, each in findings.items() if name.startswith("task ")}
    assert set(told) == {"task refund", "task label"}
    assert told["task refund"].startswith(f"paused since {now:%Y-%m-%d}")
    assert told["task refund"].endswith(", odd answers: everything goes to people until `hitl resume refund`")
    assert told["task label"].startswith("stopped by a proven breach since ")


async def test_a_wrong_token(bot: Bot) -> None:
    problems = await failed(changed(bot, slack_bot_token="xoxb-wrong"))
    assert set(problems) == {"Slack token"}
    assert problems["Slack token"][0] == "invalid_auth"
    assert "SLACK_BOT_TOKEN" in problems["Slack token"][1]


async def test_slack_that_cannot_be_reached(bot: Bot) -> None:
    problems = await failed(changed(bot, slack_api_url="http://127.0.0.1:9/api/"))
    assert set(problems) == {"Slack"}
    assert "SLACK_API_URL" in problems["Slack"][1]


async def test_missing_settings(bot: Bot) -> None:
    problems = await failed(changed(bot, slack_bot_token=None, slack_signing_secret=None, hitl_secret=None))
    assert set(problems) == {"Slack settings", "secret", "webhook secrets"}
    assert "SLACK_BOT_TOKEN" in problems["Slack settings"][1]
    assert "HITL_SECRET" in problems["secret"][1]


async def test_another_secret_than_the_one_that_sealed_the_webhook_secrets(bot: Bot) -> None:
    problems = await failed(changed(bot, hitl_secret="another"))
    assert set(problems) == {"webhook secrets"}
    assert "HITL_SECRET" in problems["webhook secrets"][1]


@pytest.mark.parametrize("missing", ["chat:write", "users:read", "usergroups:read"])
async def test_a_missing_scope_is_named_with_what_it_is_for(bot: Bot, missing: str) -> None:
    bot.sandbox.scopes.granted.remove(missing)
    problems = await failed(bot.settings)
    assert set(problems) == {"Slack scopes"}
    detail, remedy = problems["Slack scopes"]
    assert detail == f"missing: {missing} ({SCOPES[missing]})"
    assert "hitl manifest" in remedy


async def test_without_the_scope_to_list_channels_that_is_what_is_told(bot: Bot) -> None:
    bot.sandbox.scopes.granted.remove("channels:read")
    assert set(await failed(bot.settings)) == {"Slack scopes", "channels"}


async def test_channels_that_are_missing_archived_or_without_the_bot(bot: Bot) -> None:
    channels = bot.sandbox.world.channels
    channels["C0REVIEW"].members.remove(BOT_USER)
    channels["C0REFUND"].is_archived = True
    bot.policy.write_text(POLICY + '  legal: {channel: "#legal"}\n')
    problems = await failed(bot.settings)
    assert {name: detail for name, (detail, _) in problems.items()} == {
        "channel #ai-review": "the bot is not in it",
        "channel #refunds": "archived",
        "channel #legal": "not found",
    }
    assert "/invite" in problems["channel #ai-review"][1]
    assert "unarchive" in problems["channel #refunds"][1]
    assert "policy" in problems["channel #legal"][1]


async def test_a_policy_that_is_refused(bot: Bot) -> None:
    bot.policy.write_text(POLICY.replace("threshold: 0.90", "threshold: 1.90"))
    problems = await failed(bot.settings)
    assert set(problems) == {"policy"}
    assert "policy.yml:16: tasks.refund.threshold" in problems["policy"][1]


async def test_a_database_that_is_away_or_not_prepared(bot: Bot, tmp_path: Path) -> None:
    new = tmp_path / "new.db"
    for detail in (f"no database file {new}", "not migrated yet"):
        problems = await failed(changed(bot, hitl_database_url=f"sqlite:///{new}", hitl_secret=None))
        assert set(problems) == {"database"}, "the secret is made by the same remedy, so it is told once"
        assert problems["database"][0] == detail
        assert "hitl migrate" in problems["database"][1]
        assert new.exists() is (detail == "not migrated yet"), "a look makes no file"
        new.touch()
    problems = await failed(changed(bot, hitl_database_url="postgresql://127.0.0.1:9/hitl"))
    assert set(problems) == {"database"}
    assert "HITL_DATABASE_URL" in problems["database"][1]


@pytest.mark.parametrize(
    ("error", "word"), [("is_archived", "unarchive"), ("channel_not_found", "policy"), ("fatal_error", "hitl serve")]
)
async def test_cards_that_wait_are_told_with_what_stops_them(tmp_path: Path, error: str, word: str) -> None:
    clock = ManualClock()
    async with running_bot(tmp_path, f"sqlite:///{tmp_path}/hitl.db", clock=clock) as bot:
        bot.sandbox.faults.add(Fault("chat.postMessage", "error", times=None, error=error))
        for number in range(2):
            await bot.post(UNSURE, id=f"stuck-{number}")
        await clock.run_until(lambda: sum(call.outcome == error for call in bot.sandbox.calls) >= 2)
        while not await bot.services.stores.messages.stuck():
            await clock.advance(1)
        problems = await failed(bot.settings)
    assert set(problems) == {"messages"}
    detail, remedy = problems["messages"]
    assert "#ai-review" in detail
    assert error in detail
    assert word in remedy


def test_the_command_ends_with_1_and_says_what_to_do(hitl: Hitl) -> None:
    ended = hitl("doctor")
    assert ended.code == 1
    lines = ended.out.splitlines()
    [at] = [number for number, line in enumerate(lines) if line.startswith("FAILED database:")]
    assert "hitl migrate" in lines[at + 1]
    assert any(line.startswith("ok     Slack settings") for line in lines)


def test_a_counter_that_differs_from_a_recount_is_named_and_put_right(hitl: Hitl, tmp_path: Path) -> None:
    hitl("migrate")
    made_up = "INSERT INTO counters VALUES (1, 1993960, 1, 'refund', 'eu\x1b', 0, '{\"decisions\": 3}')"
    with closing(sqlite3.connect(tmp_path / "hitl.db")) as connection, connection:
        connection.execute(made_up)
        connection.execute(made_up.replace("(1,", "(768,", 1).replace("1993960", "1993728"))
    wrong = hitl("doctor", "--deep")
    assert wrong.code == 1
    assert "FAILED counters: 2 differ from a recount: decisions of refund, cohort eu�, 0:15:00 from 2026-" in wrong.out
    assert "hitl doctor --deep --repair" in wrong.out
    assert "ok     counters: 2 repaired" in hitl("doctor", "--deep", "--repair").out
    assert "ok     counters: as a recount has them" in hitl("doctor", "--deep").out
    assert "counters" not in hitl("doctor").out, "it reads all decisions, so it is asked for"
    assert hitl("doctor", "--repair").code == 2


def test_a_kept_day_that_differs_from_a_recount_is_named_and_counted_anew(hitl: Hitl, tmp_path: Path) -> None:
    hitl("migrate")
    day = ("2026-11-19 23:00:00.000000", "2026-11-20 23:00:00.000000")
    with closing(sqlite3.connect(tmp_path / "hitl.db")) as connection, connection:
        connection.execute("INSERT INTO model_days VALUES (?, ?, '[]')", ("2026-11-18 23:00:00.000000", day[0]))
        connection.execute("INSERT INTO model_days VALUES (?, ?, ?)", (*day, '[["refund", "gpt-x", "1", 7, 2]]'))
    wrong = hitl("doctor", "--deep")
    assert wrong.code == 1
    assert "FAILED days of drift: 1 differ from a recount: from 2026-11-19T23:00+00:00" in wrong.out
    assert "ok     days of drift: 1 repaired" in hitl("doctor", "--deep", "--repair").out
    assert "ok     days of drift: as a recount has them" in hitl("doctor", "--deep").out
    with closing(sqlite3.connect(tmp_path / "hitl.db")) as connection:
        assert connection.execute("SELECT until FROM model_days").fetchall() == [(day[0],)]


def test_every_line_of_a_remedy_is_indented_under_its_finding(hitl: Hitl, tmp_path: Path) -> None:
    (tmp_path / "policy.yml").write_text("version: 2\n")
    lines = hitl("doctor").out.splitlines()
    [at] = [number for number, line in enumerate(lines) if line.startswith("FAILED policy:")]
    assert lines[at + 1].startswith("       \u2192 policy.yml is refused")
    assert lines[at + 2].startswith("           policy.yml:")
    assert all(line.startswith(("FAILED ", "ok     ", "       ")) for line in lines)
