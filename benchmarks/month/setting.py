"""The month's world, policy and people."""

from datetime import date
from pathlib import Path

from benchmarks.month.staff import Staff
from benchmarks.month.world import World
from bot.assembly.services import Services
from bot.demo.stream import DemoDecision

POLICY = Path(__file__).with_name("policy.yml")
BUSY = 27
"""The day with five times as many decisions."""
# From a Monday on; in its third week the tickets get worse, and on its third Sunday the clocks go back.
WORLD = World(
    first=date(2026, 10, 5), per_day=640, seed=7, worse_from=14, worse_to=21, worse_by=0.10, surges={BUSY: 5.0}
)
_BY_DAY, _BY_NIGHT = ("U0ADA",), ("U0CHEN",)
_MINUTES = 6.0


def staff(services: Services, decisions: dict[str, DemoDecision]) -> Staff:
    return Staff(services, decisions, _BY_DAY, _BY_NIGHT, _MINUTES, WORLD.seed)
