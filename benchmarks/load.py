"""The load: a process of its own that posts decisions over keep-alive connections and prints what it saw as JSON.

It writes prepared bytes to bare streams, because a client library costs about as much as the server that is measured.
"""

import argparse
import asyncio
import collections
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

import uvloop

from benchmarks.workload import REVIEWED, request


@dataclass(frozen=True, slots=True)
class Load:
    """What a load saw. Latencies in milliseconds, as the client waits for them."""

    decisions: int
    seconds: float
    p50: float
    p99: float
    statuses: dict[str, int]

    @property
    def rate(self) -> float:
        return self.decisions / self.seconds


async def post(
    url: str,
    key: str,
    count: int,
    *,
    first: int,
    connections: int = 64,
    rate: float | None = None,
    reviewed: int = REVIEWED,
) -> Load:
    """Posts decisions from a process of its own, with the numbers from `first` on; one in `reviewed` needs a person."""
    options = {"count": count, "first": first, "connections": connections, "rate": rate, "reviewed": reviewed}
    given = [f"--{name}={value}" for name, value in options.items() if value is not None]
    command = [sys.executable, "-m", "benchmarks.load", url, key, *given]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    out, _ = await process.communicate()
    found = Load(**json.loads(out))
    assert found.statuses == {"201": count}, f"not every decision was taken in: {found.statuses}"
    return found


class _Run:
    def __init__(self, requests: list[bytes], rate: float | None) -> None:
        self._waiting: Iterator[tuple[int, bytes]] = iter(enumerate(requests))
        self._rate = rate
        self._began = time.perf_counter()
        self.latencies: list[float] = []
        self.statuses: collections.Counter[str] = collections.Counter()

    async def connection(self, host: str, port: int) -> None:
        reader, writer = await asyncio.open_connection(host, port)
        for number, request_bytes in self._waiting:
            if self._rate is not None:
                await asyncio.sleep(self._began + number / self._rate - time.perf_counter())
            began = time.perf_counter()
            writer.write(request_bytes)
            self.statuses[await _status(reader)] += 1
            self.latencies.append(time.perf_counter() - began)
        writer.close()


async def _status(reader: asyncio.StreamReader) -> str:
    """The status of one answer, read to its end."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
    length = next(line for line in head.split("\r\n") if line.lower().startswith("content-length:"))
    await reader.readexactly(int(length.partition(":")[2]))
    return head.split(" ", 2)[1]


async def _load(given: argparse.Namespace) -> Load:
    address, count = urlsplit(given.url), given.count
    chance = random.Random(given.first)
    numbers = range(given.first, given.first + count)
    run = _Run([request(number, chance, address.netloc, given.key, given.reviewed) for number in numbers], given.rate)
    began = time.perf_counter()
    host, port = address.hostname or "", address.port or 80
    await asyncio.gather(*(run.connection(host, port) for _ in range(given.connections)))
    seconds = time.perf_counter() - began
    cuts = statistics.quantiles(run.latencies, n=100)
    return Load(count, seconds, cuts[49] * 1000, cuts[98] * 1000, dict(run.statuses))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("key")
    parser.add_argument("--first", type=int, default=1, help="number of the first decision; each posts its own id")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--rate", type=float, help="decisions a second; without it as fast as they are answered")
    parser.add_argument("--reviewed", type=int, default=REVIEWED, help="one in so many needs a person")
    print(json.dumps(asdict(uvloop.run(_load(parser.parse_args())))))


if __name__ == "__main__":
    main()
