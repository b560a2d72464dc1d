"""What a person had typed into a form before it was filled anew: shown back in inputs of its own, to copy from.

Inputs, because what they hold comes back with the next change of mind, and a phone can copy out of them.
"""

from collections.abc import Mapping

from bot.slack.blocks import Block
from bot.slack.edit_plan import INPUT_CHUNK, untouched
from bot.slack.feedback_form import ACTION, text_input, typed_text
from bot.slack.modal import StateValues
from bot.slack.prefill import Prefill, source_blocks
from bot.slack.returned_modal import KEPT
from bot.slack.text import chunks, sendable

LABEL = "You had typed"


def kept_inputs(texts: Mapping[str, str]) -> list[Block]:
    hint = "Only to copy from: this is not sent"
    return [text_input(block_id, LABEL, initial=sendable(text), hint=hint) for block_id, text in texts.items()]


def shown_back(typed: StateValues) -> dict[str, str]:
    """Block id to text: what the form shows back already."""
    found = {block_id: typed_text(typed, block_id) for block_id in typed if block_id.startswith(KEPT)}
    return {block_id: text for block_id, text in found.items() if text}


def with_newly_typed(kept: Mapping[str, str], before: Prefill | None, typed: StateValues) -> dict[str, str]:
    """The same with what was typed over the filling that the form had `before`, in pieces that fit into an input. The
    ids go on where they were: Slack keeps what stands under an id that it knows."""
    pieces = [piece for text in _newly_typed(before, typed) for piece in chunks(text, INPUT_CHUNK)]
    first = 1 + max((int(block_id.removeprefix(KEPT)) for block_id in kept), default=-1)
    return {**kept, **{f"{KEPT}{number}": piece for number, piece in enumerate(pieces, first)}}


def _newly_typed(before: Prefill | None, typed: StateValues) -> list[str]:
    texts = {name: typed_text(typed, name) for name in source_blocks(typed) if "value" in typed[name][ACTION]}
    filled = {} if before is None else before.texts()
    return [text for name, text in texts.items() if text and not untouched(filled.get(name, ""), text)]
