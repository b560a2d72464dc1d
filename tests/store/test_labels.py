"""What people have found about a model's decisions, on both databases."""

from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from routing.decision import Reason
from store.audit_streams import StreamKey
from store.labels import Domain, LabelStore, StoredLabels
from store.writer import Writer
from tests.support.judged import Judgement, Past, Voted
from tests.support.rows import NOW, add_world

STREAM = StreamKey("label", "", "", "other")
ANYTHING = Domain({"low": 0.0, "medium": 0.0, "high": 0.0})
APPROVED, REJECTED = (Voted("approve"),), (Voted("reject", "tone"),)


class Told:
    """Decisions whose ends a test tells, and the labels that come of them."""

    def __init__(self, engine: AsyncEngine, app_pk: int) -> None:
        self.past, self.store = Past(engine, app_pk), LabelStore(engine)

    async def gate(self, confidence: float | None, outcome: str = "approved", **changes: Any) -> None:
        """One that people decided before it went out."""
        ends = {"status": "resolved", "disposition": "execute", "outcome": outcome, "category": "tone"}
        await self.past.add(NOW, Judgement("gate", APPROVED), **{"confidence": confidence, **ends, **changes})

    async def alone(self, confidence: float, inclusion: float | None, *audit: Judgement, **changes: Any) -> None:
        """One that ran alone, drawn for an audit if there is one."""
        await self.past.add(NOW, *audit, **{"confidence": confidence, "inclusion": inclusion, **changes})

    async def read(self, domain: Domain = ANYTHING) -> StoredLabels:
        return await self.store.read(STREAM, domain)


@pytest.fixture
async def told(engine: AsyncEngine) -> Told:
    writer = Writer(engine)
    writer.start()
    app_pk = await add_world(writer, engine)
    await writer.stop()
    return Told(engine, app_pk)


def columns(labels: StoredLabels) -> list[tuple[float, int, float]]:
    return sorted(zip(labels.confidence, labels.is_wrong, labels.inclusion, strict=True))


async def test_what_people_decided_is_a_label_for_certain(told: Told) -> None:
    await told.gate(0.5)
    await told.gate(0.6, "edited")
    await told.gate(0.7, "rejected")

    labels = await told.read()

    assert columns(labels) == [(0.5, 0, 1.0), (0.6, 1, 1.0), (0.7, 1, 1.0)]
    assert labels.categories == {"tone": 2}
    assert labels.others == {}


async def test_nobodys_silence_is_a_label(told: Told) -> None:
    for state in ("open", "disputed", "held", "timed_out", "cancelled"):
        await told.past.add(NOW, Judgement("gate", state=state), confidence=0.5)

    assert len(await told.read()) == 0
    assert await told.store.streams() == {}


async def test_what_was_looked_at_after_a_timeout_is_a_label_once(told: Told) -> None:
    late = Judgement("gate", state="timed_out"), Judgement("provisional", REJECTED)
    await told.past.add(NOW, *late, confidence=0.5, status="resolved", outcome="rejected")

    assert columns(await told.read()) == [(0.5, 1, 1.0)]


async def test_an_audit_counts_with_the_chance_of_its_draw(told: Told) -> None:
    await told.alone(0.9, 0.25, Judgement("audit", APPROVED))
    await told.alone(0.8, 0.5, Judgement("audit", REJECTED), outcome="rejected")
    await told.alone(0.95, 0.25)
    await told.alone(0.95, 0.5)

    labels = await told.read()

    assert columns(labels) == [(0.8, 1, 0.5), (0.9, 0, 0.25)]
    assert labels.others == {0.95: 2.0}


async def test_before_its_draw_or_without_a_chance_nothing_is_known(told: Told) -> None:
    await told.alone(0.9, None)
    await told.alone(0.9, 0.0)
    await told.alone(0.9, None, Judgement("audit", REJECTED), outcome="rejected")

    labels = await told.read()

    assert (len(labels), labels.others) == (0, {})


async def test_who_was_not_judged_leaves_with_all_they_stand_for(told: Told) -> None:
    """Two of four drawn at 0.4 are judged: they tell of five of the ten that the draw was from."""
    for number in range(4):
        await told.alone(0.9, 0.4, Judgement("audit", APPROVED if number < 2 else ()))
    for _ in range(6):
        await told.alone(0.9, 0.4)
    await told.alone(0.9, 0.125, Judgement("audit"))
    for _ in range(7):
        await told.alone(0.9, 0.125)

    labels = await told.read()

    assert columns(labels) == [(0.9, 0, 0.4)] * 2
    assert labels.others == {0.9: 3.0}
    assert len(labels) + labels.others[0.9] == pytest.approx(sum(1 / chance for chance in labels.inclusion))


async def test_what_was_drawn_from_but_not_drawn_is_counted_by_confidence(told: Told) -> None:
    for confidence in (0.9, 0.900001, 0.91, 1.0):
        await told.alone(confidence, 0.5)

    assert (await told.read()).others == {0.9: 2.0, 0.91: 1.0, 1.0: 1.0}


async def test_a_second_opinion_counts_by_what_it_changed_only(told: Told) -> None:
    seconds = Judgement("gate", APPROVED), Judgement("double", REJECTED)
    await told.past.add(NOW, *seconds, confidence=0.5, status="resolved", outcome="rejected")

    assert columns(await told.read()) == [(0.5, 1, 1.0)]


async def test_other_streams_shadows_and_unknown_confidence_are_left_out(told: Told) -> None:
    await told.gate(0.5, model_name="x")
    await told.gate(0.5, model_name="", model_version="")
    await told.gate(0.5, model_version="2")
    await told.gate(0.5, confidence_source="logprob")
    await told.gate(0.5, task_type="refund")
    await told.gate(0.5, variant="shadow")
    await told.gate(None)

    assert len(await told.read()) == 1
    assert await told.store.streams("label") == {
        StreamKey("label", "", "", "logprob"): 1,
        STREAM: 1,
        StreamKey("label", "", "2", "other"): 1,
        StreamKey("label", "x", "", "other"): 1,
    }
    assert StreamKey("refund", "", "", "other") in await told.store.streams()


FAILED = [Reason("risk.base", "label", result="low").as_json(), Reason("check.failed", rule="shape").as_json()]
QUOTES = [Reason("risk.rule", 'output == "code":"check.', rule="odd", result="low").as_json()]


async def test_a_threshold_is_judged_by_what_it_decides_about(told: Told) -> None:
    outside: list[dict[str, Any]] = [
        {"risk": "high", "confidence": 0.89},
        {"risk": "critical", "confidence": 0.99},
        {"reversible": False, "confidence": 0.99},
        {"reasons": FAILED, "confidence": 0.99},
    ]
    inside: list[dict[str, Any]] = [
        {"risk": "medium", "confidence": 0.1},
        {"risk": "high", "confidence": 0.9},
        {"reasons": QUOTES, "confidence": 0.95},
    ]
    for changes in outside + inside:
        await told.gate(**changes)
        await told.alone(inclusion=0.5, **changes)

    labels = await told.read(Domain({"low": 0.0, "medium": 0.0, "high": 0.9}))

    assert sorted(labels.confidence) == sorted(labels.others) == [0.1, 0.9, 0.95]


async def test_where_nothing_may_run_alone_there_are_no_labels(told: Told) -> None:
    await told.gate(0.5)

    assert len(await told.read(Domain({}))) == 0
