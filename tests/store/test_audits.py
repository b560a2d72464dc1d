"""The audit draw and the streams in the database, on both kinds."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from store import tables as t
from store.audit_streams import (
    LEARNT_WITHIN,
    SETTLED_AFTER,
    AuditVerdict,
    SaveStreams,
    Stream,
    StreamKey,
    StreamOutdatedError,
    StreamStore,
)
from store.audits import AuditStore, Drawn, DrawOutdatedError, Group, NewAudit, Period, RecordDraw, Sample
from store.decisions import TakeIn
from store.messages import NewMessage
from store.writer import Writer
from tests.support.rows import NOW, add_world, review, take_in

DAY = Period(datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC))
ALONE = {"status": "resolved", "disposition": "execute", "outcome": "auto"}
KEY = StreamKey("label", "", "", "other")
SETTLED = NOW + SETTLED_AFTER
"""When what was found at NOW can be learnt from."""


class Store:
    """One app whose decisions run alone."""

    def __init__(self, engine: AsyncEngine, writer: Writer, app_pk: int) -> None:
        self.engine, self.writer, self.app_pk = engine, writer, app_pk
        self.audits, self.streams = AuditStore(engine), StreamStore(engine)

    async def ran_alone(self, pk: int, **changes: Any) -> None:
        await self.writer.submit(self.taken(pk, **changes))

    def taken(self, pk: int, **changes: Any) -> TakeIn:
        return replace(take_in(pk, self.app_pk, **{"route": "AUTO_AUDIT", **ALONE, **changes}), review=None)

    async def inclusions(self) -> dict[int, float | None]:
        d = t.decisions.c
        async with self.engine.connect() as connection:
            return {row.pk: row.inclusion for row in await connection.execute(select(d.pk, d.inclusion))}

    async def count(self, table: Any) -> int:
        async with self.engine.connect() as connection:
            return len((await connection.execute(select(table))).all())

    async def given(
        self, pk: int, state: str = "decided", outcome: str = "auto", inclusion: float | None = 0.25, **changes: Any
    ) -> None:
        """An audit of decision `pk`, and the one verdict on it, which is number `pk` too."""
        await self.ran_alone(pk, inclusion=inclusion)
        audit = {**review(pk, kind="audit", lane="sample").row(pk, NOW), "closed_at": NOW, "state": state, **changes}
        verdict = {
            "pk": pk, "review_pk": audit["pk"], "round": 1, "team_id": "T0HOME", "user_id": "U0ADA",
            "adjudicates": False, "verdict": "approve", "labels": {}, "at": NOW, "characters": 9,
        }  # fmt: skip
        async with self.engine.begin() as connection:
            await connection.execute(update(t.decisions).where(t.decisions.c.pk == pk).values(outcome=outcome))
            await connection.execute(t.reviews.insert().values(audit))
            await connection.execute(t.verdicts.insert().values(verdict))


@pytest.fixture
async def store(engine: AsyncEngine) -> AsyncIterator[Store]:
    writer = Writer(engine)
    writer.start()
    yield Store(engine, writer, await add_world(writer, engine))
    await writer.stop()


def draw(samples: list[Sample], audits: list[NewAudit] | None = None) -> RecordDraw:
    post = NewMessage("audit:label:2026-11-20", "audit", "#ai-review", 2) if audits else None
    return RecordDraw("label", DAY, samples, audits or [], post, (), NOW)


def audit(pk: int) -> NewAudit:
    made = review(pk, kind="audit", lane="sample", urgency=1)
    message = NewMessage(f"sample:{made.pk}", "sample", "#ai-review", 1, made.pk, {"thread": "audit:label:2026-11-20"})
    return NewAudit(pk, made, message)


async def test_what_ran_alone_in_the_period_is_eligible_once(store: Store) -> None:
    await store.ran_alone(1, created_at=DAY.since)
    await store.ran_alone(2, created_at=DAY.until - timedelta(microseconds=1), route="AUTO", cohort="eu")
    await store.ran_alone(3, created_at=DAY.until)
    await store.ran_alone(4, created_at=DAY.since - timedelta(microseconds=1))
    await store.ran_alone(5, variant="shadow", disposition="do_not_execute", outcome="shadow")
    await store.ran_alone(6, route="QUEUE")
    await store.ran_alone(7, inclusion=0.5)
    await store.ran_alone(8, task_type="refund", variant="canary")
    await store.writer.submit(replace(store.taken(9), contents={}))

    assert await store.audits.tasks(DAY) == ["label", "refund"]
    assert await store.audits.groups("label", DAY) == [
        Group("AUTO", "eu", None, 1),
        Group("AUTO_AUDIT", "", None, 1),
    ]


async def test_of_each_stratum_the_smallest_draws_are_taken(store: Store) -> None:
    for pk, drawn in enumerate((0.9, 0.1, 0.5, 0.3), 1):
        await store.ran_alone(pk, draw=drawn)
        await store.ran_alone(pk + 10, draw=drawn, route="AUTO", risk="medium")
    many, few = Group("AUTO_AUDIT", "", None, 4), Group("AUTO", "", None, 4)

    drawn_pks = await store.audits.drawn("label", DAY, [Sample((many,), 3), Sample((few,), 1)])

    assert [each.pk for each in drawn_pks] == [2, 3, 4, 12]
    assert drawn_pks[-1] == Drawn(12, store.app_pk, "medium", "AUTO", "", None)


async def test_a_draw_tells_every_decision_its_probability_and_opens_what_it_took(store: Store) -> None:
    for pk, cohort in enumerate(("eu", "eu", "it's \" a % trap", None), 1):
        await store.ran_alone(pk, cohort=cohort)
    await store.ran_alone(9, route="AUTO")
    named = Sample((Group("AUTO_AUDIT", "eu", None, 2),), 1)
    others = Sample((Group("AUTO_AUDIT", "", None, 1), Group("AUTO_AUDIT", "it's \" a % trap", None, 1)), 2)
    nothing = Sample((Group("AUTO", "", None, 1),), 0)

    await store.writer.submit(draw([named, others, nothing], [audit(1), audit(3), audit(4)]))

    assert await store.inclusions() == {1: 0.5, 2: 0.5, 3: 1.0, 4: 1.0, 9: 0.0}
    assert await store.count(t.reviews) == 3
    assert await store.count(t.messages) == 4
    assert await store.audits.tasks(DAY) == []


async def test_a_draw_that_others_have_made_or_that_misses_some_changes_nothing(store: Store) -> None:
    await store.ran_alone(1)
    await store.ran_alone(2)
    one, both = Sample((Group("AUTO_AUDIT", "", None, 1),), 1), Sample((Group("AUTO_AUDIT", "", None, 2),), 1)

    with pytest.raises(DrawOutdatedError):
        await store.writer.submit(draw([one], [audit(1)]))
    assert await store.inclusions() == {1: None, 2: None}

    await store.writer.submit(draw([both], [audit(1)]))
    with pytest.raises(DrawOutdatedError):
        await store.writer.submit(draw([both], [audit(2)]))
    assert await store.inclusions() == {1: 0.5, 2: 0.5}
    assert await store.count(t.reviews) == 1


async def test_streams_tell_apart_what_is_drawn_from(store: Store) -> None:
    for pk, version in ((1, "1"), (2, "1"), (3, "2"), (4, None)):
        await store.ran_alone(pk, model_name="m", model_version=version)
    await store.writer.submit(SaveStreams([stream(StreamKey("label", "m", "1", "other"))], (), (), NOW))
    [known] = await store.streams.all()

    assert set(await store.audits.groups("label", DAY)) == {
        Group("AUTO_AUDIT", "", known.pk, 2),
        Group("AUTO_AUDIT", "", None, 2),
    }


async def test_a_stream_that_begins_before_the_commit_makes_the_draw_start_again(store: Store) -> None:
    await store.ran_alone(1)
    await store.ran_alone(2, model_name="m")
    samples = [Sample((group,), 1) for group in await store.audits.groups("label", DAY)]
    await store.writer.submit(SaveStreams([stream(StreamKey("label", "m", "", "other"))], (), (), NOW))

    with pytest.raises(DrawOutdatedError):
        await store.writer.submit(draw(samples))
    assert await store.inclusions() == {1: None, 2: None}


def stream(key: StreamKey = KEY, judged_to: int = 0) -> Stream:
    return Stream(key, {"state": "cold"}, 1.0, NOW, judged_to)


async def test_streams_are_saved_together_and_only_as_they_were_seen(store: Store) -> None:
    other = StreamKey("label", "m", "2", "logprob")
    await store.writer.submit(SaveStreams([stream()], (), (), NOW))
    with pytest.raises(StreamOutdatedError):
        await store.writer.submit(SaveStreams([stream(other), stream()], (), (), NOW))
    [seen] = await store.streams.all()
    assert seen == replace(stream(), pk=seen.pk, version=1)

    await store.writer.submit(SaveStreams([replace(seen, rate=0.25), stream(other)], (), (), NOW))
    with pytest.raises(StreamOutdatedError):
        await store.writer.submit(SaveStreams([replace(seen, rate=0.07)], (), (), NOW))
    assert [(each.rate, each.version) for each in await store.streams.all()] == [(0.25, 2), (1.0, 1)]


async def test_verdicts_on_audits_count_once_and_wait_for_what_may_be_taken_back(store: Store) -> None:
    await store.given(1)
    await store.given(2, outcome="edited")
    await store.given(3, kind="gate", lane="card")
    await store.given(4, outcome="rejected")
    await store.given(5, state="held", release_at=NOW)
    await store.given(6)

    found = [AuditVerdict(pk, KEY, is_error, 0.25, 0.25) for pk, is_error in ((1, False), (2, True), (4, True))]
    assert await store.streams.verdicts(SETTLED) == found
    await store.writer.submit(SaveStreams([stream(judged_to=2)], (), (), NOW))
    assert await store.streams.verdicts(SETTLED) == found[2:]
    assert await store.streams.verdicts(NOW + LEARNT_WITHIN + timedelta(seconds=1)) == []


async def test_each_stream_goes_on_from_where_it_is(store: Store) -> None:
    await store.given(1)
    await store.given(2)
    other = StreamKey("refund", "", "", "other")
    await store.writer.submit(SaveStreams([stream(other, judged_to=2)], (), (), NOW))
    assert [each.pk for each in await store.streams.verdicts(SETTLED)] == [1, 2]


async def test_a_verdict_that_is_committed_late_is_not_passed_over(store: Store) -> None:
    """Two replicas take numbers in turn, and the one with the lower number commits last."""
    await store.given(2, closed_at=NOW)
    assert await store.streams.verdicts(NOW + timedelta(seconds=59)) == []
    await store.given(1, closed_at=NOW)
    assert [each.pk for each in await store.streams.verdicts(SETTLED)] == [1, 2]


async def test_what_had_no_chance_is_evidence_of_nothing(store: Store) -> None:
    await store.given(1, inclusion=None)
    await store.given(2, inclusion=0.0)
    await store.given(3)
    assert [each.pk for each in await store.streams.verdicts(SETTLED)] == [3]


async def test_the_least_chance_is_that_of_all_audits_of_the_streams_draw(store: Store) -> None:
    await store.given(1, inclusion=0.5)
    await store.given(2, inclusion=0.125, state="open", closed_at=None)
    await store.given(3, inclusion=0.25, opened_at=NOW - timedelta(days=1))
    await store.given(4, inclusion=0.0625, state="open", closed_at=None)
    async with store.engine.begin() as connection:
        await connection.execute(update(t.decisions).where(t.decisions.c.pk == 2).values(model_name=""))
        await connection.execute(update(t.decisions).where(t.decisions.c.pk == 4).values(model_name="another"))

    found = await store.streams.verdicts(SETTLED)
    assert [(each.pk, each.inclusion, each.least_inclusion) for each in found] == [(1, 0.5, 0.125), (3, 0.25, 0.25)]


async def test_a_verdict_that_was_changed_later_does_not_count_again(store: Store) -> None:
    await store.given(1, outcome="rejected", round=2)
    changed = {
        "pk": 2, "review_pk": 1_000_001, "round": 2, "team_id": "T0HOME", "user_id": "U0BEN", "adjudicates": False,
        "verdict": "reject", "labels": {}, "at": NOW + timedelta(days=1), "characters": 9,
    }  # fmt: skip
    async with store.engine.begin() as connection:
        await connection.execute(t.verdicts.insert().values(changed))

    later = NOW + timedelta(days=2)
    assert await store.streams.verdicts(later) == [AuditVerdict(1, KEY, True, 0.25, 0.25)]
    await store.writer.submit(SaveStreams([stream(judged_to=1)], (), (), NOW))
    assert await store.streams.verdicts(later) == []
