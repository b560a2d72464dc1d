"""The chat.* and reactions.* methods, and what a response URL accepts."""

from collections.abc import Callable
from typing import Any

from bot.sandbox import limits
from bot.sandbox.arguments import Arguments
from bot.sandbox.blocks import require_message
from bot.sandbox.errors import SlackError
from bot.sandbox.limits import utf16_length
from bot.sandbox.passes import ResponseUrl
from bot.sandbox.payloads import message_json, truncated, with_ids
from bot.sandbox.scopes import Scopes
from bot.sandbox.world import Channel, Message, World

Json = dict[str, Any]


class Chat:
    """`announce` is told every change to a channel, as the event that Slack would send the app."""

    def __init__(self, world: World, scopes: Scopes, announce: Callable[[Json], None]) -> None:
        self._world = world
        self._scopes = scopes
        self._announce = announce
        self.methods: dict[str, Callable[[Arguments], Json]] = {
            "chat.postMessage": self.post_message,
            "chat.postEphemeral": self.post_ephemeral,
            "chat.update": self.update,
            "chat.delete": self.delete,
            "chat.getPermalink": self.get_permalink,
            "reactions.add": self.add_reaction,
        }

    def post_message(self, args: Arguments) -> Json:
        self._scopes.require("chat:write")
        channel = self._member_channel(args.text("channel"))
        message = self._composed(args, channel)
        message.username = args.optional_text("username")
        if message.thread_ts and args.flag("reply_broadcast"):
            message.subtype = "thread_broadcast"
        self.post(message)
        answer: Json = {"channel": channel.id, "ts": message.ts, "message": message_json(self._world, message)}
        if utf16_length(str(args.get("text") or "")) > limits.MESSAGE_TEXT_TRUNCATED_AT:
            answer |= {"warning": "message_truncated", "response_metadata": {"warnings": ["message_truncated"]}}
        return answer

    def post(self, message: Message) -> None:
        """Show a finished message and announce it."""
        self._world.put(message)
        self._announce({**message_json(self._world, message), "channel": message.channel, "event_ts": message.ts})

    def share(self, channel_id: str, text: str, thread_ts: str | None, files: list[Json]) -> None:
        """A message that carries files."""
        channel = self._member_channel(channel_id)
        message = self._composed(Arguments(text=text, thread_ts=thread_ts), channel)
        message.files = files
        self.post(message)

    def post_ephemeral(self, args: Arguments) -> Json:
        self._scopes.require("chat:write")
        channel = self._member_channel(args.text("channel"))
        user = args.text("user")
        if user not in channel.members:
            raise SlackError("user_not_in_channel")
        message = self._composed(args, channel)
        message.ephemeral_to = user
        # Its documentation: in a thread it is shown only if there is already an active one.
        if message.thread_ts is None or self._world.replies(channel.id, message.thread_ts):
            self._world.put(message)
        return {"message_ts": message.ts}

    def update(self, args: Arguments) -> Json:
        self._scopes.require("chat:write")
        message = self._own_message(args, "cant_update_message")
        if utf16_length(str(args.get("text") or "")) > limits.UPDATE_TEXT:
            raise SlackError("msg_too_long")
        window = self._world.edit_window_seconds
        if window is not None and self._world.now().timestamp() - float(message.ts) > window:
            raise SlackError("edit_window_closed")
        self._rewrite(message, args)
        text, ts, channel = message.text, message.ts, message.channel
        return {"channel": channel, "ts": ts, "text": text, "message": message_json(self._world, message)}

    def delete(self, args: Arguments) -> Json:
        self._scopes.require("chat:write")
        message = self._own_message(args, "cant_delete_message")
        self._announce(self.remove(message))
        return {"channel": message.channel, "ts": message.ts}

    def remove(self, message: Message) -> Json:
        """Take a message away; the event about it, not yet sent. Where replies stay, a tombstone takes its place."""
        before = message_json(self._world, message)
        self._world.remove(message)
        if (left := self._world.messages[message.channel].get(message.ts)) is None:
            return self._hidden("message_deleted", message.channel, deleted_ts=message.ts, previous_message=before)
        changed = message_json(self._world, left)
        return self._hidden("message_changed", message.channel, message=changed, previous_message=before)

    def edit(self, message: Message, text: str) -> Json:
        """A person changes the own message; the event about it, not yet sent."""
        before = message_json(self._world, message)
        message.text = text
        return self._finish_edit(message, before)

    def get_permalink(self, args: Arguments) -> Json:
        channel = self._world.channel(args.text("channel"))
        message = self._world.message(channel.id, args.text("message_ts"))
        link = f"{self._world.site}/archives/{channel.id}/p{message.ts.replace('.', '')}"
        if not message.is_top_level:
            link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
        return {"channel": channel.id, "permalink": link}

    def add_reaction(self, args: Arguments) -> Json:
        self._scopes.require("reactions:write")
        channel = self._member_channel(args.text("channel"))
        message = self._world.message(channel.id, args.text("timestamp"))
        users = message.reactions.setdefault(args.text("name"), [])
        if self._world.bot.id in users:
            raise SlackError("already_reacted")
        users.append(self._world.bot.id)
        self._world.put(message)
        return {}

    def respond(self, target: ResponseUrl, args: Arguments) -> None:
        """What a POST to a response URL does: answer privately unless it says otherwise."""
        original = self._find(target)
        if args.flag("delete_original"):
            if original is not None:
                self._announce_change(original, self.remove(original))
            return
        if args.flag("replace_original") and original is not None:
            self._rewrite(original, args)
            return
        self._answer(target.user, self._world.channel(target.channel), args)

    def answer_command(self, user: str, channel: Channel, answer: Json) -> None:
        """The message in the acknowledgement of a slash command."""
        self._answer(user, channel, Arguments(answer))

    def _answer(self, user: str, channel: Channel, args: Arguments) -> None:
        message = self._composed(args, channel)
        if args.get("response_type") == "in_channel":
            self.post(message)
        else:
            message.ephemeral_to = user
            self._world.put(message)

    def _find(self, target: ResponseUrl) -> Message | None:
        for message in self._world.ephemerals:
            if (message.channel, message.ts) == (target.channel, target.ts):
                return message
        return self._world.messages[target.channel].get(target.ts or "")

    def _member_channel(self, reference: str) -> Channel:
        channel = self._resolve(reference)
        if channel.is_archived:
            raise SlackError("is_archived")
        if self._world.bot.id not in channel.members:
            # A private channel does not show itself to who is not in it.
            raise SlackError("channel_not_found" if channel.is_private else "not_in_channel")
        return channel

    def _resolve(self, reference: str) -> Channel:
        if reference in self._world.people:
            return self._world.open_im(reference)
        name = reference.removeprefix("#")
        named = (channel for channel in self._world.channels.values() if channel.name == name and not channel.is_im)
        return next(named, None) or self._world.channel(reference)

    def _own_message(self, args: Arguments, refusal: str) -> Message:
        channel = self._member_channel(args.text("channel"))
        message = self._world.message(channel.id, args.text("ts"))
        if message.bot_id != self._world.bot_id or message.subtype == "tombstone":
            raise SlackError(refusal)
        return message

    def _contents(self, args: Arguments) -> tuple[str, list[Json], list[Json]]:
        blocks = args.objects("blocks", "invalid_blocks_format")
        attachments = args.objects("attachments", "invalid_attachments")
        require_message(blocks, attachments)
        text = str(args.get("text") or "")
        if not (text.strip() or blocks or attachments):
            raise SlackError("no_text")
        attachments = [
            {**attachment, "blocks": with_ids(self._world, attachment.get("blocks", []))} for attachment in attachments
        ]
        return truncated(text), with_ids(self._world, blocks), attachments

    def _composed(self, args: Arguments, channel: Channel) -> Message:
        text, blocks, attachments = self._contents(args)
        return Message(
            ts=self._world.new_ts(),
            channel=channel.id,
            user=self._world.bot.id,
            bot_id=self._world.bot_id,
            text=text,
            blocks=blocks,
            attachments=attachments,
            thread_ts=self._thread(args, channel),
            metadata=_metadata(args),
        )

    def _thread(self, args: Arguments, channel: Channel) -> str | None:
        thread_ts = args.optional_text("thread_ts")
        if thread_ts is None:
            return None
        parent = self._world.messages[channel.id].get(thread_ts)
        if parent is None:
            raise SlackError("thread_not_found")
        return parent.thread_ts or parent.ts

    def _rewrite(self, message: Message, args: Arguments) -> None:
        """Text without blocks takes the blocks away, as in Slack; metadata stays unless given anew, `{}` removes it."""
        before = message_json(self._world, message)
        message.text, message.blocks, message.attachments = self._contents(args)
        metadata = _metadata(args)
        message.metadata = message.metadata if metadata is None else metadata
        self._announce_change(message, self._finish_edit(message, before))

    def _finish_edit(self, message: Message, before: Json) -> Json:
        message.edited_ts = self._world.new_ts()
        self._world.put(message)
        changed = message_json(self._world, message)
        return self._hidden("message_changed", message.channel, message=changed, previous_message=before)

    def _announce_change(self, message: Message, event: Json) -> None:
        """Nobody but their reader hears of ephemeral messages."""
        if message.ephemeral_to is None:
            self._announce(event)

    def _hidden(self, subtype: str, channel: str, **extra: Any) -> Json:
        ts = self._world.new_ts()
        event = {"type": "message", "subtype": subtype, "hidden": True, "ts": ts, "event_ts": ts}
        return {**event, "channel": channel, **extra}


def _metadata(args: Arguments) -> Json | None:
    metadata = args.nested("metadata", "invalid_metadata_format")
    if metadata is None:
        return None
    if not isinstance(metadata, dict):
        raise SlackError("invalid_metadata_format")
    named = isinstance(metadata.get("event_type"), str) and isinstance(metadata.get("event_payload"), dict)
    if metadata and not named:
        raise SlackError("invalid_metadata_format")
    return metadata
