"""Which policy was in force when: the history tells of each change, and of nothing else."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from store import tables as t
from store.policies import KeepPolicy, policy_document
from store.writer import Writer
from tests.support.rows import NOW


async def test_the_history_tells_when_another_policy_is_loaded_and_not_of_every_start(engine: AsyncEngine) -> None:
    writer = Writer(engine)
    writer.start()
    news = [await writer.submit(KeepPolicy(version * 12, {"version": 1, "is": version}, NOW)) for version in "aaabbabb"]
    await writer.stop()

    assert news == [True, False, False, True, False, False, False, False]
    h = t.history.c
    async with engine.connect() as connection:
        rows = (await connection.execute(select(h.event, h.actor, h.facts).order_by(h.seq))).all()
    assert {(row.event, row.actor) for row in rows} == {("operator:policy:loaded", "operator")}
    assert [row.facts["policy_version"][0] for row in rows] == ["a", "b", "a", "b"]
    assert await policy_document(engine, "b" * 12) == {"version": 1, "is": "b"}
