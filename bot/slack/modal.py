"""The frame of every modal, what stands on top of the forms, and modals that only show text."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from bot.slack import limits, phrases
from bot.slack.blocks import Block, bold_line, context, plain, preformatted, rich_text, section
from bot.slack.json_text import pretty
from bot.slack.proposal import element
from bot.slack.text import body, chunks
from bot.slack.view import CardView
from routing.decision import Json

View = dict[str, Any]
StateValues = dict[str, dict[str, dict[str, Any]]]
"""`view.state.values` of a submission: block_id, action_id, then the element's value."""

_ROOM_FOR_THE_LAST_WORDS = 1_000
_COUNTED = 2_000


@dataclass(frozen=True, slots=True)
class FieldErrors:
    """What stops a submission: block_id of the input to the sentence shown beside it (`response_action: errors`)."""

    errors: dict[str, str]


@dataclass(frozen=True, slots=True)
class Part:
    """A titled value of any size, shown as `pretty`; `url` only as `blocks.web_address` lets it through. `lead` is
    mrkdwn of ours that stands above it."""

    title: str
    value: Json = ""
    url: str | None = None
    lead: str = ""


def modal(title: str, blocks: list[Block], *, callback_id: str, review_id: str = "", submit: str | None = None) -> View:
    """A view for views.open, views.update and `response_action: update`. It carries nothing but the review's id."""
    view: View = {
        "type": "modal",
        "callback_id": callback_id,
        "title": plain(title, limits.MODAL_TITLE),
        "close": plain("Cancel" if submit else "Close", limits.MODAL_TITLE),
        "blocks": blocks,
    }
    if review_id:
        view["private_metadata"] = json.dumps({"review": review_id})
    if submit:
        view["submit"] = plain(submit, limits.MODAL_TITLE)
    return view


def fits(view: View) -> bool:
    return len(view["blocks"]) <= limits.MODAL_BLOCKS and json_bytes(view) <= limits.VIEW_BYTES


def json_bytes(value: Any) -> int:
    """As slack_sdk sends it: every character beyond ASCII is an escape."""
    return len(json.dumps(value))


def asked(view: CardView) -> Block:
    """What a form is about: the task and the beginning of the input."""
    title = f"{view.task_type} · {phrases.risk(view)} · Asked"
    return rich_text("asked", [bold_line(title), element(view.input, 1_000, 15)])


def proposed(view: CardView) -> list[Block]:
    """The beginning of what is proposed, where a form does not hold it anyway; nothing while it is hidden."""
    if view.asks_for_answer:
        return []
    title = phrases.answered(view) if view.proposal is None else "Proposed: a reviewer's edit"
    return [rich_text("proposed", [bold_line(title), element(view.proposed, 1_000, 15)])]


def claimed(view: CardView, reader: str | None) -> list[Block]:
    """That somebody else is at it already, for the top of a form. `reader`: the id of who has it before them."""
    if view.claim is None or reader is None or view.claim.user_id == reader:
        return []
    return [section("claim", phrases.claimed(view.claim))]


def notice_modal(title: str, mrkdwn: str) -> View:
    """One of the sentences of `notices`, where a modal is open already."""
    return modal(title, [section("notice", mrkdwn)], callback_id="review.notice")


def loading_modal(title: str) -> View:
    """Opened at once, because a trigger_id lives for three seconds; replaced by views.update."""
    return modal(title, [section("loading", "Loading …")], callback_id="review.loading")


def text_modal(title: str, first: list[Block], parts: Iterable[Part], *, callback_id: str) -> View:
    """Shows the parts in full over as many blocks as a view holds; what does not fit is counted at the end."""
    view = modal(title, list(first), callback_id=callback_id)
    room = limits.VIEW_BYTES - json_bytes(view) - _ROOM_FOR_THE_LAST_WORDS
    left_out, over = 0, ""
    for part in parts:
        most = _COUNTED if left_out else max(room, _COUNTED)
        text = pretty(part.value, most)
        if not isinstance(part.value, str) and len(text) > most:
            over = "Over "
        shown = 0
        for piece, characters in [] if left_out else _pieces(part, text, most):
            block = {**piece, "block_id": f"part-{len(view['blocks'])}"}
            room -= json_bytes(block) + 2
            if room < 0 or len(view["blocks"]) >= limits.MODAL_BLOCKS - 1:
                break
            view["blocks"].append(block)
            shown += characters
        left_out += len(text) - shown
    if left_out:
        words = f"{over}{left_out:,} more characters do not fit into Slack."
        view["blocks"].append(context("left-out", [plain(words, 200)]))
    return view


def _pieces(part: Part, text: str, most: int) -> Iterator[tuple[Block, int]]:
    """Blocks without their ids, and how many characters of the text each shows. Not all of them if they are more than a
    view holds; then nobody knows of how many."""
    if part.lead:
        yield section("", part.lead), 0
    pieces = list(islice(chunks(text, limits.BLOCK_TEXT), limits.MODAL_BLOCKS))
    of_how_many = f" of {len(pieces)}" if len(text) <= most and len(pieces) < limits.MODAL_BLOCKS else ""
    for number, chunk in enumerate(pieces, 1):
        count = f" ({number}{of_how_many})" if len(pieces) > 1 else ""
        title = bold_line(f"{part.title}{count}", part.url if number == 1 else None)
        yield rich_text("", [title, preformatted(body(chunk))] if chunk else [title]), len(chunk)
