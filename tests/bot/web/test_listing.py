"""The list: filters, pages that neither repeat nor miss, and arguments that are refused by name."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.bot import ADMIN_KEY, KEY, QUEUED, SURE, UNSURE, Bot, running_bot
from tests.support.clock import START, ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def bot(tmp_path: Path, database_url: str, clock: ManualClock) -> AsyncIterator[Bot]:
    async with running_bot(tmp_path, database_url, clock=clock) as running:
        yield running


async def ids(bot: Bot, query: str = "", key: str = KEY) -> list[str]:
    status, page = await bot.get(f"/v1/decisions?{query}", key)
    assert status == 200, page
    return [decision["id"] for decision in page["data"]]


async def test_filters_narrow_and_combine(bot: Bot, clock: ManualClock) -> None:
    await bot.post(SURE, id="auto")
    await bot.post(QUEUED, id="queue", cohort="eu")
    await clock.advance(60)
    await bot.post(UNSURE, id="escalate", task_type="refund", context={"amount": 20_000}, cohort="eu")

    assert await ids(bot) == ["escalate", "queue", "auto"]
    assert await ids(bot, "status=pending") == ["escalate", "queue"]
    assert await ids(bot, "status=resolved") == ["auto"]
    assert await ids(bot, "route=ESCALATE") == ["escalate"]
    assert await ids(bot, "task_type=queued&cohort=eu") == ["queue"]
    assert await ids(bot, "cohort=us") == []
    minute_later = START + timedelta(seconds=60)
    for since in (
        minute_later.isoformat(),  # its plus sign, not escaped, arrives as a space
        quote(minute_later.isoformat()),
        "2026-11-20T09:01:00Z",
        "2026-11-20T09:01:00",
        "20261120T090100Z",
        quote("2026-11-20T10:01:00+01:00"),
        "2026-11-20%2009:00:01",
    ):
        assert await ids(bot, f"since={since}") == ["escalate"], since
    assert await ids(bot, "since=2026-11-20") == ["escalate", "queue", "auto"]
    assert await ids(bot, "since=2026-11-21") == []


async def test_pages_neither_repeat_nor_miss_while_more_arrives(bot: Bot, clock: ManualClock) -> None:
    """Three instants of three decisions each, so that pages end between decisions of the same instant."""
    for number in range(9):
        if number in {3, 6}:
            await clock.advance(1)
        await bot.post(SURE, id=f"d-{number}")

    seen: list[str] = []
    query = "limit=2"
    while True:
        _, page = await bot.get(f"/v1/decisions?{query}")
        seen += [decision["id"] for decision in page["data"]]
        if page["next_cursor"] is None:
            break
        assert len(page["data"]) == 2
        await bot.post(SURE, id=f"late-{len(seen)}")
        query = f"limit=2&cursor={page['next_cursor']}"

    assert seen == [f"d-{number}" for number in range(8, -1, -1)]


async def test_a_page_that_ends_with_the_last_decision_has_no_cursor(bot: Bot) -> None:
    for number in range(3):
        await bot.post(SURE, id=f"d-{number}")
    assert (await bot.get("/v1/decisions?limit=3"))[1]["next_cursor"] is None
    _, page = await bot.get("/v1/decisions?limit=2")
    assert len(page["data"]) == 2
    assert await ids(bot, f"limit=3&cursor={page['next_cursor']}") == ["d-0"]


async def test_a_cursor_opens_nothing_that_its_key_may_not_see(bot: Bot) -> None:
    for number in range(4):
        await bot.post(SURE, key=ADMIN_KEY if number % 2 else KEY, id=f"d-{number}")
    _, page = await bot.get("/v1/decisions?limit=1", ADMIN_KEY)
    assert [decision["id"] for decision in page["data"]] == ["d-3"]
    assert await ids(bot, f"cursor={page['next_cursor']}") == ["d-2", "d-0"]


async def test_wrong_arguments_are_refused_by_name(bot: Bot) -> None:
    await bot.post(SURE)
    await bot.post(SURE)
    _, page = await bot.get("/v1/decisions?limit=1")
    cursor: str = page["next_cursor"]
    tampered = ("A" if cursor[0] != "A" else "B") + cursor[1:]
    wrong = {
        "limit": ["0", "201", "-1", "1.5", "ten", "", "%D9%A3", "9" * 400],
        "status": ["open", "Pending", ""],
        "route": ["auto", "QUEUE,AUTO"],
        "since": ["yesterday", "", "1700000000", "2026-13-01", "0001-01-01T00:00:00%2B23:59", "2026-11-20T25:00"],
        "cursor": [tampered, cursor[:-1], cursor + "AA", "", "x", "%C3%A9", "%00", "=", "A" * 5000],
        "task_type": ["a%00b"],
        "cohort": ["%00"],
        "app": ["shop"],
        "Limit": ["1"],
    }
    for name, values in wrong.items():
        for value in values:
            status, problem = await bot.get(f"/v1/decisions?{name}={value}")
            found: Any = (status, problem["type"], [error["loc"] for error in problem.get("errors", [])])
            assert found == (422, "urn:hitl:problem:invalid_body", [["query", name]]), (name, value)
    for query in ("limit=1", "limit=200", "task_type=%FF", "cohort=%F0%9F%98%80", f"cursor={cursor}"):
        assert (await bot.get(f"/v1/decisions?{query}"))[0] == 200, query
