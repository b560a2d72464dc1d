"""Content: what the model read and wrote, and what people wrote, in parts that retention can remove."""

from sqlalchemy import delete, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from store import tables as t


async def put_content(connection: AsyncConnection, decision_pk: int, part: str, body: str) -> None:
    """Writes or replaces one part on the caller's transaction; `body` is JSON."""
    c = t.contents.c
    await connection.execute(delete(t.contents).where(c.decision_pk == decision_pk, c.part == part))
    await connection.execute(insert(t.contents).values(decision_pk=decision_pk, part=part, body=body))
