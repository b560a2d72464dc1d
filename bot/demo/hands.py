"""Simulated people's hands: they click on cards and fill in forms in the sandbox, as a visitor of the page does."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bot.demo import reviewers
from bot.demo.stream import DemoDecision
from bot.sandbox.server import Sandbox
from store.messages import Place

_FORM_OPENS_WITHIN = 5.0
_LOOK_EVERY = 0.02
_ITEM = "walk.item"


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


async def walk_queue(
    sandbox: Sandbox,
    user: str,
    message: Place,
    asked: Callable[[str], Awaitable[DemoDecision | None]],
    seed: int,
) -> None:
    """One person walks through a queue to its end. `asked` tells the decision that a review is about."""
    await sandbox.click(user, message.channel, message.ts, "queue.start")
    while (view := await _form(sandbox, user)) is not None and view["callback_id"] == _ITEM:
        review_id = str(json.loads(view["private_metadata"])["review"])
        decision = await asked(review_id)
        verdict = reviewers.Approve() if decision is None else reviewers.review(decision, seed).verdict
        match verdict:
            case reviewers.Approve():
                await sandbox.submit_view(user, view["id"], _ticked(view))
            case reviewers.Edit(output, category, severity):
                await sandbox.click_in_view(user, view["id"], "walk.edit")
                await _send(sandbox, user, {"category": category, "severity": severity}, output, above=view["id"])
            case reviewers.Reject(category, severity, reason, correct_answer):
                await sandbox.click_in_view(user, view["id"], "walk.reject")
                answer = correct_answer if isinstance(correct_answer, str) else json.dumps(correct_answer)
                texts = {"category": category, "severity": severity, "reason": reason, "answer": answer}
                await _send(sandbox, user, texts, None, above=view["id"])
        await _moves_on(sandbox, user, review_id)
    if view is not None:
        await sandbox.close_view(user, view["id"])


async def _moves_on(sandbox: Sandbox, user: str, review_id: str) -> None:
    """Waits until the modal shows another review, or the end."""
    for _ in range(round(_FORM_OPENS_WITHIN / _LOOK_EVERY)):
        views = sandbox.views(user)
        if views and views[-1]["callback_id"] != "review.loading" and review_id not in views[-1]["private_metadata"]:
            return
        await asyncio.sleep(_LOOK_EVERY)


def _ticked(view: Mapping[str, Any]) -> dict[str, Any]:
    """What has to be ticked before a dear action may be approved."""
    return {
        str(block["block_id"]): {
            str(block["element"]["action_id"]): {"type": "checkboxes", "selected_options": block["element"]["options"]}
        }
        for block in view["blocks"]
        if block["type"] == "input"
    }


async def _send(sandbox: Sandbox, user: str, filled: Mapping[str, str], output: Any, above: str | None = None) -> None:
    view = await _form(sandbox, user, above)
    if view is None:
        return  # the click was refused, or somebody else was faster: people are told privately, and go on
    inputs = [block for block in view["blocks"] if block["type"] == "input"]
    values = {str(block["block_id"]): _filled(block, filled, output) for block in inputs}
    await sandbox.submit_view(user, view["id"], values)


async def _form(sandbox: Sandbox, user: str, above: str | None = None) -> dict[str, Any] | None:
    """The form that the click opens, on top of the view `above` where there is one. The app acknowledges first and
    opens it a moment later."""
    for _ in range(round(_FORM_OPENS_WITHIN / _LOOK_EVERY)):
        views = sandbox.views(user)
        if views and views[-1]["callback_id"] != "review.loading" and views[-1]["id"] != above:
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
