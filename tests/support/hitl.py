"""The command `hitl`: called in this process, or served in one of its own."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from bot.cli import main

_COMMAND = (sys.executable, "-c", "from bot.cli import main; main()")
_PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    out: str
    err: str


class Hitl:
    """Calls commands that end by themselves, with the environment of this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Ended:
        """Must not be called where an event loop runs: `aside` does that."""
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main(arguments)
        printed = self._capsys.readouterr()
        code = left.value.code
        return Ended(code if isinstance(code, int) else 0, printed.out, printed.err)

    async def aside(self, *arguments: str) -> Ended:
        return await asyncio.to_thread(self, *arguments)


@dataclass
class Served:
    """A process of `hitl serve`; `lines` is what it has logged."""

    process: asyncio.subprocess.Process
    lines: list[str] = field(default_factory=list)


def only(environment: Mapping[str, str]) -> dict[str, str]:
    """These settings and none that the machine happens to have."""
    others = ("HITL_", "SLACK_", "PYTHONDONTWRITEBYTECODE")  # without compiled modules a process starts in seconds
    kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    return {**kept, **environment}


async def run_hitl(*arguments: str, environment: Mapping[str, str]) -> Ended:
    """In a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *_COMMAND,
        *arguments,
        env=only(environment),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(_PATIENCE):
        out, err = await process.communicate()
    return Ended(process.returncode or 0, out.decode(), err.decode())


@asynccontextmanager
async def served(environment: Mapping[str, str], *arguments: str) -> AsyncIterator[Served]:
    process = await asyncio.create_subprocess_exec(
        *_COMMAND, "serve", *arguments, env=only(environment), stderr=asyncio.subprocess.PIPE
    )
    serving = Served(process)
    reading = asyncio.create_task(_read(serving))
    try:
        yield serving
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading


async def _read(serving: Served) -> None:
    assert serving.process.stderr is not None
    async for line in serving.process.stderr:
        serving.lines.append(line.decode().rstrip("\n"))
