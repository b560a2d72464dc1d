"""Simulated people's hands: they click on cards and fill in forms in the sandbox, as a visitor of the page does."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from bot.demo import reviewers
from bot.demo.stream import DemoDecision
from bot.sandbox.server import Sandbox

_FORM_OPENS_WITHIN = 5.0
_LOOK_EVERY = 0.02


async def give_verdict(
    sandbox: Sandbox, user: str, channel: str, message: Mapping[str, Any], decision: DemoDecision, seed: int
) -> None:
    """One person decides one card, the way the opinion says: a click, or a form filled in and sent."""
    verdict = reviewers.review(decision, seed).verdict
    ts = str(message["ts"])
    match verdict:
        case reviewers.Approve():
            await sandbox.click(user, channel, ts, "review.approve")
        case reviewers.Edit(output, category, severity):
            await sandbox.click(user, channel, ts, "review.edit")
            await _send(sandbox, user, {"category": category, "severity": severity}, output)
        case reviewers.Reject(category, severity, reason, correct_answer):
            await sandbox.click(user, channel, ts, "review.reject")
            answer = correct_answer if isinstance(correct_answer, str) else json.dumps(correct_answer)
            texts = {"category": category, "severity": severity, "reason": reason, "answer": answer}
            await _send(sandbox, user, texts, None)


async def _send(sandbox: Sandbox, user: str, filled: Mapping[str, str], output: Any) -> None:
    view = await _form(sandbox, user)
    if view is None:
        return  # the click was refused, or somebody else was faster: people are told privately, and go on
    inputs = [block for block in view["blocks"] if block["type"] == "input"]
    values = {str(block["block_id"]): _filled(block, filled, output) for block in inputs}
    await sandbox.submit_view(user, view["id"], values)


async def _form(sandbox: Sandbox, user: str) -> dict[str, Any] | None:
    """The form that the click opens. The app acknowledges first and opens it a moment later."""
    for _ in range(round(_FORM_OPENS_WITHIN / _LOOK_EVERY)):
        if views := sandbox.views(user):
            return views[-1]
        await asyncio.sleep(_LOOK_EVERY)
    return None


def _filled(block: Mapping[str, Any], filled: Mapping[str, str], output: Any) -> dict[str, Any]:
    """The state of one input: what the person fills in, else what the form was prefilled with."""
    element, block_id = block["element"], str(block["block_id"])
    text = filled.get(block_id)
    if block_id.startswith("output-"):
        text = _member(block, output)
    if element["type"] == "static_select":
        chosen = next((option for option in element["options"] if text in (option["value"], _label(option))), None)
        state = {"type": "static_select", "selected_option": chosen or element.get("initial_option")}
    else:
        state = {"type": element["type"], "value": text or element.get("initial_value")}
    return {str(element["action_id"]): state}


def _label(option: Mapping[str, Any]) -> str:
    return str(option["text"]["text"])


def _member(block: Mapping[str, Any], output: Any) -> str:
    if not isinstance(output, dict):
        return str(output)
    value = output[block["label"]["text"]]
    return value if isinstance(value, str) else json.dumps(value)
