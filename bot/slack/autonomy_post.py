"""Words for steps of autonomy: one that is proposed, and one that was taken at once."""

from collections.abc import Mapping
from typing import Any

from bot.slack.audit_post import because, rate_words, subject, whom
from bot.slack.text import clip_line, escape
from store.adjustments import Proposal

LEVELS = {
    0: "a person answers without seeing the model's output",
    1: "a person edits or confirms the model's draft",
    2: "a person decides everything",
    3: "what the policy's matrix lets run alone does, and people decide the rest",
    4: "what is unsure at low and medium risk runs alone too, and is audited",
    5: "low risk runs alone",
}
"""What each level of autonomy means (contract §5)."""


def render_step(proposal: Proposal) -> str:
    """mrkdwn in one paragraph or two."""
    match proposal.body.get("what"):
        case "promotion":
            return _promotion(proposal, proposal.body)
        case "alarm":
            return f"{rate_words(proposal.body)}\n{_down(proposal)}"
        case "breach":
            return _breach(proposal, proposal.body)
        case "pause":
            return _pause(proposal)
        case other:
            raise ValueError(f"no words for a step of autonomy of {other!r}")


def _promotion(proposal: Proposal, body: Mapping[str, Any]) -> str:
    agreed, reviews = int(body["labels"]) - int(body["errors"]), int(body["labels"])
    return (
        f"📈 *{_task(proposal)}* has earned autonomy {proposal.value:g} (so far {proposal.from_value:g}): "
        f"{LEVELS[int(proposal.value)]}.\n"
        f"People agreed with {agreed:,} of its last {reviews:,} answers, which proves more than 95 % accuracy; its "
        "threshold is certified, and there was no alarm since. Audits go on."
    )


def _down(proposal: Proposal) -> str:
    return (
        f"Shall people see more of it first? Autonomy {proposal.value:g} instead of {proposal.from_value:g}: "
        f"{LEVELS[int(proposal.value)]}."
    )


def _breach(proposal: Proposal, body: Mapping[str, Any]) -> str:
    """What has happened comes first, then why, then the way back."""
    lead, back = f"autonomy {proposal.value:g} instead of {proposal.from_value:g}", "*Undo* gives its autonomy back."
    if proposal.from_value == proposal.value:
        lead = f"autonomy {proposal.value:g}, also after its pause"
        back = "It is paused, and to end the pause alone gives its autonomy back no more: *Undo* this too."
    return (
        f"🛑 {subject(body)}: people decide everything from now on ({lead}).\n"
        f"{because(body)}. {whom(body)}: please look at what it gets wrong.\n"
        f"{back} What runs alone is then audited until enough is known."
    )


def _pause(proposal: Proposal) -> str:
    why = f" Why: {escape(clip_line(proposal.why, 500))}" if proposal.why else ""
    return f"⏸️ *{_task(proposal)}* is paused: everything goes to people, at once.{why}"


def _task(proposal: Proposal) -> str:
    return escape(clip_line(proposal.task_type, 64))
