"""Who said what of the same items: the second opinion beside what it is compared with, and the cards that show it."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from routing.metrics import summed
from store import tables as t
from store.agreement import AgreementStore, OnModel, Said, TwoOpinions
from store.digests import Shown
from store.facts import FactStore, Window
from store.messages import Place
from store.writer import Writer
from tests.support.judged import Judgement, Past, Voted
from tests.support.rows import NOW, add_world

HOUR = timedelta(hours=1)
WEEK = Window(NOW, NOW + timedelta(days=7))
APPROVE, TONE = Voted("approve"), Voted("reject", "tone")


@pytest.fixture
async def past(engine: AsyncEngine) -> AsyncIterator[Past]:
    writer = Writer(engine)
    writer.start()
    yield Past(engine, await add_world(writer, engine))
    await writer.stop()


def second(verdict: str, category: str | None = None, user_id: str = "U0BEN") -> Judgement:
    return Judgement("double", [Voted(verdict, category, after=3_600, user_id=user_id)])


async def fill(past: Past) -> list[int]:
    """Two of which both say the same, one of which they do not, and what has no second opinion."""
    async with past.together():
        return [
            await past.add(NOW, Judgement("gate", [APPROVE]), second("approve")),
            await past.add(NOW, Judgement("gate", [APPROVE]), second("approve")),
            await past.add(NOW, Judgement("gate", [TONE]), second("approve")),
            await past.add(NOW + HOUR, Judgement("provisional", [TONE]), second("edit", "fact", user_id="U0CHEN")),
            await past.add(NOW, Judgement("gate", [TONE]), Judgement("double"), task_type="refund"),
            await past.add(NOW, Judgement("audit", [APPROVE]), inclusion=0.5),
            await past.add(NOW - HOUR, Judgement("gate", [TONE]), second("approve")),
            await past.add(NOW, Judgement("gate", [TONE]), second("approve"), variant="shadow"),
        ]


async def test_what_two_people_said_is_counted_by_who_they_are(past: Past) -> None:
    await fill(past)
    store = AgreementStore(past.engine)
    ada, ben = Said("U0ADA", "approve", None), Said("U0BEN", "approve", None)
    wrong = Said("U0ADA", "reject", "tone")
    found = await store.two_opinions(WEEK)
    assert sorted(found, key=repr) == sorted(
        [
            TwoOpinions("label", ada, ben, 2),
            TwoOpinions("label", wrong, ben, 1),
            TwoOpinions("label", wrong, Said("U0CHEN", "edit", "fact"), 1),
        ],
        key=repr,
    )
    facts = summed((await FactStore(past.engine).read(WEEK)).values())
    assert facts.pairs.total() == sum(each.count for each in found)


async def test_verdicts_on_the_model_are_those_that_stand_without_second_opinions(past: Past) -> None:
    await fill(past)
    edited = [Voted("edit", "fact", user_id="U0BEN"), Voted("approve", user_id="U0CHEN", after=90)]
    await past.add(NOW, Judgement("gate", edited))
    assert sorted(await AgreementStore(past.engine).on_model(WEEK), key=repr) == sorted(
        [
            OnModel("label", Said("U0ADA", "approve", None), 3),
            OnModel("label", Said("U0ADA", "reject", "tone"), 2),
            OnModel("label", Said("U0BEN", "edit", "fact"), 1),  # approved by another: it is this edit that stands
            OnModel("refund", Said("U0ADA", "reject", "tone"), 1),
        ],
        key=repr,
    )


async def test_the_items_that_show_it_come_latest_first_with_their_cards(past: Past) -> None:
    pks = await fill(past)
    differs, twice = pks[2], pks[3]
    card = {
        "key": "card:1", "kind": "card", "review_pk": differs * 10, "channel": "#ai-review", "urgency": 1, "wanted": 1,
        "sent": 1, "live": False, "message_channel": "C0REVIEW", "message_ts": "1.0", "attempts": 0, "due_at": NOW,
    }  # fmt: skip
    async with past.engine.begin() as connection:
        await connection.execute(insert(t.messages).values(card))
    store = AgreementStore(past.engine)
    there = Shown(f"d-{differs}", Place("C0REVIEW", "1.0"))
    assert await store.showing("guideline", WEEK, 5) == [Shown(f"d-{twice}", None), there]
    assert await store.showing("both", WEEK, 1) == [Shown(f"d-{twice}", None)]
    assert await store.showing("model", WEEK, 5) == [Shown(f"d-{twice}", None)]
    assert await store.showing("guideline", Window(WEEK.since, WEEK.until, "refund"), 5) == []
