"""`hitl policy simulate`: a draft on stored decisions, as text and as one object."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from store import tables as t
from store.engine import open_engine, parse_url
from store.writer import Writer
from tests.support.hitl import Hitl
from tests.support.judged import Judgement, Past, Voted
from tests.support.rows import add_world

DRAFT = """
version: 1
cost: {review_minute: 1, escaped_error: 50}
defaults:
  channel: "#review"
  base_risk: low
  reviewers: {users: [U0ADA]}
  thresholds: {low: 0.60}
"""


@asynccontextmanager
async def past_of(hitl: Hitl, settings: dict[str, str]) -> AsyncIterator[Past]:
    assert (await hitl.aside("migrate")).code == 0
    engine = open_engine(parse_url(settings["HITL_DATABASE_URL"]))
    writer = Writer(engine)
    writer.start()
    try:
        yield Past(engine, await add_world(writer, engine))
    finally:
        await writer.stop()
        await engine.dispose()


async def queued(past: Past, confidence: float, outcome: str) -> None:
    """One that people decided yesterday, with its request as the app posted it."""
    yesterday = datetime.now(UTC) - timedelta(days=1)
    ends = {"status": "resolved", "outcome": outcome, "confidence": confidence}
    pk = await past.add(yesterday, Judgement("gate", (Voted("approve"),)), **ends)
    request = {"task_type": "label", "input": "x", "output": "y", "confidence": confidence}
    async with past.engine.begin() as connection:
        row = {"decision_pk": pk, "part": "request", "body": json.dumps(request)}
        await connection.execute(insert(t.contents), [row])


async def fill(past: Past) -> None:
    for number in range(10):
        await queued(past, 0.65, "rejected" if number < 1 else "approved")
    await queued(past, 0.2, "approved")
    await past.add(datetime.now(UTC) - timedelta(days=2))  # its content is gone


def draft(folder: Path, text: str = DRAFT) -> str:
    file = folder / "draft.yml"
    file.write_text(text)
    return str(file)


async def test_the_object(hitl: Hitl, settings: dict[str, str], tmp_path: Path) -> None:
    async with past_of(hitl, settings) as past:
        await fill(past)
        ended = await hitl.aside("policy", "simulate", draft(tmp_path), "--since", "10d", "--json")
    assert (ended.code, ended.err) == (0, "")
    found: dict[str, Any] = json.loads(ended.out)
    assert (found["replayed"], found["not_replayable"], found["changed"]) == (11, 1, 10)
    [changed, same] = found["cells"]
    assert (changed["from"], changed["to"]) == ({"route": "QUEUE", "risk": "low"}, {"route": "AUTO", "risk": "low"})
    assert (changed["decisions"], len(changed["examples"])) == (10, 3)
    assert (same["from"] == same["to"], same["decisions"], same["examples"]) == (True, 1, [])
    assert (found["before"]["reviews_per_day"], found["after"]["reviews_per_day"]) == (1.1, 0.1)
    assert found["extra_reviews_per_day"] == -1.0
    assert found["before"]["escapes"] == {"value": None, "low": None, "high": None}
    assert found["after"]["escapes"]["value"] == 1.0
    assert 0 < found["after"]["escapes"]["low"] < 1 < found["after"]["escapes"]["high"]
    assert found["after"]["cost"]["escaped"] == 50


async def test_the_text(hitl: Hitl, settings: dict[str, str], tmp_path: Path) -> None:
    async with past_of(hitl, settings) as past:
        empty = await hitl.aside("policy", "simulate", draft(tmp_path))
        await fill(past)
        ended = await hitl.aside("policy", "simulate", draft(tmp_path))
    assert empty.out.endswith("(UTC): 0 decisions, 0 would go another way\n")
    assert "11 decisions, 10 would go another way\n1 more cannot be tried" in ended.out
    assert ["label", "QUEUE", "at", "low", "→", "AUTO", "at", "low", "10"] in [
        line.split() for line in ended.out.splitlines()
    ]
    assert "such as d-" in ended.out
    assert "would be  Cost: about 5" in ended.out


def test_a_draft_that_is_none(hitl: Hitl, settings: dict[str, str], tmp_path: Path) -> None:
    ended = hitl("policy", "simulate", draft(tmp_path, "version: 1\n"))
    assert (ended.code, ended.out) == (1, "")
    assert "draft.yml is refused as a whole" in ended.err
    ended = hitl("policy", "simulate", str(tmp_path / "none.yml"))
    assert (ended.code, ended.err) == (2, f"{tmp_path / 'none.yml'}: there is no such file.\n")
    ended = hitl("policy", "simulate", draft(tmp_path), "--since", "long ago")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("--since: 'long ago' is no window")
