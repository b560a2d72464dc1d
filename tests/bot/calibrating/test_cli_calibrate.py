"""`hitl calibrate --labels`: one object for machines, text for people, exit code 0 also for a refusal."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from store.engine import open_engine, parse_url
from store.writer import Writer
from tests.bot.calibrating.labelled import HOPELESS, SOUND, Answer, judged
from tests.support.hitl import Hitl
from tests.support.rows import add_world

HEADER = "task_type,item_id,confidence,is_correct\n"


def written(folder: Path, *tasks: str, right: int = 300, wrong: int = 100) -> Path:
    file = folder / "labels.csv"
    rows = [
        f"{task},{n},{0.95 if n < right else 0.5},{int(n < right)}\n" for task in tasks for n in range(right + wrong)
    ]
    file.write_text("".join([HEADER, *rows]))
    return file


def test_a_threshold_for_machines(hitl: Hitl, tmp_path: Path) -> None:
    ended = hitl("calibrate", "--labels", str(written(tmp_path, "refund")), "--json")
    assert ended.code == 0
    told = json.loads(ended.out)
    assert (told["threshold"], told["autonomous"], told["coverage"], told["errors"]) == (0.95, 300, 0.75, 0)
    assert (told["reason"], told["labels_missing"], told["max_error"], told["delta"]) == ("certified", 0, 0.02, 0.05)


def test_a_refusal_is_an_answer(hitl: Hitl, tmp_path: Path) -> None:
    file = str(written(tmp_path, "refund", right=100))
    ended = hitl("calibrate", "--labels", file, "--json", "--max-error", "0.01", "--delta", "0.1")
    assert ended.code == 0
    told = json.loads(ended.out)
    assert (told["threshold"], told["reason"], told["labels_missing"]) == (None, "too_few_labels", 30)
    assert hitl("calibrate", "--labels", str(written(tmp_path)), "--json").code == 0


def test_each_task_in_text_and_one_for_machines(hitl: Hitl, tmp_path: Path) -> None:
    file = written(tmp_path, "refund", "triage")
    text = hitl("calibrate", "--labels", str(file)).out
    assert text.index("refund: 400 labels") < text.index("triage: 400 labels")
    ended = hitl("calibrate", "--labels", str(file), "--json")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "--json prints one object; choose one task with --task: refund, triage.\n"
    one = hitl("calibrate", "--labels", str(file), "--json", "--task", "triage")
    assert json.loads(one.out)["task_type"] == "triage"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--max-error", "2"), "--max-error: 2 is no share between 0 and 1, such as 0.02."),
        (("--delta", "0"), "--delta: 0 is no share"),
        (("--delta", "nan"), "--delta: nan is no share"),
        (("--task", "triage"), "--task: triage has no labels in this file; these have: refund."),
    ],
)
def test_wrong_use(hitl: Hitl, tmp_path: Path, arguments: tuple[str, str], told: str) -> None:
    ended = hitl("calibrate", "--labels", str(written(tmp_path, "refund")), *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(told)


def test_a_file_that_cannot_be_read(hitl: Hitl, tmp_path: Path) -> None:
    ended = hitl("calibrate", "--labels", str(tmp_path / "none.csv"))
    assert (ended.code, ended.err) == (2, f"--labels: {tmp_path / 'none.csv'}: there is no such file.\n")
    (tmp_path / "bad.csv").write_text(f"{HEADER}refund,a,2,1\n")
    ended = hitl("calibrate", "--labels", str(tmp_path / "bad.csv"))
    assert ended.code == 2
    assert ended.err.splitlines() == [
        "--labels: bad.csv:",
        "line 2, column confidence: 2 is out of range: write 0..1, or empty where it is not known.",
    ]
    (tmp_path / "latin.csv").write_bytes(HEADER.encode() + "refund,ä,0.9,1\n".encode("latin-1"))
    ended = hitl("calibrate", "--labels", str(tmp_path / "latin.csv"))
    assert ended.code == 2
    assert "save the file as UTF-8" in ended.err


def test_a_file_of_a_spreadsheet(hitl: Hitl, tmp_path: Path) -> None:
    """With a byte order mark and its own line ends."""
    file = tmp_path / "labels.csv"
    file.write_bytes(b"\xef\xbb\xbf" + written(tmp_path, "refund").read_bytes().replace(b"\n", b"\r\n"))
    assert json.loads(hitl("calibrate", "--labels", str(file), "--json").out)["threshold"] == 0.95


def stored(settings: dict[str, str], *answers: list[Answer], **changes: Any) -> None:
    """What people have said about decisions of `label`, one model each."""

    async def add() -> None:
        engine = open_engine(parse_url(settings["HITL_DATABASE_URL"]))
        writer = Writer(engine)
        writer.start()
        app_pk = await add_world(writer, engine)
        for version, judgements in enumerate(answers, 1):
            await judged(engine, app_pk, judgements, model_name="gpt-x", model_version=str(version), **changes)
        await writer.stop()
        await engine.dispose()

    asyncio.run(add())


def test_without_a_file_what_people_said_is_explored_and_no_look_is_spent(hitl: Hitl, settings: dict[str, str]) -> None:
    hitl("migrate")
    empty = hitl("calibrate", "--task", "label", "--json")
    assert (empty.code, json.loads(empty.out)["reason"]) == (0, "too_few_labels")
    stored(settings, SOUND, HOPELESS[:200])

    ended = hitl("calibrate", "--json")
    assert ended.code == 0
    told = json.loads(ended.out)
    assert (told["task_type"], told["labels"], told["reason"], told["look"]) == ("label", 300, "certified", None)
    assert told["model"] == {"name": "gpt-x", "version": "1"}
    [other] = told["others"]
    assert (other["model"], other["labels"]) == ({"name": "gpt-x", "version": "2"}, 200)
    assert (told["max_error"], told["delta"]) == (0.02, 0.05)
    assert json.loads(hitl("calibrate", "--json", "--max-error", "0.3", "--delta", "0.2").out)["delta"] == 0.2

    text = hitl("calibrate").out
    assert text.index("label, gpt-x 1, confidence from other: 300 labels") < text.index("gpt-x 2")
    assert "spends none of the monthly looks" in text
    assert "calibrated 1" in hitl("jobs", "run", "calibrate").out, "the first look was still to be taken"
