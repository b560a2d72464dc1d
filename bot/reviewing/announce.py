"""What is said in a review's thread, as rows to be sent: the words are made when they are sent."""

from bot.reviewing.case import Case
from routing.policy import Circle
from routing.review import Cast, ReviewState
from store.messages import NewMessage, card_of
from store.reviews import VerdictRecord

SLACK_APP = "slack"
"""The app in whose name people send messages for review."""
NOTICE_URGENCY = 25
"""Between an escalation's card and a batch."""


def needs_a_card(case: Case, step: Cast) -> bool:
    """Whether a review that had none is shown to the channel now: adjudicators are to find it. A second opinion stays
    where the first verdict cannot be seen."""
    return step.state is ReviewState.DISPUTED and case.review.lane == "batch"


def after_vote(
    case: Case, step: Cast, record: VerdictRecord, *, settlers: Circle, aloud: bool, held: bool
) -> tuple[NewMessage, ...]:
    """`settlers`: who settles a dispute; `aloud`: a closing verdict is said in the thread too; `held`: it may still be
    taken back."""
    review = case.review
    messages: list[NewMessage] = []
    if needs_a_card(case, step):
        messages.append(card_of(review.pk, review.channel, review.urgency))
    if step.state is ReviewState.DISPUTED and review.lane != "blind":
        voted = {vote.user_id for vote in step.votes}
        whom = {"users": sorted(settlers.users - voted), "usergroup": settlers.usergroup}
        messages.append(notice(case, f"dispute.{record.round}", {"what": "dispute", **whom}))
    if step.state is ReviewState.DECIDED and (aloud or record.adjudicates) and review.lane != "blind":
        messages.append(echo(case, record))
    if step.state is ReviewState.DECIDED and not held:
        messages += answer(case, record.round)
    return tuple(messages)


def answer(case: Case, round_: int) -> tuple[NewMessage, ...]:
    """Who sent a message for review is told what became of it."""
    sender = case.decision.requested_by
    if case.review.app != SLACK_APP or sender is None:
        return ()
    return (notice(case, f"answer.{round_}", {"what": "verdict"}, sender),)


def echo(case: Case, record: VerdictRecord) -> NewMessage:
    """The verdict, said in the thread."""
    return notice(case, f"verdict.{record.round}", {"what": "verdict"})


def notice(case: Case, name: str, body: dict[str, object], channel: str | None = None) -> NewMessage:
    """Said once in the thread of the review's card; `name` tells it from the review's other notices."""
    review = case.review
    channel = channel or review.channel
    return NewMessage(f"{name}:{review.pk}@{channel}", "notice", channel, NOTICE_URGENCY, review.pk, body)
