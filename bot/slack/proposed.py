"""The message of a proposed adjustment: what its proposer says, what became of it, and the buttons.

Rendered from the database whenever it is sent, so a decided one has no live button.
"""

from datetime import datetime

from bot.slack import phrases
from bot.slack.autonomy_post import render_step
from bot.slack.blocks import Element, button, context, section
from bot.slack.card import Message
from store.adjustments import Proposal

_WHO_DECIDES = "An adjudicator of the task decides. What is applied is undone with one click."
APPLY, DECLINE, UNDO = "proposed.apply", "proposed.decline", "proposed.undo"


def render_proposed(proposal: Proposal) -> Message:
    """Above the buttons: {"text", "blocks"} of the body as they are, or the words for what it names."""
    body = proposal.body
    if "blocks" in body:
        text, blocks = str(body["text"]), list(body["blocks"])
    else:
        text = render_step(proposal)
        blocks = [section("proposed.step", text)]
    told = outcome(proposal)
    if told is None:
        blocks.append(context("proposed.open.who", [{"type": "mrkdwn", "text": _WHO_DECIDES}]))
    else:
        blocks.append(section(f"proposed.{proposal.state}.outcome", told))
    buttons = _buttons(proposal)
    if buttons:
        blocks.append({"type": "actions", "block_id": f"proposed.{proposal.state}.actions", "elements": buttons})
    return Message(text if told is None else f"{text}\n{told}", blocks)


def outcome(proposal: Proposal) -> str | None:
    """mrkdwn: who made what of it; None while nobody has."""
    value = f"{proposal.key} {proposal.value:g}"
    match proposal.state:
        case "open":
            return None
        case "applied":
            return f"✅ *In force:* {value}, by {_who(proposal.decided_by)}, {_at(proposal.decided_at)}"
        case "declined":
            return f"✋ *Not now*, said {_who(proposal.decided_by)}, {_at(proposal.decided_at)}"
        case "outdated":
            return f"⌛ *Out of date* since {_at(proposal.decided_at)}: the policy or the evidence has moved on."
        case "undone":
            return f"↩️ *Undone* by {_who(proposal.undone_by)}, {_at(proposal.undone_at)}"


def _buttons(proposal: Proposal) -> list[Element]:
    if proposal.state == "open":
        return [button(APPLY, "Apply", proposal.id, style="primary"), button(DECLINE, "Not now", proposal.id)]
    word = "Resume" if proposal.body.get("what") == "pause" else "Undo"
    return [button(UNDO, word, proposal.id)] if proposal.state == "applied" else []


def _who(actor: str | None) -> str:
    """The history's actor in words."""
    if actor is None or not actor.startswith("user:"):
        return {"operator": "an operator", "bot": "this bot"}.get(actor or "", "a newer proposal")
    return phrases.mention(actor.rpartition("/")[2])


def _at(when: datetime | None) -> str:
    return "" if when is None else phrases.moment(when)
