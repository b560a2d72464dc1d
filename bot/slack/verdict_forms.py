"""The Edit and the Reject form: made for a person, and once sent, what was typed becomes a verdict, and every outcome
an answer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.clock import Clock
from bot.metrics import Metrics
from bot.reviewing.case import Case, Cases
from bot.reviewing.people import Refusal, Reviewer
from bot.reviewing.verdicts import ChecksFailed, Decided, Result, TooLate
from bot.slack import edit_modal, notices, reject_modal
from bot.slack.interaction import Submission
from bot.slack.modal import FieldErrors, StateValues, View, notice_modal
from bot.slack.present import Presenter
from bot.slack.reception import Answer, beside_fields, returned
from bot.slack.view import CardView
from routing.review import WAITING, Approve, Edit, Reject, ReviewState, Verdict
from store.messages import RefreshCards
from store.writer import Writer


@dataclass(frozen=True, slots=True)
class Way:
    """How a verdict is given, and in which states of a review: a first one, or one in the place of another."""

    act: Callable[[Case, Reviewer, Verdict], Awaitable[Result]]
    states: tuple[ReviewState, ...]


Read = Callable[[Submission, Case], Verdict | FieldErrors]
Then = Callable[[str | None], Awaitable[Answer]]
"""What the form becomes once the verdict stands, given what `after_vote` has to say."""


class VerdictForms:
    def __init__(self, *, cases: Cases, presenter: Presenter, writer: Writer, clock: Clock, metrics: Metrics) -> None:
        self._cases, self._presenter = cases, presenter
        self._writer, self._clock, self._metrics = writer, clock, metrics

    def edit_form(
        self,
        case: Case,
        reader: Reviewer,
        *,
        callback_id: str = edit_modal.CALLBACK,
        alternative: int | None = None,
        typed: StateValues | None = None,
    ) -> View:
        """The form for this person; `alternative` and `typed` as `edit_modal` takes them."""
        return edit_modal.edit_modal(
            self._edited(case, callback_id),
            self._presenter.rubric(case),
            reader=reader.user_id,
            alternative=alternative,
            typed=typed,
            callback_id=callback_id,
        )

    def reject_form(self, case: Case, reader: Reviewer, *, callback_id: str = reject_modal.CALLBACK) -> View:
        """The form for this person."""
        view, rubric = self._presenter.form(case), self._presenter.rubric(case)
        return reject_modal.reject_modal(view, rubric, reader=reader.user_id, callback_id=callback_id)

    async def send_edit(self, submission: Submission, way: Way, then: Then) -> Answer:
        return await self._send(submission, self._read_edit, way, then)

    async def send_reject(self, submission: Submission, way: Way, then: Then) -> Answer:
        return await self._send(submission, self._read_reject, way, then)

    async def _send(self, submission: Submission, read: Read, way: Way, then: Then) -> Answer:
        case = await self._cases.by_id(submission.review_id)
        if case is None:
            return returned(submission, "Not found", notices.UNKNOWN_REVIEW)
        verdict = read(submission, case)
        if isinstance(verdict, FieldErrors):
            if case.review.state not in way.states:  # mending them would be in vain
                return returned(submission, "Already closed", self.too_late(TooLate(case, repeated=False)))
            return beside_fields(submission, verdict.errors)
        return await self.give(submission, case, verdict, way, then)

    async def give(self, submission: Submission, case: Case, verdict: Verdict, way: Way, then: Then) -> Answer:
        """Gives the verdict; typed text comes back with every answer that is not a success."""
        match await way.act(case, submission.reviewer, verdict):
            case Decided() as done:
                self.count(case, done)
                return await then(after_vote(done))
            case TooLate(repeated=True):
                return await then(None)
            case TooLate(current) as late:
                await self.refresh(current)
                return returned(submission, "Already closed", self.too_late(late))
            case Refusal() as refusal:
                return returned(submission, "Not saved", refused(refusal))
            case ChecksFailed(failures):
                view = self._edited(case, submission.view.callback_id)
                told = self._presenter.failures(case, failures)
                errors = edit_modal.check_errors(view, told, submission.view.values)
                return beside_fields(submission, errors)

    async def refresh(self, case: Case) -> None:
        """The person saw a card that was behind: it is sent once more."""
        await self._writer.submit(RefreshCards(case.review.pk, self._clock.now()))

    def too_late(self, late: TooLate) -> str:
        """Why a verdict came to nothing, as mrkdwn."""
        if late.repeated and late.case.review.state in WAITING:
            return notices.not_allowed("already_voted")
        return notices.already_closed(self._presenter.form(late.case))

    def count(self, case: Case, done: Decided) -> None:
        """For the metrics of this process, if it closed the review."""
        if done.state in (ReviewState.DECIDED, ReviewState.HELD):
            waited = (done.verdict.at - case.review.opened_at).total_seconds()
            self._metrics.decided(
                case.review.app, case.decision.task_type, case.review.kind, done.verdict.verdict, waited
            )

    def _read_edit(self, submission: Submission, case: Case) -> Verdict | FieldErrors:
        view, rubric = self._edited(case, submission.view.callback_id), self._presenter.rubric(case)
        parsed = edit_modal.parse_edit(view, rubric, submission.view.values)
        if isinstance(parsed, FieldErrors):
            return parsed
        # Approving an edit that stands already would be to approve what the model wrote.
        if not parsed.changed and (view.waits or view.proposal is None):
            return Approve()
        return Edit(parsed.output, parsed.category, parsed.severity, parsed.labels, parsed.reason)

    def _edited(self, case: Case, callback_id: str) -> CardView:
        """What an edit form is made from, and read against."""
        changes = callback_id == edit_modal.CHANGE
        return self._presenter.changing(case) if changes else self._presenter.form(case)

    def _read_reject(self, submission: Submission, case: Case) -> Verdict | FieldErrors:
        view, rubric = self._presenter.form(case), self._presenter.rubric(case)
        parsed = reject_modal.parse_reject(view, rubric, submission.view.values)
        if isinstance(parsed, FieldErrors):
            return parsed
        return Reject(parsed.category, parsed.severity, parsed.labels, parsed.reason, parsed.correct_answer)


async def close_form(sentence: str | None) -> Answer:
    """What a form of a card becomes: it closes, or says what the vote has led to."""
    return Answer() if sentence is None else Answer(view=notice_modal("Your vote is in", sentence))


def after_vote(done: Decided) -> str | None:
    """What a person should know whose verdict alone did not decide it; None where the card says all."""
    match done.state:
        case ReviewState.OPEN:
            return notices.voted(done.missing)
        case ReviewState.DISPUTED:
            return notices.DISPUTED
        case _:
            return None


def refused(refusal: Refusal) -> str:
    if refusal.reason == "unknown_now":
        return notices.CANNOT_CHECK_NOW
    return notices.not_allowed(refusal.reason, refusal.circle)
