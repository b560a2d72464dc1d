"""Engines: one function turns the plain URL of the settings into an async engine of either kind."""

import asyncio
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

WRITE = {"hitl_write": True}
"""Execution options of a connection that is going to write (SQLite then begins with BEGIN IMMEDIATE)."""

_AGAIN = 0.02

_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}


class DatabaseUrlError(ValueError):
    """The database URL is of no known kind. The message repeats no password."""


def parse_url(text: str) -> URL:
    """The URL with the driver chosen. Raises DatabaseUrlError."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:  # ValueError: a port that is no number
        raise DatabaseUrlError("it is not a database URL") from error
    driver = _DRIVERS.get(url.drivername)
    if driver is None:
        raise DatabaseUrlError(f"{url.drivername!r} is not supported: begin with sqlite:/// or postgresql://")
    if driver.startswith("sqlite") and url.database in (None, "", ":memory:"):
        raise DatabaseUrlError("an in-memory database would lose what was acknowledged: name a file")
    url = url.set(drivername=driver)
    return url if driver.startswith("sqlite") else _for_asyncpg(url)


def _for_asyncpg(url: URL) -> URL:
    """libpq's `sslmode` by the name that asyncpg has for it; what it does not know is refused here, in words."""
    unknown = sorted(set(url.query) - {"host", "port", "sslmode", "ssl"})
    if unknown:
        raise DatabaseUrlError(f"{', '.join(unknown)} in the query is not supported: use host, port and sslmode")
    mode = url.query.get("sslmode")
    return url if mode is None else url.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode})


def sqlite_path(url: URL) -> Path | None:
    """The database file, or None where the database is no file."""
    return Path(url.database) if url.drivername.startswith("sqlite") and url.database else None


def open_engine(url: URL) -> AsyncEngine:
    # Parameters are what apps and people wrote: an error's text, which may be logged, must not hold them.
    if url.drivername.startswith("postgresql"):
        return create_async_engine(
            url, hide_parameters=True, pool_pre_ping=True, pool_size=10, connect_args={"timeout": 5}
        )
    engine = create_async_engine(url, hide_parameters=True, pool_size=10)
    event.listen(engine.sync_engine, "connect", _set_up_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    event.listen(engine.sync_engine, "invalidate", _give_up_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, below
    cursor = connection.cursor()
    for pragma in (
        "busy_timeout = 5000",
        "journal_mode = WAL",
        "synchronous = FULL",  # a 2xx survives a power cut too; commits are shared, so it is paid once a batch
        "foreign_keys = ON",
        "secure_delete = ON",  # what retention removes is overwritten, not only forgotten
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that reads and then writes fails with "database is locked" under load: a writer takes its
    # place at the start.
    write = connection.get_execution_options().get("hitl_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _give_up_sqlite(connection: Any, _record: object, error: BaseException | None) -> None:
    """Whoever waited for a statement was cancelled. It runs in a thread of its own, for minutes if it reads much, and
    the connection could not be closed before its end, nor the process end. PostgreSQL's driver cancels by itself."""
    if isinstance(error, asyncio.CancelledError):
        connection.run_async(_interrupt)


async def _interrupt(driver: Any) -> None:
    # Its turn comes when the statement is over. It runs no SQL, so it is not interrupted itself; closing rolls back.
    over = asyncio.ensure_future(driver.set_trace_callback(None))
    while not over.done():
        # What has not begun yet is not interrupted: once would not do.
        await driver.interrupt()
        await asyncio.wait([over], timeout=_AGAIN)
    over.result()
