"""The people and channels one finds in a fresh sandbox."""

from bot.clock import Clock
from bot.sandbox.world import Channel, Person, Usergroup, World

BOT_USER = "U0BOT"
REVIEW = "C0REVIEW"
REFUNDS = "C0REFUND"
LEADS = "S0LEADS"
PEOPLE = ("U0ADA", "U0BEN", "U0CHEN", "U0DANA")
GUEST = Person("U0GUS", "gus", "Gus", "#8d6e63", is_restricted=True)
"""Not there at first: `sandbox.world.add_person(GUEST, [REVIEW])`."""


def demo_world(clock: Clock) -> World:
    everyone = [*PEOPLE, BOT_USER]
    return World(
        clock,
        people=[
            Person("U0ADA", "ada", "Ada", "#4a154b"),
            Person("U0BEN", "ben", "Ben", "#1264a3"),
            Person("U0CHEN", "chen", "Chen", "#2b7a4b"),
            Person("U0DANA", "dana", "Dana", "#b7410e"),
            Person(BOT_USER, "hitl", "HITL", "#3f46ad", is_bot=True),
        ],
        channels=[
            Channel(REVIEW, "ai-review", list(everyone), topic="Decisions that wait for a person"),
            Channel(REFUNDS, "refunds", list(everyone), topic="Refunds that wait for Ada or Dana"),
        ],
        usergroups=[Usergroup(LEADS, "leads", ["U0ADA", "U0DANA"])],
    )
