"""Short private sentences (mrkdwn) to one person: why a click did nothing, and what to do."""

from collections.abc import Sequence
from typing import Literal

from bot.slack import phrases
from bot.slack.text import clip_line
from bot.slack.view import CardView
from routing.checks import CheckResult, CheckStatus
from routing.policy import Circle

Refusal = Literal["not_a_reviewer", "own_request", "named_reviewers_only"]

MOST_NAMED = 5
UNKNOWN_REVIEW = "This review does not exist any more, so nothing was changed."
CANNOT_CHECK_NOW = "Slack could not confirm just now that you may review this. Nothing was changed; please try again."

_REFUSALS: dict[Refusal, str] = {
    "not_a_reviewer": "You are not a reviewer of this task, so nothing was changed.",
    "own_request": "The model acts for you here, so somebody else has to review it. Nothing was changed.",
    "named_reviewers_only": (
        "High and critical risk is decided by the reviewers whom the policy names, so nothing was changed."
    ),
}


def not_allowed(why: Refusal, circle: Circle | None) -> str:
    """`circle`: who may decide instead, as the policy says."""
    others = _named(circle) if circle else []
    return f"{_REFUSALS[why]} Ask {_listed(others)}." if others else _REFUSALS[why]


def _named(circle: Circle) -> list[str]:
    """Slack notifies nobody of a mention in a private answer."""
    named = [phrases.mention(user) for user in sorted(circle.users)]
    if circle.usergroup:
        named.append(f"<!subteam^{circle.usergroup}>")
    return [*named, "a full member of the channel"] if circle.channel_members else named


def _listed(names: list[str]) -> str:
    if len(names) > MOST_NAMED:
        return f"{', '.join(names[:MOST_NAMED])} and others"
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def already_closed(view: CardView) -> str:
    """For a click or a form that came too late: who decided, when and what, or how it ended without a person."""
    if view.outcome is not None:
        done = phrases.VERDICT_DONE[view.outcome.verdict].lower()
        who = phrases.mentions(view.outcome.decided_by)
        return f"{who} already {done} this, {phrases.moment(view.outcome.decided_at)}. Nothing was changed."
    if view.state == "cancelled":
        return "The app withdrew this, so there is nothing left to decide."
    return f"This timed out before anybody decided. {phrases.WHAT_THE_APP_DOES[view.disposition]}"


def checks_failed(failures: Sequence[CheckResult]) -> str:
    """An edited output is released only if it passes the task's checks. Plain text, to stand beside a field."""
    listed = "; ".join(clip_line(_failure(failure), 200) for failure in failures[:5])
    return f"Your edit was not released: {listed}. Please change it and send it again."


def _failure(failure: CheckResult) -> str:
    what = "failed" if failure.status is CheckStatus.FAILED else "could not run"
    return f"check {failure.id} {what} ({failure.message})"
