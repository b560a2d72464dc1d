"""Alerts in the store: one for each id on all replicas, taken by compare-and-set, and in nobody's queue."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from store import tables as t
from store.alerts import Alert, AlertStore, ChangeAlert, RaiseAlert
from store.engine import open_engine
from store.history import HistoryRecord
from store.messages import MessageStore
from store.queue import QueueStore, Scope
from store.reviews import ReviewStore
from store.writer import Writer
from tests.support.rows import NOW, add_world

RECORD = HistoryRecord(NOW, "app:alert:raised", "app:shop")


def alert(pk: int, app_pk: int | None, alert_id: str = "refund-rate") -> Alert:
    return Alert(
        review_pk=pk,
        review_id=f"rev_{pk}",
        version=1,
        id=alert_id,
        app_pk=app_pk,
        app=None if app_pk is None else "shop",
        task_type="",
        channel="#ai-review",
        severity="high",
        body_sha256="0" * 64,
        content={"title": "Refunds doubled", "detail": "42 of 100", "url": None},
        created_at=NOW,
        acknowledged_by=None,
        acknowledged_at=None,
        began_at=None,
        recovered_at=None,
        resolved_by=None,
        resolved_at=None,
    )


@dataclass
class Replicas:
    engine: AsyncEngine
    first: Writer
    second: Writer
    app_pk: int

    async def count(self) -> dict[str, int]:
        async with self.engine.connect() as connection:
            tables = (t.alerts, t.reviews, t.messages)
            return {each.name: await connection.scalar(select(func.count()).select_from(each)) or 0 for each in tables}


@pytest.fixture
async def replicas(engine: AsyncEngine) -> AsyncIterator[Replicas]:
    other = open_engine(engine.url)
    first, second = Writer(engine), Writer(other)
    first.start()
    second.start()
    yield Replicas(engine, first, second, await add_world(first, engine))
    await first.stop()
    await second.stop()
    await other.dispose()


@pytest.mark.parametrize("own", [False, True], ids=["an app's", "the bot's own"])
async def test_one_id_is_one_alert_however_many_raise_it(replicas: Replicas, *, own: bool) -> None:
    app_pk = None if own else replicas.app_pk
    writers = [replicas.first, replicas.second] * 4
    raised = await asyncio.gather(
        *(writer.submit(RaiseAlert(alert(pk, app_pk), RECORD)) for pk, writer in enumerate(writers, 1))
    )
    assert raised.count(None) == 1
    [there] = {pk for pk in raised if pk is not None}
    assert await AlertStore(replicas.engine).by_review_pk(there) == alert(there, app_pk)
    assert await replicas.count() == {"alerts": 1, "reviews": 1, "messages": 1}


async def test_the_bots_own_and_an_apps_of_the_same_id_are_two(replicas: Replicas) -> None:
    for pk, app_pk in ((1, replicas.app_pk), (2, None)):
        assert await replicas.first.submit(RaiseAlert(alert(pk, app_pk), RECORD)) is None
    assert (await replicas.count())["alerts"] == 2


async def test_of_many_who_take_it_one_does(replicas: Replicas) -> None:
    await replicas.first.submit(RaiseAlert(alert(1, replicas.app_pk), RECORD))
    seen = await AlertStore(replicas.engine).by_review_pk(1)
    users = [f"U{number}" for number in range(6)]
    took = await asyncio.gather(
        *(
            writer.submit(
                ChangeAlert(seen, NOW, {"acknowledged_by": user, "acknowledged_at": NOW}, closes=False, history=RECORD)
            )
            for user, writer in zip(users, [replicas.first, replicas.second] * 3, strict=True)
        )
    )
    assert took.count(True) == 1
    winner = users[took.index(True)]
    now = await AlertStore(replicas.engine).by_review_pk(1)
    assert now == replace(seen, version=2, acknowledged_by=winner, acknowledged_at=NOW)
    async with replicas.engine.connect() as connection:
        assert await connection.scalar(select(t.messages.c.wanted)) == 2


async def test_it_is_no_decision_that_waits(replicas: Replicas) -> None:
    await replicas.first.submit(RaiseAlert(alert(1, replicas.app_pk), RECORD))
    engine, everything = replicas.engine, Scope("U0ADA", NOW, with_claimed=True, with_skipped=True)
    queue, messages, reviews = QueueStore(engine), MessageStore(engine), ReviewStore(engine)
    assert (await queue.groups(), await queue.waiting(everything, 9), await queue.count(everything)) == ([], [], 0)
    assert (await messages.unposted_cards(), await messages.live_counts()) == ({}, {})
    assert await messages.waiting_beside_cards() == {"#ai-review"}
    assert (await reviews.due(NOW, 9), await reviews.by_pks([1])) == ([], [])
