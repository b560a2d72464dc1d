"""The message of a proposed adjustment: what its proposer says, what became of it, and the buttons.

Rendered from the database whenever it is sent, so a decided one has no live button.
"""

from datetime import datetime

from bot.reporting import words
from bot.slack import phrases
from bot.slack.autonomy_post import render_step
from bot.slack.blocks import Element, button, context, section
from bot.slack.card import Message
from store.adjustments import Proposal

APPLY, DECLINE, UNDO = "proposed.apply", "proposed.decline", "proposed.undo"


def render_proposed(proposal: Proposal, replaced_at: datetime | None = None) -> Message:
    """Above the buttons: {"text", "blocks"} of the body as they are, or the words for what it names.

    `replaced_at`: since when what was applied is in force no more, as another value is."""
    body = proposal.body
    if "blocks" in body:
        text, blocks = str(body["text"]), list(body["blocks"])
    else:
        text = render_step(proposal)
        blocks = [section("proposed.step", text)]
    is_replaced = proposal.state == "applied" and replaced_at is not None
    told = _replaced(proposal, replaced_at) if is_replaced else outcome(proposal)
    if proposal.state == "open":
        blocks.append(context("proposed.open.who", [{"type": "mrkdwn", "text": told}]))
    else:
        blocks.append(section(f"proposed.{proposal.state}.outcome", told))
    buttons = [] if is_replaced else _buttons(proposal)
    if buttons:
        blocks.append({"type": "actions", "block_id": f"proposed.{proposal.state}.actions", "elements": buttons})
    return Message(f"{text}\n{told}", blocks)


def outcome(proposal: Proposal) -> str:
    """mrkdwn: who made what of it; while nobody has, what a click does and whose it is."""
    match proposal.state:
        case "open":
            before = words.adjusted(proposal.key, proposal.from_value)
            done = f"*Apply* puts {_value(proposal)} in force at once (so far {before}); *Undo* takes it back."
            return f"{done} An adjudicator of the task decides."
        case "applied":
            return f"{_began(proposal)} by {_who(proposal.decided_by)}, {_at(proposal.decided_at)}"
        case "declined":
            return f"✋ *Not now*, said {_who(proposal.decided_by)}, {_at(proposal.decided_at)}"
        case "outdated":
            return f"⌛ *Out of date* since {_at(proposal.decided_at)}: the policy or the evidence has moved on."
        case "undone":
            done = "▶️ *Resumed*" if _is_pause(proposal) else "↩️ *Undone*"
            return f"{done} by {_who(proposal.undone_by)}, {_at(proposal.undone_at)}"


def _replaced(proposal: Proposal, at: datetime | None) -> str:
    before = f"{_value(proposal)}, by {_who(proposal.decided_by)}, {_at(proposal.decided_at)}"
    return f"🔁 *Replaced* by a newer change, {_at(at)}. Before that: {before}"


def _began(proposal: Proposal) -> str:
    return "⏸️ *Paused*" if _is_pause(proposal) else f"✅ *In force:* {_value(proposal)},"


def _value(proposal: Proposal) -> str:
    return f"{proposal.key} {words.adjusted(proposal.key, proposal.value)}"


def _is_pause(proposal: Proposal) -> bool:
    return proposal.body.get("what") == "pause"


def _buttons(proposal: Proposal) -> list[Element]:
    if proposal.state == "open":
        return [button(APPLY, "Apply", proposal.id, style="primary"), button(DECLINE, "Not now", proposal.id)]
    word = "Resume" if _is_pause(proposal) else "Undo"
    return [button(UNDO, word, proposal.id)] if proposal.state == "applied" else []


def _who(actor: str | None) -> str:
    """The history's actor in words."""
    if actor is None or not actor.startswith("user:"):
        return {"operator": "an operator", "bot": "this bot"}.get(actor or "", "a newer proposal")
    return phrases.mention(actor.rpartition("/")[2])


def _at(when: datetime | None) -> str:
    return "" if when is None else phrases.moment(when)
