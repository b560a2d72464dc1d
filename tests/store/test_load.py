"""What is measured of reviewers' load, and the level that is kept of it, on both databases."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from store import tables as t
from store.history import HistoryRecord
from store.load import Arrived, ChannelLevel, ErrorRecord, Given, LoadStore, SaveLevel, WaitingLine
from store.messages import NewMessage
from store.reviews import open_review
from store.writer import Writer
from tests.support.rows import NOW, add_world, review, take_in

WEEK, HOUR, MINUTE = timedelta(days=7), timedelta(hours=1), timedelta(minutes=1)
CHANNEL = "#ai-review"


@dataclass
class Rows:
    """Decisions with reviews, written as a test wants them."""

    engine: AsyncEngine
    writer: Writer
    store: LoadStore
    app_pk: int
    pks: "count[int]"

    async def add(self, *, opened: timedelta = MINUTE, review: Any = None, **decision: Any) -> int:
        """The pk of the review of a new decision, opened so long before NOW."""
        pk = next(self.pks)
        made = take_in(pk, self.app_pk, **{"created_at": NOW - opened, **decision})
        columns = {"lane": "batch", **(review or {})}
        opens = {name: columns.pop(name) for name in ("kind", "lane", "channel", "task_type") if name in columns}
        assert made.review is not None
        await self.writer.submit(replace(made, review=replace(made.review, **opens)))
        if columns:
            await self.set(pk + 1_000_000, **columns)
        return pk + 1_000_000

    async def set(self, review_pk: int, **columns: Any) -> None:
        async with self.engine.begin() as connection:
            await connection.execute(update(t.reviews).where(t.reviews.c.pk == review_pk).values(**columns))

    async def released(self, **columns: Any) -> None:
        """One that went out from the gate, with its later review."""
        gate = await self.add(
            review={"state": "timed_out"}, outcome=columns.pop("outcome", "timed_out"), status="resolved"
        )
        later = replace(review(gate), pk=gate + 1, id=f"later_{gate}", kind="provisional", lane="batch")
        async with self.engine.begin() as connection:
            await open_review(connection, later, gate - 1_000_000, NOW)
        next(self.pks)  # its number is taken
        if columns:
            await self.set(gate + 1, **columns)

    async def verdict(self, review_pk: int, user: str, at: datetime, began_at: datetime | None = None) -> None:
        row = {"review_pk": review_pk, "round": 1, "team_id": "T0HOME", "user_id": user, "at": at, "began_at": began_at}
        said = {"adjudicates": False, "verdict": "approve", "labels": {}, "characters": 9}
        async with self.engine.begin() as connection:
            await connection.execute(insert(t.verdicts).values(**row, **said))


@pytest.fixture
async def rows(engine: AsyncEngine) -> AsyncIterator[Rows]:
    writer = Writer(engine)
    writer.start()
    yield Rows(engine, writer, LoadStore(engine), await add_world(writer, engine), count(1))
    await writer.stop()


async def test_arrivals_are_counted_by_the_hours_since(rows: Rows) -> None:
    for opened in (0 * MINUTE, 59 * MINUTE, HOUR, 26 * HOUR, WEEK - MINUTE, WEEK + MINUTE):
        await rows.add(opened=opened)
    await rows.add(review={"channel": "#refunds", "task_type": "refund"})
    assert sorted((await rows.store.measured(NOW, WEEK)).arrived, key=lambda each: each.hours_ago) == [
        Arrived(CHANNEL, "label", 0, 2),
        Arrived("#refunds", "refund", 0, 1),
        Arrived(CHANNEL, "label", 1, 1),
        Arrived(CHANNEL, "label", 26, 1),
        Arrived(CHANNEL, "label", 167, 1),
    ]


async def test_what_holds_nobody_up_is_in_no_figure(rows: Rows) -> None:
    for kind, lane in (("audit", "sample"), ("double", "blind")):
        unseen = await rows.add(review={"kind": kind, "lane": lane})
        await rows.verdict(unseen, "U0ADA", NOW)
    measured = await rows.store.measured(NOW, WEEK)
    assert (measured.arrived, measured.verdicts, measured.waiting) == ([], [], [])


async def test_what_was_released_came_once(rows: Rows) -> None:
    await rows.released()
    await rows.add(review={"kind": "provisional"})
    [arrived] = (await rows.store.measured(NOW, WEEK)).arrived
    assert arrived.count == 2


async def test_verdicts_come_with_their_times_the_latest_first(rows: Rows) -> None:
    first, second = await rows.add(), await rows.add()
    await rows.verdict(first, "U0ADA", NOW - HOUR, NOW - HOUR - MINUTE)
    await rows.verdict(second, "U0BEN", NOW)
    await rows.verdict(await rows.add(), "U0CHEN", NOW - WEEK)
    assert (await rows.store.measured(NOW, WEEK)).verdicts == [
        Given(CHANNEL, "U0BEN", NOW, None),
        Given(CHANNEL, "U0ADA", NOW - HOUR, NOW - HOUR - MINUTE),
    ]


async def test_verdicts_are_of_the_task_and_the_app_that_are_named(rows: Rows) -> None:
    await rows.verdict(await rows.add(), "U0ADA", NOW)
    await rows.verdict(await rows.add(review={"task_type": "refund"}), "U0BEN", NOW - MINUTE)

    async def people(**named: Any) -> list[str]:
        return [given.user_id for given in await rows.store.verdicts(NOW - HOUR, NOW, 9, **named)]

    assert await people() == await people(app_pk=rows.app_pk) == ["U0ADA", "U0BEN"]
    assert await people(task_type="refund", app_pk=rows.app_pk) == ["U0BEN"]
    assert await people(app_pk=rows.app_pk + 1) == []


async def test_a_verdict_that_comes_while_it_is_looked_is_for_the_next_look(rows: Rows) -> None:
    review_pk = await rows.add()
    await rows.verdict(review_pk, "U0ADA", NOW)
    await rows.verdict(review_pk, "U0BEN", NOW + timedelta(milliseconds=3))
    assert [given.user_id for given in (await rows.store.measured(NOW, WEEK)).verdicts] == ["U0ADA"]
    soon = (await rows.store.measured(NOW + timedelta(milliseconds=3), WEEK)).verdicts
    assert [given.user_id for given in soon] == ["U0BEN", "U0ADA"]


async def test_what_waits_is_counted_with_the_oldest(rows: Rows) -> None:
    await rows.add(opened=3 * HOUR)
    await rows.add(opened=HOUR, review={"lane": "card", "state": "disputed"})
    await rows.add(opened=9 * HOUR, review={"state": "decided"})
    [line] = (await rows.store.measured(NOW, WEEK)).waiting
    assert line == WaitingLine(CHANNEL, "label", 2, NOW - 3 * HOUR)


async def test_audits_stand_for_what_they_were_drawn_from(rows: Rows) -> None:
    async def audit(outcome: str, inclusion: float | None, state: str = "decided") -> None:
        ended: dict[str, Any] = {"status": "resolved", "outcome": outcome, "route": "AUTO", "inclusion": inclusion}
        await rows.add(review={"kind": "audit", "lane": "sample", "state": state}, **ended)

    await audit("approved", 0.1)
    await audit("edited", 0.1)
    await audit("rejected", 0.25)
    await audit("auto", 0.25, "open")
    await audit("approved", None)
    assert await rows.store.error_records(["label", "other"], NOW - HOUR) == {
        "label": ErrorRecord("label", audits=4, autonomous=29.0, judged=25.0, wrong=14.0, heaviest=10.0)
    }
    assert await rows.store.error_records(["label"], NOW) == {}


async def test_what_people_overrode_and_what_went_out_without_them(rows: Rows) -> None:
    for outcome in ("approved", "edited", "rejected"):
        await rows.add(review={"state": "decided"}, status="resolved", outcome=outcome)
    await rows.released()
    await rows.released(state="decided", outcome="rejected")
    await rows.add(review={"kind": "provisional"})  # flagged from the start: nobody had waited for it
    [record] = (await rows.store.error_records(["label"], NOW - HOUR)).values()
    assert record == ErrorRecord("label", reviewed=4, overridden=3, released=1, released_wrong=1)


async def test_the_most_confident_go_first_and_only_what_nobody_is_at(rows: Rows) -> None:
    second, first, late = [await rows.add(confidence=confidence) for confidence in (0.5, 0.6, 0.4)]
    await rows.add(confidence=None)
    await rows.add(route="ESCALATE")
    await rows.add(review={"lane": "card"})
    await rows.add(review={"kind": "provisional"})
    await rows.add(review={"state": "disputed"})
    await rows.add(review={"state": "decided"})
    await rows.add(review={"claimed_by": "U0ADA", "claimed_at": NOW, "claimed_until": NOW + MINUTE})
    await rows.verdict(await rows.add(), "U0ADA", NOW)
    await rows.set(late, claimed_by="U0ADA", claimed_at=NOW - HOUR, claimed_until=NOW)
    assert await rows.store.releasable(CHANNEL, "label", NOW, 9) == [first, second, late]
    assert await rows.store.releasable(CHANNEL, "label", NOW, 1) == [first]
    assert await rows.store.releasable(CHANNEL, "refund", NOW, 9) == []


async def test_what_is_never_released_takes_nobodys_room(rows: Rows) -> None:
    for refused in ({"reversible": False}, {"risk": "high"}, {"risk": "critical"}):
        await rows.add(confidence=0.9, **refused)
    calm = await rows.add(confidence=0.5, risk="medium")
    assert await rows.store.releasable(CHANNEL, "label", NOW, 1) == [calm]


async def test_cards_that_stand_in_the_channel(rows: Rows) -> None:
    calm = await rows.add(review={"lane": "card", "posted_at": NOW})
    urgent = await rows.add(review={"lane": "card", "posted_at": NOW, "urgency": 33})
    await rows.add(review={"lane": "card"})
    await rows.add(review={"posted_at": NOW})
    assert await rows.store.cards(CHANNEL, 9) == [urgent, calm]


# The level ------------------------------------------------------------------------------------------------------------

FIRST = ChannelLevel(CHANNEL, 2, NOW, {"waiting": 7}, version=0)
RECORD = HistoryRecord(NOW, "bot:load:changed", "bot", facts={"channel": CHANNEL})
MESSAGE = NewMessage("load:#ai-review:1", "load", CHANNEL, 26, body={"level": 2})


async def saved(rows: Rows, table: Any) -> list[Any]:
    async with rows.engine.connect() as connection:
        return list((await connection.execute(select(table))).all())


async def test_a_level_is_saved_by_whoever_saw_the_last_one(rows: Rows) -> None:
    assert await rows.store.levels() == {}
    assert await rows.writer.submit(SaveLevel(FIRST, NOW, (RECORD,), MESSAGE))
    assert await rows.store.levels() == {CHANNEL: replace(FIRST, version=1)}
    third = replace(FIRST, level=3, numbers={}, version=1)
    assert await rows.writer.submit(SaveLevel(third, NOW))
    assert not await rows.writer.submit(SaveLevel(replace(third, level=5), NOW, (RECORD,), MESSAGE))
    assert await rows.store.levels() == {CHANNEL: replace(third, version=2)}
    changed = [row.event for row in await saved(rows, t.history)].count("bot:load:changed")
    assert (changed, len(await saved(rows, t.messages))) == (1, 1)


async def test_of_two_at_once_one_wins(rows: Rows) -> None:
    other = Writer(rows.engine)
    other.start()
    for version in (0, 1):
        save = SaveLevel(replace(FIRST, version=version), NOW, (RECORD,), MESSAGE)
        assert sorted(await asyncio.gather(rows.writer.submit(save), other.submit(save))) == [False, True]
    await other.stop()
    [message] = await saved(rows, t.messages)
    assert (message.kind, message.body["level"]) == ("load", 2)


async def test_a_message_that_stands_is_posted_anew_or_else_changed(rows: Rows) -> None:
    await rows.writer.submit(SaveLevel(FIRST, NOW, message=MESSAGE))
    async with rows.engine.begin() as connection:
        await connection.execute(update(t.messages).values(message_channel="C0", message_ts="1.0", sent=9))
    louder = replace(MESSAGE, body={"level": 5, "newest": 5})
    await rows.writer.submit(SaveLevel(replace(FIRST, version=1), NOW, message=louder, anew=True))
    [message] = await saved(rows, t.messages)
    assert (message.message_ts, message.body["former"]) == (None, ["C0", "1.0"])
    await rows.writer.submit(SaveLevel(replace(FIRST, version=2), NOW, message=replace(MESSAGE, body={"level": 1})))
    [message] = await saved(rows, t.messages)
    assert message.body == {"level": 1, "former": ["C0", "1.0"]}
