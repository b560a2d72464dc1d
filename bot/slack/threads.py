"""What people do in a card's thread, as Slack's message events tell it: notes, and verdicts by reply."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp

from bot.clock import Clock
from bot.reviewing.case import Case, Cases
from bot.reviewing.eligibility import Eligibility
from bot.reviewing.notes import Notes
from bot.reviewing.people import Refusal, Reviewer
from bot.reviewing.verdicts import ChecksFailed, Decided, Result, Reviewing, TooLate
from bot.slack import notices
from bot.slack.edit_plan import is_text, read_json, read_text
from bot.slack.json_text import JsonTextError
from bot.slack.present import Presenter
from bot.slack.reception import Reception
from bot.slack.text import escape
from bot.slack.thread_reply import ApproveReply, EditReply, NoteReply, RejectReply, Reply, read_reply
from bot.slack.verdict_forms import VerdictForms, after_vote, refused
from bot.slack.view import CardView
from routing.decision import Json
from routing.json_value import json_equal
from routing.review import WAITING, Approve, Edit, Reject, ReviewState, Verdict
from store.messages import MessageStore, Place, RefreshCards
from store.writer import Writer

log = structlog.get_logger(__name__)

# Seconds; together somewhat more than Slack has for an answer.
_LOOKS_AGAIN = (0.3, 1.0, 3.0, 8.0)
_FAILED = "Something went wrong on our side. If the card is still open in a moment, please use its buttons."
_SAY_WHY = "Nothing was changed: say why after the colon, as in `reject: the amount is wrong`."
_EDIT_NEEDS_REASON = "An edit needs a reason here, so nothing was changed: use *Edit* on the card."
_USE_EDIT = "An output that is no plain text is written as JSON; *Edit* on the card is easier."


@dataclass(frozen=True, slots=True)
class Said:
    """A reply in a thread."""

    reviewer: Reviewer
    place: Place
    thread: str
    text: str
    response_url: str | None = None

    @classmethod
    def from_event(cls, body: dict[str, Any]) -> "Said | None":
        """None for what people do not say here and now: bots, edits, broadcasts, what is in no thread."""
        event = body["event"]
        thread, user = event.get("thread_ts"), event.get("user")
        if not thread or not user or thread == event.get("ts"):
            return None
        if event.get("subtype") or event.get("bot_id") or event.get("edited"):
            return None
        team = event.get("user_team") or event.get("team") or body.get("team_id") or ""
        place = Place(str(event["channel"]), str(event["ts"]))
        return cls(Reviewer(str(team), str(user)), place, str(thread), str(event.get("text") or ""))


class ThreadListeners:
    def __init__(
        self,
        *,
        reception: Reception,
        cases: Cases,
        eligibility: Eligibility,
        reviewing: Reviewing,
        notes: Notes,
        presenter: Presenter,
        forms: VerdictForms,
        store: MessageStore,
        writer: Writer,
        clock: Clock,
    ) -> None:
        self._reception, self._cases, self._eligibility = reception, cases, eligibility
        self._reviewing, self._notes = reviewing, notes
        self._presenter, self._forms = presenter, forms
        self._store, self._writer, self._clock = store, writer, clock

    def register(self, app: AsyncApp) -> None:
        app.event({"type": "message", "subtype": "message_deleted"})(self._reception.event(self._deleted))
        app.event({"type": "message", "subtype": "message_changed"})(self._reception.event(self._changed))
        app.event({"type": "message", "subtype": None})(self._reception.event(self._replied))

    async def _deleted(self, body: dict[str, Any]) -> None:
        event = body["event"]
        await self._show_again(Place(str(event["channel"]), str(event["deleted_ts"])))

    async def _changed(self, body: dict[str, Any]) -> None:
        """A deleted message that has replies leaves a tombstone. Other changes are our own, or nobody's concern."""
        event = body["event"]
        message = event.get("message") or {}
        if message.get("subtype") == "tombstone":
            await self._show_again(Place(str(event["channel"]), str(message["ts"])))

    async def _show_again(self, place: Place) -> None:
        """A message is gone. If it was the card of an open review, nobody could decide that any more."""
        review_pk = await self._card_at(place)
        if review_pk is not None:
            await self._writer.submit(RefreshCards(review_pk, self._clock.now()))

    async def _replied(self, body: dict[str, Any]) -> None:
        said = Said.from_event(body)
        if said is None:
            return
        case = await self._about(said)
        # Slack sends an event up to three times more: what was taken in once is done.
        if case is None or await self._notes.is_known(said.place):
            return
        reply = read_reply(said.text)
        if not isinstance(reply, NoteReply):
            await self._answered(said, self._act(said, case, reply))
        await self._notes.keep(case, said.reviewer, said.place, said.text)

    async def _about(self, said: Said) -> Case | None:
        """The review that a thread is about: of a chain of retries, which share a thread, the one that waits; else the
        last."""
        review_pk = await self._card_at(Place(said.place.channel, said.thread))
        if review_pk is None:
            return None
        root = await self._cases.by_pk(review_pk)
        chain = await self._cases.of_chain(root.decision.first_pk or root.decision.pk)
        waiting = [case for case in chain if case.review.state in WAITING]
        return (waiting or chain or [root])[-1]

    async def _card_at(self, place: Place) -> int | None:
        """People may be quicker than Slack's answer that tells us where a card is."""
        for pause in _LOOKS_AGAIN:
            is_posting = await self._notes.is_posting()
            review_pk = await self._store.card_at(place)
            if review_pk is not None or not is_posting:
                return review_pk
            await self._clock.sleep(pause)
        return await self._store.card_at(place)

    async def _answered(self, said: Said, act: Awaitable[None]) -> None:
        """Whoever meant to decide hears of it if that failed."""
        try:
            await act
        except Exception:
            log.exception("slack.reply.failed")
            await self._tell(said, _FAILED)

    async def _act(self, said: Said, case: Case, reply: ApproveReply | RejectReply | EditReply) -> None:
        problem, verdict = self._read(case, reply)
        if verdict is None:
            await self._tell(said, problem)
            return
        # What an adjudicator says ends a dispute; before that nobody is to see how others vote.
        if case.review.state == ReviewState.OPEN and self._eligibility.needed(case, verdict) > 1:
            await self._tell(said, notices.BLIND_VOTES)
            return
        await self._tell_result(said, case, await self._reviewing.decide(case, said.reviewer, verdict, echo=True))

    def _read(self, case: Case, reply: Reply) -> tuple[str, Verdict | None]:
        """The verdict, or why it is none."""
        view = self._presenter.form(case)
        match reply:
            case ApproveReply():
                return (notices.ANSWER_FIRST, None) if view.asks_for_answer else ("", Approve())
            case RejectReply(reason):
                return ("", Reject(reason=view.placeholders.restored_text(reason))) if reason else (_SAY_WHY, None)
            case EditReply(text):
                try:
                    output = _output(view, text)
                except JsonTextError as error:
                    return f"That could not be read, so nothing was changed: {escape(str(error))}. {_USE_EDIT}", None
                return self._read_edit(case, view, output)
            case NoteReply():
                raise AssertionError("a note is no verdict")

    def _read_edit(self, case: Case, view: CardView, output: Json) -> tuple[str, Verdict | None]:
        if json_equal(output, view.placeholders.restored(view.proposed)):
            return "", Approve()
        needs_reason = "edit" in self._presenter.rubric(case).require_reason
        return (_EDIT_NEEDS_REASON, None) if needs_reason else ("", Edit(output))

    async def _tell_result(self, said: Said, case: Case, result: Result) -> None:
        match result:
            case Decided() as done:
                sentence = after_vote(done)
            case TooLate(repeated=True):
                sentence = None
            case TooLate(current) as late:
                await self._forms.refresh(current)
                sentence = self._forms.too_late(late)
            case Refusal() as refusal:
                sentence = refused(refusal)
            case ChecksFailed(failures):
                sentence = escape(notices.checks_failed(self._presenter.failures(case, failures)))
        if sentence is not None:
            await self._tell(said, sentence)

    async def _tell(self, said: Said, sentence: str) -> None:
        await self._reception.private.tell(said, sentence, thread=said.thread)


def _output(view: CardView, text: str) -> Json:
    """Text for a text, JSON for everything else. Raises JsonTextError."""
    read = read_text if is_text(view.output) else read_json
    return read(text, view.placeholders)
