"""The busy day once more, without measures against the load: in a process of its own, beside the first play."""

import logging
from pathlib import Path

import uvloop

from benchmarks.month import report
from benchmarks.month.run import Play, playing
from benchmarks.month.setting import BUSY, POLICY, WORLD, staff
from bot.demo.stream import DemoDecision
from bot.logs import set_up_logging


def waits_left_alone(folder: Path, decisions: dict[str, DemoDecision]) -> report.Waits:
    """On the database in `folder`, as it was before the day; `decisions` are those that made it."""
    set_up_logging("text", logging.ERROR)
    return uvloop.run(_play(folder, decisions))


async def _play(folder: Path, decisions: dict[str, DemoDecision]) -> report.Waits:
    async with playing(folder, WORLD.begins(BUSY), POLICY.read_text(), make_staff=staff, former=decisions) as play:
        play.stage.minds_load = False
        await play.day(WORLD, BUSY)
        return await busy_waits(play)


async def busy_waits(play: Play) -> report.Waits:
    return await report.waits(play, WORLD.begins(BUSY), WORLD.begins(BUSY + 1))
