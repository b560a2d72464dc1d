"""What happens when a person clicks or sends a form.

Each listener acknowledges first (Slack waits 3 s), then asks the service, then tells the person. A body that fails
after its acknowledgement must not raise into Bolt, which would answer 404: every failure becomes a private answer.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import Clock
from bot.metrics import Metrics
from bot.reviewing import Case, ChecksFailed, Decided, Refusal, Reviewing, TooLate
from bot.slack import edit_modal, notices, reject_modal
from bot.slack.details_modal import details_modal
from bot.slack.interaction import Click, Submission
from bot.slack.messages import SLACK_TROUBLE, Messages, error_code
from bot.slack.modal import FieldErrors, View, loading_modal
from bot.slack.present import card_view, rubric_view
from bot.slack.private import PrivateAnswers
from bot.slack.returned_modal import returned_modal, typed_texts
from bot.slack.text import clip, escape, one_line
from bot.slack.view import CardView, RubricView
from routing.review import Approve, Edit, Reject, ReviewState, Verdict
from store.cards import AdoptMessage, CardStore, Place, RefreshCard
from store.reviews import VerdictRecord
from store.writer import Writer

log = structlog.get_logger(__name__)

Result = TypeVar("Result")

# A form must be opened within 3 s of the click and answered within 3 s of its submission.
_OPEN_WITHIN = 1.0
_ANSWER_WITHIN = 2.0

# What failed may have been the answer and not the act, so this does not claim that nothing was changed.
_FAILED = "Something went wrong on our side. If the card is still open in a moment, please try again."
_EXPIRED = "Slack gave up before the form could open. Nothing was changed; please click again."


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a submission: the form closes, shows errors beside its fields, or becomes another view."""

    errors: dict[str, str] | None = None
    view: View | None = None

    def as_ack(self) -> dict[str, Any]:
        if self.errors is not None:
            return {"response_action": "errors", "errors": self.errors}
        if self.view is not None:
            return {"response_action": "update", "view": self.view}
        return {"response_action": "clear"}


class Listeners:
    def __init__(
        self,
        *,
        client: AsyncWebClient,
        reviewing: Reviewing,
        messages: Messages,
        cards: CardStore,
        writer: Writer,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._client, self._reviewing, self._messages = client, reviewing, messages
        self._cards, self._writer = cards, writer
        self._clock, self._metrics = clock, metrics
        self._private = PrivateAnswers(client)
        self._under_way: set[asyncio.Task[Any]] = set()

    def register(self, app: AsyncApp) -> None:
        app.action("review.approve")(self._listener(self._approve))
        app.action("review.edit")(self._listener(self._open_edit))
        app.action("review.reject")(self._listener(self._open_reject))
        app.action("review.more")(self._listener(self._open_details))
        app.view(edit_modal.CALLBACK)(self._form(self._send_edit))
        app.view(reject_modal.CALLBACK)(self._form(self._send_reject))
        app.action(re.compile(".*"))(_only_acknowledge)
        app.event({"type": "message", "subtype": "message_deleted"})(self._deleted)
        app.event(re.compile(".*"))(_only_acknowledge)

    async def stop(self) -> None:
        """Waits for what was acknowledged and is not yet done."""
        await asyncio.gather(*self._under_way, return_exceptions=True)

    # Clicks ---------------------------------------------------------------------------------------------------------

    def _listener(self, act: Callable[[Click, Case], Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def listen(ack: AsyncAck, body: dict[str, Any]) -> None:
            await ack()
            await self._track(self._click(Click.from_body(body), act))

        return listen

    async def _click(self, click: Click, act: Callable[[Click, Case], Awaitable[None]]) -> None:
        try:
            case = await self._case(click)
            if case is None:
                await self._private.tell(click, notices.UNKNOWN_REVIEW)
                return
            await act(click, case)
            # Only now: the trigger of a form does not wait for anything.
            await self._settle_place(click, case)
        except SLACK_TROUBLE as error:
            await self._tell_refused(click, error_code(error))
        except Exception:
            log.exception("slack.click.failed")
            await self._private.tell(click, _FAILED)

    async def _case(self, click: Click) -> Case | None:
        """The review as it is now. A card that Slack shows before its posting was noted, or whose posting was never
        confirmed, is known from here on: its channel says who may decide."""
        case = await self._reviewing.case(click.review_id)
        if case is None or click.place is None or case.review.message_channel is not None:
            return case
        await self._writer.submit(AdoptMessage(case.review.pk, click.place))
        return await self._reviewing.case(click.review_id)

    async def _tell_refused(self, click: Click, code: str) -> None:
        log.warning("slack.click.failed", error=code)
        if code not in _TRIGGER_USED:
            await self._private.tell(click, _EXPIRED if code in _TRIGGER_GONE else _FAILED)

    async def _approve(self, click: Click, case: Case) -> None:
        match await self._reviewing.decide(case, click.reviewer, Approve()):
            case Decided(given):
                self._count(case, given)
            case TooLate(current):
                await self._refresh(current)
                await self._private.tell(click, notices.already_closed(self._view(current)))
            case Refusal() as refusal:
                await self._private.tell(click, _refused(refusal))
            case ChecksFailed():
                raise AssertionError("an approval is not checked again")

    async def _open_edit(self, click: Click, case: Case) -> None:
        await self._open_form(click, case, edit_modal.edit_modal, "Edit")

    async def _open_reject(self, click: Click, case: Case) -> None:
        await self._open_form(click, case, reject_modal.reject_modal, "Reject")

    async def _open_details(self, click: Click, case: Case) -> None:
        await self._client.views_open(trigger_id=click.trigger_id, view=details_modal(self._view(case)))

    async def _open_form(
        self, click: Click, case: Case, build: Callable[[CardView, RubricView], View], title: str
    ) -> None:
        if case.review.state != ReviewState.OPEN:
            await self._refresh(case)
            await self._private.tell(click, notices.already_closed(self._view(case)))
            return
        asked = self._track(self._reviewing.refusal(case, click.reviewer))
        await asyncio.wait({asked}, timeout=_OPEN_WITHIN)
        form = build(self._view(case), rubric_view(self._reviewing.task(case)))
        if asked.done():
            refusal = asked.result()
            if refusal is None:
                await self._client.views_open(trigger_id=click.trigger_id, view=form)
            else:
                await self._private.tell(click, _refused(refusal))
            return
        # Slack is slow to say who belongs where: the form is opened while its trigger still holds, and filled later.
        opened = await self._client.views_open(trigger_id=click.trigger_id, view=loading_modal(title))
        refusal = await asked
        shown = form if refusal is None else returned_modal(title, _refused(refusal), [])
        await self._client.views_update(view_id=opened["view"]["id"], view=shown)

    async def _settle_place(self, click: Click, case: Case) -> None:
        """A click tells where a card is: the second one of a review goes away."""
        if click.place is None:
            return
        try:
            known = await self._cards.place_of(case.review.pk)
            if known not in (None, click.place):
                await self._messages.delete(click.place)
        except Exception as error:  # the click itself is done, and the next one tries this again
            log.warning("card.place.unsettled", error=type(error).__name__)

    async def _refresh(self, case: Case) -> None:
        """The person saw a card that was behind: it is sent once more."""
        await self._writer.submit(RefreshCard(case.review.pk, self._clock.now()))

    async def _deleted(self, ack: AsyncAck, event: dict[str, Any]) -> None:
        await ack()
        await self._track(self._show_again(Place(str(event["channel"]), str(event["deleted_ts"]))))

    async def _show_again(self, place: Place) -> None:
        """A message is gone. If it was the card of an open review, nobody could decide that any more."""
        try:
            review_pk = await self._cards.review_at(place)
            if review_pk is not None:
                await self._writer.submit(RefreshCard(review_pk, self._clock.now()))
        except Exception:
            log.exception("slack.event.failed")

    # Forms ----------------------------------------------------------------------------------------------------------

    def _form(self, send: Callable[[Submission, Case], Awaitable[Answer]]) -> Callable[..., Awaitable[None]]:
        async def listen(ack: AsyncAck, body: dict[str, Any]) -> None:
            submission = Submission.from_body(body)
            work = self._track(self._submit(submission, send))
            await asyncio.wait({work}, timeout=_ANSWER_WITHIN)
            if work.done():
                await ack(**work.result().as_ack())
                return
            await ack(response_action="update", view=loading_modal("Saving"))
            await self._track(self._answer_late(submission, work))

        return listen

    async def _submit(self, submission: Submission, send: Callable[[Submission, Case], Awaitable[Answer]]) -> Answer:
        try:
            case = await self._reviewing.case(submission.review_id)
            if case is None:
                return self._returned(submission, "Not found", notices.UNKNOWN_REVIEW)
            return await send(submission, case)
        except Exception:
            log.exception("slack.form.failed")
            return self._returned(submission, "Not saved", _FAILED)

    async def _answer_late(self, submission: Submission, work: "asyncio.Task[Answer]") -> None:
        answer = await work
        view = answer.view
        if answer.errors is not None:
            view = self._returned_with(submission, answer.errors).view
        if view is None:
            view = returned_modal("Saved", "Your verdict is recorded.", [])
        try:
            await self._client.views_update(view_id=submission.view_id, view=view)
        except SLACK_TROUBLE as error:
            log.warning("slack.form.unanswered", error=type(error).__name__)

    async def _send_edit(self, submission: Submission, case: Case) -> Answer:
        parsed = edit_modal.parse_edit(self._view(case), self._rubric(case), submission.values)
        if isinstance(parsed, FieldErrors):
            return self._with_errors(submission, case, parsed.errors)
        if not parsed.changed:
            return await self._decide(submission, case, Approve())
        edit = Edit(parsed.output, parsed.category, parsed.severity, parsed.labels, parsed.reason)
        return await self._decide(submission, case, edit)

    async def _send_reject(self, submission: Submission, case: Case) -> Answer:
        parsed = reject_modal.parse_reject(self._view(case), self._rubric(case), submission.values)
        if isinstance(parsed, FieldErrors):
            return self._with_errors(submission, case, parsed.errors)
        reject = Reject(parsed.category, parsed.severity, parsed.labels, parsed.reason, parsed.correct_answer)
        return await self._decide(submission, case, reject)

    async def _decide(self, submission: Submission, case: Case, verdict: Verdict) -> Answer:
        match await self._reviewing.decide(case, submission.reviewer, verdict):
            case Decided(given):
                self._count(case, given)
                return Answer()
            case TooLate(repeated=True):
                return Answer()
            case TooLate(current):
                await self._refresh(current)
                return self._too_late(submission, current)
            case Refusal() as refusal:
                return self._returned(submission, "Not saved", _refused(refusal))
            case ChecksFailed(failures):
                return Answer(errors=edit_modal.check_errors(self._view(case), failures, submission.values))

    def _with_errors(self, submission: Submission, case: Case, errors: dict[str, str]) -> Answer:
        """Errors beside the fields, unless the review has closed and mending them would be in vain."""
        if case.review.state != ReviewState.OPEN:
            return self._too_late(submission, case)
        if errors.keys() <= {block["block_id"] for block in submission.blocks}:
            return Answer(errors=errors)
        # The form is of another version of this program, and Slack takes no errors for fields that it does not have.
        return self._returned_with(submission, errors)

    def _too_late(self, submission: Submission, case: Case) -> Answer:
        return self._returned(submission, "Already closed", notices.already_closed(self._view(case)))

    def _returned_with(self, submission: Submission, errors: dict[str, str]) -> Answer:
        """What would have stood beside the fields; it may quote them, so it is no mrkdwn of ours."""
        sentence = " ".join(escape(clip(one_line(error), 300)) for error in list(errors.values())[:5])
        return self._returned(submission, "Not saved", sentence)

    def _returned(self, submission: Submission, title: str, sentence: str) -> Answer:
        return Answer(view=returned_modal(title, sentence, typed_texts(submission.blocks, submission.values)))

    # Both -----------------------------------------------------------------------------------------------------------

    def _view(self, case: Case) -> CardView:
        return card_view(case, self._reviewing.task(case))

    def _rubric(self, case: Case) -> RubricView:
        return rubric_view(self._reviewing.task(case))

    def _count(self, case: Case, verdict: VerdictRecord) -> None:
        waited = (verdict.at - case.review.opened_at).total_seconds()
        self._metrics.decided(case.review.app, case.decision.task_type, verdict.verdict, waited)

    def _track(self, work: Coroutine[Any, Any, Result]) -> "asyncio.Task[Result]":
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task


_TRIGGER_GONE = frozenset({"expired_trigger_id", "trigger_expired"})
# The same click came twice, and the form is open already.
_TRIGGER_USED = frozenset({"exchanged_trigger_id", "trigger_exchanged"})


async def _only_acknowledge(ack: AsyncAck) -> None:
    """What needs no answer: a menu inside a form, an event that a workspace was set to send us."""
    await ack()


def _refused(refusal: Refusal) -> str:
    if refusal.reason == "unknown_now":
        return notices.CANNOT_CHECK_NOW
    return notices.not_allowed(refusal.reason, refusal.circle)
