"""Plain database URLs, as people write them; and statements that nobody waits for any more."""

import asyncio
import gc
from pathlib import Path

import pytest
from sqlalchemy import text

from store.engine import WRITE, DatabaseUrlError, open_engine, parse_url
from tests.support.bot import PATIENCE

_FOR_MINUTES = """
WITH RECURSIVE numbers (n) AS (SELECT begun() UNION ALL SELECT n + 1 FROM numbers WHERE n < 2000000000)
SELECT max(n) FROM numbers
"""
_FOR_MILLISECONDS = """
INSERT INTO numbers
WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 5000) SELECT n FROM up
"""


@pytest.mark.parametrize(
    ("plain", "made"),
    [
        ("sqlite:///hitl.db", "sqlite+aiosqlite:///hitl.db"),
        ("postgresql://user:pw@host/db", "postgresql+asyncpg://user:pw@host/db"),
        ("postgres://host/db", "postgresql+asyncpg://host/db"),
        ("postgresql:///db?host=/run/socket", "postgresql+asyncpg:///db?host=%2Frun%2Fsocket"),
        ("postgresql://host/db?sslmode=require", "postgresql+asyncpg://host/db?ssl=require"),
    ],
)
def test_the_driver_is_chosen_inside(plain: str, made: str) -> None:
    assert parse_url(plain).render_as_string(hide_password=False) == made


@pytest.mark.parametrize(
    ("plain", "says"),
    [
        ("mysql://host/db", "'mysql' is not supported"),
        ("not a url", "not a database URL"),
        ("sqlite://", "name a file"),
        ("sqlite:///:memory:", "name a file"),
        ("postgresql://host/db?target_session_attrs=any", "target_session_attrs in the query is not supported"),
    ],
)
def test_a_url_that_cannot_work_is_refused_in_words(plain: str, says: str) -> None:
    with pytest.raises(DatabaseUrlError, match=says):
        parse_url(plain)


async def test_sqlite_breaks_off_what_was_cancelled_and_goes_on(tmp_path: Path) -> None:
    engine, begun = open_engine(parse_url(f"sqlite:///{tmp_path}/hitl.db")), asyncio.Event()
    loop = asyncio.get_running_loop()

    async def read() -> None:
        async with engine.connect() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None
            await driver.create_function("begun", 0, lambda: loop.call_soon_threadsafe(begun.set) and 1)
            await connection.execute(text(_FOR_MINUTES))

    reading = asyncio.create_task(read())
    async with asyncio.timeout(PATIENCE):
        await begun.wait()
        reading.cancel()
        await asyncio.wait([reading])
    assert reading.cancelled()
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT 1")) == 1
    await engine.dispose()


async def test_nothing_is_left_behind_whenever_a_write_is_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.engine._AGAIN", 0)  # as if the thread were slow
    engine, unseen = open_engine(parse_url(f"sqlite:///{tmp_path}/hitl.db")), list[object]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unseen.append(context))
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE numbers (n INTEGER)"))

    async def write() -> None:
        async with engine.execution_options(**WRITE).connect() as connection:
            await connection.execute(text(_FOR_MILLISECONDS))
            await connection.execute(text("SELECT n FROM numbers"))
            await connection.rollback()

    for step in range(150):
        writing = asyncio.create_task(write())
        await asyncio.wait([writing], timeout=step / 20_000)
        writing.cancel()
        await asyncio.wait([writing], timeout=PATIENCE)
        assert writing.cancelled() or writing.result() is None
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM numbers")) == 0
    await engine.dispose()
    gc.collect()
    await asyncio.sleep(0)
    assert unseen == []
