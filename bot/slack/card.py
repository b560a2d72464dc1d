"""The card: one message per review, the same for everyone who sees it.

Rendered from the database whenever it is sent, so two writers cannot disagree and a decided card has no live button.
Only our own words, times and mentions are mrkdwn; everything else is in elements that Slack does not parse.
"""

from dataclasses import dataclass

from bot.slack import limits, phrases
from bot.slack.blocks import Block, Element, button, confirm, context, option, plain, rendered
from bot.slack.bodies import edit_of
from bot.slack.item import content, ending, headline
from bot.slack.json_text import compact
from bot.slack.proposal import in_a_line
from bot.slack.said import edit_shown
from bot.slack.text import clip_line, escape, rendered_size
from bot.slack.view import CardView
from routing.decision import Json, Risk

_ACTIONS = "actions"


@dataclass(frozen=True, slots=True)
class Message:
    """What chat.postMessage and chat.update take; `text` is what notifications and screen readers speak."""

    text: str
    blocks: list[Block]


def render_card(view: CardView) -> Message:
    """The card for the state of the review; within every limit of Slack for any text."""
    text = _spoken(view)
    below = [_actions(view), _footer(view)]
    room = limits.RENDERED_MESSAGE - rendered_size(text) - rendered(below)
    # Slack wants a new block_id whenever a block changes.
    return Message(text, [*content(view.state, view, room), *below])


def verdict_buttons(view: CardView) -> list[Element]:
    """Approve, edit, reject, as far as the person may: nobody approves what they cannot see."""
    asks = phrases.asks(view)
    reject = button("review.reject", asks["reject"], view.review_id, style="danger")
    if view.asks_for_answer:
        return [button("review.edit", "Write the answer", view.review_id, style="primary"), reject]
    if view.proposal is not None:
        return [_approve(view, "Approve the edit", style="primary"), _edit(view), reject]
    if view.is_draft:
        return [_edit(view, style="primary"), _approve(view, "Use the draft"), reject]
    return [_approve(view, asks["approve"], style="primary"), _edit(view), reject]


def _edit(view: CardView, style: str | None = None) -> Element:
    return button("review.edit", phrases.asks(view)["edit"], view.review_id, style=style)


def _approve(view: CardView, label: str, style: str | None = None) -> Element:
    return {**button("review.approve", label, view.review_id, style=style), **_confirm(view)}


def _actions(view: CardView) -> Block:
    buttons: list[Element] = []
    if view.waits:
        buttons = verdict_buttons(view)
    elif view.state == "held":
        buttons = [button("review.undo", "Undo", view.review_id)]
    more = {"type": "overflow", "action_id": "review.more", "options": [option(*each) for each in _more(view)]}
    return {"type": "actions", "block_id": f"{view.state}.{_ACTIONS}.{view.review_id}", "elements": [*buttons, more]}


def _more(view: CardView) -> list[tuple[str, str]]:
    """What the menu offers: the words and the value."""
    details = ("Details", "details")
    if view.waits:
        claim = ("Claim", "claim") if view.claim is None else ("Release", "release")
        return [claim, ("Hand over…", "hand_over"), details, ("Skip", "skip")]
    return [details, ("Change verdict…", "change")] if view.state == "decided" else [details]


def _confirm(view: CardView) -> Element:
    """A second question before an approval that would be dear if the thumb slipped. What ran alone has run."""
    if view.is_audit or (view.reversible and view.risk < Risk.HIGH):
        return {}
    proposal = in_a_line(view.proposed)
    subject = view.task_type if proposal is None else f"{view.task_type}: {proposal}"
    danger = f"{phrases.risk(view).capitalize()}." if view.reversible else phrases.CANNOT_BE_UNDONE
    return {"confirm": confirm("Approve this?", f"{danger} {subject}", "Approve")}


def review_of(block_id: str) -> str:
    """The review that a click in the actions block is about. An overflow has no value of its own to carry it."""
    return block_id.partition(f".{_ACTIONS}.")[2]


def _footer(view: CardView) -> Block:
    facts = [
        f"{view.app} · {view.decision_id}",
        f"model {view.model} · confidence: {view.confidence_source}" if view.model else None,
        f"about {view.subject}" if view.subject else None,
        f"new try of {view.retry_of}" if view.retry_of else None,
    ]
    elements = [plain(fact, 160) for fact in facts if fact]
    if view.requested_by:
        elements.append({"type": "mrkdwn", "text": f"for {phrases.mention(view.requested_by)}"})
    return context(f"{view.state}.footer", elements)


def _spoken(view: CardView) -> str:
    lines = [f"{_excerpt(headline(view), limits.HEADER_TEXT)} – {_facts(view)}."]
    if not view.waits:
        by = f" by {phrases.mentions(view.outcome.decided_by)}" if view.outcome else ""
        lines = [f"{ending(view)}{by}: {_excerpt(view.task_type, 64)}, {_facts(view)}."]
    if view.outcome is not None and view.outcome.reason:
        lines.append(f"Reason: {_excerpt(view.outcome.reason, 200)}")
    lines.append(f"Asked: {_excerpt(view.input, 250)}")
    if view.shows_output:
        lines.append(f"{phrases.answered(view)}: {_excerpt(view.output, 250)}")
    edit = edit_of(view)
    if edit is not None:
        lines.append(f"After the edit: {_excerpt(edit_shown(view, edit.output), 250)}")
    return "\n".join(lines)


def _facts(view: CardView) -> str:
    overdue = ", overdue" if view.waits and view.overdue and not view.is_audit else ""
    return f"{phrases.risk(view)}, {phrases.confidence(view)}{overdue}"


def _excerpt(value: Json, limit: int) -> str:
    """One escaped line."""
    return escape(clip_line(compact(value, 4 * limit), limit))
