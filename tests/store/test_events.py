"""Whose events go out next: no receiver and no app, however it is spelled, takes more than its share."""

from collections import Counter
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from store import tables as t
from store.engine import WRITE
from store.events import ClaimEvents, EventJob, receiver_of
from store.keys import CreateKey
from store.writer import Writer
from tests.support.rows import NOW, add_world, take_in


@pytest.fixture
async def writer(engine: AsyncEngine) -> AsyncIterator[Writer]:
    made = Writer(engine)
    made.start()
    await add_world(made, engine)
    other = CreateKey(id="key_2", app="other", key_sha256="3" * 64, scopes=[], webhook_secret="sealed", at=NOW)
    await made.submit(other)
    yield made
    await made.stop()


@pytest.mark.parametrize(
    ("url", "receiver"),
    [
        ("https://app.example/a?token=x", "https://app.example"),
        ("HTTPS://App.Example.:443/b", "https://app.example"),
        ("http://ada:pw@app.example:80", "http://app.example"),
        ("https://app.example:8443/", "https://app.example:8443"),
        ("https://b\u00fccher.example/", "https://xn--bcher-kva.example"),
        ("https://[2001:db8::1]:443/", "https://[2001:db8::1]"),
    ],
)
def test_a_receiver_is_one_however_it_is_spelled(url: str, receiver: str) -> None:
    assert receiver_of(url) == receiver


async def test_neither_a_receiver_nor_an_app_takes_all_places(engine: AsyncEngine, writer: Writer) -> None:
    slow = [(1, "https://slow.example")] * 30
    many = [(1, f"https://r{number}.example") for number in range(30)]
    other = [(2, "https://other.example")] * 3
    await add_events(engine, writer, [*slow, *many, *other])

    jobs = await claim(writer)
    assert Counter(job.app_pk for job in jobs) == {1: 16, 2: 3}
    assert Counter(job.receiver for job in jobs)["https://slow.example"] == 4
    assert len({job.receiver for job in jobs}) == 14
    assert await claim(writer, jobs) == []
    finished = [job for job in jobs if job.receiver == "https://r0.example"]
    [following] = await claim(writer, [job for job in jobs if job not in finished])
    assert (following.app_pk, following.receiver) == (1, "https://r12.example")


async def claim(writer: Writer, under_way: list[EventJob] | None = None) -> list[EventJob]:
    load = under_way or []
    receivers, apps = Counter(job.receiver for job in load), Counter(job.app_pk for job in load)
    return await writer.submit(
        ClaimEvents(NOW, receivers=receivers, apps=apps, limit=64 - len(load), per_receiver=4, per_app=16)
    )


async def add_events(engine: AsyncEngine, writer: Writer, owners: list[tuple[int, str]]) -> None:
    """One event for each (app_pk, url), each of a decision of its own."""
    for pk, (app_pk, _) in enumerate(owners, 1):
        await writer.submit(take_in(pk, app_pk))
    async with engine.connect() as plain:
        connection = await plain.execution_options(**WRITE)
        async with connection.begin():
            await connection.execute(
                insert(t.events),
                [
                    {
                        "id": f"evt_{pk}",
                        "app_pk": app_pk,
                        "decision_pk": pk,
                        "position": 1,
                        "type": "decision.resolved",
                        "url": url,
                        "receiver": receiver_of(url),
                        "state": "pending",
                        "attempts": 0,
                        "created_at": NOW,
                        "due_at": NOW,
                    }
                    for pk, (app_pk, url) in enumerate(owners, 1)
                ],
            )
