"""`make month`: four weeks, and what became of them as a table. A busy day at their end is played twice, with measures
against the load and without."""

import asyncio
import logging
import multiprocessing
import os
import platform
import sqlite3
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import uvloop
from rich.console import Console

from benchmarks.month import report
from benchmarks.month.busy_day import busy_waits, waits_left_alone
from benchmarks.month.run import DATABASE, playing
from benchmarks.month.setting import BUSY, POLICY, WORLD, staff
from bot.logs import set_up_logging

_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
_DAYS = 28


async def _month(folder: Path, beside: ProcessPoolExecutor, console: Console) -> bool:
    """Plays it, and shows it. Whether everything adds up."""
    began = time.monotonic()
    async with playing(folder, WORLD.begins(0), POLICY.read_text(), make_staff=staff) as play:
        for number in range(_DAYS):
            if number == BUSY:
                await asyncio.to_thread(_copy, folder / DATABASE, folder / "busy" / DATABASE)
                without = beside.submit(waits_left_alone, folder / "busy", dict(play.decisions))
            await play.day(WORLD, number)
            elapsed = time.monotonic() - began
            console.print(f"day {number + 1}: {len(play.decisions):,} decisions, {elapsed:.0f} s", highlight=False)
        await play.morning_after(WORLD.begins(_DAYS))
        weeks = [await report.week(play, WORLD.first + timedelta(weeks=week)) for week in range(_DAYS // 7)]
        console.print(report.table(weeks))
        for line in await report.changes_of_rate(play):
            console.print(line, highlight=False)
        console.print(f"rollbacks: {await report.rollback_counts(play)}", highlight=False)
        findings = [*await report.rollbacks(play), *[finding for week in weeks for finding in week.findings]]
        for finding in findings:
            console.print(f"DOES NOT ADD UP: {finding}", highlight=False)
        with_measures = await busy_waits(play)
    console.print(_comparison(with_measures, await asyncio.wrap_future(without)), highlight=False)
    return not findings


def _comparison(measured: report.Waits, left_alone: report.Waits) -> str:
    return "\n".join(
        f"busy day, {name}: {waits.n} waited, p50 {waits.p50:.1f} min, p95 {waits.p95:.1f} min, "
        f"{waits.released} released as provisional"
        for name, waits in (("with measures", measured), ("without", left_alone))
    )


def _copy(database: Path, copy: Path) -> None:
    """The database as it is now, so that the same day can be played twice."""
    copy.parent.mkdir()
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)


def main() -> int:
    set_up_logging("text", logging.ERROR)
    console, began = Console(), time.monotonic()
    console.print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}", highlight=False)
    # In memory where the machine has such a folder: what a disk makes of weeks of commits is not looked at here.
    with (
        tempfile.TemporaryDirectory(prefix="hitl-month-", dir=_MEMORY if _MEMORY.is_dir() else None) as folder,
        ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as beside,
    ):
        adds_up = uvloop.run(_month(Path(folder), beside, console))
    console.print(f"played in {time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.1f}", highlight=False)
    return 0 if adds_up else 1


if __name__ == "__main__":
    sys.exit(main())
