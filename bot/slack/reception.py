"""How everything that Slack sends is received: acknowledged within 3 s, done, and answered whatever happens.

A body that fails after its acknowledgement must not raise into Bolt, which would answer 404: every failure becomes a
private answer.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.interaction import Click, Command, Shortcut, Submission
from bot.slack.messages import SLACK_TROUBLE, error_code
from bot.slack.modal import View, loading_modal
from bot.slack.private import Asker, PrivateAnswers
from bot.slack.returned_modal import returned_modal, typed_texts
from bot.slack.text import clip, escape, one_line

log = structlog.get_logger(__name__)

Result = TypeVar("Result")
Listener = Callable[..., Awaitable[None]]

# A form must be opened within 3 s of the click and answered within 3 s of its submission.
OPEN_WITHIN = 1.0
_ANSWER_WITHIN = 2.0

# What failed may have been the answer and not the act, so this does not claim that nothing was changed.
_FAILED = "Something went wrong on our side. If the card is still open in a moment, please try again."
_COMMAND_FAILED = "Something went wrong on our side. Please try again in a moment."
_INSTEAD = "Slack did not show what came of your form; this is it."
_NOT_SHOWN = "Slack did not show what came of your form. Close it and open the review again: it says how it stands."
_EXPIRED = "Slack gave up before the form could open. Nothing was changed; please click again."
_TRIGGER_GONE = frozenset({"expired_trigger_id", "trigger_expired"})
# The same click came twice, and the form is open already.
_TRIGGER_USED = frozenset({"exchanged_trigger_id", "trigger_exchanged"})


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a submission: the form closes, shows errors beside its fields, or becomes another view."""

    errors: dict[str, str] | None = None
    view: View | None = None
    pops: bool = False
    """Only this form closes, not what it was opened on top of."""

    def as_ack(self) -> dict[str, Any]:
        if self.errors is not None:
            return {"response_action": "errors", "errors": self.errors}
        if self.view is not None:
            return {"response_action": "update", "view": self.view}
        return {} if self.pops else {"response_action": "clear"}


class Reception:
    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self.private = PrivateAnswers(client)
        self._under_way: set[asyncio.Task[Any]] = set()

    async def stop(self) -> None:
        """Waits for what was acknowledged and is not yet done."""
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def track(self, work: Coroutine[Any, Any, Result]) -> "asyncio.Task[Result]":
        """Begins work that stop() waits for."""
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    # Clicks, shortcuts, events --------------------------------------------------------------------------------------

    def click(self, act: Callable[[Click], Awaitable[None]]) -> Listener:
        async def listen(ack: AsyncAck, body: dict[str, Any]) -> None:
            await ack()
            click = Click.from_body(body)
            await self.track(self._answered(act(click), click))

        return listen

    def shortcut(self, act: Callable[[Shortcut], Awaitable[None]]) -> Listener:
        async def listen(ack: AsyncAck, body: dict[str, Any]) -> None:
            await ack()
            shortcut = Shortcut.from_body(body)
            await self.track(self._answered(act(shortcut), shortcut))

        return listen

    def command(self, act: Callable[[Command], Awaitable[None]]) -> Listener:
        async def listen(ack: AsyncAck, body: dict[str, Any]) -> None:
            await ack()
            command = Command.from_body(body)
            await self.track(self._answered(act(command), command, _COMMAND_FAILED))

        return listen

    def closed(self, act: Callable[[Submission], Awaitable[None]]) -> Listener:
        """A modal was closed without being sent: nobody waits for an answer."""
        return self._unanswered(lambda body: act(Submission.from_body(body)))

    def event(self, act: Callable[[dict[str, Any]], Awaitable[None]]) -> Listener:
        """Nobody waits for an answer to an event: what fails is in the log."""
        return self._unanswered(act)

    def afterwards(self, work: Coroutine[Any, Any, None], asker: Submission, failed: str) -> None:
        """Begins what follows an answer; if it fails, the person is told `failed` (mrkdwn)."""
        self.track(self._answered(work, asker, failed))

    def _unanswered(self, act: Callable[[dict[str, Any]], Awaitable[None]]) -> Listener:
        async def do(body: dict[str, Any]) -> None:
            try:
                await act(body)
            except Exception:
                log.exception("slack.event.failed")

        async def listen(ack: AsyncAck, body: dict[str, Any]) -> None:
            await ack()
            await self.track(do(body))

        return listen

    async def _answered(self, work: Awaitable[None], asker: Asker, failed: str = _FAILED) -> None:
        try:
            await work
        except SLACK_TROUBLE as error:
            code = error_code(error)
            log.warning("slack.click.failed", error=code)
            if code not in _TRIGGER_USED:
                await self.private.tell(asker, _EXPIRED if code in _TRIGGER_GONE else failed)
        except Exception:
            log.exception("slack.click.failed")
            await self.private.tell(asker, failed)

    async def open_view(self, trigger_id: str, title: str, build: Coroutine[Any, Any, View]) -> None:
        """Opens what `build` makes. While that takes too long for the trigger, a modal that says so stands there."""
        building = self.track(build)
        await asyncio.wait({building}, timeout=OPEN_WITHIN)
        if building.done():
            await self._client.views_open(trigger_id=trigger_id, view=building.result())
            return
        opened = await self._client.views_open(trigger_id=trigger_id, view=loading_modal(title))
        await self._client.views_update(view_id=opened["view"]["id"], view=await building)

    # Forms ----------------------------------------------------------------------------------------------------------

    def form(self, send: Callable[[Submission], Awaitable[Answer]]) -> Listener:
        async def listen(ack: AsyncAck, body: dict[str, Any]) -> None:
            submission = Submission.from_body(body)
            work = self.track(self._submit(submission, send))
            await asyncio.wait({work}, timeout=_ANSWER_WITHIN)
            if work.done():
                await ack(**work.result().as_ack())
                return
            await ack(response_action="update", view=loading_modal("Saving"))
            await self.track(self._answer_late(submission, work))

        return listen

    async def _submit(self, submission: Submission, send: Callable[[Submission], Awaitable[Answer]]) -> Answer:
        try:
            return await send(submission)
        except Exception:
            log.exception("slack.form.failed")
            return returned(submission, "Not saved", _FAILED)

    async def _answer_late(self, submission: Submission, work: "asyncio.Task[Answer]") -> None:
        answer = await work
        view = answer.view
        if answer.errors is not None:
            view = returned_with(submission, answer.errors).view
        if view is None:
            view = returned_modal("Saved", "Your verdict is recorded.", [])
        try:
            await self._client.views_update(view_id=submission.view.id, view=view)
        except SLACK_TROUBLE as error:
            log.warning("slack.form.unanswered", error=error_code(error))
            is_text = not any(block["type"] in ("input", "actions") for block in view["blocks"])
            told = (_INSTEAD, view["blocks"]) if is_text else (_NOT_SHOWN,)
            await self.private.write_to(submission.reviewer, *told)


def returned(submission: Submission, title: str, sentence: str) -> Answer:
    """Says in mrkdwn why nothing was saved, and gives back what was typed."""
    typed = typed_texts(submission.view.blocks, submission.view.values)
    return Answer(view=returned_modal(title, sentence, typed))


def returned_with(submission: Submission, errors: dict[str, str]) -> Answer:
    """What would have stood beside the fields; it may quote them, so it is no mrkdwn of ours."""
    sentence = " ".join(escape(clip(one_line(error), 300)) for error in list(errors.values())[:5])
    return returned(submission, "Not saved", sentence)


def beside_fields(submission: Submission, errors: dict[str, str]) -> Answer:
    """Errors beside the fields. A form of another version of this program may not have them, and Slack takes no errors
    for fields that are not there."""
    if errors.keys() <= {block["block_id"] for block in submission.view.blocks}:
        return Answer(errors=errors)
    return returned_with(submission, errors)


def acknowledge_the_rest(app: AsyncApp) -> None:
    """What needs no answer: a menu inside a form, an event that a workspace was set to send us. To be called last."""

    async def acknowledge(ack: AsyncAck) -> None:
        await ack()

    app.action(re.compile(".*"))(acknowledge)
    app.event(re.compile(".*"))(acknowledge)
