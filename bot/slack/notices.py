"""Short private sentences (mrkdwn) to one person: why a click did nothing, and what to do."""

from typing import Literal

from bot.slack import phrases
from bot.slack.text import clip, one_line
from bot.slack.view import CardView

Refusal = Literal["not_a_reviewer", "own_request", "named_reviewers_only"]

UNKNOWN_REVIEW = "This review does not exist any more, so nothing was changed."
CANNOT_CHECK_NOW = "Slack could not confirm just now that you may review this. Nothing was changed; please try again."

_REFUSALS: dict[Refusal, str] = {
    "not_a_reviewer": "You are not a reviewer of this task, so nothing was changed. The policy names its reviewers.",
    "own_request": "The model acts for you here, so somebody else has to review it. Nothing was changed.",
    "named_reviewers_only": (
        "High and critical risk is decided by the reviewers whom the policy names, so nothing was changed."
    ),
}


def not_allowed(why: Refusal) -> str:
    return _REFUSALS[why]


def already_closed(view: CardView) -> str:
    """For a click or a form that came too late: who decided, when and what, or how it ended without a person."""
    if view.outcome is not None:
        done = phrases.VERDICT_DONE[view.outcome.verdict].lower()
        who = phrases.mentions(view.outcome.decided_by)
        return f"{who} already {done} this, {phrases.moment(view.outcome.decided_at)}. Nothing was changed."
    if view.state == "cancelled":
        return "The app withdrew this, so there is nothing left to decide."
    return f"This timed out before anybody decided. {phrases.WHAT_THE_APP_DOES[view.disposition]}"


def checks_failed(names: list[str]) -> str:
    """An edited output is released only if it passes the task's checks. Plain text, to stand beside a field."""
    listed = ", ".join(clip(one_line(name), 100) for name in names[:10])
    return f"Your edit was not released, because it fails these checks: {listed}. Please change it and send it again."
