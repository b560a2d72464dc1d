"""The message shortcut *Send for review*: a person has somebody judge what an AI wrote into Slack.

It becomes a decision like any other, of the app "slack", without a confidence: a person always looks at it, and it is
not the one who sent it. That one gets the verdict as a direct message.
"""

from datetime import datetime

from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import Clock
from bot.intake import Intake
from bot.policy_in_force import PolicyInForce
from bot.problem import Problem
from bot.reviewing.announce import SLACK_APP
from bot.secretbox import SecretBox, new_webhook_secret
from bot.slack import limits
from bot.slack.blocks import bold_line, option, rich_text
from bot.slack.feedback_form import ACTION, input_block, selected, text_input, typed_text
from bot.slack.interaction import Shortcut, Submission
from bot.slack.modal import View, modal, notice_modal
from bot.slack.proposal import element
from bot.slack.reception import Answer, Reception, returned
from bot.slack.text import escape
from bot.slack.thread_reply import as_typed
from routing.decision import DecisionRequest
from store.keys import ApiKey, EnsureApp
from store.writer import Writer

SHORTCUT = "send_for_review"
_FORM = "send.form"
_TASK, _ASKED, _TEXT, _NOTE = "task", "asked", "text", "note"
_NOTHING = "This message has no text that could be reviewed."
_SENT = "Sent for review. You get the verdict as a direct message."
_SENT_BEFORE = "This message was sent for review before; nothing was changed."


class SendForReview:
    def __init__(
        self,
        *,
        client: AsyncWebClient,
        reception: Reception,
        intake: Intake,
        policy: PolicyInForce,
        writer: Writer,
        secretbox: SecretBox,
        clock: Clock,
    ) -> None:
        self._client, self._reception, self._intake = client, reception, intake
        self._policy, self._writer, self._secretbox, self._clock = policy, writer, secretbox, clock

    def register(self, app: AsyncApp) -> None:
        app.shortcut(SHORTCUT)(self._reception.shortcut(self._open))
        app.view(_FORM)(self._reception.form(self._send))

    async def _open(self, shortcut: Shortcut) -> None:
        text = as_typed(str(shortcut.message.get("text") or "")).strip()
        view = self._form(shortcut, text) if text and shortcut.place else notice_modal("Send for review", _NOTHING)
        await self._client.views_open(trigger_id=shortcut.trigger_id, view=view)

    def _form(self, shortcut: Shortcut, text: str) -> View:
        tasks = [option(name, name) for name in self._policy.current.tasks[: limits.SELECT_OPTIONS]]
        blocks = [rich_text("message", [bold_line("The message"), element(text, 1_000, 15)])]
        if tasks:
            choose = {"type": "static_select", "action_id": ACTION, "options": tasks, "initial_option": tasks[0]}
            blocks.append(input_block(_TASK, "Task", choose, required=True))
        blocks += [
            # What is reviewed is what the form holds: the message may be changed meanwhile.
            text_input(_TEXT, "Text to review", required=True, initial=text[: limits.INPUT_TEXT - 100]),
            text_input(_ASKED, "What was asked", hint="What the text answers, as far as you know"),
            text_input(_NOTE, "Note", hint="What the reviewer should look at"),
        ]
        form = modal("Send for review", blocks, callback_id=_FORM, submit="Send")
        place = shortcut.place
        return {**form, "private_metadata": f'{{"message": "{place.channel}:{place.ts}"}}' if place else ""}

    async def _send(self, submission: Submission) -> Answer:
        values = submission.view.values
        task = selected(values, _TASK) if _TASK in values else SLACK_APP
        asked, note = typed_text(values, _ASKED).strip(), typed_text(values, _NOTE).strip()
        body = {
            "id": f"slack:{submission.view.private.get('message', '')}",
            "task_type": task or SLACK_APP,
            "input": asked or "(a message sent for review from Slack)",
            "output": typed_text(values, _TEXT).strip(),
            "requested_by": submission.reviewer.user_id,
            "context": {"note": note} if note else {},
        }
        try:
            sent = await self._intake.submit(await self._key(), DecisionRequest.model_validate(body), body)
        except Problem as problem:
            sentence = _SENT_BEFORE if problem.kind == "id_conflict" else escape(problem.detail)
            return returned(submission, "Not sent", sentence)
        return Answer(view=notice_modal("Send for review", _SENT_BEFORE if sent.replayed else _SENT))

    async def _key(self) -> ApiKey:
        now: datetime = self._clock.now()
        secret = self._secretbox.encrypt(new_webhook_secret())
        app_pk = await self._writer.submit(EnsureApp(SLACK_APP, secret, now))
        return ApiKey("", app_pk, SLACK_APP, frozenset({"ingest"}), now, None)
