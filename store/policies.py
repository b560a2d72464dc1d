"""Every policy that ever routed a decision, so that any old decision can be explained by its own rules."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from routing.decision import Json
from store import tables as t
from store.history import HistoryRecord, append
from store.writer import SingleCommand


@dataclass(frozen=True, slots=True)
class KeepPolicy(SingleCommand[bool]):
    """Stores a policy once under its version. False: it was known. The history tells of it when it takes the place of
    another, not at every start of a process, nor where it is `adjusted`: of adjustments the history tells already."""

    version: str
    document: Json
    at: datetime
    adjusted: bool = False

    async def apply(self, connection: AsyncConnection) -> bool:
        known = await connection.scalar(select(t.policies.c.version).where(t.policies.c.version == self.version))
        if not self.adjusted and await _told_last(connection) != self.version:
            facts = {"policy_version": self.version}
            await append(connection, [HistoryRecord(self.at, "operator:policy:loaded", "operator", facts=facts)])
        if known is not None:
            return False
        await connection.execute(
            insert(t.policies).values(version=self.version, document=self.document, first_used_at=self.at)
        )
        return True


async def _told_last(connection: AsyncConnection) -> Json:
    h = t.history.c
    facts = await connection.scalar(select(h.facts).where(t.POLICY_CHANGED).order_by(h.seq.desc()).limit(1))
    return (facts or {}).get("policy_version")


async def last_document(engine: AsyncEngine) -> Json | None:
    """The canonical document of the policy that came into force last; None: none ever did."""
    async with engine.connect() as connection:
        version = await _told_last(connection)
        return await connection.scalar(select(t.policies.c.document).where(t.policies.c.version == version))


async def policy_document(engine: AsyncEngine, version: str) -> Json | None:
    """The canonical document of a version, or None."""
    async with engine.connect() as connection:
        return await connection.scalar(select(t.policies.c.document).where(t.policies.c.version == version))
