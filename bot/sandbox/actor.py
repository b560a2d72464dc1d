"""What people do with the app in the sandbox: click, submit, call. The page and the tests both come through here."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.sandbox.blocks import interactive_elements
from bot.sandbox.chat import Chat
from bot.sandbox.courier import TROUBLE, Ack, Courier
from bot.sandbox.errors import SlackError
from bot.sandbox.events import Events
from bot.sandbox.interactions import Payloads, as_form
from bot.sandbox.sight import NotPossibleError, Sight
from bot.sandbox.state import MEMBERS, option_of, put_in, refused_inputs, state_values
from bot.sandbox.views import Views
from bot.sandbox.world import Channel, Message, View, World

Json = dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """A slash command or shortcut of the app, as the page lists it."""

    name: str
    callback_id: str = ""
    type: str = "command"
    """`command`, `global` or `message`."""
    description: str = ""


class Actor:
    def __init__(
        self,
        world: World,
        *,
        sight: Sight,
        chat: Chat,
        views: Views,
        payloads: Payloads,
        courier: Courier,
        events: Events,
        entries: Sequence[Entry],
    ) -> None:
        self._world = world
        self._sight = sight
        self._chat = chat
        self._views = views
        self._payloads = payloads
        self._courier = courier
        self._events = events
        self.entries = list(entries)

    # -- clicking

    async def click(
        self,
        user: str,
        channel: str,
        ts: str,
        action_id: str,
        value: Any = None,
        *,
        block_id: str | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> Ack:
        """Use an element of a message. `value` names the option of a menu or what is picked; a button has its own."""
        message = self._sight.message(user, channel, ts)
        blocks = [*message.blocks, *(block for a in message.attachments for block in a.get("blocks", []))]
        action = _action(blocks, action_id, block_id, value)
        payload = self._payloads.message_click(user, message, action, state_values(blocks, values or {}))
        return await self._press(user, payload)

    async def click_in_view(
        self,
        user: str,
        view_id: str,
        action_id: str,
        value: Any = None,
        *,
        block_id: str | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> Ack:
        """Use an element of an open modal or of the App Home. `values` are the inputs meanwhile, as in submit_view."""
        view = self._sight.view(user, view_id)
        blocks = view.body["blocks"]
        action = _action(blocks, action_id, block_id, value)
        view.entered = state_values(blocks, values or {}, view.entered)
        return await self._press(user, self._payloads.view_click(user, view, action, view.entered))

    async def click_in_home(
        self,
        user: str,
        action_id: str,
        value: Any = None,
        *,
        block_id: str | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> Ack:
        """Use an element of the App Home, whatever its view's id is."""
        home = self._sight.home(user)
        return await self.click_in_view(user, home.id, action_id, value, block_id=block_id, values=values)

    async def _press(self, user: str, payload: Json) -> Ack:
        ack = await self._courier.send_form(payload["type"], as_form(payload))
        if ack.error:
            self._world.toast(user, ack.error)
        return ack

    # -- modals

    async def submit_view(self, user: str, view_id: str, values: Mapping[str, Any] | None = None) -> Ack:
        """Submit the top modal. `values` by block id; inputs not named keep what was entered before an update of the
        view that left their ids as they are, else their initial value.

        Inputs Slack itself refuses (required, too long) come back as `errors` with status None: the app is not asked.
        """
        view = self._sight.view(user, view_id)
        if self._world.stacks[user][-1:] != [view]:
            raise NotPossibleError(f"view {view_id} is not on top")
        state = state_values(view.body["blocks"], values or {}, view.entered)
        if refused := refused_inputs(view.body["blocks"], state):
            return Ack(None, 0.0, errors=refused)
        payload = self._payloads.view_submission(user, view, state)
        ack = await self._courier.send_form("view_submission", as_form(payload))
        if ack.ok:
            self._apply_answer(view, state, ack)
        return ack

    def _apply_answer(self, view: View, state: dict[str, Json], ack: Ack) -> None:
        if view not in self._world.stacks[view.user]:
            return  # closed while the app was thinking
        try:
            self._apply_response_action(view, state, ack)
        except (SlackError, ValueError) as error:
            ack.error, ack.failure = TROUBLE, f"bad response_action: {error}"

    def _apply_response_action(self, view: View, state: dict[str, Json], ack: Ack) -> None:
        answer = ack.response or {}
        match answer:
            case {"response_action": "errors", "errors": dict() as errors} if errors:
                unknown = set(errors) - {block["block_id"] for block in view.input_blocks}
                if unknown:
                    raise ValueError(f"errors for blocks that are no inputs: {sorted(unknown)}")
                ack.errors = {block_id: str(text) for block_id, text in errors.items()}
            case {"response_action": "update", "view": dict() as body}:
                updated = self._views.check(body, "modal", replacing=view)
                view.entered = state
                self._views.replace(view, updated)
            case {"response_action": "push", "view": dict() as body}:
                self._views.push(view.user, self._views.check(body, "modal"))
            case {"response_action": "clear"}:
                self._views.close(view, whole_stack=True)
            case dict() if not answer:
                self._views.close(view)
            case _:
                raise ValueError(f"not understood: {answer!r:.200}")

    async def close_view(self, user: str, view_id: str, *, everything: bool = False) -> Ack:
        """Close the modal (`everything`: the whole stack); the app is told if the view asked for it."""
        view = self._sight.view(user, view_id)
        clears = everything or bool(view.body.get("clear_on_close"))
        stack = self._world.stacks[user]
        closed = list(stack) if clears else stack[stack.index(view) :]
        self._views.close(view, whole_stack=clears)
        told = [
            self._courier.send_form("view_closed", as_form(self._payloads.view_closed(user, gone, is_cleared=clears)))
            for gone in reversed(closed)
            if gone.body.get("notify_on_close")
        ]
        acks = await asyncio.gather(*told)
        return acks[0] if acks else Ack(None, 0.0)

    # -- commands, shortcuts, home

    async def command(self, user: str, channel_id: str, command: str, text: str = "") -> Ack:
        channel = self._sight.channel(user, channel_id)
        if command not in [entry.name for entry in self.entries if entry.type == "command"]:
            raise NotPossibleError(f"{command} is not a valid command")
        ack = await self._courier.send_form("command", self._payloads.command(user, channel, command, text))
        if ack.error:
            reason = "operation_timeout" if ack.failure == "http_timeout" else "dispatch_failed"
            self._whisper(user, channel, f"{command} failed with the error \u201c{reason}\u201d")
        elif ack.response:
            self._answer_command(user, channel, ack)
        return ack

    async def shortcut(self, user: str, callback_id: str) -> Ack:
        self._require_entry(callback_id, "global")
        return await self._press(user, self._payloads.shortcut(user, callback_id))

    async def message_shortcut(self, user: str, callback_id: str, channel: str, ts: str) -> Ack:
        self._require_entry(callback_id, "message")
        message = self._sight.message(user, channel, ts)
        return await self._press(user, self._payloads.message_action(user, callback_id, message))

    async def open_home(self, user: str) -> Ack:
        return await self._events.send(self.home_opened(user))

    def home_opened(self, user: str) -> Json:
        """The event, not yet sent."""
        event: Json = {"type": "app_home_opened", "user": user, "channel": self._world.open_im(user).id, "tab": "home"}
        event["event_ts"] = self._world.new_ts()
        if home := self._world.homes.get(user):
            event["view"] = self._world.view_json(home)
        return event

    def _require_entry(self, callback_id: str, kind: str) -> None:
        if (callback_id, kind) not in [(entry.callback_id, entry.type) for entry in self.entries]:
            raise NotPossibleError(f"no {kind} shortcut {callback_id}")

    def _answer_command(self, user: str, channel: Channel, ack: Ack) -> None:
        """A command's acknowledgement may carry a message; text alone is shown to the asker only."""
        answer = ack.response if isinstance(ack.response, dict) else {"text": str(ack.response)}
        try:
            self._chat.answer_command(user, channel, answer)
        except SlackError as error:
            ack.error, ack.failure = TROUBLE, error.code
            self._world.toast(user, TROUBLE)

    def _whisper(self, user: str, channel: Channel, text: str) -> None:
        self._world.put(Message(self._world.new_ts(), channel.id, "USLACKBOT", text, ephemeral_to=user))


def _action(blocks: list[Json], action_id: str, block_id: str | None, value: Any) -> Json:
    for block in blocks:
        for element in interactive_elements(block):
            if element["action_id"] == action_id and block_id in (None, block["block_id"]):
                return {"action_id": action_id, "block_id": block["block_id"], **_chosen(element, value)}
    raise NotPossibleError(f"no element {action_id} to use")


def _chosen(element: Json, value: Any) -> Json:
    kind = element["type"]
    if kind in MEMBERS:
        return put_in(element, value)
    if kind == "overflow":
        return {"type": kind, "selected_option": option_of(element, value) if isinstance(value, str) else value}
    own: Json = {name: element[name] for name in ("text", "value", "style", "url") if name in element}
    return {"type": kind, **own, **({"value": value} if kind == "feedback_buttons" else {})}
