"""Servers to measure: `hitl serve`, or the yardstick, each a process of its own on a database of its own."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from benchmarks.load import Load, post
from benchmarks.workload import APP, POLICY
from bot.sandbox.server import BOT_TOKEN, SIGNING_SECRET

_HITL = str(Path(sys.executable).with_name("hitl"))
SERVE = (_HITL, "serve")
FORGETFUL = (sys.executable, "-m", "benchmarks.forgetful")
_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Server:
    url: str
    key: str
    pid: int
    ready_after: float
    """Seconds from the start of the process to the first 200 of /readyz."""

    async def load(self, count: int, *, first: int, connections: int = 64, rate: float | None = None) -> Load:
        """As load.post, to this server."""
        return await post(self.url, self.key, count, first=first, connections=connections, rate=rate)

    def resident_mb(self) -> float:
        """Resident memory now."""
        command = ["ps", "-o", "rss=", "-p", str(self.pid)]
        shown = subprocess.run(command, capture_output=True, check=True)  # noqa: S603 - of our own making
        return int(shown.stdout) / 1024


@asynccontextmanager
async def serving(
    folder: Path, database_url: str, slack_api_url: str, command: tuple[str, ...] = SERVE, policy: str = POLICY
) -> AsyncIterator[Server]:
    """A server on a migrated database with one key; `folder` holds its policy and its log."""
    policy_file = folder / "policy.yml"
    policy_file.write_text(policy)
    port = _free_port()
    environment = {
        # Without compiled modules on disk, as some machines set it, each start would compile them all anew.
        **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
        "HITL_DATABASE_URL": database_url,
        "HITL_SECRET": "a secret for benchmarks",
        "HITL_POLICY": str(policy_file),
        "HITL_PORT": str(port),
        "SLACK_BOT_TOKEN": BOT_TOKEN,
        "SLACK_SIGNING_SECRET": SIGNING_SECRET,
        "SLACK_API_URL": slack_api_url,
    }
    await _finish(environment, _HITL, "migrate")
    made = json.loads(await _finish(environment, _HITL, "keys", "create", APP, "--json"))
    url = f"http://127.0.0.1:{port}"
    with (folder / "server.log").open("ab") as log:
        began = time.perf_counter()
        process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=log, stderr=log)
        try:
            ready_after = await _ready(process, url, began)
            yield Server(url, made["key"], process.pid, ready_after)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _finish(environment: dict[str, str], *command: str) -> bytes:
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=subprocess.PIPE)
    out, _ = await process.communicate()
    assert process.returncode == 0, f"{' '.join(command)} failed"
    return out


async def _ready(process: asyncio.subprocess.Process, url: str, began: float) -> float:
    async with aiohttp.ClientSession() as session:
        while time.perf_counter() - began < _PATIENCE and process.returncode is None:
            try:
                async with session.get(f"{url}/readyz") as response:
                    if response.status == 200:
                        return time.perf_counter() - began
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.01)
    raise TimeoutError(f"{url} was not ready within {_PATIENCE} s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
