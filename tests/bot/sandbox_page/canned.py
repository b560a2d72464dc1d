"""A small world in the shapes of the page's protocol: two people, a bot, a card, a thread and a modal."""

from typing import Any

Json = dict[str, Any]

ADA: Json = {"id": "U0ADA", "name": "ada", "real_name": "Ada", "color": "#4a154b", "is_bot": False}
BEN: Json = {"id": "U0BEN", "name": "ben", "real_name": "Ben", "color": "#1264a3", "is_bot": False}
BOT: Json = {"id": "U0BOT", "name": "hitl", "real_name": "HITL", "color": "#3f46ad", "is_bot": True}
REVIEW = "C0REVIEW"
CARD_TS = "1795255200.000100"
"""2026-11-21 10:00 UTC"""


def channel(channel_id: str, name: str, **changes: Any) -> Json:
    base = {"is_im": False, "is_private": False, "is_archived": False, "topic": "", "member": True}
    return {"id": channel_id, "name": name, **base, **changes}


def message(ts: str, text: str, **changes: Any) -> Json:
    base = {"channel": REVIEW, "user": "U0BEN", "username": "", "blocks": [], "is_bot": False}
    return {"ts": ts, "text": text, "reply_count": 0, "reply_users": [], **base, **changes}


def from_bot(ts: str, text: str, blocks: list[Json], **changes: Any) -> Json:
    return message(ts, text, user="U0BOT", is_bot=True, blocks=blocks, **changes)


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def option(value: str, **changes: Any) -> Json:
    return {"text": plain(value.capitalize()), "value": value, **changes}


def button(action_id: str, text: str, **changes: Any) -> Json:
    return {"type": "button", "action_id": action_id, "text": plain(text), "value": "rev-1", **changes}


def card_blocks() -> list[Json]:
    more = {"type": "overflow", "action_id": "more", "options": [option("details"), option("skip")]}
    sure = {"title": plain("Reject this?"), "text": mrkdwn("The app is told *at once*."), "style": "danger"}
    buttons = [
        button("approve", "Approve", style="primary"),
        button("edit", "Edit"),
        button("reject", "Reject", style="danger", confirm={**sure, "confirm": plain("Reject"), "deny": plain("Back")}),
        more,
    ]
    fields = [mrkdwn("*Confidence*\n0.62, right about 7 times in 10"), mrkdwn("*Risk*\n:large_orange_circle: high")]
    return [
        {"type": "header", "block_id": "title", "text": plain("Refund of 120 for customer-41")},
        {
            "type": "section",
            "block_id": "ask",
            "text": mrkdwn("*Asked:* I want my money back &amp; an apology <@U0ADA>"),
        },
        {"type": "section", "block_id": "facts", "fields": fields},
        {"type": "context", "block_id": "why", "elements": [mrkdwn("Why here: `confidence.below` 0.62 &lt; 0.95")]},
        {"type": "actions", "block_id": "verdict", "elements": buttons},
    ]


def text_input(block_id: str, label: str, **element: Any) -> Json:
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain(label),
        "element": {"type": "plain_text_input", "action_id": "value", **element},
    }


def edit_view(view_id: str = "V1", **changes: Any) -> Json:
    categories = {
        "type": "static_select",
        "action_id": "value",
        "placeholder": plain("Choose a category"),
        "options": [option("tone"), option("policy")],
    }
    blocks = [
        {"type": "section", "block_id": "intro", "text": mrkdwn("_Ben_ claimed this 2 min ago.")},
        text_input("answer", "Answer", multiline=True, initial_value="Refund 120", max_length=40),
        {"type": "input", "block_id": "category", "label": plain("Category"), "element": categories},
        {**text_input("reason", "Reason"), "optional": True, "hint": plain("Kept with the record")},
    ]
    base = {"type": "modal", "id": view_id, "hash": "h1", "callback_id": "edit", "previous_view_id": None}
    titles = {"title": plain("Correct this"), "submit": plain("Save"), "close": plain("Cancel")}
    return {**base, **titles, "blocks": blocks, **changes}


def home_view() -> Json:
    blocks = [
        {"type": "header", "block_id": "h", "text": plain("Waiting for you")},
        {"type": "actions", "block_id": "a", "elements": [button("start", "Start reviewing", style="primary")]},
    ]
    return {"type": "home", "id": "V0HOME", "hash": "h1", "blocks": blocks}


def state(as_user: str) -> Json:
    people = [ADA, BEN]
    me = next(person for person in people if person["id"] == as_user)
    return {
        "team": {"name": "Sandbox"},
        "me": me,
        "people": people,
        "bot": BOT,
        "usergroups": [{"id": "S0LEADS", "handle": "leads"}],
        "channels": [
            channel(REVIEW, "ai-review", topic="Decisions that wait for a person"),
            channel("C0REFUND", "refunds"),
            channel(f"D{as_user}", "hitl", is_im=True, user=as_user),
        ],
        "views": [],
        "home": None,
        "commands": [{"command": "/hitl-stats", "description": "The metrics"}],
        "shortcuts": [
            {"name": "Send for review", "callback_id": "send_for_review", "type": "message"},
            {"name": "Review queue", "callback_id": "review_queue", "type": "global"},
        ],
    }


def messages() -> list[Json]:
    hello = message("1795168800.000100", "Good morning, <@U0ADA>. See <https://example.com/guide|the *guide*>")
    card = from_bot(CARD_TS, "Refund of 120: high risk", card_blocks(), reply_count=1, reply_users=["U0BEN"])
    reply = message("1795255260.000100", "Looks *too high* to me", thread_ts=CARD_TS)
    return [hello, {**card, "latest_reply": reply["ts"]}, reply]
