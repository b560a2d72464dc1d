"""The modal that walks through a queue: one review after another, with its place in the row."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bot.slack import limits, phrases
from bot.slack.blocks import Block, button, context, option, plain, section
from bot.slack.item import item_blocks
from bot.slack.modal import View, modal
from bot.slack.view import CardView
from routing.decision import Risk

ITEM, EDIT, REJECT = "walk.item", "walk.edited", "walk.rejected"
"""The callback ids of the item itself and of the two forms on top of it."""
SURE = "walk-sure"


@dataclass(frozen=True, slots=True)
class Walk:
    """Where a person is in a queue. `channel` empty: everything they may decide."""

    channel: str
    done: int = 0
    total: int = 0

    @classmethod
    def of(cls, private: Mapping[str, Any]) -> "Walk | None":
        """The walk that a view carries."""
        found = private.get("walk")
        return cls(**found) if isinstance(found, dict) else None


def walk_modal(item: CardView, walk: Walk, note: str | None = None) -> View:
    """One review. Sending the modal approves it, with one tap and without a call of Slack's API; what would be dear if
    the thumb slipped asks for a tick first. `note` (mrkdwn) tells what became of the one before."""
    blocks: list[Block] = [context(_id(item, "progress"), [plain(_progress(walk), 100)])]
    if note:
        blocks.append(section(_id(item, "note"), note))
    blocks += [*item_blocks(item), _actions(item)]
    if needs_a_tick(item):
        blocks.append(_tick(item))
    submit = None if item.asks_for_answer else _approve(item)
    view = modal("Review", blocks, callback_id=ITEM, review_id=item.review_id, submit=submit)
    return carrying({**view, "close": plain("Stop", limits.MODAL_TITLE), "notify_on_close": True}, walk)


def walk_end(walk: Walk, note: str | None = None) -> View:
    """Nothing is left for this person."""
    done = f"You reviewed {walk.done}." if walk.done else "Nothing waits for you here."
    blocks = [section("note", note)] if note else []
    blocks.append(section("end", f"✅ *All done.* {done}" if walk.done else f"✅ {done}"))
    return modal("Review", blocks, callback_id="walk.end")


def carrying(view: View, walk: Walk) -> View:
    """The view, with the walk that it is part of."""
    private = json.loads(view.get("private_metadata") or "{}")
    return {**view, "private_metadata": json.dumps({**private, "walk": asdict(walk)})}


def is_sure(values: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> bool:
    """Whether the tick is set that the approval of a dear action needs."""
    return any(
        chosen.get("selected_options")
        for block_id, inputs in values.items()
        if block_id.startswith(SURE)
        for chosen in inputs.values()
    )


def tick_block(item: CardView) -> str:
    """The block that an error about the tick belongs beside."""
    return f"{SURE}.{item.review_id}"


def needs_a_tick(item: CardView) -> bool:
    """Whether an approval here would be dear if the thumb slipped."""
    return not (item.asks_for_answer or item.is_audit) and (item.risk >= Risk.HIGH or not item.reversible)


def _tick(item: CardView) -> Block:
    danger = "It cannot be undone" if not item.reversible else f"{item.risk.value.capitalize()} risk"
    choice = option(f"{danger}: I have looked at it", "sure")
    return {
        "type": "input",
        "block_id": tick_block(item),
        "optional": False,
        "label": plain("To approve", 100),
        "element": {"type": "checkboxes", "action_id": "value", "options": [choice]},
    }


def _approve(item: CardView) -> str:
    if item.proposal is not None:
        return "Approve the edit"
    return "Use the draft" if item.is_draft else phrases.asks(item)["approve"]


def _progress(walk: Walk) -> str:
    where = walk.channel or "everything you may review"
    return f"{walk.done + 1} of {max(walk.total, walk.done + 1)} · {where}"


def _actions(item: CardView) -> Block:
    asks = phrases.asks(item)
    edit = "Write the answer" if item.asks_for_answer else asks["edit"]
    elements = [
        button("walk.edit", edit, item.review_id, style="primary" if item.asks_for_answer else None),
        button("walk.reject", asks["reject"], item.review_id, style="danger"),
        button("walk.skip", "Skip", item.review_id),
        button("walk.details", "Details", item.review_id),
    ]
    return {"type": "actions", "block_id": _id(item, "actions"), "elements": elements}


def _id(item: CardView, name: str) -> str:
    """With the review's id in it: Slack keeps what was typed where the ids of a view's blocks stay the same."""
    return f"walk.{name}.{item.review_id}"
