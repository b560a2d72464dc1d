"""Bringing the schema up, and telling whether it is new enough."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from store.engine import WRITE


class SchemaTooOldError(RuntimeError):
    def __init__(self, found: str | None, needed: str) -> None:
        self.found, self.needed = found, needed
        what = "is empty" if found is None else f"has schema {found}"
        super().__init__(f"the database {what}, and this version needs {needed}: run `hitl migrate`")


def config() -> Config:
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return made


@cache
def needed_revision() -> str:
    head = ScriptDirectory.from_config(config()).get_current_head()
    if head is None:
        raise RuntimeError("the package holds no migrations: it is not installed whole")
    return head


async def upgrade(engine: AsyncEngine) -> None:
    """Brings the schema to the newest revision; on one that is newest or newer it does nothing."""
    if await _is_newer(engine):
        return
    async with engine.connect() as plain:
        connection = await plain.execution_options(**WRITE)
        async with connection.begin():
            await connection.run_sync(_upgrade)


async def require(engine: AsyncEngine) -> None:
    """Raises SchemaTooOldError. A newer schema is fine: during a rolling upgrade the old program still runs on it."""
    found = await current_revision(engine)
    if found != needed_revision() and not await _is_newer(engine):
        raise SchemaTooOldError(found, needed_revision())


async def current_revision(engine: AsyncEngine) -> str | None:
    async with engine.connect() as connection:
        return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


async def _is_newer(engine: AsyncEngine) -> bool:
    found = await current_revision(engine)
    return found is not None and found not in _known_revisions()


@cache
def _known_revisions() -> frozenset[str]:
    return frozenset(script.revision for script in ScriptDirectory.from_config(config()).walk_revisions())


def _upgrade(connection: Connection) -> None:
    with_connection = config()
    with_connection.attributes["connection"] = connection
    command.upgrade(with_connection, "head")
