"""What operators and machines ask, and what the API answers while its database is away."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.bot import ADMIN_KEY, KEY, OTHER_KEY, PATIENCE, READ_KEY, SURE, UNSURE, Bot, running_bot, until
from tests.support.clock import ManualClock
from tests.support.databases import PostgresServer, drop_postgres_database, new_postgres_database
from tests.support.outage import Outage

UNAVAILABLE = (503, "urn:hitl:problem:unavailable")


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    async with running_bot(tmp_path, f"sqlite:///{tmp_path}/hitl.db") as running:
        yield running


async def kind(asked: Any) -> tuple[int, str | None]:
    status, answer = await asked
    return status, answer.get("type")


async def test_health_readiness_and_description_need_no_key(bot: Bot) -> None:
    for path in ("/healthz", "/readyz"):
        async with bot.http.get(bot.application.url + path) as answer:
            assert (answer.status, await answer.json()) == (200, {"status": "ok"})
    async with bot.http.get(bot.application.url + "/openapi.json") as answer:
        assert answer.content_type == "application/json"
        assert (await answer.json())["openapi"].startswith("3.1")


async def test_metrics_count_decisions_replays_verdicts_cards_and_events(bot: Bot) -> None:
    await bot.post(SURE, id="a")
    await bot.post(SURE, id="a")
    await bot.post(UNSURE, id="b", callback_url=bot.receiver.url)
    card = await bot.card("b")
    await bot.post(UNSURE, id="c")
    await bot.card("c")
    await bot.sandbox.click("U0BEN", "C0REVIEW", card["ts"], "review.approve")
    await until(lambda: bot.receiver.events)
    wanted: dict[tuple[str, ...], float] = {
        ("hitl_decisions_total", "shop", "execute", "low", "AUTO", "label"): 1,
        ("hitl_decisions_total", "shop", "wait", "low", "ESCALATE", "label"): 2,
        ("hitl_decision_replays_total", "shop"): 1,
        ("hitl_verdicts_total", "shop", "gate", "label", "approve"): 1,
        ("hitl_waiting_reviews", "shop", "label"): 1,
        ("hitl_review_latency_seconds_count", "shop", "label"): 1,
        ("hitl_events", "shop", "dead"): 0,
        ("hitl_events", "shop", "pending"): 0,
        ("hitl_live_cards", "shop", "#ai-review"): 1,
    }
    async with asyncio.timeout(PATIENCE):
        while (await scrape(bot)).items() & wanted.items() != wanted.items():
            await asyncio.sleep(0.05)


async def test_a_key_scrapes_its_own_app_and_admin_all(bot: Bot) -> None:
    for key in (KEY, OTHER_KEY):
        await bot.post(SURE, key=key, id="a")
        await bot.post(SURE, key=key, id="a")
    await bot.post(UNSURE, key=OTHER_KEY, id="b", task_type="secret-project")
    await bot.card("b")
    assert apps(await scrape(bot)) == {"shop"}
    other = await scrape(bot, OTHER_KEY)
    assert apps(other) == {"other"}
    assert other["hitl_live_cards", "other", "#ai-review"] == 1
    assert apps(await scrape(bot, ADMIN_KEY)) == {"shop", "other", "ops"}


async def test_the_window_counts_what_the_statistics_count_and_looks_again_after_a_minute(tmp_path: Path) -> None:
    clock = ManualClock()
    async with running_bot(tmp_path, f"sqlite:///{tmp_path}/hitl.db", clock=clock, loops=False) as bot:
        await bot.post(SURE, id="a")
        await bot.post(UNSURE, id="b")
        await bot.post(UNSURE, id="c", key=OTHER_KEY)
        await clock.advance(30)
        first = await scrape(bot)
        assert first["hitl_window_count", "shop", "label", "decisions"] == 2
        assert first["hitl_window_count", "shop", "label", "escalated"] == 1
        assert first["hitl_window_count", "shop", "label", "corrected"] == 0
        assert first["hitl_window_count", "shop", "label", "used"] == 0
        assert first["hitl_oldest_waiting_seconds", "shop", "label"] == 30
        await bot.post(SURE, id="d")
        await clock.advance(30)
        assert (await scrape(bot))["hitl_window_count", "shop", "label", "decisions"] == 2
        await clock.advance(30)
        found = await scrape(bot)
        assert found["hitl_window_count", "shop", "label", "decisions"] == 3
        assert found["hitl_oldest_waiting_seconds", "shop", "label"] == 90


def apps(samples: dict[tuple[str, ...], float]) -> set[str]:
    return {labels[0] for _, *labels in samples}


async def scrape(bot: Bot, key: str = READ_KEY) -> dict[tuple[str, ...], float]:
    """Samples by name and label values, these in the order of the labels' names."""
    headers = {"Authorization": f"Bearer {key}"}
    async with bot.http.get(bot.application.url + "/metrics", headers=headers) as answer:
        assert answer.status == 200
        text = await answer.text()
    families = text_string_to_metric_families(text)
    return {
        (s.name, *(value for _, value in sorted(s.labels.items()))): s.value
        for family in families
        for s in family.samples
    }


async def test_task_types_that_apps_invent_do_not_flood_the_metrics(bot: Bot) -> None:
    for number in range(250):
        bot.services.metrics.took_in("shop", f"task-{number}", "AUTO", "low", "execute")
        bot.services.metrics.decided("shop", f"task-{number}", "gate", "approve", 1.0)
    found = await scrape(bot)
    assert found["hitl_decisions_total", "shop", "execute", "low", "AUTO", "other"] == 50
    assert found["hitl_verdicts_total", "shop", "gate", "other", "approve"] == 50
    assert found["hitl_decisions_total", "shop", "execute", "low", "AUTO", "task-199"] == 1


async def test_while_postgresql_is_away_the_api_says_so_and_afterwards_all_is_well(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    url = await new_postgres_database(postgres)
    async with Outage(url) as outage, running_bot(tmp_path, outage.url) as bot:
        await bot.post(UNSURE, id="before")
        waiter = asyncio.create_task(bot.get("/v1/decisions/before?wait=60"))
        await until(lambda: bot.services.wakeups.waiting == 1)
        await bot.card("before")

        await outage.begin()
        assert await kind(bot.post(UNSURE, id="during")) == UNAVAILABLE
        assert await kind(bot.get("/v1/decisions/before")) == UNAVAILABLE
        assert await kind(bot.get("/readyz")) == UNAVAILABLE
        assert await bot.get("/healthz") == (200, {"status": "ok"})

        await outage.end()
        assert await bot.get("/readyz") == (200, {"status": "ok"})
        assert (await bot.get("/v1/decisions/during"))[0] == 404
        assert (await bot.post(UNSURE, id="during"))[0] == 201
        assert (await bot.post(UNSURE, id="before"))[0] == 200
        await bot.card("during")
        await bot.call("POST", "/v1/decisions/before/cancel")
        assert (await waiter)[1]["status"] == "resolved"
    await drop_postgres_database(postgres, url)


async def test_while_another_process_holds_sqlite_the_api_reads_refuses_writes_and_recovers(
    bot: Bot, tmp_path: Path
) -> None:
    await bot.post(SURE, id="before")
    other = sqlite3.connect(tmp_path / "hitl.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writing = asyncio.create_task(kind(bot.post(SURE, id="during")))
    assert (await bot.get("/v1/decisions/before"))[0] == 200
    assert (await bot.get("/readyz"))[0] == 200
    assert await writing == UNAVAILABLE
    other.execute("ROLLBACK")
    other.close()

    assert (await bot.get("/v1/decisions/during"))[0] == 404
    assert (await bot.post(SURE, id="during"))[0] == 201


async def test_a_database_that_is_too_old_is_not_ready(bot: Bot, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "hitl.db") as other:
        other.execute("UPDATE alembic_version SET version_num = '0001'")
    other.close()
    assert await kind(bot.get("/readyz")) == UNAVAILABLE


async def test_the_key_is_checked_before_anything_else(bot: Bot) -> None:
    assert await kind(bot.call("POST", "/v1/decisions", key="hitl_wrong", data="{")) == (
        401,
        "urn:hitl:problem:unauthorized",
    )
    assert (await bot.call("POST", "/v1/decisions", key=KEY, data="{"))[0] == 400
