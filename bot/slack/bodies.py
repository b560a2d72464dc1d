"""What was asked, what is proposed and what a person made of it: the long texts of a review, which share the room."""

from dataclasses import dataclass

from bot.slack import limits, phrases
from bot.slack.blocks import Block, Element, bold_line, rich_text
from bot.slack.proposal import UNSURE_FURTHER_ON, element, excerpt, marked
from bot.slack.said import edit_shown
from bot.slack.text import CLIP_MARKER, rendered_size, share
from bot.slack.view import CardView, OutcomeView, ProposalView
from routing.decision import Json

MOST = 5_000
"""Rendered characters, so that there is an end to scrolling even where Slack would take more."""
LINES = 40
"""Lines of one text, so that a phone reaches the buttons."""


@dataclass(frozen=True, slots=True)
class Body:
    title: str
    value: Json
    is_marked: bool = False
    """With the places where the model is unsure."""


def bodies(prefix: str, view: CardView, room: int) -> Block:
    """Within `room` rendered characters: short texts are whole, long ones share what is left."""
    shown = shown_bodies(view)
    words = sum(len(body.title) + len(UNSURE_FURTHER_ON) for body in shown)
    needs = [rendered_size(excerpt(body.value, limits.BLOCK_TEXT, LINES)) + CLIP_MARKER for body in shown]
    grants = share(min(room - words, MOST), needs)
    elements: list[Element] = []
    for body, grant in zip(shown, grants, strict=True):
        elements.append(bold_line(body.title))
        elements += _text(view, body, grant)
    return rich_text(f"{prefix}.bodies", elements)


def _text(view: CardView, body: Body, grant: int) -> list[Element]:
    if body.is_marked and isinstance(body.value, str):
        return marked(body.value, view.spans, grant, LINES)
    return [element(body.value, grant, LINES)]


def shown_bodies(view: CardView) -> list[Body]:
    return [Body("Asked", view.input), *_proposed(view), *_answered(view)]


def _proposed(view: CardView) -> list[Body]:
    if not view.shows_output:
        return []
    if edit_of(view) is not None:
        return [Body("Before: the model's proposal", view.output)]
    title = "The model's draft" if view.is_draft else phrases.answered(view)
    return [Body(title, view.output, is_marked=view.waits and bool(view.spans))]


def _answered(view: CardView) -> list[Body]:
    edit = edit_of(view)
    return [] if edit is None else [Body("After: the reviewer's edit", edit_shown(view, edit.output))]


def edit_of(view: CardView) -> OutcomeView | ProposalView | None:
    """The edit that has taken the place of the model's output, by a verdict or for the others to agree to."""
    if view.outcome is not None and view.outcome.verdict == "edit":
        return view.outcome
    return view.proposal if view.waits else None
