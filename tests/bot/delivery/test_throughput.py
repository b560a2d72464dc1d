"""The pace that Slack allows is the pace that is kept: a thousand cards for one channel, in simulated time."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.delivery.contents import Content
from bot.delivery.messages import MessageSender
from bot.delivery.pace import POST_INTERVAL
from bot.policy_in_force import PolicyInForce
from bot.slack.card import Message
from store import tables as t
from store.adjustments import AdjustmentStore
from store.engine import open_engine, parse_url
from store.messages import Job, MessageStore, NewMessage, Place, add
from store.notify import Topic, Wakeups, notify
from store.writer import SingleCommand, Writer
from tests.bot.delivery.simulated import LeapingClock, in_time
from tests.support.bot import POLICY
from tests.support.databases import migrate

CARDS: Final = 1000
LEAST: Final = 0.95
"""Of the allowed pace."""


class PlainContents:
    """What is said does not matter here."""

    async def of(self, job: Job) -> Content:
        return Content(Message(job.key, []))


@dataclass
class PlainSlack:
    """Takes everything at once and notes when."""

    clock: LeapingClock
    posts: list[tuple[str, datetime]] = field(default_factory=list)
    updates: list[tuple[str, datetime]] = field(default_factory=list)

    async def post(self, channel: str, _message: Message, key: str, _thread: Place | None, *, broadcast: bool) -> Place:
        self.posts.append((key, self.clock.now()))
        return Place("C0REVIEW", f"{len(self.posts)}.0")

    async def update(self, _place: Place, _message: Message, key: str) -> None:
        self.updates.append((key, self.clock.now()))

    def share_of_pace(self) -> float:
        """How much of what Slack allows one channel was used, from the first message to the last."""
        at = [moment for _, moment in self.posts]
        return (len(at) - 1) * POST_INTERVAL / (max(at) - min(at))


@dataclass(frozen=True, slots=True)
class Say(SingleCommand[None]):
    messages: Sequence[NewMessage]
    at: datetime

    async def apply(self, connection: AsyncConnection) -> None:
        await add(connection, self.messages, self.at)


@dataclass(frozen=True, slots=True)
class Change(SingleCommand[None]):
    key: str

    async def apply(self, connection: AsyncConnection) -> None:
        m = t.messages.c
        await connection.execute(update(t.messages).where(m.key == self.key).values(wanted=m.wanted + 1))
        await notify(connection, Topic.REVIEWS)


@dataclass
class Desk:
    """A sender, the line before it, and Slack behind it."""

    clock: LeapingClock
    writer: Writer
    slack: PlainSlack

    async def say(self, *messages: NewMessage) -> None:
        await self.writer.submit(Say(messages, self.clock.now()))

    async def drain(self, posts: int) -> None:
        await in_time(self.clock, lambda: len(self.slack.posts) >= posts, limit=2 * posts)


def card(number: int) -> NewMessage:
    return NewMessage(f"card:{number}", "card", "#ai-review", 30)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    url = f"sqlite:///{tmp_path}/hitl.db"
    await migrate(url)
    clock, wakeups, engine = LeapingClock(), Wakeups(), open_engine(parse_url(url))
    writer, slack = Writer(engine, wakeups), PlainSlack(clock)
    writer.start()
    (tmp_path / "policy.yml").write_text(POLICY)
    policy = PolicyInForce(tmp_path / "policy.yml", writer, clock, AdjustmentStore(engine))
    await policy.load()
    contents: Any = PlainContents()
    messages: Any = slack
    store = MessageStore(engine)
    sender = MessageSender(
        clock=clock, writer=writer, store=store, policy=policy, contents=contents, messages=messages, wakeups=wakeups
    )
    running = asyncio.create_task(sender.run())
    yield Desk(clock, writer, slack)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await sender.stop()
    await writer.stop()
    await engine.dispose()


@pytest.mark.parametrize("cards", [100, pytest.param(CARDS, marks=pytest.mark.long)])
async def test_cards_for_one_channel(desk: Desk, cards: int) -> None:
    await desk.say(*map(card, range(cards)))
    await desk.drain(cards)
    assert desk.slack.share_of_pace() >= LEAST
    assert len({key for key, _ in desk.slack.posts}) == cards


async def test_updates_and_notices_in_between_cost_the_cards_nothing(desk: Desk) -> None:
    """Every fifth second a card changes, and every tenth something is said in a thread."""
    cards, notices = 50, 5
    await desk.say(*map(card, range(cards)))
    for second in range(cards):
        await desk.clock.leap(1)
        if second % 5 == 0:
            await desk.writer.submit(Change(f"card:{second // 5}"))
        if second % 10 == 0:
            await desk.say(NewMessage(f"said:{second}", "notice", "#ai-review", 25))
    await desk.drain(cards + notices)
    assert desk.slack.share_of_pace() >= LEAST
    assert len(desk.slack.updates) == cards // 5
    assert [key.partition(":")[0] for key, _ in desk.slack.posts] == ["card"] * cards + ["said"] * notices


async def test_ten_changes_in_a_second_are_two_updates(desk: Desk) -> None:
    await desk.say(card(0), card(1))
    await desk.drain(2)
    for _ in range(10):
        await desk.writer.submit(Change("card:0"))
        await desk.clock.leap(0.1)
    await desk.writer.submit(Change("card:1"))
    for _ in range(50):  # the database needs real time, which a leap leaves it little of
        await desk.clock.leap(1)
        if "card:1" in [key for key, _ in desk.slack.updates]:
            break
    assert [key for key, _ in desk.slack.updates].count("card:0") == 2
    assert [key for key, _ in desk.slack.updates].count("card:1") == 1
