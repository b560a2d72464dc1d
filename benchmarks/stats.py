"""`GET /v1/stats` and `/hitl-stats` with much and with little in the database: `python -m benchmarks.stats`.

Both databases hold ninety days up to now: one 50,000 decisions, the other 5 million, a hundred times as many an hour.
Decisions and counters are written by themselves, as they would have come about; the servers are `hitl serve`, and take
turns. The command is measured from the sandbox's slash command to the message that the asker sees.
"""

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import numpy as np
import orjson

from benchmarks.report import Line, show
from benchmarks.servers import Server, serving
from bot.clock import SystemClock
from bot.demo.entries import ENTRIES
from bot.sandbox.server import Sandbox
from bot.slack.endpoint import PATH
from bot.slack.stats_message import COMMAND
from routing.metrics import latency_step
from store.tallies import GRAINS, QUARTER, quarter_of
from tests.support.databases import migrate

_FEW, _MANY = 50_000, 5_000_000
_DAYS = 90
_TASKS, _COHORTS = [f"task-{n}" for n in range(4)], [f"cohort-{n}" for n in range(5)]
_WINDOWS = ("7d", "30d")
_TIMES = 200
_CHANNEL, _PERSON = "C0REVIEW", "U0ADA"
_TARGET_MS, _TARGET_RATIO = 500.0, 2.0
_ESCALATED, _AUDITED, _DOUBLED = 0.2, 0.07, 0.05
_VERDICTS = {"approve": 0.85, "edit": 0.1, "reject": 0.05}
_CATEGORIES = ("factual_error", "wrong_action", "policy_violation", "tone", "missing_citation", "formatting", "other")
_MEDIAN_WAIT, _SPREAD = 120.0, 1.2
_PER_DAY = timedelta(days=1) // QUARTER

_Counts = dict[str, np.ndarray]
"""By a tally's name, the numbers of all quarters."""


_Answers = dict[str, list[float]]
"""Milliseconds by window."""


def _none() -> _Answers:
    return {window: [] for window in _WINDOWS}


@dataclass
class _Office:
    """A server with its workspace, and how long its answers took."""

    server: Server
    sandbox: Sandbox
    session: aiohttp.ClientSession
    stats: _Answers = field(default_factory=_none)
    command: _Answers = field(default_factory=_none)

    async def ask(self, window: str) -> None:
        began = time.perf_counter()
        async with self.session.get(f"{self.server.url}/v1/stats?window={window}") as response:
            assert response.status == 200, await response.text()
            told = await response.json()
        self.stats[window].append((time.perf_counter() - began) * 1000)
        assert told["escalation_rate"]["denominator"] > 0
        assert len(told["by_task"]) == len(_TASKS)

    async def say(self, window: str) -> None:
        shown = self.sandbox.world.ephemerals
        began = time.perf_counter()
        ack = await self.sandbox.command(_PERSON, _CHANNEL, COMMAND, window)
        assert ack.error is None, ack
        async with asyncio.timeout(30):
            while not shown:  # noqa: ASYNC110 - as a person looks at a screen
                await asyncio.sleep(0.001)
        self.command[window].append((time.perf_counter() - began) * 1000)
        assert "decisions" in shown.pop().text


async def _measure(sizes: Sequence[int]) -> list[_Office]:
    async with AsyncExitStack() as opened:
        offices = [await _office(opened, decisions) for decisions in sizes]
        for turn in range(-5, _TIMES):
            for office in offices:
                for window in _WINDOWS:
                    await office.ask(window)
                    await office.say(window)
            if turn < 0:  # the first imports what only numbers need
                for office in offices:
                    office.stats, office.command = _none(), _none()
        return offices


async def _office(opened: AsyncExitStack, decisions: int) -> _Office:
    sandbox = Sandbox(SystemClock(), entries=ENTRIES)
    sandbox.rates.enabled = False
    await sandbox.start()
    opened.push_async_callback(sandbox.stop)
    folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="hitl-bench-")))
    url = f"sqlite:///{folder}/hitl.db"
    await migrate(url)
    began = time.perf_counter()
    rows = await asyncio.to_thread(_fill, folder / "hitl.db", decisions, datetime.now(UTC))
    size, took = (folder / "hitl.db").stat().st_size / 2**20, time.perf_counter() - began
    print(f"{decisions:,} decisions, {rows:,} counters, {size:,.0f} MB, written in {took:.0f} s", flush=True)
    server = await opened.enter_async_context(serving(folder, url, sandbox.api_url))
    sandbox.connect(server.url + PATH)
    await asyncio.to_thread(_caught_up, folder / "hitl.db")
    session = aiohttp.ClientSession(headers={"Authorization": f"Bearer {server.key}"})
    return _Office(server, sandbox, await opened.enter_async_context(session))


def _caught_up(path: Path) -> None:
    """Waits for the jobs that a new server has to make up for; the last of them looks at the queues."""
    connection = sqlite3.connect(path)
    while not connection.execute("SELECT 1 FROM runs WHERE job = 'queue-batches' AND state = 'done'").fetchone():
        time.sleep(0.5)
    connection.close()


# Ninety days ---------------------------------------------------------------------------------------------------------


def _fill(path: Path, decisions: int, now: datetime) -> int:
    """Writes decisions and counters of the first app; how many counters."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous = OFF")
    with connection:
        connection.execute("INSERT INTO policies VALUES ('abcdef012345', '{}', '2026-01-01 00:00:00.000000')")
        connection.execute(_DECISIONS, {"number": decisions, "days": _DAYS, "now": now.strftime("%Y-%m-%d %H:%M:%S")})
        first = quarter_of(now) - _DAYS * _PER_DAY
        rows = connection.executemany("INSERT INTO counters VALUES (?, ?, 1, ?, ?, 0, ?)", _counters(decisions, first))
    connection.close()
    return rows.rowcount


_DECISIONS = """
WITH RECURSIVE series (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < :number)
INSERT INTO decisions (
    pk, app_pk, id, task_type, variant, cohort, reversible, created_at, body_sha256, policy_version, risk, route,
    threshold, confidence, confidence_source, confident, reasons, draw, status, disposition, action_sha256, outcome,
    decided_by, labels
) SELECT
    n, 1, printf('d-%09d', n), 'task-' || (n % 4), 'primary', 'cohort-' || (n % 5), 1,
    strftime('%Y-%m-%d %H:%M:%f', :now, ((n - :number) * (:days * 86400.0 / :number)) || ' seconds') || '000',
    printf('%064d', n), 'abcdef012345', 'low', 'AUTO', 0.7, 0.9, 'other', 1, '[]', 0.5, 'resolved', 'execute',
    printf('%064d', n), 'auto', '[]', '{}'
FROM series
"""


def _counters(decisions: int, first: int) -> Iterator[tuple[int, int, str, str, str]]:
    """Grain, quarter, task type, cohort and counts of each."""
    chance = np.random.default_rng(7)
    quarters = np.arange(first, first + _DAYS * _PER_DAY)
    for task in _TASKS:
        for cohort in _COHORTS:
            counts = _counts(chance, quarters, decisions / len(quarters) / len(_TASKS) / len(_COHORTS))
            for grain in GRAINS:
                for bucket, of_bucket in _buckets(quarters // grain * grain, counts):
                    yield grain, bucket, task, cohort, orjson.dumps(of_bucket).decode()


def _buckets(bucket_of: np.ndarray, counts: _Counts) -> Iterator[tuple[int, dict[str, int]]]:
    buckets, place = np.unique(bucket_of, return_inverse=True)
    found: list[dict[str, int]] = [{} for _ in buckets]
    for name, numbers in counts.items():
        sums = np.bincount(place, weights=numbers)
        for at in np.flatnonzero(sums):
            found[at][name] = int(sums[at])
    return ((int(bucket), of_bucket) for bucket, of_bucket in zip(buckets, found, strict=True) if of_bucket)


def _counts(chance: np.random.Generator, quarters: np.ndarray, rate: float) -> _Counts:
    """What comes of decisions that come in at this rate a quarter."""
    decisions = chance.poisson(rate, len(quarters))
    escalated = chance.binomial(decisions, _ESCALATED)
    judged = chance.multinomial(escalated, list(_VERDICTS.values())).T
    audited = chance.binomial(decisions - escalated, _AUDITED)
    wrong = chance.binomial(audited, 0.01)
    doubled = chance.binomial(escalated, _DOUBLED)
    counts: _Counts = {"decisions": decisions, "escalated": escalated, "pair:approve:approve": doubled}
    counts |= {f"verdict:gate:{verdict}": numbers for verdict, numbers in zip(_VERDICTS, judged, strict=True)}
    counts |= {"verdict:audit:approve": audited - wrong, "verdict:audit:reject": wrong}
    named = chance.multinomial(judged[1] + judged[2] + wrong, [1 / len(_CATEGORIES)] * len(_CATEGORIES)).T
    counts |= {f"category:{category}": numbers for category, numbers in zip(_CATEGORIES, named, strict=True)}
    steps, shares = _waits(chance)
    waited = chance.multinomial(escalated, shares).T
    counts |= {f"latency:{step}": numbers for step, numbers in zip(steps, waited, strict=True)}
    return counts | _drawn(quarters, decisions - escalated, audited - wrong, wrong)


def _waits(chance: np.random.Generator) -> tuple[list[int], list[float]]:
    """The steps of latencies and their shares."""
    waits = np.exp(chance.normal(np.log(_MEDIAN_WAIT), _SPREAD, 20_000))
    steps, numbers = np.unique([latency_step(wait) for wait in waits], return_counts=True)
    return [int(step) for step in steps], list(numbers / numbers.sum())


def _drawn(quarters: np.ndarray, alone: np.ndarray, right: np.ndarray, wrong: np.ndarray) -> _Counts:
    """Audits: each day has a probability of its own, as many in so many."""
    counts: _Counts = {}
    for day in np.unique(quarters // _PER_DAY):
        of_day = quarters // _PER_DAY == day
        population = int(alone[of_day].sum())
        if population:
            inclusion = np.ceil(_AUDITED * population) / population
            for finding, numbers in (("right", right), ("wrong", wrong)):
                counts[f"audit:{float(inclusion)!r}:{finding}"] = np.where(of_day, numbers, 0)
    return counts


def main() -> None:
    few, many = asyncio.run(_measure((_FEW, _MANY)))
    told = [*_lines("GET /v1/stats", few.stats, many.stats), *_lines(COMMAND, few.command, many.command)]
    show(f"Statistics, {_TIMES} times each in turn, {len(_TASKS) * len(_COHORTS)} groups", told)


def _lines(name: str, few: _Answers, many: _Answers) -> Iterator[Line]:
    for window in _WINDOWS:
        little, much = (float(np.median(answers[window])) for answers in (few, many))
        p99, ratio = float(np.percentile(many[window], 99)), much / little
        figures = f"{much:.0f} ms, {p99:.0f} ms"
        yield Line(f"{name}, {window}, {_FEW:,} decisions: median", f"{little:.0f} ms")
        yield Line(f"{name}, {window}, {_MANY:,}: median, p99", figures, "p99 < 500 ms", p99 < _TARGET_MS)
        yield Line(
            f"{name}, {window}: ratio of medians", f"{ratio:.2f}", f"≤ {_TARGET_RATIO:.0f}", ratio <= _TARGET_RATIO
        )


if __name__ == "__main__":
    main()
