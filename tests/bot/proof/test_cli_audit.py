"""`hitl audit`: the whole way from the sealing job to what an operator and a machine are told."""

import asyncio
import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from store.engine import open_engine, parse_url
from tests.bot.proof.world import sealed_history
from tests.support.databases import migrate
from tests.support.hitl import Hitl


@pytest.fixture
def audit(hitl: Hitl, settings: dict[str, str]) -> Hitl:
    """On a sealed history whose triggers are gone."""
    asyncio.run(made(settings["HITL_DATABASE_URL"]))
    return hitl


async def made(url: str) -> None:
    await migrate(url)
    engine = open_engine(parse_url(url))
    async with sealed_history(engine):
        pass
    await engine.dispose()


def tamper(settings: dict[str, str], statement: str) -> None:
    with sqlite3.connect(settings["HITL_DATABASE_URL"].removeprefix("sqlite:///")) as database:
        database.execute(statement)
    database.close()


def latest(audit: Hitl) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(audit("audit", "verify", "--json").out)["latest_seal"]
    return told


def test_a_whole_history_is_said_to_be_whole(audit: Hitl) -> None:
    seal = latest(audit)
    ended = audit("audit", "verify", "--seal", f"{seal['number']}:{seal['sha256'][:12]}")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines() == [
        "22 records, 0 of them not sealed yet; content removed: 0",
        f"seal 5:{seal['sha256']}",
        "whole",
    ]


def test_what_is_broken_is_named_and_the_exit_code_says_so(audit: Hitl, settings: dict[str, str]) -> None:
    seal = latest(audit)
    tamper(settings, "DELETE FROM seals WHERE number = 5")
    tamper(settings, "UPDATE history SET actor = 'app:other' WHERE seq = 7")
    ended = audit("audit", "verify", "--seal", f"5:{seal['sha256'][:12]}")
    assert ended.code == 1
    assert "BROKEN  record 7 was changed" in ended.out
    assert "BROKEN  seal 5, which was printed, is not there" in ended.out
    assert ended.out.splitlines()[-1] == "broken"
    told = json.loads(audit("audit", "verify", "--json").out)
    assert (told["good"], told["problems"], told["unsealed"]) == (False, 1, 2)
    assert told["findings"] == [{"seq": 7, "what": "record 7 was changed"}]


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify", "--seal", "latest"),
        ("verify", "--seal", "5:zz"),
        ("export", "--since", "monday"),
        ("export", "--out", "/nowhere/at/all.jsonl"),
        (),
    ],
)
def test_wrong_use(audit: Hitl, arguments: tuple[str, ...]) -> None:
    ended = audit("audit", *arguments)
    assert ended.code == 2
    assert "Traceback" not in ended.err


def test_the_export_is_the_same_each_time_and_names_each_seal(audit: Hitl, tmp_path: Path) -> None:
    out = tmp_path / "history.jsonl"
    for _ in range(2):
        assert audit("audit", "export", "--out", str(out)).code == 0
        assert out.read_text() == audit("audit", "export").out
    assert [path.name for path in tmp_path.glob("*history*")] == ["history.jsonl"]
    records = [json.loads(line) for line in out.read_text().splitlines()]
    assert [record["seq"] for record in records] == list(range(1, 23))
    assert [record["seal"] for record in records] == [number for number in range(1, 6) for _ in range(5)][:22]
    assert audit("audit", "export", "--since", "2026-11-20T10:00:00.000001Z").out == ""
    # Whoever has the lines can compute the digests that the seals hold.
    record = records[6]
    sealed = {name: record[name] for name in sorted(record) if name not in ("seal", "sha256")}
    sealed["facts"] = json.dumps(record["facts"], separators=(",", ":"))
    assert hashlib.sha256(json.dumps(sealed, separators=(",", ":")).encode()).hexdigest() == record["sha256"]


def test_an_export_that_fails_leaves_the_former_file(
    audit: Hitl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "history.jsonl"
    out.write_text("the former one")

    def breaks(*arguments: object) -> bytes:
        raise OSError("the disk is full")

    monkeypatch.setattr("bot.proof.export._line", breaks)
    assert audit("audit", "export", "--out", str(out)).code == 2
    assert out.read_text() == "the former one"
    assert [path.name for path in tmp_path.glob("*history*")] == ["history.jsonl"]
