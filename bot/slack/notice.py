"""What is said once in the thread of a review, or to one person. The words are ours; people's own are mere text."""

from collections.abc import Mapping
from typing import Any

from bot.slack import phrases
from bot.slack.blocks import Block, bold_line, rich_text, section
from bot.slack.card import Message
from bot.slack.item import ending, item_line
from bot.slack.proposal import element
from bot.slack.text import clip_line, escape
from bot.slack.view import CardView

_MOST_CALLED = 5


def render_notice(view: CardView, body: Mapping[str, Any]) -> tuple[Message, bool]:
    """The message, and whether the channel is to see it too: a reminder is for those who do not look into threads."""
    what = body.get("what")
    if what == "verdict":
        return _verdict(view), False
    return _spoken(view, _words(view, body), note=body.get("note")), what != "handed_over"


def _words(view: CardView, body: Mapping[str, Any]) -> str:
    match body.get("what"):
        case "remind" | "notify" | "dispute" if not view.waits:
            return f"☑️ This does not wait any more: {ending(view).lower()}."
        case "remind":
            return f"⏰ Reminder: this still waits for a person.{_due(view)}"
        case "notify":
            return f"⏰ {phrases.whom(str(body['whom']))}: this still waits for a person.{_due(view)}"
        case "dispute":
            return f"⚖️ Opinions differ. {_settlers(body)}"
        case "handed_over":
            by, to = phrases.mention(str(body["by"])), phrases.mention(str(body["to"]))
            return f"🤝 {by} hands this over to {to}."
        case "rollback":
            return f"⏪ {_rollback(view, body)}"
        case other:
            raise ValueError(f"no words for a notice of {other!r}")


def _spoken(view: CardView, mrkdwn: str, note: str | None = None) -> Message:
    blocks: list[Block] = [section("notice", mrkdwn)]
    if note:
        blocks.append(rich_text("note", [element(note, 1_000, 15)]))
    else:
        blocks.append(rich_text("about", [bold_line(item_line(view))]))
    return Message(text=f"{mrkdwn} {escape(item_line(view))}", blocks=blocks)


def _due(view: CardView) -> str:
    if view.deadline is None:
        return ""
    return f" It was due {phrases.moment(view.deadline)}." if view.overdue else f" Due {phrases.moment(view.deadline)}."


def _settlers(body: Mapping[str, Any]) -> str:
    called = [phrases.mention(str(user)) for user in list(body.get("users") or [])[:_MOST_CALLED]]
    if body.get("usergroup"):
        called.append(phrases.whom(str(body["usergroup"])))
    return f"{' or '.join(called)}: please settle it." if called else "An adjudicator has to settle it."


def _rollback(view: CardView, body: Mapping[str, Any]) -> str:
    """Mentions nobody: it is for whoever looks after the channel."""
    what = f"Rollback of *{escape(clip_line(view.decision_id, 128))}*"
    by_hand = "Somebody has to undo it by hand; the app then says so with `rolled-back`."
    mended = "Undo it by hand, or mend the receiver and run `hitl redeliver`."
    sentences = {
        "open": f"{what} has been open for {_age(body)}: the app has not said that it undid what it did.",
        "failed": f"{what} failed: the app could not undo what it did. {by_hand}",
        "no_receiver": f"{what}: the app has no receiver, so nobody asks it to undo what it did. {by_hand}",
        "gone": f"{what}: the app's receiver is gone (410), so nobody rolls this back by itself. {mended}",
        "dead": f"{what}: the request could not be delivered to the app, so nobody rolls this back by itself. {mended}",
    }
    return sentences[str(body["told"])]


def _age(body: Mapping[str, Any]) -> str:
    return f"{max(int(body['hours']) // 24, 1)} d"


def _verdict(view: CardView) -> Message:
    outcome = view.outcome
    if outcome is None:
        return _spoken(view, "The verdict was taken back.")
    said = phrases.done(view)
    done = f"{phrases.VERDICT_EMOJI[outcome.verdict]} *{said[outcome.verdict]}*"
    how = " as adjudicator" if outcome.adjudicated else ""
    words = f"{done} by {phrases.mentions(outcome.decided_by)}{how}."
    if view.former is not None:
        words = f"Changed: {words} Before: {said[view.former.verdict].lower()}."
    blocks: list[Block] = [section("notice", words)]
    if outcome.reason:
        blocks.append(rich_text("reason", [bold_line("Reason"), element(outcome.reason, 1_000, 15)]))
    return Message(text=f"{words} {escape(clip_line(outcome.reason or '', 200))}".strip(), blocks=blocks)
