"""The question before an approval that somebody else is already working on. A claim informs, it does not lock out."""

from bot.slack import phrases
from bot.slack.blocks import section
from bot.slack.modal import View, asked, modal, proposed
from bot.slack.view import CardView

CALLBACK = "review.approve_claimed"


def claim_modal(view: CardView) -> View:
    """For somebody else than who claimed it."""
    claimed = f"{phrases.claimed(view.claim)} " if view.claim else ""
    blocks = [section("claim", f"{claimed}Decide anyway?"), asked(view), *proposed(view)]
    says = phrases.asks(view)["approve"]
    return modal(f"{says}?", blocks, callback_id=CALLBACK, review_id=view.review_id, submit=f"{says} anyway")
