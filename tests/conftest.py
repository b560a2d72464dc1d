"""What all tests share: the two databases, and that no test depends on how fast the machine is."""

import gc
import os
import shutil
import tempfile
from asyncio import AbstractEventLoop
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

import pytest
import structlog
import uvloop
from hypothesis import HealthCheck, settings
from sqlalchemy.ext.asyncio import AsyncEngine

from store.engine import open_engine, parse_url
from tests.support.compiling import create_sharing_engine
from tests.support.databases import (
    PostgresServer,
    drop_postgres_database,
    hurry,
    migrate,
    new_postgres_database,
    postgres_server,
)

# The workers share the cores; a numerical library that takes all of them for itself makes everybody wait, itself too.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Tests run beside each other, and never time anything.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")

# Tracebacks with the values of local variables take seconds to draw, and are not what serves.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        structlog.processors.KeyValueRenderer(key_order=["event"]),
    ]
)


_MEMORY, _ROOM = Path("/dev/shm"), 4 << 30  # noqa: S108 - a file system, and each file gets a name of its own there


def pytest_configure() -> None:
    """Files and databases in memory, where it has room: hundreds are made anew, and a disk takes longer than tests."""
    if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM:
        os.environ.setdefault("TMPDIR", str(_MEMORY))
        tempfile.tempdir = None  # it has looked already


def pytest_collection_finish() -> None:
    """As `hitl serve` does it: what was imported is in no collection's way. Tests die soon, with what they leave."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], AbstractEventLoop]]:
    """The loop that `hitl serve` runs on; its turns cost a fraction of asyncio's own."""
    return {"uvloop": uvloop.new_event_loop}


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: most tests of a whole bot wait for a socket or a disk now and then."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(scope="session", autouse=True)
def sharing_engines() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("store.engine.create_async_engine", create_sharing_engine)
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        hurry(server)
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The plain URL of an empty database, once of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/hitl.db"
        return
    server = request.getfixturevalue("postgres")
    url = await new_postgres_database(server)
    yield url
    await drop_postgres_database(server, url)


@pytest.fixture
async def postgres_url(postgres: PostgresServer) -> AsyncIterator[str]:
    """The plain URL of an empty PostgreSQL database, for what SQLite refuses: several processes on one database."""
    url = await new_postgres_database(postgres)
    yield url
    await drop_postgres_database(postgres, url)


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine on a migrated database."""
    await migrate(database_url)
    made = open_engine(parse_url(database_url))
    yield made
    await made.dispose()
