"""The card of an alert: one message, rendered from the database whenever it is sent."""

from dataclasses import dataclass
from datetime import timedelta

from bot.alerts import since_alert
from bot.slack import limits, phrases
from bot.slack.blocks import (
    Block,
    Element,
    bold_line,
    button,
    header,
    line,
    quote,
    rich_text,
    section,
    web_address,
    words,
)
from bot.slack.card import Message
from bot.slack.proposal import element
from bot.slack.text import CLIP_MARKER, clip_line, clipped_body, escape, rendered_size, share, visible
from routing.decision import Risk
from routing.redaction import Placeholders, redaction
from store.alerts import Alert

ACKNOWLEDGE = "alert.acknowledge"
ROOT_CAUSE = "alert.root_cause"

_ROOM, _LINES = 7_000, 40
_CUT = "… cut here: there is no room for the rest."
_STATUS = {"open": "Alert", "acknowledged": "Alert, acknowledged", "resolved": "Resolved"}
_REMOVED = "(its text has been removed)"


@dataclass(frozen=True, slots=True)
class AlertView:
    """An alert with its texts as they may be shown. Every one of them is untrusted."""

    alert: Alert
    title: str
    detail: str
    url: str | None
    cause: str | None
    mitigation: str | None


def alert_view(alert: Alert, redact: tuple[str, ...]) -> AlertView:
    """`redact`: what the policy hides from people."""
    placeholders = Placeholders(redaction(redact))
    texts = {name: placeholders.hide(alert.content.get(name)) for name in ("title", "detail", "url")}
    said = {name: placeholders.hide(alert.content.get(name)) for name in ("cause", "mitigation")}
    return AlertView(
        alert,
        title=texts["title"] or _REMOVED,
        detail=texts["detail"] or _REMOVED,
        url=None if texts["url"] is None else web_address(texts["url"]),
        cause=said["cause"],
        mitigation=said["mitigation"],
    )


def render_alert(view: AlertView) -> Message:
    status = view.alert.status
    title = f"{_STATUS[status]}: {view.title}"
    blocks: list[Block] = [
        header(f"alert.{status}.header", title),
        section(f"alert.{status}.facts", "\n".join(_facts(view.alert))),
        rich_text(f"alert.{status}.texts", _texts(view)),
    ]
    if status != "resolved":
        blocks.append(_actions(view.alert))
    return Message(_spoken(view, title), blocks)


def about(view: AlertView) -> Block:
    """What a form is about."""
    return rich_text("about", [bold_line(view.title), element(view.detail, 500, 5)])


def _facts(alert: Alert) -> list[str]:
    risk = Risk(alert.severity)
    task = f" · {escape(alert.task_type)}" if alert.task_type else ""
    by = "this bot" if alert.app is None else f"*{escape(clip_line(alert.app, 64))}*"
    lines = [
        f"{phrases.RISK_EMOJI[risk]} *{risk.value.capitalize()} severity*{task}",
        f"🚨 Raised by {by}, {phrases.moment(alert.created_at)}",
    ]
    if alert.acknowledged_by and alert.acknowledged_at:
        taken = f"{phrases.mention(alert.acknowledged_by)}, {phrases.moment(alert.acknowledged_at)}"
        lines.append(f"👀 Acknowledged by {taken}")
    if alert.status == "open":
        lines.append("⏳ Nobody has taken it yet.")
    return [*lines, *_recovery(alert)]


def _recovery(alert: Alert) -> list[str]:
    if not (alert.resolved_by and alert.resolved_at and alert.began_at and alert.recovered_at):
        return []
    after, later = alert.recovered_at - alert.began_at, since_alert(alert, alert.recovered_at)
    return [
        f"✅ Resolved by {phrases.mention(alert.resolved_by)}, {phrases.moment(alert.resolved_at)}",
        f"🕒 Wrong from {phrases.moment(alert.began_at)} to {phrases.moment(alert.recovered_at)}: "
        f"recovered after *{duration(after)}*, {duration(later)} after the alert",
    ]


def duration(time: timedelta) -> str:
    """In the two largest units, down to minutes."""
    minutes = int(time.total_seconds()) // 60
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min" if minutes else "less than a minute"


def _texts(view: AlertView) -> list[Element]:
    """All of what people said and what was seen, as far as a message has room."""
    parts = [
        ("Root cause", view.cause or "", None),
        ("Mitigation", view.mitigation or "", None),
        ("What was seen", view.detail, view.url),
    ]
    told = [part for part in parts if part[1]]
    needs = [rendered_size(visible(text[: limits.BLOCK_TEXT])) + CLIP_MARKER for _, text, _ in told]
    elements: list[Element] = []
    for (title, text, url), room in zip(told, share(_ROOM, needs), strict=True):
        shown, rest = clipped_body(text, room, _LINES)
        elements += [bold_line(title, url), quote(shown), *([line([words(_CUT)])] if rest else [])]
    return elements


def _actions(alert: Alert) -> Block:
    root_cause = button(ROOT_CAUSE, "Root cause…", alert.review_id)
    acknowledge = button(ACKNOWLEDGE, "Acknowledge", alert.review_id, style="primary")
    buttons = [acknowledge, root_cause] if alert.status == "open" else [root_cause]
    return {"type": "actions", "block_id": f"alert.{alert.status}.actions", "elements": buttons}


def _spoken(view: AlertView, title: str) -> str:
    """What notifications and screen readers say."""
    spoken = [f"{escape(clip_line(title, limits.HEADER_TEXT))} – {view.alert.severity} severity."]
    if view.cause:
        spoken.append(f"Root cause: {escape(clip_line(view.cause, 300))}")
    return "\n".join([*spoken, escape(clip_line(view.detail, 500))])


def taken(alert: Alert) -> str:
    """mrkdwn for who comes too late."""
    if alert.status == "resolved" and alert.resolved_by and alert.resolved_at:
        who, when, what = alert.resolved_by, alert.resolved_at, "resolved"
    else:
        who, when, what = alert.acknowledged_by or "", alert.acknowledged_at or alert.created_at, "acknowledged"
    return f"{phrases.mention(who)} already {what} this, {phrases.moment(when)}. Nothing was changed."
