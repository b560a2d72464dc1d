"""Statements that are compiled once for all tests: each has an engine of its own, as each process has, and would spend
a fifth of its time on compiling the same statements anew."""

from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

_shared: dict[str, tuple[Dialect, Any]] = {}
"""By the kind of database: what statements are compiled for, as the first connection has found it, and the compiled
ones."""


def create_sharing_engine(*args: Any, **options: Any) -> AsyncEngine:
    """As `create_async_engine`."""
    made = create_async_engine(*args, **options)
    engine = made.sync_engine
    if engine.dialect.name in _shared:
        engine.dialect, engine._compiled_cache = _shared[engine.dialect.name]
    else:
        found = (engine.dialect, engine._compiled_cache)
        event.listen(engine, "connect", lambda *_: _shared.setdefault(engine.dialect.name, found))
    return made
