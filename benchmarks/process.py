"""How soon the serving process is ready, and what it holds after many decisions: `python -m benchmarks.process`."""

import asyncio
import statistics
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import Line, show
from benchmarks.servers import Server, serving
from bot.clock import SystemClock
from bot.sandbox.server import Sandbox

_STARTS = 5
_READY_SECONDS = 3.0
_DECISIONS = 100_000
_PARTS = 4
_RESIDENT_MB = 250.0


@dataclass(frozen=True, slots=True)
class _Held:
    resident: list[float]
    """MB, at the start and after each part."""
    rate: float


@asynccontextmanager
async def _fresh_server() -> AsyncIterator[Server]:
    sandbox = Sandbox(SystemClock())
    sandbox.rates.enabled = False
    await sandbox.start()
    try:
        with tempfile.TemporaryDirectory(prefix="hitl-bench-") as folder:
            async with serving(Path(folder), f"sqlite:///{folder}/hitl.db", sandbox.api_url) as server:
                yield server
    finally:
        await sandbox.stop()


async def _start() -> float:
    async with _fresh_server() as server:
        return server.ready_after


async def _hold() -> _Held:
    part = _DECISIONS // _PARTS
    async with _fresh_server() as server:
        resident, rates = [server.resident_mb()], []
        for number in range(_PARTS):
            load = await server.load(part, first=1 + number * part)
            rates.append(load.rate)
            resident.append(server.resident_mb())
        return _Held(resident, _DECISIONS / sum(part / rate for rate in rates))


async def _measure() -> tuple[list[float], _Held]:
    return [await _start() for _ in range(_STARTS)], await _hold()


def main() -> None:
    starts, held = asyncio.run(_measure())
    ready, most = statistics.median(starts), max(held.resident)
    growth = held.resident[-1] - held.resident[-2]
    lines = [
        Line(f"from start to ready, median of {_STARTS}", f"{ready:.2f} s", "≤ 3 s", ready <= _READY_SECONDS),
        Line("resident at the start", f"{held.resident[0]:.0f} MB"),
        Line(f"resident after {_DECISIONS:,} decisions", f"{most:.0f} MB", "< 250 MB", most < _RESIDENT_MB),
        Line(f"of it grown in the last {_DECISIONS // _PARTS:,}", f"{growth:.1f} MB"),
        Line("rate meanwhile, SQLite", f"{held.rate:,.0f}/s"),
    ]
    show("The serving process", lines)


if __name__ == "__main__":
    main()
