"""A form that could not be saved: nothing that a person typed is lost."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.slack.blocks import section
from bot.slack.modal import Part, StateValues, View, text_modal
from bot.slack.text import sendable

KEPT = "kept-"
"""How the block_id of an input begins that holds what a person had typed before the form was filled anew."""


def returned_modal(title: str, sentence: str, typed: Sequence[tuple[str, str]]) -> View:
    """Says in mrkdwn why nothing was saved, and shows the typed texts back to copy. As the answer to a submission."""
    first = [section("closed", sentence)]
    if typed:
        first.append(section("typed", "This is what you typed; it was *not* sent. You can copy it."))
    parts = [Part(label, text) for label, text in typed]
    return text_modal(title, first, parts, callback_id="review.returned")


def typed_texts(blocks: Sequence[Mapping[str, Any]], values: StateValues) -> list[tuple[str, str]]:
    """Label and text of each text input that the person filled or changed, from the `view` of a submission."""
    typed = []
    for block in blocks:
        element = block.get("element", {})
        if element.get("type") != "plain_text_input":
            continue
        text = values.get(block["block_id"], {}).get(element["action_id"], {}).get("value") or ""
        is_kept = block["block_id"].startswith(KEPT)
        if is_kept or sendable(text).strip() != sendable(element.get("initial_value", "")).strip():
            typed.append((block["label"]["text"], text))
    return [(label, text) for label, text in typed if text]
