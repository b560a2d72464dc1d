"""A review as it stands: what a card shows between its title and its buttons, and the same inside a modal or a list."""

from bot.slack import evidence, phrases, said, standing
from bot.slack.blocks import Block, header, rendered, section
from bot.slack.bodies import bodies
from bot.slack.json_text import compact
from bot.slack.proposal import in_a_line
from bot.slack.text import clip_line
from bot.slack.view import CardView

RENDERED = 9_000
"""Rendered characters of an item in a modal, which has buttons and a place in the row beside it."""
LINE = 150


def item_blocks(view: CardView) -> list[Block]:
    """For a modal that walks from item to item. The block ids hold the review's, so that Slack does not keep what was
    typed for one item in the fields of the next."""
    return content(f"item.{view.review_id}", view, RENDERED)


def item_line(view: CardView) -> str:
    """One plain line for a list: how much is at stake, the task, what is proposed or else what was asked."""
    risk = f"{phrases.RISK_EMOJI[view.risk]} {phrases.risk(view).capitalize()}"
    subject = view.input if view.asks_for_answer else view.proposed
    return clip_line(f"{risk} · {clip_line(view.task_type, 64)} · {in_a_line(subject) or compact(subject, LINE)}", LINE)


def content(prefix: str, view: CardView, room: int) -> list[Block]:
    """Title, facts and texts within `room` rendered characters; each block_id begins with `prefix`."""
    above = [header(f"{prefix}.header", headline(view)), section(f"{prefix}.facts", standing.facts(view))]
    if not view.waits:
        above += said.verdict(prefix, view)
        return [*above, bodies(prefix, view, room - rendered(above))]
    above += [*said.positions(prefix, view), *evidence.reasons(prefix, view)]
    below = [*evidence.sources(prefix, view), *evidence.earlier(prefix, view)]
    return [*above, bodies(prefix, view, room - rendered([above, below])), *below]


def headline(view: CardView) -> str:
    """While it waits the whole question, if it is short: who has three seconds reads no further."""
    if view.state == "disputed":
        return f"Opinions differ: {view.task_type}"
    if not view.waits:
        return f"{ending(view)}: {view.task_type}"
    if view.asks_for_answer:
        return f"Write the answer: {view.task_type}"
    proposal = in_a_line(view.proposed)
    about = view.task_type if proposal is None else f"{view.task_type}: {proposal}?"
    if view.proposal is not None or view.is_draft:
        return f"{'Draft' if view.proposal is None else 'Edited'}: {about}"
    if view.is_audit:
        when = "" if view.ran_on is None else f" on {phrases.date_in_words(view.ran_on)}"
        return f"Audit: ran alone{when}: {about}"
    return f"Decide: {view.task_type}" if proposal is None else about


def ending(view: CardView) -> str:
    if view.outcome is not None:
        return phrases.done(view)[view.outcome.verdict]
    return "Withdrawn" if view.state == "cancelled" else "Timed out"
