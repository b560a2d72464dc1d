"""When corrections are put to use, once each: against numbers that were counted by hand, and against the recount."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from routing.metrics import Facts, latency_step, metrics, summed
from store import tables as t
from store import uses
from store.audit_streams import StreamKey
from store.calibrations import KeepCalibration, Look
from store.counter_check import CounterCheck, Repair
from store.facts import FactStore, Window
from store.history import HistoryRecord
from store.labels import Domain
from store.uses import NoteUse, UseStore, put_to_use, use_calibration
from store.writer import SingleCommand, Writer
from tests.support.counters import wrong_counters
from tests.support.judged import Judgement, Past, Voted
from tests.support.rows import NOW, add_world

HOUR = timedelta(hours=1)
LOOK = NOW + 10 * HOUR
WEEK = Window(NOW, NOW + timedelta(days=7))
APPROVED, EDITED, REJECTED = Voted("approve"), Voted("edit", "tone"), Voted("reject", "tone")


@dataclass(frozen=True, slots=True)
class _Put(SingleCommand[None]):
    """These verdicts enter what uses them."""

    pks: list[int]
    at: datetime

    async def apply(self, connection: AsyncConnection) -> None:
        await put_to_use(connection, self.pks, self.at)


@dataclass(frozen=True, slots=True)
class _Apply(SingleCommand[None]):
    """A calibration is applied, and perhaps the process dies before the commit."""

    at: datetime
    fails: bool = False

    async def apply(self, connection: AsyncConnection) -> None:
        await use_calibration(connection, 1, self.at)
        if self.fails:
            raise RuntimeError("the process dies")


@dataclass
class Office:
    engine: AsyncEngine
    writer: Writer
    past: Past

    async def gate(self, *votes: Voted, **changes: Any) -> int:
        """The number of the last verdict of a decision that a gate review judged."""
        decided = {"status": "resolved", "outcome": "rejected", "confidence": 0.5, **changes}
        pk = await self.past.add(decided.pop("created_at", NOW), Judgement("gate", votes), **decided)
        return (await self.verdicts(pk))[-1]

    async def verdicts(self, decision_pk: int) -> list[int]:
        v, r = t.verdicts.c, t.reviews.c
        async with self.engine.connect() as connection:
            query = select(v.pk).join_from(t.verdicts, t.reviews, r.pk == v.review_pk)
            return list(await connection.scalars(query.where(r.decision_pk == decision_pk).order_by(v.pk)))

    async def put(self, at: datetime, *pks: int) -> None:
        await self.writer.submit(_Put(list(pks), at))

    async def used(self) -> dict[int, datetime]:
        """When, by verdict."""
        v = t.verdicts.c
        async with self.engine.connect() as connection:
            rows = await connection.execute(select(t.verdicts).where(v.used_at.is_not(None)))
            return {row.pk: row.used_at for row in rows}

    async def facts(self) -> Facts:
        """As the recount has them too."""
        assert await wrong_counters(self.engine) == []
        return summed((await FactStore(self.engine).read(WEEK)).values())

    async def calibrated(self, floors: dict[str, float] | None = None) -> None:
        look = Look(StreamKey("label", "", "", "other"), 1, LOOK, 300, 0.8, "certified", {})
        record = HistoryRecord(LOOK, "bot:calibration:made", "bot", facts={})
        await self.writer.submit(KeepCalibration(look, Domain(floors or {"low": 0.0}), record))

    async def apply(self, at: datetime = LOOK + HOUR) -> None:
        await self.writer.submit(_Apply(at))

    async def note(self) -> int:
        """Notes all that is left; how many corrections that were."""
        store, noted = UseStore(self.engine), 0
        while (use := await store.next()) is not None:
            page = await store.page(use)
            await self.writer.submit(NoteUse(use, page))
            noted += len(page.verdict_pks)
        return noted


@pytest.fixture
async def office(engine: AsyncEngine) -> AsyncIterator[Office]:
    writer = Writer(engine)
    writer.start()
    yield Office(engine, writer, Past(engine, await add_world(writer, engine)))
    await writer.stop()


# What is counted ------------------------------------------------------------------------------------------------------


async def test_a_week_counted_by_hand(office: Office) -> None:
    """Five corrections, of which three are used: after an hour, after a day, and the audit's after an hour."""
    hour, day = await office.gate(REJECTED), await office.gate(EDITED, created_at=NOW + HOUR, cohort="eu")
    [audit] = await office.verdicts(await office.past.add(NOW, Judgement("audit", [REJECTED]), inclusion=0.5))
    for _ in range(2):
        await office.gate(REJECTED)
    approved = await office.gate(APPROVED)
    await office.gate(APPROVED)
    minute = timedelta(minutes=1)
    await office.put(NOW + minute + HOUR, hour, audit, approved)
    await office.put(NOW + HOUR + minute + timedelta(days=1), day)

    facts = await office.facts()

    assert facts.uses == Counter({latency_step(3_600): 2, latency_step(86_400): 1})
    told = metrics(facts)
    assert told["feedback_utilization"] == {"value": 3 / 5, "numerator": 3, "denominator": 5}
    times = told["feedback_to_update"]
    assert (times["p50"], times["p95"], times["n"]) == (pytest.approx(3_600, 0.05), pytest.approx(86_400, 0.05), 3)
    assert (await FactStore(office.engine).read(Window(NOW, NOW + HOUR, cohort="eu"))) == {}


async def test_of_several_uses_the_earliest_counts_whichever_is_noted_first(office: Office) -> None:
    pk = await office.gate(REJECTED)
    for hours in (3, 2, 4, 2):
        await office.put(NOW + hours * HOUR, pk)
    assert await office.used() == {pk: NOW + 2 * HOUR}
    assert (await office.facts()).uses == Counter({latency_step(2 * 3_600 - 60): 1})


async def test_an_edit_that_another_person_approved_is_final_with_that_approval(office: Office) -> None:
    await office.gate(EDITED, Voted("approve", user_id="U0BEN", after=600))
    await office.calibrated()
    await office.apply(LOOK + HOUR)
    assert await office.note() == 1
    assert (await office.facts()).uses == Counter({latency_step(11 * 3_600 - 600): 1})


async def test_what_is_not_final_is_not_counted_until_it_is(office: Office) -> None:
    """A first vote of two, of a review that waits for the second."""
    pk = await office.past.add(NOW, Judgement("gate", [REJECTED], state="open"))
    await office.put(NOW + HOUR, *await office.verdicts(pk))
    assert (await office.facts()).uses == Counter()


async def test_a_count_that_is_wrong_is_found_and_put_right(office: Office) -> None:
    pk = await office.gate(REJECTED)
    await office.put(NOW + HOUR, pk)
    async with office.engine.begin() as connection:
        await connection.execute(update(t.verdicts).values(used_at=NOW + 2 * HOUR))
    wrong = {each.tally.name for each in await wrong_counters(office.engine)}
    assert wrong == {f"use:{latency_step(3_540)}", f"use:{latency_step(7_140)}"}
    for block in await CounterCheck(office.engine).blocks():
        assert await office.writer.submit(Repair(block)) == 8
    assert (await office.facts()).uses == Counter({latency_step(7_140): 1})


# Applied calibrations -------------------------------------------------------------------------------------------------


async def test_the_corrections_among_its_labels_are_used(office: Office) -> None:
    used = [
        await office.gate(REJECTED),
        await office.gate(EDITED, outcome="edited"),
        await office.gate(Voted("reject", after=36_000)),  # at the very moment of the look
    ]
    audited = Judgement("audit", [REJECTED])
    used += await office.verdicts(await office.past.add(NOW, audited, inclusion=0.5))
    others: list[dict[str, Any]] = [
        {"model_version": "2"},
        {"task_type": "refund"},
        {"confidence_source": "logprob"},
        {"confidence": None},
        {"variant": "shadow"},
        {"risk": "high"},
        {"reversible": False},
    ]
    for changes in others:
        await office.gate(REJECTED, **changes)
    await office.gate(Voted("reject", after=36_001))
    await office.gate(APPROVED, outcome="approved")
    await office.past.add(NOW, Judgement("gate", [REJECTED], state="held"), confidence=0.5)
    await office.past.add(NOW, audited)  # drawn by nobody, so it is no label
    await office.calibrated({"low": 0.0, "high": 0.9})

    await office.apply()

    assert await office.note() == len(used)
    assert await office.used() == dict.fromkeys(used, LOOK + HOUR)
    assert (await office.facts()).uses.total() == len(used)


async def test_applied_twice_they_are_used_since_the_first_time(office: Office) -> None:
    pk = await office.gate(REJECTED)
    await office.calibrated()
    await office.apply(LOOK + HOUR)
    await office.apply(LOOK + 2 * HOUR)
    assert await office.note() == 1
    await office.apply(LOOK + 3 * HOUR)
    await office.note()
    assert await office.used() == {pk: LOOK + HOUR}
    assert (await office.facts()).uses.total() == 1


async def test_what_is_not_committed_uses_nothing(office: Office) -> None:
    await office.gate(REJECTED)
    await office.calibrated()
    with pytest.raises(RuntimeError):
        await office.writer.submit(_Apply(LOOK, fails=True))
    assert await office.note() == 0
    assert (await office.facts()).uses == Counter()


async def test_page_by_page_nothing_is_lost_or_counted_twice(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes at once, one of which dies half way; between the corrections lies more than is read at once."""
    monkeypatch.setattr(uses, "_PAGE", 2)
    monkeypatch.setattr(uses, "_EMPTY_PAGES", 2)
    pks = [await office.gate(REJECTED) for _ in range(7)]
    for _ in range(9):
        await office.gate(APPROVED, outcome="approved")
    pks += [await office.gate(REJECTED) for _ in range(3)]
    await office.calibrated()
    await office.apply()
    store = UseStore(office.engine)
    begun = await store.next()
    assert begun is not None
    page = await store.page(begun)
    await asyncio.gather(*(office.writer.submit(NoteUse(begun, page)) for _ in range(2)))
    assert len(await office.used()) == 2

    assert await office.note() == 8

    await office.writer.submit(NoteUse(begun, page))
    assert await store.next() is None
    assert await office.used() == dict.fromkeys(pks, LOOK + HOUR)
    assert (await office.facts()).uses.total() == 10
