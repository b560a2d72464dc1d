"""A sealed history with content, to be damaged behind the bot's back."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.answer import sha256_of
from bot.proof.content import ContentCheck
from bot.proof.verify import Printed, Report, Verification
from store.decisions import outcome_content
from store.engine import WRITE
from store.history import HistoryRecord, append
from store.retention import RetentionStore
from store.seals import AddSeal, SealStore, sealed
from store.writer import SingleCommand, Writer
from tests.support.rows import NOW, add_world, review, take_in

BLOCK = 5
DECISIONS = 18


@dataclass(frozen=True, slots=True)
class Append(SingleCommand[None]):
    """Records of their own."""

    records: Sequence[HistoryRecord]

    async def apply(self, connection: AsyncConnection) -> None:
        await append(connection, self.records)


@dataclass
class Proof:
    engine: AsyncEngine
    writer: Writer
    app_pk: int

    @property
    def seals(self) -> SealStore:
        return SealStore(self.engine)

    async def add(self, pk: int, **changes: Any) -> None:
        """A decision with its content and its record, decided if `changes` say so."""
        task = changes.get("task_type", "label")
        body = {"task_type": task, "input": f"Where is parcel {pk}?", "output": "shipping", "confidence": pk / 7}
        made = take_in(pk, self.app_pk, body_sha256=sha256_of(body), **changes)
        posted = {"id": f"d-{pk}", "task_type": task, "body_sha256": sha256_of(body)}
        history = [
            HistoryRecord(made.decision.created_at, "app:decision:posted", "app:shop", self.app_pk, pk, facts=posted)
        ]
        contents = {"request": orjson.dumps(body).decode()}
        if made.decision.outcome is not None:
            outcome = outcome_content("shipping")
            contents["outcome"] = orjson.dumps(outcome).decode()
            facts = {"outcome": made.decision.outcome, "content_sha256": sha256_of(outcome)}
            event = "reviewer:review:approved"
            history.append(HistoryRecord(NOW, event, "user:T0HOME/U0ADA", self.app_pk, pk, facts=facts))
        shown = review(pk) if made.decision.status == "pending" else None
        await self.writer.submit(replace(made, contents=contents, review=shown, history=tuple(history)))

    async def seal(self, block: int = BLOCK) -> None:
        former = await self.seals.latest()
        while held := await self.seals.records(0 if former is None else former.last_seq, limit=block):
            seal, former = sealed(former, held, NOW)
            assert await self.writer.submit(AddSeal(seal, NOW))

    async def verify(self, *printed: Printed) -> Report:
        content = ContentCheck(self.seals, RetentionStore(self.engine))
        return await Verification(self.seals, content, printed).run()

    async def tamper(self, *statements: str, **values: Any) -> None:
        """As somebody with the database in their hands would, who knows of the triggers."""
        async with self.engine.connect() as plain:
            connection = await plain.execution_options(**WRITE)
            async with connection.begin():
                for statement in statements:
                    await connection.execute(text(statement), values)

    async def disarm(self) -> None:
        """Takes the triggers away."""
        for table in ("history", "seals"):
            if self.engine.dialect.name == "sqlite":
                await self.tamper(f"DROP TRIGGER {table}_no_update", f"DROP TRIGGER {table}_no_delete")
            else:
                await self.tamper(f"DROP TRIGGER {table}_append_only ON {table}")


@asynccontextmanager
async def opened(engine: AsyncEngine, app_pk: int) -> AsyncIterator[Proof]:
    """A history that was made before."""
    writer = Writer(engine)
    writer.start()
    yield Proof(engine, writer, app_pk)
    await writer.stop()


@asynccontextmanager
async def sealed_history(engine: AsyncEngine) -> AsyncIterator[Proof]:
    """Two records of the world and one a decision, of which the first two are decided; all of them sealed, the
    triggers gone."""
    async with opened(engine, app_pk=1) as proof:
        assert await add_world(proof.writer, engine) == proof.app_pk
        decided = {"status": "resolved", "outcome": "approved", "disposition": "execute", "decided_at": NOW}
        for pk in range(1, DECISIONS + 1):
            await proof.add(pk, **(decided if pk < 3 else {}))
        await proof.seal()
        await proof.disarm()
        yield proof
