"""What happens when a person clicks on a card, or sends a form that was opened from one.

Each listener asks the services and tells the person; how it is received and answered is `reception`'s.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.reviewing.case import Case, Cases
from bot.reviewing.claims import Claimed, Claims, HandedOver, Released, TakenBy
from bot.reviewing.eligibility import Eligibility
from bot.reviewing.people import Refusal, Reviewer
from bot.reviewing.verdicts import ChecksFailed, Decided, Result, Reviewing, TooLate, Undone
from bot.slack import change_modal, claim_modal, edit_modal, hand_over_modal, notices, reject_modal
from bot.slack.details_modal import details_modal
from bot.slack.interaction import Click, Submission
from bot.slack.messages import Messages
from bot.slack.modal import FieldErrors, View, loading_modal, notice_modal
from bot.slack.present import Presenter
from bot.slack.reception import OPEN_WITHIN, Answer, Reception, beside_fields, returned
from bot.slack.returned_modal import returned_modal
from bot.slack.verdict_forms import VerdictForms, Way, after_vote, close_form, refused
from bot.slack.walk_modal import Walk, carrying
from routing.review import WAITING, Approve, ReviewState
from store.messages import AdoptMessage, MessageStore
from store.writer import Writer

log = structlog.get_logger(__name__)

Act = Callable[[Click, Case], Awaitable[None]]


class CardListeners:
    def __init__(
        self,
        *,
        client: AsyncWebClient,
        reception: Reception,
        cases: Cases,
        eligibility: Eligibility,
        reviewing: Reviewing,
        claims: Claims,
        presenter: Presenter,
        forms: VerdictForms,
        messages: Messages,
        store: MessageStore,
        writer: Writer,
    ) -> None:
        self._client, self._reception, self._messages = client, reception, messages
        self._cases, self._eligibility = cases, eligibility
        self._reviewing, self._claims = reviewing, claims
        self._presenter, self._forms = presenter, forms
        self._store, self._writer = store, writer
        self._private = reception.private
        self._first, self._anew = Way(reviewing.decide, WAITING), Way(reviewing.change, (ReviewState.DECIDED,))

    def register(self, app: AsyncApp) -> None:
        for action, act in (
            ("review.approve", self._approve),
            ("review.edit", self._open_edit),
            ("review.reject", self._open_reject),
            ("review.undo", self._undo),
            ("review.more", self._more),
            ("change.approve", self._change_to_approve),
            ("change.edit", self._change_by_edit),
            ("change.reject", self._change_by_reject),
            ("edit.alternative", self._use_alternative),
        ):
            app.action(action)(self._reception.click(self._on_case(act)))
        for callback, send in (
            (edit_modal.CALLBACK, self._send_edit),
            (reject_modal.CALLBACK, self._send_reject),
            (edit_modal.CHANGE, self._send_changing_edit),
            (reject_modal.CHANGE, self._send_changing_reject),
            (claim_modal.CALLBACK, self._send_approval_all_the_same),
            (hand_over_modal.CALLBACK, self._send_hand_over),
        ):
            app.view(callback)(self._reception.form(send))

    def _on_case(self, act: Act) -> Callable[[Click], Awaitable[None]]:
        async def listen(click: Click) -> None:
            case = await self._case(click)
            if case is None:
                await self._private.tell(click, notices.UNKNOWN_REVIEW)
                return
            await act(click, case)
            # Only now: the trigger of a form does not wait for anything.
            await self._settle_place(click, case)

        return listen

    async def _case(self, click: Click) -> Case | None:
        """The review as it is now. A card that Slack shows before its posting was noted, or whose posting was never
        confirmed, is known from here on."""
        case = await self._cases.by_id(click.review_id)
        if case is None or click.place is None:
            return case
        if all(card.place is not None for card in case.review.cards):
            return case
        if any(card.place == click.place for card in case.review.cards):
            return case
        await self._writer.submit(AdoptMessage(case.review.pk, click.place))
        return await self._cases.by_id(click.review_id)

    # Verdicts -------------------------------------------------------------------------------------------------------

    async def _approve(self, click: Click, case: Case) -> None:
        view = self._presenter.form(case)
        if view.asks_for_answer:
            await self._private.tell(click, notices.ANSWER_FIRST)
            return
        taken = self._claims.taken_by_other(case, click.reviewer) if case.review.state in WAITING else None
        if taken is not None:
            await self._client.views_open(trigger_id=click.trigger_id, view=claim_modal.claim_modal(view))
            return
        await self._tell_result(click, case, await self._reviewing.decide(case, click.reviewer, Approve()))

    async def _tell_result(self, click: Click, case: Case, result: Result) -> None:
        match result:
            case Decided() as done:
                self._forms.count(case, done)
                sentence = after_vote(done)
                if sentence is not None:
                    await self._private.tell(click, sentence)
            case TooLate(current) as late:
                await self._forms.refresh(current)
                await self._private.tell(click, self._forms.too_late(late))
            case Refusal() as refusal:
                await self._private.tell(click, refused(refusal))
            case ChecksFailed():
                raise AssertionError("an approval is not checked again")

    async def _undo(self, click: Click, case: Case) -> None:
        match await self._reviewing.undo(case, click.reviewer):
            case Undone():
                pass  # the card is open again, for everybody to see
            case TooLate(current):
                await self._forms.refresh(current)
                await self._private.tell(click, notices.UNDO_OVER)
            case Refusal() as refusal:
                await self._private.tell(click, refused(refusal))

    # The overflow ---------------------------------------------------------------------------------------------------

    async def _more(self, click: Click, case: Case) -> None:
        acts: dict[str, Act] = {
            "claim": self._claim,
            "release": self._release,
            "hand_over": self._open_hand_over,
            "skip": self._skip,
            "change": self._open_change,
        }
        await acts.get(click.value, self._open_details)(click, case)

    async def _open_details(self, click: Click, case: Case) -> None:
        async def build() -> View:
            return details_modal(await self._presenter.card(case))

        await self._reception.open_view(click.trigger_id, "Details", build())

    async def _claim(self, click: Click, case: Case) -> None:
        match await self._claims.claim(case, click.reviewer):
            case Claimed(until):
                await self._private.tell(click, notices.claimed(until))
            case TakenBy(user_id, since):
                await self._private.tell(click, notices.taken(user_id, since))
            case TooLate() | Refusal() as late:
                await self._tell_result(click, case, late)

    async def _release(self, click: Click, case: Case) -> None:
        match await self._claims.release(case, click.reviewer):
            case Released(former):
                await self._private.tell(click, notices.released(former, click.reviewer.user_id))
            case TooLate() | Refusal() as late:
                await self._tell_result(click, case, late)

    async def _skip(self, click: Click, case: Case) -> None:
        late = await self._claims.skip(case, click.reviewer)
        if late is not None:
            await self._tell_result(click, case, late)
            return
        await self._private.tell(click, notices.SKIPPED)

    async def _open_hand_over(self, click: Click, case: Case) -> None:
        if case.review.state not in WAITING:
            await self._tell_result(click, case, TooLate(case, repeated=False))
            return
        form = hand_over_modal.hand_over_modal(self._presenter.form(case))
        await self._client.views_open(trigger_id=click.trigger_id, view=form)

    async def _open_change(self, click: Click, case: Case) -> None:
        async def build() -> View:
            refusal = await self._eligibility.refusal_to_change(case, click.reviewer)
            if refusal is not None:
                return notice_modal("Change verdict", refused(refusal))
            return change_modal.change_modal(self._presenter.form(case))

        if case.review.state != ReviewState.DECIDED:
            await self._tell_result(click, case, TooLate(case, repeated=False))
            return
        await self._reception.open_view(click.trigger_id, "Change verdict", build())

    # Forms that are opened ------------------------------------------------------------------------------------------

    async def _open_edit(self, click: Click, case: Case) -> None:
        await self._open_form(click, case, self._forms.edit_form(case, click.reviewer), "Edit")

    async def _open_reject(self, click: Click, case: Case) -> None:
        await self._open_form(click, case, self._forms.reject_form(case, click.reviewer), "Reject")

    async def _open_form(self, click: Click, case: Case, form: View, title: str) -> None:
        if case.review.state not in WAITING:
            await self._tell_result(click, case, TooLate(case, repeated=False))
            return
        asked = self._reception.track(self._eligibility.refusal(case, click.reviewer))
        await asyncio.wait({asked}, timeout=OPEN_WITHIN)
        if asked.done():
            refusal = asked.result()
            if refusal is not None:
                await self._private.tell(click, refused(refusal))
                return
            await self._client.views_open(trigger_id=click.trigger_id, view=form)
        else:
            # Slack is slow to say who belongs where: the form is opened while its trigger still holds, filled later.
            opened = await self._client.views_open(trigger_id=click.trigger_id, view=loading_modal(title))
            refusal = await asked
            shown = form if refusal is None else returned_modal(title, refused(refusal), [])
            await self._client.views_update(view_id=opened["view"]["id"], view=shown)
        if refusal is None:
            await self._claims.claim(case, click.reviewer, recent=True)

    async def _use_alternative(self, click: Click, case: Case) -> None:
        if click.view is None:
            return
        form = self._forms.edit_form(
            case,
            click.reviewer,
            callback_id=click.view.callback_id,
            alternative=int(click.value),
            typed=click.view.values,
        )
        walk = Walk.of(click.view.private)
        await self._replace(click, form if walk is None else carrying(form, walk))

    async def _change_to_approve(self, click: Click, case: Case) -> None:
        if click.view is None:
            return
        match await self._reviewing.change(case, click.reviewer, Approve()):
            case Decided() as done:
                self._forms.count(case, done)
                sentence = notices.CHANGED
            case TooLate() as late:
                sentence = self._forms.too_late(late)
            case Refusal() as refusal:
                sentence = refused(refusal)
            case ChecksFailed():
                raise AssertionError("an approval is not checked again")
        await self._client.views_update(view_id=click.view.id, view=notice_modal("Change verdict", sentence))

    async def _change_by_edit(self, click: Click, case: Case) -> None:
        await self._replace(click, self._forms.edit_form(case, click.reviewer, callback_id=edit_modal.CHANGE))

    async def _change_by_reject(self, click: Click, case: Case) -> None:
        await self._replace(click, self._forms.reject_form(case, click.reviewer, callback_id=reject_modal.CHANGE))

    async def _replace(self, click: Click, form: View) -> None:
        if click.view is not None:
            await self._client.views_update(view_id=click.view.id, hash=click.view.hash, view=form)

    # Forms that are sent --------------------------------------------------------------------------------------------

    async def _send_edit(self, submission: Submission) -> Answer:
        return await self._forms.send_edit(submission, self._first, close_form)

    async def _send_reject(self, submission: Submission) -> Answer:
        return await self._forms.send_reject(submission, self._first, close_form)

    async def _send_changing_edit(self, submission: Submission) -> Answer:
        return await self._forms.send_edit(submission, self._anew, close_form)

    async def _send_changing_reject(self, submission: Submission) -> Answer:
        return await self._forms.send_reject(submission, self._anew, close_form)

    async def _send_approval_all_the_same(self, submission: Submission) -> Answer:
        case = await self._cases.by_id(submission.review_id)
        if case is None:
            return returned(submission, "Not found", notices.UNKNOWN_REVIEW)
        return await self._forms.give(submission, case, Approve(), self._first, close_form)

    async def _send_hand_over(self, submission: Submission) -> Answer:
        case = await self._cases.by_id(submission.review_id)
        if case is None:
            return returned(submission, "Not found", notices.UNKNOWN_REVIEW)
        parsed = hand_over_modal.parse_hand_over(submission.view.values)
        if isinstance(parsed, FieldErrors):
            return beside_fields(submission, parsed.errors)
        to = Reviewer(submission.reviewer.team_id, parsed.user_id)
        note = parsed.note and self._presenter.form(case).placeholders.restored_text(parsed.note)
        match await self._claims.hand_over(case, submission.reviewer, to, note):
            case HandedOver():
                return Answer()
            case TooLate() as late:
                return returned(submission, "Already closed", self._forms.too_late(late))
            case Refusal() as refusal:
                return beside_fields(submission, {hand_over_modal.PERSON: notices.may_not_take(refusal.reason)})

    # Where cards are ------------------------------------------------------------------------------------------------

    async def _settle_place(self, click: Click, case: Case) -> None:
        """A click tells where a card is: the second one of a review in a channel goes away."""
        if click.place is None:
            return
        known = [card.place for card in case.review.cards]
        if not known or None in known or click.place in known:
            return
        try:
            await self._messages.delete(click.place)
        except Exception as error:  # the click itself is done, and the next one tries this again
            log.warning("card.place.unsettled", error=type(error).__name__)
