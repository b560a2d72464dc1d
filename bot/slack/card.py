"""The card: one message per review, the same for everyone who sees it.

Rendered from the database whenever it is sent, so two writers cannot disagree and a decided card has no live button.
Only our own words, times and mentions are mrkdwn; everything else is in elements that Slack does not parse.
"""

from dataclasses import dataclass

from bot.slack import limits, phrases
from bot.slack.blocks import (
    Block,
    Element,
    bold_line,
    bullets,
    context,
    header,
    option,
    plain,
    rich_text,
    section,
)
from bot.slack.json_text import compact, pretty, same
from bot.slack.proposal import element, excerpt, in_a_line
from bot.slack.text import CLIP_MARKER, clip, clip_line, escape, rendered_size, share
from bot.slack.view import CardView, OutcomeView
from routing.decision import Json, Risk

BODIES = limits.RENDERED_MESSAGE - 5_000
"""Rendered characters that the input, the output and the edit share; the other parts take less than 5,000."""
CARD_LINES = 40
"""Lines of one body, so that a phone reaches the buttons."""
CARD_REASONS = 6
COMPARED = 20_000
"""Indented characters of an object whose members are compared one by one; a larger one is shown as it is."""
_ACTIONS = "actions"


@dataclass(frozen=True, slots=True)
class Message:
    """What chat.postMessage and chat.update take; `text` is what notifications and screen readers speak."""

    text: str
    blocks: list[Block]


def render_card(view: CardView) -> Message:
    """The card for the state of the review; within every limit of Slack for any text."""
    is_open = view.state == "open"
    blocks = [header(_id(view, "header"), _headline(view)), _facts(view)]
    if view.outcome is not None:
        blocks += _verdict(view, view.outcome)
    if is_open:
        blocks += _reasons(view)
    blocks += [_bodies(view), _actions(view, with_verdicts=is_open), _footer(view)]
    return Message(text=_spoken(view), blocks=blocks)


def changed_members(before: dict[str, Json], after: dict[str, Json]) -> str:
    """One line per member that an edit changed, added or removed."""
    lines = []
    for key in [*before, *(key for key in after if key not in before)]:
        if key in before and key in after and same(before[key], after[key]):
            continue
        old, new = _member(before, key), _member(after, key)
        change = f"{old} → {new}" if old != new else f"{old} (changed further on: Details)"
        lines.append(f"{clip_line(key, 200)}: {change}")
    return "\n".join(lines)


def _member(output: dict[str, Json], key: str) -> str:
    return clip_line(compact(output[key], 800), 200) if key in output else "(none)"


def _id(view: CardView, name: str) -> str:
    """Slack wants a new block_id whenever a block changes."""
    return f"{view.state}.{name}"


def _headline(view: CardView) -> str:
    """While it is open the whole question, if it is short: who has three seconds reads no further."""
    if view.state == "open":
        proposal = in_a_line(view.output)
        return f"Decide: {view.task_type}" if proposal is None else f"{view.task_type}: {proposal}?"
    return f"{_ending(view)}: {view.task_type}"


def _ending(view: CardView) -> str:
    if view.outcome is not None:
        return phrases.VERDICT_DONE[view.outcome.verdict]
    return "Withdrawn" if view.state == "cancelled" else "Timed out"


def _facts(view: CardView) -> Block:
    risk = f"{phrases.RISK_EMOJI[view.risk]} *{phrases.risk(view).capitalize()}*"
    if view.state != "open":
        return section(_id(view, "facts"), f"{_closing(view)}\n{risk} · {phrases.confidence(view)}")
    due = f"⏳ Due {phrases.moment(view.deadline)} · " if view.deadline else ""
    waiting = f"{due}{phrases.WHAT_THE_APP_DOES[view.disposition]}"
    return section(_id(view, "facts"), f"{risk} · {phrases.confidence(view)}\n{waiting}")


def _closing(view: CardView) -> str:
    if view.outcome is not None:
        verdict = view.outcome.verdict
        done = f"{phrases.VERDICT_EMOJI[verdict]} *{phrases.VERDICT_DONE[verdict]}*"
        who = phrases.mentions(view.outcome.decided_by)
        return f"{done} by {who}, {phrases.moment(view.outcome.decided_at)}"
    if view.state == "cancelled":
        return "🚫 *Withdrawn* by the app: there is nothing left to decide."
    return f"⌛ *Timed out:* nobody decided in time. {phrases.WHAT_THE_APP_DOES[view.disposition]}"


def _verdict(view: CardView, outcome: OutcomeView) -> list[Block]:
    named = [("Category", outcome.category), ("Severity", outcome.severity), *outcome.labels.items()]
    lines = [clip_line(f"{name}: {value}", 80) for name, value in named if value]
    elements: list[Element] = [bullets(lines[:8])] if lines else []
    if outcome.reason:
        elements += [bold_line("Reason"), element(outcome.reason, 500, CARD_LINES)]
    if outcome.correct_answer is not None:
        elements += [bold_line("Correct answer"), element(outcome.correct_answer, 500, CARD_LINES)]
    return [rich_text(_id(view, "verdict"), elements)] if elements else []


def _bodies(view: CardView) -> Block:
    """What was asked, what the model proposes, what the reviewer made of it; long ones share the room."""
    parts = [("Asked", view.input), ("The model proposes", view.output)]
    if view.outcome is not None and view.outcome.verdict == "edit":
        parts[1] = ("Before: the model's proposal", view.output)
        parts.append(("After: the reviewer's edit", _edit_shown(view.output, view.outcome.output)))
    excerpts = (excerpt(value, limits.BLOCK_TEXT, CARD_LINES) for _, value in parts)
    grants = share(BODIES, [rendered_size(text) + CLIP_MARKER for text in excerpts])
    elements: list[Element] = []
    for (title, value), grant in zip(parts, grants, strict=True):
        elements += [bold_line(title), element(value, grant, CARD_LINES)]
    return rich_text(_id(view, "bodies"), elements)


def _edit_shown(before: Json, after: Json) -> Json:
    if isinstance(before, dict) and isinstance(after, dict) and _can_be_compared(before) and _can_be_compared(after):
        return changed_members(before, after)
    return after


def _can_be_compared(output: dict[str, Json]) -> bool:
    return len(pretty(output, COMPARED)) <= COMPARED


def _reasons(view: CardView) -> list[Block]:
    reasons = phrases.reasons_to_ask(view)
    if not reasons:
        return []
    lines = [clip(reason, 150) for reason in reasons[:CARD_REASONS]]
    if len(reasons) > CARD_REASONS:
        lines.append(f"{len(reasons) - CARD_REASONS} more: Details")
    return [rich_text(_id(view, "reasons"), [bold_line("Why you are asked"), bullets(lines)])]


def _actions(view: CardView, *, with_verdicts: bool) -> Block:
    more = {"type": "overflow", "action_id": "review.more", "options": [option("Details", "details")]}
    buttons = [
        {**_button("review.approve", "Approve", view.review_id, style="primary"), **_confirm(view)},
        _button("review.edit", "Edit", view.review_id),
        _button("review.reject", "Reject", view.review_id, style="danger"),
    ]
    elements = [*buttons, more] if with_verdicts else [more]
    return {"type": "actions", "block_id": f"{view.state}.{_ACTIONS}.{view.review_id}", "elements": elements}


def _confirm(view: CardView) -> Element:
    """A second question before an approval that would be dear if the thumb slipped."""
    if view.reversible and view.risk < Risk.HIGH:
        return {}
    proposal = in_a_line(view.output)
    subject = view.task_type if proposal is None else f"{view.task_type}: {proposal}"
    danger = f"{phrases.risk(view).capitalize()}." if view.reversible else phrases.CANNOT_BE_UNDONE
    dialog = {
        "title": plain("Approve this?", limits.CONFIRM_TITLE),
        "text": plain(f"{danger} {subject}", limits.CONFIRM_TEXT),
        "confirm": plain("Approve", limits.CONFIRM_BUTTON),
        "deny": plain("Cancel", limits.CONFIRM_BUTTON),
    }
    return {"confirm": dialog}


def review_of(block_id: str) -> str:
    """The review that a click in the actions block is about. An overflow has no value of its own to carry it."""
    return block_id.partition(f".{_ACTIONS}.")[2]


def _button(action_id: str, label: str, value: str, style: str | None = None) -> Element:
    button = {"type": "button", "action_id": action_id, "text": plain(label, limits.BUTTON_TEXT), "value": value}
    return button if style is None else {**button, "style": style}


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
    return context(_id(view, "footer"), elements)


def _spoken(view: CardView) -> str:
    outcome = view.outcome
    facts = f"{phrases.risk(view)}, {phrases.confidence(view)}"
    if view.state == "open":
        lines = [f"{_excerpt(_headline(view), limits.HEADER_TEXT)} – {facts}."]
    else:
        by = f" by {phrases.mentions(outcome.decided_by)}" if outcome else ""
        lines = [f"{_ending(view)}{by}: {_excerpt(view.task_type, 64)}, {facts}."]
    if outcome is not None and outcome.reason:
        lines.append(f"Reason: {_excerpt(outcome.reason, 200)}")
    lines += [f"Asked: {_excerpt(view.input, 250)}", f"The model proposes: {_excerpt(view.output, 250)}"]
    if outcome is not None and outcome.verdict == "edit":
        lines.append(f"After the edit: {_excerpt(_edit_shown(view.output, outcome.output), 250)}")
    return "\n".join(lines)


def _excerpt(value: Json, limit: int) -> str:
    """One escaped line."""
    return escape(clip_line(compact(value, 4 * limit), limit))
