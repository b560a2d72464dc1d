"""What Slack sends when a person acts, read once into plain data. Ids only; everything else is looked up again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.reviewing import Reviewer
from bot.slack.card import review_of
from store.cards import Place


@dataclass(frozen=True, slots=True)
class Click:
    """A click on a card's button or overflow."""

    reviewer: Reviewer
    review_id: str
    trigger_id: str
    response_url: str | None
    place: Place | None
    """The message that was clicked on."""

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> "Click":
        action = body["actions"][0]
        message = body.get("message") or {}
        channel = (body.get("channel") or {}).get("id")
        return cls(
            reviewer=reviewer_of(body),
            review_id=str(action.get("value") or review_of(str(action.get("block_id", "")))),
            trigger_id=str(body["trigger_id"]),
            response_url=body.get("response_url"),
            place=Place(channel, str(message["ts"])) if channel and message.get("ts") else None,
        )


@dataclass(frozen=True, slots=True)
class Submission:
    """A form that was sent."""

    reviewer: Reviewer
    review_id: str
    view_id: str
    blocks: list[dict[str, Any]]
    values: dict[str, dict[str, dict[str, Any]]]

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> "Submission":
        view = body["view"]
        return cls(
            reviewer=reviewer_of(body),
            review_id=_review_in(str(view.get("private_metadata") or "")),
            view_id=str(view["id"]),
            blocks=list(view.get("blocks") or []),
            values=dict((view.get("state") or {}).get("values") or {}),
        )


def reviewer_of(body: Mapping[str, Any]) -> Reviewer:
    """On Enterprise Grid an org-wide app gets no `team`; the person's own is then in `user`."""
    user = body["user"]
    team = (body.get("team") or {}).get("id") or user.get("team_id") or ""
    return Reviewer(str(team), str(user["id"]))


def _review_in(private_metadata: str) -> str:
    try:
        found = json.loads(private_metadata)
    except ValueError:
        return ""
    return str(found.get("review", "")) if isinstance(found, dict) else ""
