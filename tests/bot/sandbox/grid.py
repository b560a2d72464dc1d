"""An Enterprise Grid that installed the app for the whole organisation: `Sandbox(clock, world=grid_world)`."""

from bot.clock import Clock
from bot.sandbox.demo_world import BOT_USER, REVIEW
from bot.sandbox.world import Channel, Person, World

GRID = "E0GRID"
SALES = "T0SALES"
"""A workspace of the Grid beside the sandbox's own."""


def grid_world(clock: Clock) -> World:
    """Ada in the sandbox's workspace, Eve in another one of the same Grid, Mallory from another Grid."""
    people = [
        Person("W0ADA", "ada", "Ada", enterprise_id=GRID),
        Person("W0EVE", "eve", "Eve", team_id=SALES, enterprise_id=GRID),
        Person("W0MAL", "mallory", "Mallory", team_id="T0OTHER", enterprise_id="E0OTHER", is_stranger=True),
        Person(BOT_USER, "hitl", "HITL", is_bot=True),
    ]
    channels = [Channel(REVIEW, "ai-review", [person.id for person in people])]
    return World(clock, people, channels, [], enterprise_id=GRID)
