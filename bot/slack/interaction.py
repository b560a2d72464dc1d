"""What Slack sends when a person acts, read once into plain data. Ids only; everything else is looked up again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.reviewing.people import Reviewer
from bot.slack.card import review_of
from store.messages import Place

Values = dict[str, dict[str, dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class OpenView:
    """The modal or Home that was acted in. `private` is what we gave it to carry."""

    id: str
    hash: str
    callback_id: str
    private: Mapping[str, Any]
    blocks: list[dict[str, Any]]
    values: Values
    root_id: str = ""
    """The first view of the stack that it is in."""

    @classmethod
    def from_json(cls, view: Mapping[str, Any]) -> "OpenView":
        return cls(
            id=str(view["id"]),
            hash=str(view.get("hash", "")),
            callback_id=str(view.get("callback_id", "")),
            private=_private(str(view.get("private_metadata") or "")),
            blocks=list(view.get("blocks") or []),
            values=dict((view.get("state") or {}).get("values") or {}),
            root_id=str(view.get("root_view_id") or ""),
        )


@dataclass(frozen=True, slots=True)
class Click:
    """A click on a button or in an overflow: of a message, of a modal, or of App Home."""

    reviewer: Reviewer
    action_id: str
    value: str
    """The button's; of an overflow the chosen option's."""
    review_id: str
    """Of a card, or of the modal that is about a review; else empty."""
    trigger_id: str
    response_url: str | None = None
    place: Place | None = None
    """The message that was clicked on."""
    thread: str | None = None
    """The ts of the thread that this message is in."""
    view: OpenView | None = None

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> "Click":
        action = body["actions"][0]
        message = body.get("message") or {}
        channel = (body.get("channel") or {}).get("id")
        view = OpenView.from_json(body["view"]) if body.get("view") else None
        chosen = (action.get("selected_option") or {}).get("value")
        value = str(chosen or action.get("value") or "")
        return cls(
            reviewer=reviewer_of(body),
            action_id=str(action.get("action_id", "")),
            value=value,
            review_id=_review(action, view),
            trigger_id=str(body["trigger_id"]),
            response_url=body.get("response_url"),
            place=Place(channel, str(message["ts"])) if channel and message.get("ts") else None,
            thread=message.get("thread_ts"),
            view=view,
        )


@dataclass(frozen=True, slots=True)
class Submission:
    """A form that was sent."""

    reviewer: Reviewer
    trigger_id: str
    view: OpenView
    place: None = None
    """A form is in no channel, and has no URL to answer to."""
    response_url: None = None

    @property
    def review_id(self) -> str:
        return str(self.view.private.get("review", ""))

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> "Submission":
        return cls(reviewer_of(body), str(body.get("trigger_id", "")), OpenView.from_json(body["view"]))


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A global or a message shortcut; `message` is what it was used on, as Slack gives it."""

    reviewer: Reviewer
    trigger_id: str
    place: Place | None = None
    message: Mapping[str, Any] = field(default_factory=dict)
    response_url: str | None = None

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> "Shortcut":
        message = body.get("message") or {}
        channel = (body.get("channel") or {}).get("id")
        place = Place(channel, str(message["ts"])) if channel and message.get("ts") else None
        return cls(reviewer_of(body), str(body["trigger_id"]), place, message, body.get("response_url"))


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command: what was written behind its name. It is answered by its own URL, which reaches its asker in any
    channel, also where this bot is not."""

    reviewer: Reviewer
    text: str
    response_url: str | None
    place: None = None

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> "Command":
        reviewer = Reviewer(str(body.get("team_id") or ""), str(body["user_id"]))
        return cls(reviewer, str(body.get("text") or ""), body.get("response_url"))


def reviewer_of(body: Mapping[str, Any]) -> Reviewer:
    """On Enterprise Grid an org-wide app gets no `team`; the person's own is then in `user`."""
    user = body["user"]
    team = (body.get("team") or {}).get("id") or user.get("team_id") or ""
    return Reviewer(str(team), str(user["id"]))


def _review(action: Mapping[str, Any], view: OpenView | None) -> str:
    if view is not None and view.private.get("review"):
        return str(view.private["review"])
    return str(action.get("value") or review_of(str(action.get("block_id", ""))))


def _private(private_metadata: str) -> Mapping[str, Any]:
    try:
        found = json.loads(private_metadata)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
