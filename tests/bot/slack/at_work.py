"""People at work in the sandbox: they press a card's buttons, fill in forms, walk a queue and hear private answers."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import text

from bot.sandbox.courier import Ack
from bot.slack.batch import START
from bot.slack.modal import View
from bot.slack.walk import SHORTCUT
from tests.support.bot import PATIENCE, POLICY, QUEUED, UNSURE, Bot, Json, until

Found = TypeVar("Found")


@dataclass
class Card:
    """A decision, and the message that shows it."""

    bot: Bot
    id: str
    channel: str
    ts: str

    async def press(self, user: str, action: str, value: str | None = None) -> Ack:
        """A click as Slack judges it: answered in time, never 404."""
        ack = await self.bot.sandbox.click(user, self.channel, self.ts, f"review.{action}", value)
        assert (ack.status, ack.error) == (200, None)
        return ack

    async def approve_anyway(self, user: str) -> None:
        """Approves what somebody else is at."""
        await until_true(self.claimed_by)
        view = await self.open(user, "approve")
        assert view["callback_id"] == "review.approve_claimed"
        await send(self.bot, user, view)

    async def claimed_by(self) -> str | None:
        """Who is at it, as the database has it."""
        query = "SELECT claimed_by FROM reviews JOIN decisions ON decisions.pk = decision_pk WHERE decisions.id = :id"
        async with self.bot.services.engine.connect() as connection:
            found: str | None = await connection.scalar(text(query), {"id": self.id})
            return found

    async def menu(self, user: str, choice: str) -> View:
        """Chooses in the overflow, and waits for the modal."""
        before = form(self.bot, user)
        await self.press(user, "more", choice)
        return await until(lambda: form(self.bot, user, other_than=before))

    async def shows(self, *words: str) -> str:
        """What the message shows, once it says all this."""
        return await until(lambda: self.blocks if all(word in self.blocks for word in words) else None)

    async def thread(self) -> str:
        """Everything that is said below it."""
        return str(self.bot.sandbox.thread(self.channel, self.ts)[1:])

    async def reply(self, user: str, words: str, **how: Any) -> str:
        """Says something below it; the ts of that."""
        said = await self.bot.sandbox.reply(user, self.channel, self.ts, words, **how)
        assert said.ack is None or said.ack.ok
        return said.ts

    async def open(self, user: str, action: str) -> View:
        """Presses, and waits for the form."""
        before = form(self.bot, user)
        await self.press(user, action)
        return await until(lambda: form(self.bot, user, other_than=before))

    async def told(self, user: str, number: int = 1) -> str:
        """The text of this person's latest private answer, once there are so many."""
        answers = await until(lambda: self.bot.sandbox.ephemerals(user)[number - 1 :])
        return str(answers[-1]["text"])

    async def decision(self) -> Json:
        _, found = await self.bot.get(f"/v1/decisions/{self.id}")
        return found

    async def outcome(self) -> Json:
        """What came of it, once something has."""
        status, found = await self.bot.get(f"/v1/decisions/{self.id}?wait=20")
        assert (status, found["status"]) == (200, "resolved")
        outcome: Json = found["outcome"]
        return outcome

    async def is_pending(self) -> bool:
        return bool((await self.decision())["status"] == "pending")

    @property
    def blocks(self) -> str:
        """What the message shows now."""
        return str(self.bot.sandbox.world.message(self.channel, self.ts).blocks)

    async def closed(self) -> str:
        """What the message shows, once its buttons are gone."""
        return await until(lambda: None if "review.approve" in self.blocks else self.blocks)

    async def show_again(self, blocks: list[Json]) -> None:
        """Slack shows an older state than it was given, as it does after a lost update."""
        async with asyncio.timeout(PATIENCE):
            while await self._is_behind():
                await asyncio.sleep(0.01)
        self.bot.sandbox.world.messages[self.channel][self.ts].blocks = blocks

    async def _is_behind(self) -> bool:
        async with self.bot.services.engine.connect() as connection:
            return bool(await connection.scalar(text("SELECT count(*) FROM messages WHERE wanted > sent")))


async def waiting(bot: Bot, decision_id: str = "d-1", channel: str = "C0REVIEW", **changes: Any) -> Card:
    """Posts a decision that waits for a person, and finds its card."""
    status, answer = await bot.post(UNSURE, id=decision_id, callback_url=bot.receiver.url, **changes)
    assert (status, answer["status"]) == (201, "pending"), answer
    card = await bot.card(decision_id, channel)
    return Card(bot, decision_id, channel, card["ts"])


def policy_with(settings: str, task: str = "label") -> str:
    """The policy of all tests with further settings of a task."""
    return POLICY.replace(f"  {task}: {{", f"  {task}: {{{settings}, ")


async def by_socket(bot: Bot) -> None:
    """Waits until the bot is connected to Slack, and leaves Slack no other way to it."""
    await until(lambda: bot.sandbox.socket.connected)
    bot.sandbox.connect(None)


async def until_true(look: Callable[[], Awaitable[Found | None]]) -> Found:
    """As `until`, for what has to be asked of the bot."""
    async with asyncio.timeout(PATIENCE):
        while not (found := await look()):
            await asyncio.sleep(0.02)
        return found


@dataclass
class Walker:
    """Somebody who walks through a queue."""

    bot: Bot
    user: str

    async def start(self, channel: str = "C0REVIEW") -> View:
        """From the batch message."""
        [message] = await until(lambda: [m for m in self.bot.sandbox.messages(channel) if START in str(m["blocks"])])
        ack = await self.bot.sandbox.click(self.user, channel, message["ts"], START)
        assert ack.ok
        return await self.moved_on()

    async def start_everywhere(self) -> View:
        """By the shortcut."""
        assert (await self.bot.sandbox.shortcut(self.user, SHORTCUT)).ok
        return await self.moved_on()

    @property
    def view(self) -> View:
        view = form(self.bot, self.user)
        assert view is not None
        return view

    @property
    def text(self) -> str:
        return shown(self.view)

    async def moved_on(self, before: View | None = None) -> View:
        """What is shown next: another review than `before`, or the end."""

        def look() -> View | None:
            view = form(self.bot, self.user)
            if view is None or before is None:
                return view
            same = all(view[name] == before[name] for name in ("private_metadata", "callback_id"))
            return None if same else view

        return await until(look)

    async def approve(self, *, sure: bool = False) -> View:
        view = self.view
        tick = {block["block_id"]: ["sure"] for block in view["blocks"] if block["block_id"].startswith("walk-sure")}
        await send(self.bot, self.user, view, tick if sure else None)
        return await self.moved_on(view)

    async def press(self, action: str) -> None:
        ack = await self.bot.sandbox.click_in_view(self.user, self.view["id"], f"walk.{action}")
        assert ack.ok

    async def skip(self) -> View:
        before = self.view
        await self.press("skip")
        return await self.moved_on(before)

    async def open(self, action: str) -> View:
        """The form on top of the item."""
        below = self.view
        await self.press(action)
        return await until(lambda: form(self.bot, self.user, other_than=below))

    async def fill_in(self, action: str, values: dict[str, Any]) -> View:
        """Decides by a form; what is shown after it."""
        below = self.view
        await send(self.bot, self.user, await self.open(action), values)
        return await self.moved_on(below)


async def queue_up(bot: Bot, *decision_ids: str, **changes: Any) -> None:
    """Decisions that wait for their turn in a queue; each is asked about by its own id."""
    for decision_id in decision_ids:
        status, answer = await bot.post(
            QUEUED, id=decision_id, **{"input": f"About {decision_id}.", "callback_url": bot.receiver.url, **changes}
        )
        assert (status, answer["status"]) == (201, "pending"), answer


async def outcome(bot: Bot, decision_id: str) -> Json:
    """What came of a decision, once something has."""
    return await Card(bot, decision_id, "", "").outcome()


def whispers(bot: Bot, user: str) -> list[str]:
    """What only this person was told, in channels and directly."""
    world = bot.sandbox.world
    direct = [m.text for m in world.messages[world.open_im(user).id].values() if m.user == world.bot.id]
    return [str(each["text"]) for each in bot.sandbox.ephemerals(user)] + direct


async def whispered(bot: Bot, user: str, words: str) -> str:
    """The first private answer that says this, once there is one."""
    return await until(lambda: next((each for each in whispers(bot, user) if words in each), None))


def form(bot: Bot, user: str, *, other_than: View | None = None) -> View | None:
    """The modal in front of a person, unless it is still loading."""
    views = bot.sandbox.views(user)
    if not views or views[-1]["callback_id"] == "review.loading":
        return None
    return None if other_than is not None and views[-1]["id"] == other_than["id"] else views[-1]


async def send(bot: Bot, user: str, view: View, values: dict[str, Any] | None = None) -> Ack:
    """Sends a form as Slack judges it: an answer in time that Slack understands."""
    ack = await bot.sandbox.submit_view(user, view["id"], values)
    assert (ack.status, ack.error) == (200, None), ack
    return ack


async def sql(folder: Path, *statements: str) -> sqlite3.Connection:
    """Runs statements beside the bot, in a thread: waiting for the bot's own lock must not stop the bot."""

    def run() -> sqlite3.Connection:
        connection = sqlite3.connect(
            folder / "hitl.db", timeout=PATIENCE, isolation_level=None, check_same_thread=False
        )
        for statement in statements:
            connection.execute(statement)
        return connection

    return await asyncio.to_thread(run)


def field(view: View, label: str) -> str:
    """The block of the input with this label."""
    [block] = [b for b in view["blocks"] if b["type"] == "input" and b["label"]["text"] == label]
    return str(block["block_id"])


def shown(view: View) -> str:
    """All texts of a view, one after another."""
    return "".join(_texts(view["blocks"]))


def _texts(node: Any) -> list[str]:
    if isinstance(node, list):
        return [text for member in node for text in _texts(member)]
    if not isinstance(node, dict):
        return []
    own = [node["text"]] if isinstance(node.get("text"), str) else []
    return own + [text for value in node.values() for text in _texts(value)]
