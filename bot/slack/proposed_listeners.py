"""What happens when a person applies, declines or undoes an adjustment in Slack."""

from collections.abc import Awaitable, Callable

from slack_bolt.async_app import AsyncApp

from bot.adjusting import Adjusted, Refused
from bot.proposals import Declined, Proposals, Result, TooLateForProposal
from bot.reviewing.people import Refusal, Reviewer
from bot.slack import notices
from bot.slack.interaction import Click
from bot.slack.proposed import APPLY, DECLINE, UNDO, outcome
from bot.slack.reception import Listener, Reception
from bot.slack.text import clip_line, escape
from bot.slack.verdict_forms import refused
from store.adjustments import Proposal

_UNKNOWN = "This proposal does not exist any more, so nothing was changed."
_MOST_SAID = 1_000


class ProposalListeners:
    def __init__(self, *, reception: Reception, proposals: Proposals) -> None:
        self._reception, self._proposals = reception, proposals

    def register(self, app: AsyncApp) -> None:
        app.action(APPLY)(self._listener(self._proposals.apply))
        app.action(DECLINE)(self._listener(self._proposals.decline))
        app.action(UNDO)(self._listener(self._proposals.undo))

    def _listener(self, act: Callable[[Proposal, Reviewer], Awaitable[Result]]) -> Listener:
        async def clicked(click: Click) -> None:
            proposal = await self._proposals.find(click.value)
            if proposal is None:
                await self._reception.private.tell(click, _UNKNOWN)
                return
            sentence = _told(await act(proposal, click.reviewer), click.reviewer)
            if sentence is not None:
                await self._reception.private.tell(click, sentence)

        return self._reception.click(clicked)


def _told(result: Result, reviewer: Reviewer) -> str | None:
    """mrkdwn for the one who clicked; None where the message itself says it all."""
    match result:
        case Adjusted() | Declined():
            return None
        case Refusal("adjudicators_only", circle):
            return notices.not_allowed("may_not_adjust", circle)
        case Refusal() as refusal:
            return refused(refusal)
        case Refused(reason):
            return escape(clip_line(reason, _MOST_SAID))
        case TooLateForProposal(proposal) if reviewer.actor in (proposal.decided_by, proposal.undone_by):
            return None  # the same click twice
        case TooLateForProposal(proposal):
            return f"You are too late, and nothing was changed. {outcome(proposal)}"
