"""The command line: keys, policy, redelivery, and one message with exit code 2 for whatever is wrong around it."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from store.events import DeadLetter
from tests.support.bot import PATIENCE, POLICY, SECRET, SURE, UNSURE, Bot, running_bot, until
from tests.support.clock import ManualClock
from tests.support.databases import PostgresServer, new_postgres_database
from tests.support.hitl import Ended, Hitl, run_hitl

BROKEN = (
    "version: 1\ndefaults:\n  chanel: x\n  reviewers: {users: [U0ADA]}\nrules:\n  - {id: a, when: '1 +', risk: high}\n"
)


@pytest.fixture
def migrated(hitl: Hitl) -> Hitl:
    assert hitl("migrate").code == 0
    return hitl


def created(hitl: Hitl, *arguments: str) -> dict[str, Any]:
    ended = hitl("keys", "create", *arguments, "--json")
    assert (ended.code, ended.err) == (0, "")
    answer: dict[str, Any] = json.loads(ended.out)
    return answer


def listed(hitl: Hitl) -> list[dict[str, Any]]:
    keys: list[dict[str, Any]] = json.loads(hitl("keys", "list", "--json").out)
    return keys


def is_one_message(ended: Ended, *words: str) -> bool:
    """Exit code 2, nothing on standard output, no traceback, and these words."""
    quiet = ended.out == "" and "Traceback" not in ended.err and len(ended.err.splitlines()) <= 3
    return ended.code == 2 and quiet and all(word in ended.err for word in words)


def test_without_a_command_or_with_an_unknown_one_it_is_wrong_use(hitl: Hitl) -> None:
    for arguments in (
        [],
        ["keys"],
        ["sevre"],
        ["serve", "--role", "cook"],
        ["keys", "create"],
        ["demo", "--port", "x"],
    ):
        assert hitl(*arguments).code == 2, arguments
    assert hitl("--help").code == 0


# keys -----------------------------------------------------------------------------------------------------------------


def test_a_key_is_shown_once_and_only_its_hash_is_kept(migrated: Hitl, tmp_path: Path) -> None:
    answer = created(migrated, "shop")
    assert set(answer) == {"id", "app", "key", "webhook_secret"}
    assert answer["app"] == "shop"
    assert answer["key"].startswith("hitl_")
    assert answer["webhook_secret"].startswith("whsec_")
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("hitl.db*"))
    assert answer["key"].encode() not in stored
    assert answer["webhook_secret"].encode() not in stored
    shown = migrated("keys", "list").out
    assert answer["id"] in shown
    assert answer["key"] not in shown


def test_the_secret_belongs_to_the_app_and_is_shown_with_its_first_key_only(migrated: Hitl) -> None:
    created(migrated, "shop")
    second = created(migrated, "shop", "--scope", "ingest", "--scope", "read", "--scope", "read")
    assert second["webhook_secret"] is None
    assert "rotate-secret" in migrated("keys", "create", "shop").out
    assert [(key["app"], key["scopes"], key["revoked_at"]) for key in listed(migrated)] == [
        ("shop", ["feedback", "ingest", "read"], None),
        ("shop", ["ingest", "read"], None),
        ("shop", ["feedback", "ingest", "read"], None),
    ]


def test_wrong_names_and_scopes_are_refused(migrated: Hitl) -> None:
    assert is_one_message(migrated("keys", "create", "shop", "--scope", "write"), "--scope", "write", "ingest")
    for name in ("", "x" * 65, "shop\n", "shop\udcff", "bad name!", ".shop"):
        assert is_one_message(migrated("keys", "create", name), "APP")
    assert listed(migrated) == []
    created(migrated, "Shop-1_a." + "x" * 55)


def test_a_key_is_revoked_once(migrated: Hitl) -> None:
    key_id = created(migrated, "shop")["id"]
    assert migrated("keys", "revoke", key_id).code == 0
    assert listed(migrated)[0]["revoked_at"] is not None
    for gone in (key_id, "key_nobodys"):
        ended = migrated("keys", "revoke", gone)
        assert ended.code == 1
        assert "hitl keys list" in ended.err


def test_a_webhook_secret_is_rotated_for_an_app_that_is_there(migrated: Hitl) -> None:
    first = created(migrated, "shop")["webhook_secret"]
    rotated = json.loads(migrated("keys", "rotate-secret", "shop", "--json").out)
    assert rotated["app"] == "shop"
    again = migrated("keys", "rotate-secret", "shop").out.strip()
    assert all(secret.startswith("whsec_") for secret in (rotated["webhook_secret"], again))
    assert len({first, rotated["webhook_secret"], again}) == 3
    ended = migrated("keys", "rotate-secret", "nobodys")
    assert ended.code == 1
    assert "nobodys" in ended.err


async def test_keys_made_and_revoked_while_it_serves_are_in_force_within_two_seconds(
    hitl: Hitl, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_url: str
) -> None:
    monkeypatch.setenv("HITL_DATABASE_URL", database_url)
    monkeypatch.setenv("HITL_SECRET", SECRET)
    clock = ManualClock()
    async with running_bot(tmp_path, database_url, clock=clock) as bot:
        made = json.loads((await hitl.aside("keys", "create", "new", "--json")).out.splitlines()[-1])
        assert (await bot.post(SURE, made["key"]))[0] == 201
        assert (await hitl.aside("keys", "revoke", made["id"])).code == 0
        await clock.advance(2)
        assert not await accepted(bot, made["key"])


async def accepted(bot: Bot, key: str) -> bool:
    return (await bot.get("/v1/decisions", key))[0] == 200


# policy ---------------------------------------------------------------------------------------------------------------


def test_a_good_policy_passes_with_its_version(hitl: Hitl, tmp_path: Path) -> None:
    ended = hitl("policy", "check", "policy.yml")
    assert (ended.code, ended.err) == (0, "")
    assert "good, version " in ended.out
    assert hitl("policy", "check") == ended, "HITL_POLICY names it"


def test_every_problem_of_a_policy_is_told_with_path_and_line(hitl: Hitl, tmp_path: Path) -> None:
    (tmp_path / "broken.yml").write_text(BROKEN)
    ended = hitl("policy", "check", "broken.yml")
    assert (ended.code, ended.out) == (1, "")
    assert "broken.yml:3: defaults.chanel: " in ended.err
    assert "broken.yml:6: rules[0].when: " in ended.err
    (tmp_path / "broken.yml").write_text("")
    assert hitl("policy", "check", "broken.yml").err.splitlines()[1].startswith("  broken.yml: empty; ")
    for text in ("", "version: [", "\t"):
        (tmp_path / "broken.yml").write_text(text)
        assert hitl("policy", "check", "broken.yml").code == 1


def test_a_policy_file_that_is_not_there_is_wrong_use(hitl: Hitl) -> None:
    assert is_one_message(hitl("policy", "check", "none.yml"), "none.yml")
    assert is_one_message(hitl("policy", "check", "."), "no such file")


# redeliver ------------------------------------------------------------------------------------------------------------


async def test_dead_letters_are_told_by_doctor_and_sent_again(
    hitl: Hitl, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_url: str
) -> None:
    async with running_bot(tmp_path, database_url) as bot:
        for name, value in (
            ("HITL_DATABASE_URL", database_url),
            ("HITL_SECRET", SECRET),
            ("SLACK_API_URL", bot.sandbox.api_url),
        ):
            monkeypatch.setenv(name, value)
        bot.receiver.answers = [410]
        for number in range(2):
            await bot.post(UNSURE, id=f"d-{number}", callback_url=bot.receiver.url)
            card = await bot.card(f"d-{number}")
            await bot.sandbox.click("U0BEN", "C0REVIEW", card["ts"], "review.approve")
        letters = await dead_letters(bot, 1)

        doctor = await hitl.aside("doctor", "--json")
        [finding] = [found for found in findings(doctor) if found["subject"] == "dead letters"]
        assert doctor.code == 1
        assert letters[0].id in finding["detail"]
        assert "hitl redeliver" in finding["remedy"]
        wrong = await hitl.aside("redeliver", "evt_nobodys")
        assert (wrong.code, bot.receiver.events) == (1, [])
        assert "hitl doctor" in wrong.err

        ended = await hitl.aside("redeliver", letters[0].id, letters[0].id)
        assert (ended.code, ended.err) == (0, "")
        await until(lambda: [event for event in bot.receiver.events if event["data"]["id"] == "d-0"])
        assert (await hitl.aside("redeliver")).code == 0
        await until(lambda: len(bot.receiver.events) == 2)


async def dead_letters(bot: Bot, least: int) -> list[DeadLetter]:
    async with asyncio.timeout(PATIENCE):
        while len(letters := await bot.services.stores.events.dead_letters()) < least:
            await asyncio.sleep(0.02)
    return letters


def findings(doctor: Ended) -> list[dict[str, Any]]:
    """Of `hitl doctor --json`, below what the bot of this process has logged."""
    found: list[dict[str, Any]] = json.loads(doctor.out.splitlines()[-1])["findings"]
    return found


# What is wrong around it ----------------------------------------------------------------------------------------------


def test_commands_on_a_database_that_is_not_ready_say_migrate(hitl: Hitl) -> None:
    for arguments in (["keys", "create", "shop"], ["keys", "list"], ["redeliver"]):
        assert is_one_message(hitl(*arguments), "hitl migrate"), arguments
    assert hitl("migrate").code == hitl("migrate").code == 0


def test_a_database_that_cannot_be_used_is_told_without_its_password(
    hitl: Hitl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HITL_SECRET", SECRET)
    for url in (
        "postgresql://hitl:pw-hidden@127.0.0.1:9/hitl",
        "postgresql:///hitl?host=/nowhere",
    ):
        monkeypatch.setenv("HITL_DATABASE_URL", url)
        for arguments in (["migrate"], ["keys", "list"]):
            ended = hitl(*arguments)
            assert is_one_message(ended, "HITL_DATABASE_URL"), (arguments, ended)
            assert "pw-hidden" not in ended.err


def test_a_postgresql_database_that_does_not_exist_is_told(
    hitl: Hitl, monkeypatch: pytest.MonkeyPatch, postgres: PostgresServer
) -> None:
    monkeypatch.setenv("HITL_SECRET", SECRET)
    url = asyncio.run(new_postgres_database(postgres))
    monkeypatch.setenv("HITL_DATABASE_URL", url.replace("/hitl_", "/nosuch_"))
    assert is_one_message(hitl("keys", "list"), "HITL_DATABASE_URL")
    monkeypatch.delenv("HITL_SECRET")
    monkeypatch.setenv("HITL_DATABASE_URL", url)
    assert is_one_message(hitl("migrate"), "HITL_SECRET", "PostgreSQL")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"SLACK_BOT_TOKEN": ""}, ["SLACK_BOT_TOKEN", "xoxb-"]),
        ({"SLACK_BOT_TOKEN": "", "SLACK_SIGNING_SECRET": ""}, ["SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"]),
        ({"HITL_DATABASE_URL": "postgresql://127.0.0.1:9/hitl"}, ["HITL_SECRET", "PostgreSQL"]),
        ({"HITL_CALLBACK_ALLOW": "nowhere"}, ["HITL_CALLBACK_ALLOW", "entry 1"]),
        ({"HITL_PORT": "many"}, ["HITL_PORT"]),
    ],
)
def test_serve_names_a_setting_that_is_missing_or_wrong(
    hitl: Hitl, monkeypatch: pytest.MonkeyPatch, change: dict[str, str], words: list[str]
) -> None:
    for name, value in change.items():
        monkeypatch.setenv(name, value)
    assert is_one_message(hitl("serve"), *words)


async def test_serve_tells_what_is_wrong_around_it_and_ends(
    hitl: Hitl, settings: dict[str, str], tmp_path: Path
) -> None:
    await hitl.aside("migrate")
    taken = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = str(taken.sockets[0].getsockname()[1])
    (tmp_path / "broken.yml").write_text(POLICY.replace("threshold: 0.90", "threshold: 1.90"))
    cases: list[tuple[dict[str, str], str]] = [
        ({"HITL_DATABASE_URL": f"sqlite:///{tmp_path}/new.db", "HITL_SECRET": "s"}, "hitl migrate"),
        ({"HITL_DATABASE_URL": "postgresql://127.0.0.1:9/hitl", "HITL_SECRET": "s"}, "HITL_DATABASE_URL"),
        ({"HITL_PORT": port}, "HITL_PORT"),
        ({"HITL_POLICY": str(tmp_path / "broken.yml")}, "broken.yml:16: tasks.refund.threshold"),
    ]
    ended = await asyncio.gather(*(run_hitl("serve", environment={**settings, **change}) for change, _ in cases))
    taken.close()
    for (change, word), one in zip(cases, ended, strict=True):
        assert is_one_message(one, word), (change, one)


def test_json_output_is_json_and_nothing_else(migrated: Hitl) -> None:
    created(migrated, "shop")
    for arguments in (["keys", "list"], ["keys", "rotate-secret", "shop"], ["doctor"], ["keys", "create", "shop"]):
        ended = migrated(*arguments, "--json")
        json.loads(ended.out)
        assert ended.err == ""
