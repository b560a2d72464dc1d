"""Durable ingestion against the same server with a store that keeps nothing: `python -m benchmarks.ingest`."""

import asyncio
import statistics
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from benchmarks.load import Load
from benchmarks.report import Line, show
from benchmarks.servers import FORGETFUL, SERVE, Server, serving
from bot.clock import SystemClock
from bot.sandbox.server import Sandbox
from tests.support.databases import new_postgres_database, postgres_server

_ROUNDS = 5
_DECISIONS = 5_000
_WARM_UP = 2_000
_TARGET = 0.35
_NOTHING, _SQLITE, _POSTGRES = "keeps nothing", "SQLite", "PostgreSQL"


async def _measure() -> dict[str, list[Load]]:
    async with AsyncExitStack() as opened:
        servers = await _servers(opened)
        for server in servers.values():
            await server.load(_WARM_UP, first=1)
        loads: dict[str, list[Load]] = {name: [] for name in servers}
        for turn in range(_ROUNDS):
            for name, server in servers.items():
                loads[name].append(await server.load(_DECISIONS, first=1 + _WARM_UP + turn * _DECISIONS))
        return loads


async def _servers(opened: AsyncExitStack) -> dict[str, Server]:
    sandbox = Sandbox(SystemClock())
    sandbox.rates.enabled = False
    await sandbox.start()
    opened.push_async_callback(sandbox.stop)
    postgres = opened.enter_context(postgres_server())
    servers = {}
    for name, command in ((_NOTHING, FORGETFUL), (_SQLITE, SERVE), (_POSTGRES, SERVE)):
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="hitl-bench-")))
        url = await new_postgres_database(postgres) if name is _POSTGRES else f"sqlite:///{folder}/hitl.db"
        servers[name] = await opened.enter_async_context(serving(folder, url, sandbox.api_url, command))
    return servers


def main() -> None:
    loads = asyncio.run(_measure())
    rates = {name: statistics.median(load.rate for load in found) for name, found in loads.items()}
    lines = []
    for name, found in loads.items():
        p50, p99 = (statistics.median(column) for column in zip(*((load.p50, load.p99) for load in found), strict=True))
        lines.append(Line(f"store: {name}", f"{rates[name]:,.0f}/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms"))
    for name in (_SQLITE, _POSTGRES):
        ratio = rates[name] / rates[_NOTHING]
        target = f"≥ {_TARGET}" if name is _SQLITE else None
        lines.append(Line(f"ratio: {name} to keeps nothing", f"{ratio:.2f}", target, ratio >= _TARGET))
    show(f"Ingestion, 64 connections, medians of {_ROUNDS} rounds of {_DECISIONS:,} decisions", lines)


if __name__ == "__main__":
    main()
