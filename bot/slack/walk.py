"""The walk through a queue: opened from a batch message, from App Home or by the shortcut."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.reviewing.case import Case, Cases
from bot.reviewing.claims import Claims
from bot.reviewing.eligibility import Eligibility
from bot.reviewing.people import MembershipUnknownError, Refusal, Reviewer
from bot.reviewing.queue import Queue
from bot.reviewing.verdicts import ChecksFailed, Decided, Result, Reviewing, TooLate
from bot.slack import notices
from bot.slack.batch import START, channel_of
from bot.slack.details_modal import details_modal
from bot.slack.interaction import Click, OpenView, Shortcut, Submission
from bot.slack.modal import View, notice_modal
from bot.slack.present import Presenter
from bot.slack.reception import Answer, Reception, beside_fields
from bot.slack.verdict_forms import Then, VerdictForms, Way, after_vote, refused
from bot.slack.walk_modal import (
    EDIT,
    ITEM,
    REJECT,
    Walk,
    carrying,
    is_sure,
    needs_a_tick,
    tick_block,
    walk_end,
    walk_modal,
)
from routing.review import WAITING, Approve

SHORTCUT = "review_queue"
_TICK = "Tick this first; or choose Edit, Reject or Skip above."
_CANNOT_GO_ON = "Slack could not confirm just now what else you may review. Please start again in a moment."
_NO_NEXT = "Your verdict is recorded, but Slack did not show what comes next: choose *Stop* and start again."


Form = Callable[[Case, Reviewer], View]


class WalkListeners:
    def __init__(
        self,
        *,
        client: AsyncWebClient,
        reception: Reception,
        cases: Cases,
        eligibility: Eligibility,
        queue: Queue,
        reviewing: Reviewing,
        claims: Claims,
        presenter: Presenter,
        forms: VerdictForms,
    ) -> None:
        self._client, self._reception = client, reception
        self._cases, self._eligibility, self._queue = cases, eligibility, queue
        self._reviewing, self._claims = reviewing, claims
        self._presenter, self._forms = presenter, forms

    def register(self, app: AsyncApp) -> None:
        app.action(START)(self._reception.click(self._start))
        app.shortcut(SHORTCUT)(self._reception.shortcut(self.start_everywhere))
        app.action("walk.edit")(self._reception.click(self._open_edit))
        app.action("walk.reject")(self._reception.click(self._open_reject))
        app.action("walk.skip")(self._reception.click(self._skip))
        app.action("walk.details")(self._reception.click(self._open_details))
        app.view(ITEM)(self._reception.form(self._approve))
        app.view(EDIT)(self._reception.form(self._send_edit))
        app.view(REJECT)(self._reception.form(self._send_reject))
        app.view_closed(ITEM)(self._reception.closed(self._stop))

    async def _start(self, click: Click) -> None:
        first = self._first(click.reviewer, Walk(channel_of(click.value)))
        await self._reception.open_view(click.trigger_id, "Review", first)

    async def start_everywhere(self, asked: Click | Shortcut) -> None:
        """From the shortcut and from App Home: through everything that the person may decide."""
        await self._reception.open_view(asked.trigger_id, "Review", self._first(asked.reviewer, Walk("")))

    async def open_one(self, click: Click) -> None:
        """From App Home: begins with this review."""
        await self._reception.open_view(click.trigger_id, "Review", self._one(click))

    async def _one(self, click: Click) -> View:
        case = await self._cases.by_id(click.review_id)
        if case is None:
            return notice_modal("Review", notices.UNKNOWN_REVIEW)
        if case.review.state not in WAITING:
            return notice_modal("Review", notices.already_closed(self._presenter.form(case)))
        refusal = await self._eligibility.refusal(case, click.reviewer, recent=True)
        if refusal is not None:
            return notice_modal("Review", refused(refusal))
        # Somebody else's claim informs: the item says so.
        await self._claims.claim(case, click.reviewer, recent=True)
        walk = Walk("", total=await self._queue.left(click.reviewer, None))
        return await self._item(await self._cases.by_pk(case.review.pk), click.reviewer, walk)

    async def _first(self, reviewer: Reviewer, walk: Walk) -> View:
        try:
            # Counted before the first is claimed, which it then still counts.
            total = await self._queue.left(reviewer, walk.channel or None)
        except MembershipUnknownError:
            return notice_modal("Review", _CANNOT_GO_ON)
        return await self._next(reviewer, replace(walk, total=total))

    async def _next(self, reviewer: Reviewer, walk: Walk, note: str | None = None) -> View:
        """`note`: what became of the one before."""
        try:
            case = await self._queue.next(reviewer, walk.channel or None)
        except MembershipUnknownError:
            return notice_modal("Review", f"{note} {_CANNOT_GO_ON}" if note else _CANNOT_GO_ON)
        if case is None:
            return walk_end(walk, note)
        return await self._item(case, reviewer, walk, note)

    async def _item(self, case: Case, reviewer: Reviewer, walk: Walk, note: str | None = None) -> View:
        view = await self._presenter.card(case)
        own = view.claim is not None and view.claim.user_id == reviewer.user_id
        return walk_modal(replace(view, claim=None) if own else view, walk, note)

    # The item -------------------------------------------------------------------------------------------------------

    async def _approve(self, submission: Submission) -> Answer:
        walk, case = _walk(submission.view), await self._cases.by_id(submission.review_id)
        if case is None:
            return Answer(view=await self._next(submission.reviewer, _one_less(walk), notices.UNKNOWN_REVIEW))
        view = self._presenter.form(case)
        if view.waits and needs_a_tick(view) and not is_sure(submission.view.values):
            return beside_fields(submission, {tick_block(view): _TICK})
        if view.asks_for_answer:
            # The policy has come to hide the output since this modal was opened.
            return Answer(view=walk_modal(view, walk, notices.ANSWER_FIRST))
        result = await self._reviewing.decide(case, submission.reviewer, Approve())
        return Answer(view=await self._after_approval(case, submission.reviewer, walk, result))

    async def _after_approval(self, case: Case, reviewer: Reviewer, walk: Walk, result: Result) -> View:
        match result:
            case Decided() as done:
                self._forms.count(case, done)
                return await self._next(reviewer, _further(walk), after_vote(done))
            case TooLate() as late:
                return await self._next(reviewer, _one_less(walk), self._forms.too_late(late))
            case Refusal(reason="unknown_now") as refusal:
                return await self._item(case, reviewer, walk, refused(refusal))
            case Refusal() as refusal:
                return await self._next(reviewer, _one_less(walk), refused(refusal))
            case ChecksFailed():
                raise AssertionError("an approval is not checked again")

    async def _skip(self, click: Click) -> None:
        case = await self._cases.by_id(click.review_id)
        if case is not None:
            await self._claims.skip(case, click.reviewer)
        if click.view is not None:
            await self._show_next(click.reviewer, click.view.id, _one_less(_walk(click.view)))

    async def _show_next(self, reviewer: Reviewer, view_id: str, walk: Walk, note: str | None = None) -> None:
        await self._client.views_update(view_id=view_id, view=await self._next(reviewer, walk, note))

    async def _stop(self, closed: Submission) -> None:
        """Whoever stops is not at it any more."""
        case = await self._cases.by_id(closed.review_id)
        if case is None or case.review.state not in WAITING or case.review.claim is None:
            return
        if case.review.claim.user_id == closed.reviewer.user_id:
            await self._claims.release(case, closed.reviewer)

    # The forms on top of it -----------------------------------------------------------------------------------------

    async def _open_edit(self, click: Click) -> None:
        await self._push_form(click, partial(self._forms.edit_form, callback_id=EDIT))

    async def _open_reject(self, click: Click) -> None:
        await self._push_form(click, partial(self._forms.reject_form, callback_id=REJECT))

    async def _push_form(self, click: Click, form: Form) -> None:
        case = await self._cases.by_id(click.review_id)
        if click.view is None:
            return
        if case is None or case.review.state not in WAITING:
            closed = case and notices.already_closed(self._presenter.form(case))
            walk, note = _one_less(_walk(click.view)), closed or notices.UNKNOWN_REVIEW
            await self._show_next(click.reviewer, click.view.id, walk, note)
            return
        await self._push(click, carrying(form(case, click.reviewer), _walk(click.view)))

    async def _open_details(self, click: Click) -> None:
        case = await self._cases.by_id(click.review_id)
        details = None if case is None else details_modal(await self._presenter.card(case))
        await self._push(click, details or notice_modal("Details", notices.UNKNOWN_REVIEW))

    async def _push(self, click: Click, view: View) -> None:
        await self._client.views_push(trigger_id=click.trigger_id, view=view)

    async def _send_edit(self, submission: Submission) -> Answer:
        return await self._forms.send_edit(
            submission, Way(self._reviewing.decide, WAITING), self._go_on_below(submission)
        )

    async def _send_reject(self, submission: Submission) -> Answer:
        return await self._forms.send_reject(
            submission, Way(self._reviewing.decide, WAITING), self._go_on_below(submission)
        )

    def _go_on_below(self, submission: Submission) -> Then:
        """The form goes away, and the item below it makes room for the next."""

        async def go_on(sentence: str | None) -> Answer:
            walk = _further(_walk(submission.view))
            if submission.view.root_id:
                work = self._show_next(submission.reviewer, submission.view.root_id, walk, sentence)
                self._reception.afterwards(work, submission, _NO_NEXT)
            return Answer(pops=True)

        return go_on


def _walk(view: OpenView) -> Walk:
    return Walk.of(view.private) or Walk("")


def _one_less(walk: Walk) -> Walk:
    """Another has decided the one that is shown, or will."""
    return replace(walk, total=max(walk.total - 1, 0))


def _further(walk: Walk) -> Walk:
    return replace(walk, done=walk.done + 1)
