"""Short private sentences (mrkdwn) to one person: why a click did nothing, and what to do."""

from collections.abc import Sequence
from datetime import datetime

from bot.slack import phrases
from bot.slack.text import clip_line
from bot.slack.view import CardView
from routing.checks import CheckResult, CheckStatus
from routing.policy import Circle

MOST_NAMED = 5
UNKNOWN_REVIEW = "This review does not exist any more, so nothing was changed."
CANNOT_CHECK_NOW = "Slack could not confirm just now that you may review this. Nothing was changed; please try again."
ANSWER_FIRST = "Here people answer before they see what the model wrote: use *Write the answer*. Nothing was changed."
BLIND_VOTES = (
    "Several people have to agree on this, and nobody is to see how the others vote: use the buttons of the card. "
    "Nothing was changed."
)
UNDO_OVER = "The time for an undo is over and the app has been told. *Change verdict…* is in the card's menu."
SKIPPED = "Skipped: it is left to the others."
DISPUTED = "Your vote is in, and opinions differ: an adjudicator has to settle it now."
CHANGED = "The verdict is changed, and the app is told."

_REFUSALS: dict[str, str] = {
    "not_a_reviewer": "You are not a reviewer of this task, so nothing was changed.",
    "own_request": "The model acts for you here, so somebody else has to review it. Nothing was changed.",
    "named_reviewers_only": (
        "High and critical risk is decided by the reviewers whom the policy names, so nothing was changed."
    ),
    "adjudicators_only": "Only an adjudicator can settle this, so nothing was changed.",
    "may_not_adjust": "Only an adjudicator of the task can decide this, so nothing was changed.",
    "already_voted": "Your vote is in, and others have to vote now. Nothing was changed.",
    "voted_before": "You have voted on this, so another adjudicator has to settle it. Nothing was changed.",
    "second_opinion": "You have judged this decision before, so the second opinion is another's. Nothing was changed.",
    "content_removed": "What this was about was removed at the end of its retention, so it stays as it is.",
    "unknown_now": CANNOT_CHECK_NOW,
}
_NOT_THEIRS = "Only who may decide this can give or take it; choose one of its reviewers."
_MAY_NOT_TAKE: dict[str, str] = {
    "not_a_reviewer": _NOT_THEIRS,
    "named_reviewers_only": "High and critical risk goes only from and to reviewers whom the policy names.",
    "adjudicators_only": "A dispute goes only from and to adjudicators.",
    "own_request": "Nobody for whom the model acts can have this; choose somebody else.",
    "already_voted": "Nobody who has voted can have this; choose somebody else.",
    "voted_before": "Nobody who has voted can settle this; choose another adjudicator.",
    "second_opinion": "Nobody who has judged this decision can have the second opinion; choose somebody else.",
    "content_removed": "What this was about was removed at the end of its retention, so it stays as it is.",
    "unknown_now": "Slack could not confirm just now who may review this; please try again.",
}


def not_allowed(why: str, circle: Circle | None = None) -> str:
    """Why a person may not act. `circle`: who may instead, as the policy says."""
    others = _named(circle) if circle else []
    return f"{_REFUSALS[why]} Ask {_listed(others)}." if others else _REFUSALS[why]


def may_not_take(why: str) -> str:
    """The same for a review that changes hands. Plain text, to stand beside a field."""
    return _MAY_NOT_TAKE[why]


def voted(missing: int) -> str:
    """After a vote that does not decide yet."""
    needed = "1 more is" if missing == 1 else f"{missing} more are"
    return f"Your vote is in; {needed} needed. Until then nobody sees what you said."


def claimed(until: datetime) -> str:
    return f"You have this until {phrases.moment(until)}. Others see that, and may still decide."


def taken(user_id: str, since: datetime) -> str:
    return f"{phrases.mention(user_id)} has it since {phrases.moment(since)}, so nothing was changed."


def released(former: str | None, user_id: str) -> str:
    """`former`: who had it until `user_id` released it; None where nobody did."""
    if former is None:
        return "Nobody had claimed this."
    whose = "your claim" if former == user_id else f"the claim of {phrases.mention(former)}"
    return f"Released: {whose} is over, and anybody can take it."


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
        done = phrases.done(view)[view.outcome.verdict].lower()
        what = f"looked at this: {done}" if view.is_audit else f"{done} this"
        said = f"{phrases.mentions(view.outcome.decided_by)} already {what}"
        if view.state == "held" and view.released_at:
            return f"{said}; it is held until {phrases.moment(view.released_at)}. Nothing was changed."
        return f"{said}, {phrases.moment(view.outcome.decided_at)}. Nothing was changed."
    if view.waits:
        return "This waits for a verdict again. Nothing was changed."
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
