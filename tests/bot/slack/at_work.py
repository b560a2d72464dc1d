"""People at work on one card in the sandbox: they press its buttons, fill in forms and hear private answers."""

import asyncio
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import text

from bot.sandbox.courier import Ack
from bot.slack.modal import View
from tests.support.bot import PATIENCE, UNSURE, Bot, Json, until


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
        [message] = [m for m in self.bot.sandbox.messages(self.channel) if m["ts"] == self.ts]
        return str(message["blocks"])

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
        async with self.bot.application.engine.connect() as connection:
            return bool(await connection.scalar(text("SELECT count(*) FROM messages WHERE wanted > sent")))


async def waiting(bot: Bot, decision_id: str = "d-1", channel: str = "C0REVIEW", **changes: Any) -> Card:
    """Posts a decision that waits for a person, and finds its card."""
    status, answer = await bot.post(UNSURE, id=decision_id, callback_url=bot.receiver.url, **changes)
    assert (status, answer["status"]) == (201, "pending"), answer
    card = await bot.card(decision_id, channel)
    return Card(bot, decision_id, channel, card["ts"])


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
