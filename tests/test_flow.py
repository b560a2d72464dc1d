"""The whole story on both databases: a decision in, a person in Slack, an answer out."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.faults import Fault
from bot.sandbox.server import APP_TOKEN
from tests.support.bot import QUEUED, SURE, UNSURE, Bot, running_bot, until


@pytest.fixture
async def bot(tmp_path: Path, database_url: str) -> AsyncIterator[Bot]:
    async with running_bot(tmp_path, database_url) as running:
        yield running


@pytest.fixture(params=["http", "socket"])
async def either_way(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bot]:
    """Slack reaches the bot by signed requests, or down the bot's WebSocket."""
    transport: dict[str, Any] = {}
    if request.param == "socket":
        transport = {"slack_app_token": APP_TOKEN, "slack_signing_secret": None}
    async with running_bot(tmp_path, f"sqlite:///{tmp_path}/hitl.db", **transport) as running:
        if request.param == "socket":
            running.sandbox.connect(None)
            await until(lambda: running.sandbox.socket.connected)
        yield running


async def test_clicks_and_forms_take_either_way(either_way: Bot) -> None:
    bot = either_way
    for name, action, values in (
        ("b-1", "review.approve", None),
        ("b-2", "review.edit", {"output-0-0": "billing"}),
        ("b-3", "review.reject", {"category": "tone", "severity": "minor", "reason": "No."}),
    ):
        await bot.post(UNSURE, id=name)
        card = await bot.card(name)
        ack = await bot.sandbox.click("U0ADA", "C0REVIEW", card["ts"], action)
        assert ack.ok
        if values is not None:
            [view] = await until(lambda: bot.sandbox.views("U0ADA"))
            ack = await bot.sandbox.submit_view("U0ADA", view["id"], values)
            assert ack.ok, ack
    results = [(await bot.get(f"/v1/decisions/b-{n}?wait=10"))[1]["outcome"]["result"] for n in (1, 2, 3)]
    assert results == ["approved", "edited", "rejected"]
    assert bot.sandbox.views("U0ADA") == []


async def test_a_confident_decision_runs_alone(bot: Bot) -> None:
    status, answer = await bot.post(SURE, id="a-1", metadata={"trace_id": "t-1"})

    assert status == 201
    assert (answer["route"], answer["disposition"], answer["status"]) == ("AUTO", "execute", "resolved")
    assert answer["outcome"]["result"] == "auto"
    assert answer["outcome"]["output"] == "shipping"
    assert answer["metadata"] == {"trace_id": "t-1"}
    assert bot.sandbox.messages("C0REVIEW") == []


async def test_an_approval_releases_the_waiting_app(bot: Bot) -> None:
    status, answer = await bot.post(UNSURE, id="a-2", callback_url=bot.receiver.url)
    assert (status, answer["route"], answer["disposition"], answer["outcome"]) == (201, "ESCALATE", "wait", None)
    waiting = asyncio.create_task(bot.get("/v1/decisions/a-2?wait=30"))

    card = await bot.card("a-2")
    ack = await bot.sandbox.click("U0BEN", "C0REVIEW", card["ts"], "review.approve")
    assert ack.ok

    status, resolved = await waiting
    assert status == 200
    assert (resolved["status"], resolved["disposition"]) == ("resolved", "execute")
    assert resolved["outcome"]["result"] == "approved"
    assert resolved["outcome"]["decided_by"] == ["U0BEN"]
    [event] = await until(lambda: bot.receiver.events)
    assert event["type"] == "decision.resolved"
    assert event["data"] == resolved
    after = await until(lambda: _without_buttons(bot, "a-2"))
    assert "<@U0BEN>" in str(after["blocks"])


async def test_an_edit_reaches_the_app_with_its_types(bot: Bot) -> None:
    output = {"action": "refund", "amount": 120}
    await bot.post(UNSURE, id="a-3", task_type="refund", output=output, callback_url=bot.receiver.url)
    card = await bot.card("a-3", "C0REFUND")
    await bot.sandbox.click("U0DANA", "C0REFUND", card["ts"], "review.edit")
    [view] = await until(lambda: bot.sandbox.views("U0DANA"))

    amount = next(block for block in view["blocks"] if block.get("label", {}).get("text") == "amount")
    ack = await bot.sandbox.submit_view("U0DANA", view["id"], {amount["block_id"]: "100", "reason": "capped"})

    assert ack.ok, ack
    [event] = await until(lambda: bot.receiver.events)
    outcome = event["data"]["outcome"]
    assert (outcome["result"], outcome["output"]) == ("edited", {"action": "refund", "amount": 100})
    assert outcome["reason"] == "capped"


async def test_a_rejection_carries_category_severity_reason_and_answer(bot: Bot) -> None:
    await bot.post(UNSURE, id="a-4", callback_url=bot.receiver.url)
    card = await bot.card("a-4")
    await bot.sandbox.click("U0ADA", "C0REVIEW", card["ts"], "review.reject")
    [view] = await until(lambda: bot.sandbox.views("U0ADA"))
    ack = await bot.sandbox.submit_view(
        "U0ADA",
        view["id"],
        {"category": "factual_error", "severity": "major", "reason": "It is about billing.", "answer": "billing"},
    )

    assert ack.ok, ack
    [event] = await until(lambda: bot.receiver.events)
    data = event["data"]
    assert (data["disposition"], data["outcome"]["result"]) == ("do_not_execute", "rejected")
    assert (data["outcome"]["category"], data["outcome"]["severity"]) == ("factual_error", "major")
    assert (data["outcome"]["reason"], data["outcome"]["correct_answer"]) == ("It is about billing.", "billing")


async def test_what_waits_for_its_turn_is_approved_in_a_walk(bot: Bot) -> None:
    _, answer = await bot.post(QUEUED, id="a-9", callback_url=bot.receiver.url)
    assert (answer["route"], answer["disposition"], answer["status"]) == ("QUEUE", "wait", "pending")
    item = await start_walk(bot, "U0BEN")
    assert bot.cards("a-9") == [], "the channel is told of a queue, not of each decision in it"

    ack = await bot.sandbox.submit_view("U0BEN", item["id"])

    assert ack.ok, ack
    [event] = await until(lambda: bot.receiver.events)
    assert (event["data"]["id"], event["data"]["outcome"]["result"]) == ("a-9", "approved")
    assert event["data"]["outcome"]["decided_by"] == ["U0BEN"]


async def test_a_provisional_answer_that_is_wrong_is_called_back(bot: Bot) -> None:
    _, answer = await bot.post(UNSURE, id="a-5", task_type="draft", confidence=0.6, callback_url=bot.receiver.url)
    assert (answer["disposition"], answer["status"]) == ("execute_provisional", "pending")
    item = await start_walk(bot, "U0BEN")
    await bot.sandbox.click_in_view("U0BEN", item["id"], "walk.reject")
    form = await until(lambda: bot.sandbox.views("U0BEN")[1:])
    reasons = {"category": "tone", "severity": "minor", "reason": "Too curt."}
    ack = await bot.sandbox.submit_view("U0BEN", form[0]["id"], reasons)
    assert ack.ok, ack

    [event] = await until(lambda: bot.receiver.events)
    assert event["type"] == "decision.rollback_requested"
    assert event["data"]["previous_outcome"]["disposition"] == "execute_provisional"


async def test_a_retry_goes_on_in_the_same_thread(bot: Bot) -> None:
    await bot.post(UNSURE, id="a-6")
    card = await bot.card("a-6")
    await bot.sandbox.click("U0ADA", "C0REVIEW", card["ts"], "review.reject")
    [view] = await until(lambda: bot.sandbox.views("U0ADA"))
    await bot.sandbox.submit_view("U0ADA", view["id"], {"category": "tone", "severity": "minor", "reason": "No."})

    status, _ = await bot.post(UNSURE, id="a-7", output="billing", retry_of="a-6")

    assert status == 201
    replies = await until(lambda: bot.sandbox.thread("C0REVIEW", card["ts"])[1:])
    assert "a-7" in str(replies[0]["blocks"])


async def test_the_app_withdraws_a_decision(bot: Bot) -> None:
    await bot.post(UNSURE, id="a-8")
    card = await bot.card("a-8")
    bot.sandbox.faults.add(Fault("chat.update", "ratelimit", times=None))  # the card keeps its buttons for now

    status, answer = await bot.call("POST", "/v1/decisions/a-8/cancel")
    assert (status, answer["outcome"]["result"], answer["disposition"]) == (200, "cancelled", "do_not_execute")
    status, problem = await bot.call("POST", "/v1/decisions/a-8/cancel")
    assert (status, problem["type"]) == (409, "urn:hitl:problem:already_resolved")

    await bot.sandbox.click("U0ADA", "C0REVIEW", card["ts"], "review.approve")
    [private] = await until(lambda: bot.sandbox.ephemerals("U0ADA"))
    assert "withdrew" in private["text"]


async def start_walk(bot: Bot, user: str) -> dict[str, Any]:
    """Opens the queue of #ai-review from its message; the first item."""
    message = await until(lambda: _queue_message(bot))
    await bot.sandbox.click(user, "C0REVIEW", message["ts"], "queue.start")
    [item] = await until(lambda: [view for view in bot.sandbox.views(user) if view["callback_id"] == "walk.item"])
    return item


def _queue_message(bot: Bot) -> dict[str, Any] | None:
    found = [message for message in bot.sandbox.messages("C0REVIEW") if "queue.start" in str(message["blocks"])]
    return found[0] if found else None


def _without_buttons(bot: Bot, decision_id: str) -> dict[str, object] | None:
    [card] = bot.cards(decision_id)
    return None if "review.approve" in str(card["blocks"]) else card
