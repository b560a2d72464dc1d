"""The schema comes up from nothing, matches the tables, and guards itself."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from store import schema
from store.engine import WRITE, open_engine, parse_url
from store.tables import metadata


async def test_migrations_and_tables_agree(engine: AsyncEngine) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))

    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_an_empty_database_is_refused_with_the_remedy(database_url: str) -> None:
    engine = open_engine(parse_url(database_url))
    with pytest.raises(schema.SchemaTooOldError, match="hitl migrate"):
        await schema.require(engine)
    await engine.dispose()


async def test_upgrading_twice_changes_nothing(engine: AsyncEngine) -> None:
    await schema.upgrade(engine)
    await schema.require(engine)


async def test_a_newer_schema_is_accepted(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await schema.require(engine)
    await schema.upgrade(engine)
    assert await schema.current_revision(engine) == "9999"


@pytest.mark.parametrize("statement", ["UPDATE history SET event = 'x'", "DELETE FROM history"])
async def test_history_refuses_changes(engine: AsyncEngine, statement: str) -> None:
    async with engine.connect() as plain:
        connection = await plain.execution_options(**WRITE)
        async with connection.begin():
            await connection.execute(
                text("INSERT INTO history (at, event, actor, facts) VALUES (CURRENT_TIMESTAMP, 'a:b:c', 'bot', '{}')")
            )
    with pytest.raises(DBAPIError, match="append-only"):
        async with engine.begin() as connection:
            await connection.execute(text(statement))
