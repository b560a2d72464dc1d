"""The way to another verdict, after one was given: what stands, what a change means, and three ways on."""

from bot.slack import phrases, standing
from bot.slack.blocks import Block, Element, bold_line, button, confirm, rich_text, section
from bot.slack.modal import View, asked, modal, proposed
from bot.slack.proposal import element
from bot.slack.said import edit_shown
from bot.slack.view import CardView
from routing.decision import Disposition

CALLBACK = "review.change"


def change_modal(view: CardView) -> View:
    """For a review that is decided. Edit and Reject lead to their forms; Approve asks once more."""
    top = [section("stands", _stands(view)), section("consequence", _consequence(view))]
    blocks = [*top, asked(view), *proposed(view), *_edited(view), _ways(view)]
    return modal("Change verdict", blocks, callback_id=CALLBACK, review_id=view.review_id)


def _edited(view: CardView) -> list[Block]:
    """The edit that stands: an approval would send the model's output in its place."""
    if view.outcome is None or view.outcome.verdict != "edit":
        return []
    return [
        rich_text(
            "edited", [bold_line("The edit that stands"), element(edit_shown(view, view.outcome.output), 500, 10)]
        )
    ]


def _stands(view: CardView) -> str:
    return "\n".join(standing.how_it_ended(view))


def _consequence(view: CardView) -> str:
    if view.disposition is Disposition.DO_NOT_EXECUTE:
        return "The app is told of the change: approved or edited, it *may act* after all."
    return (
        "The app is told of the change, and it may have acted already: an edit or an approval is sent as a "
        "*correction*, a rejection asks it to *roll back*."
    )


def _ways(view: CardView) -> Block:
    asks = phrases.asks(view)
    approve = button("change.approve", asks["approve"], view.review_id)
    question = "This takes the place of the verdict that stands, and the app is told."
    ways: list[Element] = [
        {**approve, "confirm": confirm(f"{asks['approve']} instead?", question, asks["approve"])},
        button("change.edit", asks["edit"], view.review_id),
        button("change.reject", asks["reject"], view.review_id, style="danger"),
    ]
    is_approved = view.outcome is not None and view.outcome.verdict == "approve"
    return {"type": "actions", "block_id": "ways", "elements": ways[1:] if is_approved else ways}
