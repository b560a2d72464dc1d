"""The message that leads to a channel's queue: how much waits, and one button."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from bot.slack import limits, phrases
from bot.slack.blocks import Block, bullets, header, plain, rich_text, section
from bot.slack.card import Message
from bot.slack.text import clip_line, escape

START = "queue.start"
_MOST_TASKS = 5


@dataclass(frozen=True, slots=True)
class BatchView:
    """`batch`: decisions that wait for their turn; `more`: cards for which the channel has no room."""

    key: str
    kind: Literal["batch", "more"]
    count: int
    tasks: Mapping[str, int] = field(default_factory=dict)
    """How many wait by task type, the most urgent first."""
    oldest: datetime | None = None


def render_batch(view: BatchView) -> Message:
    if view.count == 0:
        words = "Nothing waits for review here." if view.kind == "batch" else "No further cards wait."
        return Message(text=words, blocks=[section("queue.empty", f"✅ {words}")])
    title = _title(view)
    blocks: list[Block] = [header("queue.header", title)]
    if view.tasks:
        blocks.append(rich_text("queue.tasks", [bullets(_tasks(view.tasks))]))
    if view.oldest is not None:
        blocks.append(section("queue.oldest", f"The oldest waits since {phrases.moment(view.oldest)}."))
    blocks.append(start_button(view.key))
    return Message(text=f"{title}. {escape(', '.join(_tasks(view.tasks)))}".strip(), blocks=blocks)


def channel_of(key: str) -> str:
    """The channel whose queue a button leads to."""
    return key.partition(":")[2]


def _title(view: BatchView) -> str:
    if view.kind == "more":
        return f"{view.count:,} more urgent {_decisions(view.count)} {_wait(view.count)}"
    return f"{view.count:,} {_decisions(view.count)} {_wait(view.count)} for review"


def _decisions(count: int) -> str:
    return "decision" if count == 1 else "decisions"


def _wait(count: int) -> str:
    return "waits" if count == 1 else "wait"


def _tasks(tasks: Mapping[str, int]) -> list[str]:
    named = [clip_line(f"{task}: {count:,}", 100) for task, count in list(tasks.items())[:_MOST_TASKS]]
    left = sum(list(tasks.values())[_MOST_TASKS:])
    return [*named, f"others: {left:,}"] if left else named


def start_button(key: str) -> Block:
    """Leads to the queue of the channel in `key`."""
    button = {
        "type": "button",
        "action_id": START,
        "style": "primary",
        "text": plain("Start reviewing", limits.BUTTON_TEXT),
        "value": key,
    }
    return {"type": "actions", "block_id": "queue.actions", "elements": [button]}
