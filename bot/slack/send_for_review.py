"""The message shortcut *Send for review*: a person has somebody judge what an AI wrote into Slack.

It becomes a decision like any other, of the app "slack", without a confidence: a person always looks at it, and it is
not the one who sent it. That one gets the verdict as a direct message.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import Clock
from bot.intake import Intake
from bot.policy_in_force import PolicyInForce
from bot.problem import Problem
from bot.reviewing.announce import SLACK_APP
from bot.secretbox import SecretBox, new_webhook_secret
from bot.slack import limits
from bot.slack.blocks import Block, option, plain
from bot.slack.edit_inputs import inputs_of, typed_into
from bot.slack.edit_plan import parse_field, plan_fields
from bot.slack.feedback_form import ACTION, input_block, selected, text_input, typed_text
from bot.slack.interaction import Shortcut, Submission
from bot.slack.json_text import JsonTextError, parse_text
from bot.slack.modal import View, fits, modal, notice_modal
from bot.slack.prefill import OUTPUT, Prefill, source_blocks
from bot.slack.reception import Answer, Reception, beside_fields, returned
from bot.slack.text import escape, sendable
from bot.slack.thread_reply import as_typed
from routing.decision import DecisionRequest
from routing.redaction import nothing_hidden
from store.keys import ApiKey, EnsureApp
from store.messages import Place
from store.writer import Writer

SHORTCUT = "send_for_review"
_FORM = "send.form"
_TITLE = "Send for review"
_TASK, _ASKED, _NOTE = "task", "asked", "note"
_OUTPUT = f"{OUTPUT}-0-0"
"""The first of the inputs that hold the text."""
_TOO_LONG = "This message is too long for a form in Slack, so it cannot be sent for review."
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
        place = shortcut.place
        view = notice_modal(_TITLE, _NOTHING) if place is None or not text else self._form(place, sendable(text))
        await self._client.views_open(trigger_id=shortcut.trigger_id, view=view)

    def _form(self, place: Place, text: str) -> View:
        """What is reviewed is what the form holds: the message may be changed meanwhile."""
        tasks = [option(name, name) for name in self._policy.current.tasks[: limits.SELECT_OPTIONS]]
        filled = _filled(text)
        blocks: list[Block] = []
        if tasks:
            choose = {"type": "static_select", "action_id": ACTION, "options": tasks, "initial_option": tasks[0]}
            blocks.append(input_block(_TASK, "Task", choose, required=True))
        blocks += [
            *(_named(block) for field in filled.fields for block in inputs_of(filled, field)),
            text_input(_ASKED, "What was asked", hint="What the text answers, as far as you know"),
            text_input(_NOTE, "Note", hint="What the reviewer should look at"),
        ]
        form = modal(_TITLE, blocks, callback_id=_FORM, submit="Send")
        form["private_metadata"] = f'{{"message": "{place.channel}:{place.ts}"}}'
        return form if filled.fields and fits(form) else notice_modal(_TITLE, _TOO_LONG)

    async def _send(self, submission: Submission) -> Answer:
        try:
            body = _body(submission)
        except JsonTextError as error:
            return beside_fields(submission, {_OUTPUT: f"Output: {error}."})
        if not body["output"]:
            return beside_fields(submission, {_OUTPUT: "There is nothing to review."})
        try:
            sent = await self._intake.submit(await self._key(), DecisionRequest.model_validate(body), body)
        except Problem as problem:
            sentence = _SENT_BEFORE if problem.kind == "id_conflict" else escape(problem.detail)
            return returned(submission, "Not sent", sentence)
        return Answer(view=notice_modal(_TITLE, _SENT_BEFORE if sent.replayed else _SENT))

    async def _key(self) -> ApiKey:
        now: datetime = self._clock.now()
        secret = self._secretbox.encrypt(new_webhook_secret())
        app_pk = await self._writer.submit(EnsureApp(SLACK_APP, secret, now))
        return ApiKey("", app_pk, SLACK_APP, frozenset({"ingest"}), now, None)


def _named(block: Block) -> Block:
    return {
        **block,
        "label": plain(block["label"]["text"].replace("Output", "Text to review", 1), 150),
        "optional": False,
    }


def _filled(text: str) -> Prefill:
    return Prefill(OUTPUT, plan_fields(text))


def _body(submission: Submission) -> dict[str, Any]:
    """The decision to post. Raises JsonTextError."""
    values = submission.view.values
    # A long text is in several inputs, at whose seams Slack drops white space: what they began with tells which.
    began = (block["element"].get("initial_value", "") for block in submission.view.blocks if _is_piece(block))
    filled = _filled("".join(began))
    output = "".join(
        str(parse_field(field, typed_into(filled, field, values), nothing_hidden())) for field in filled.fields
    )
    asked, note = (parse_text(typed_text(values, name).strip()) for name in (_ASKED, _NOTE))
    return {
        "id": f"slack:{submission.view.private.get('message', '')}",
        "task_type": (selected(values, _TASK) if _TASK in values else None) or SLACK_APP,
        "input": asked or "(a message sent for review from Slack)",
        "output": output.strip(),
        "requested_by": submission.reviewer.user_id,
        "context": {"note": note} if note else {},
    }


def _is_piece(block: Mapping[str, Any]) -> bool:
    return bool(source_blocks([str(block["block_id"])]))
