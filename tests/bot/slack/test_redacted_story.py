"""Nothing that the policy redacts reaches Slack in whole stories; the app and the database have it as it was."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import select

from bot.sandbox.courier import Ack
from bot.slack.modal import View
from store.tables import contents, decisions, messages
from tests.bot.slack import at_work
from tests.bot.slack.at_work import Card, Walker, policy_with, shown, until_true
from tests.support.bot import QUEUED, UNSURE, Bot, Json, until

REJECTION = {"category": "tone", "severity": "minor"}
SHAPE = "{id: shape, json_schema: {type: [string, object], additionalProperties: false, properties: {pay: {}, to: {}}}}"


@pytest.fixture
def policy() -> str:
    reviewers = "reviewers: {users: [U0ADA, U0BEN]}, trace_url: 'https://traces.example/{trace_id}'"
    return policy_with(reviewers) + f"  shaped: {{risk: low, {reviewers}, checks: [{SHAPE}]}}\n"


@dataclass
class Story:
    """Decisions full of numbers with sixteen digits, and all that was said to Slack of them."""

    bot: Bot
    planted: list[str] = field(default_factory=list)
    acks: list[Ack] = field(default_factory=list)

    def number(self) -> str:
        """One that stands nowhere else."""
        self.planted.append(str(4111_0000_0000_0000 + len(self.planted)))
        return self.planted[-1]

    async def card(self, decision_id: str, words: str, **body: Any) -> Card:
        """Posts a decision, and finds the card on which these words of it stand: its id is redacted too."""
        await self.post(decision_id, **body)
        return Card(self.bot, decision_id, "C0REVIEW", (await until(lambda: self._saying(words)))["ts"])

    def _saying(self, words: str) -> Json | None:
        return next((m for m in self.bot.sandbox.messages("C0REVIEW") if words in str(m["blocks"])), None)

    async def post(self, decision_id: str, **body: Any) -> None:
        """With a number wherever an app can write."""
        number = self.number
        full: Json = {
            "input": {"asked": f"from {number()}", number(): int(number())},
            "model": {"name": number(), "version": number()},
            "context": {"text": number(), "number": float(number()), "deep": [{number(): int(number())}]},
            "sources": [{"id": number(), "title": number(), "url": f"https://kb.example/{number()}", "text": number()}],
            "alternatives": [{"output": f"Send {number()}", "confidence": 0.1, "model": {"name": number()}}],
            "subject": "customer 4111000000009999",
            "metadata": {"trace_id": number()},
            "callback_url": self.bot.receiver.url,
        }
        status, answer = await self.bot.post({**UNSURE, **full, **body}, id=decision_id)
        assert (status, answer["status"]) == (201, "pending"), answer

    async def send(self, user: str, view: View, values: dict[str, Any]) -> Ack:
        """Sends a form, whose answer counts as said."""
        self.acks.append(await at_work.send(self.bot, user, view, values))
        return self.acks[-1]

    async def press_in(self, user: str, view: View, action: str, value: str | None = None) -> View:
        """Presses a button of a modal, and waits for what takes its place."""
        assert (await self.bot.sandbox.click_in_view(user, view["id"], action, value)).ok
        return await until(lambda: v if (v := self.bot.sandbox.views(user)[-1])["hash"] != view["hash"] else None)

    async def told_nothing(self) -> None:
        """No number is in anything that Slack was ever given, and each is in the database."""
        told = json.dumps([call.args for call in self.bot.sandbox.calls]) + str(self.acks)
        assert "[redacted 1]" in told
        assert re.findall("41110000[0-9]*", told) == []
        async with self.bot.services.engine.connect() as connection:
            tables = [await connection.execute(select(table)) for table in (decisions, contents, messages)]
        kept = str([tuple(row) for table in tables for row in table])
        assert [number for number in self.planted if number not in kept] == []


@pytest.fixture
def story(bot: Bot) -> Story:
    return Story(bot)


def block(view: View, label: str) -> Any:
    [found] = [b for b in view["blocks"] if b["type"] == "input" and b["label"]["text"] == label]
    return found


async def test_a_card_its_claim_its_thread_and_another_verdict(story: Story) -> None:
    paid = story.number()
    spans = [{"start": 4, "end": 20}]
    card = await story.card(
        f"d-{story.number()}", "1st", output=f"Pay {paid} to 1st", uncertain_spans=spans, callback_url=None
    )
    await card.menu("U0ADA", "details")
    hand_over = await card.menu("U0ADA", "hand_over")
    note = f"See {story.number()}."
    await story.send("U0ADA", hand_over, {at_work.field(hand_over, "To whom"): "U0BEN", "note": note})
    await until(lambda: "See [redacted" in str(story.bot.sandbox.thread("C0REVIEW", card.ts)[1:]))
    assert "claimed this" in shown(await card.open("U0ADA", "approve"))

    [placeholder] = set(re.findall(r"Pay (\[redacted \d+\]) to", str(story.bot.sandbox.views("U0ADA"))))
    await card.reply("U0ADA", f"edit: Pay {placeholder} to Eve")
    assert (await card.outcome())["output"] == f"Pay {paid} to Eve"

    await card.shows("Change verdict…")
    asked = await card.menu("U0ADA", "change")
    edit = await story.press_in("U0ADA", asked, "change.edit")
    assert block(edit, "Output")["element"]["initial_value"] == f"Pay {placeholder} to Eve"
    await story.send("U0ADA", edit, {at_work.field(edit, "Output"): f"Pay {placeholder} and {story.number()}"})
    await until_true(lambda: _is(card, f"Pay {paid} and {story.planted[-1]}"))
    await card.shows("Changed by")
    await story.told_nothing()


async def test_an_edit_an_alternative_and_what_was_said_before(story: Story) -> None:
    first = await story.card("d-1", "1st", output="1st")
    said = {**REJECTION, "reason": f"Not {story.number()}.", "answer": f"Rather {story.number()}"}
    await story.send("U0ADA", await first.open("U0ADA", "reject"), said)
    await first.shows("Rejected")

    output = {"pay": int(story.number()), "to": f"2nd {story.number()}"}
    second = await story.card("d-2", "2nd", output=output, task_type="shaped")
    assert "Not [redacted" in await second.shows("Earlier about")
    await second.menu("U0BEN", "details")
    await story.bot.sandbox.open_home("U0BEN")
    await until(lambda: "[redacted" in str(story.bot.sandbox.home("U0BEN")))
    edit = await second.open("U0BEN", "edit")
    other = await story.press_in("U0BEN", edit, "edit.alternative", "0")
    edit = await story.press_in("U0BEN", other, "edit.alternative", "-1")
    to = block(edit, "to")["element"]["initial_value"]
    reason = f"Because of {story.number()}."
    await story.send("U0BEN", edit, {at_work.field(edit, "to"): f"{to}, Eve", "reason": reason})
    outcome = await second.outcome()
    assert outcome["output"] == {**output, "to": f"{output['to']}, Eve"}
    assert outcome["reason"] == reason
    await second.shows("Edited")
    await story.bot.sandbox.open_home("U0BEN")
    await story.told_nothing()


async def test_a_failed_check_does_not_quote_it(story: Story) -> None:
    card = await story.card("d-1", "1st", output={"to": "1st"}, task_type="shaped")
    await card.reply("U0ADA", f'edit: {{"{story.number()}": 1}}')
    assert "[redacted" in await at_work.whispered(story.bot, "U0ADA", "was not released")
    assert await card.is_pending()
    story.planted.pop()  # never saved
    await story.told_nothing()


async def test_the_walk(story: Story) -> None:
    output = f"Pay {story.number()}"
    await story.post("d-1", output=output, task_type=QUEUED["task_type"])
    walker = Walker(story.bot, "U0BEN")
    await walker.start()
    assert "Pay [redacted" in walker.text
    details = await walker.open("details")
    assert (await story.bot.sandbox.close_view("U0BEN", details["id"])).ok
    edit = await walker.open("edit")
    typed = block(edit, "Output")["element"]["initial_value"] + " now"
    await story.send("U0BEN", edit, {at_work.field(edit, "Output"): typed, "reason": story.number()})
    assert (await at_work.outcome(story.bot, "d-1"))["output"] == f"{output} now"
    await until(lambda: "You reviewed 1." in walker.text)
    await story.told_nothing()


async def _is(card: Card, output: Json | str) -> bool:
    return bool((await card.decision())["outcome"]["output"] == output)
