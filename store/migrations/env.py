"""Alembic's entry: migrates the connection it is handed (store.schema), or for developers a scratch database."""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection

from store.engine import WRITE, open_engine, parse_url
from store.tables import metadata


def run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


async def run_for_developers() -> None:
    engine = open_engine(parse_url(os.environ.get("HITL_DATABASE_URL", "sqlite:///hitl.db")))
    async with engine.connect() as plain:
        connection = await plain.execution_options(**WRITE)
        async with connection.begin():
            await connection.run_sync(run)
    await engine.dispose()


handed_over = context.config.attributes.get("connection")
if handed_over is None:
    asyncio.run(run_for_developers())
else:
    run(handed_over)
