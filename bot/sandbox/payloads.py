"""World objects as Slack's API and events write them."""

import json
import re
from typing import Any

from bot.sandbox import limits
from bot.sandbox.blocks import interactive_elements
from bot.sandbox.errors import SlackError
from bot.sandbox.world import Channel, Message, Person, StoredFile, World

Json = dict[str, Any]
_MENTION = re.compile(r"(<@[UW][A-Z0-9]+>|<#C[A-Z0-9]+>|<![a-z]+>)")


def message_json(world: World, message: Message, *, with_metadata: bool = False) -> Json:
    shown: Json = {"type": "message", "user": message.user, "ts": message.ts, "text": message.text}
    shown["team"] = world.team_of(message.user)
    if message.bot_id is not None:
        shown |= {"bot_id": message.bot_id, "app_id": world.app_id}
    for name in ("subtype", "username", "thread_ts", "blocks", "attachments", "files"):
        if value := getattr(message, name):
            shown[name] = value
    if message.reactions:
        shown["reactions"] = [
            {"name": name, "users": users, "count": len(users)} for name, users in message.reactions.items()
        ]
    if message.edited_ts:
        shown["edited"] = {"user": message.user, "ts": message.edited_ts}
    replies = world.replies(message.channel, message.ts)
    if replies:
        users = list(dict.fromkeys(reply.user for reply in replies))
        shown |= {"reply_count": len(replies), "reply_users": users, "reply_users_count": len(users)}
        shown["latest_reply"] = replies[-1].ts
    elif message.thread_ts not in (None, message.ts):
        parent = world.messages[message.channel].get(message.thread_ts or "")
        shown["parent_user_id"] = parent.user if parent else "USLACKBOT"
    if with_metadata and message.metadata:
        shown["metadata"] = message.metadata
    # A copy: what the app does with its answer must not change the world.
    copied: Json = json.loads(json.dumps(shown))
    return copied


def channel_json(world: World, channel: Channel) -> Json:
    shown: Json = {
        "id": channel.id,
        "name": channel.name,
        "is_channel": not channel.is_im and not channel.is_private,
        "is_group": channel.is_private,
        "is_im": channel.is_im,
        "is_private": channel.is_private or channel.is_im,
        "is_archived": channel.is_archived,
        "is_member": world.bot.id in channel.members,
        "num_members": len(channel.members),
        "topic": {"value": channel.topic, "creator": "", "last_set": 0},
        "context_team_id": world.team_id,
    }
    if channel.is_im:
        shown["user"] = channel.user
    return shown


def person_json(world: World, person: Person) -> Json:
    shown: Json = {
        "id": person.id,
        "team_id": world.team_of(person.id),
        "name": person.name,
        "real_name": person.real_name,
        "color": person.color.lstrip("#"),
        "deleted": person.deleted,
        "is_bot": person.is_bot,
        "is_restricted": person.is_restricted,
        "is_ultra_restricted": person.is_ultra_restricted,
        "is_stranger": person.is_stranger,
        "tz": "Etc/UTC",
        "profile": {"real_name": person.real_name, "display_name": person.name, "team": world.team_of(person.id)},
    }
    if person.enterprise_id is not None:
        teams = [world.team_of(person.id)]
        shown["enterprise_user"] = {"id": person.id, "enterprise_id": person.enterprise_id, "teams": teams}
    return shown


def file_json(world: World, file: StoredFile, *, ready: bool) -> Json:
    """`mimetype` is empty while Slack still looks at an upload."""
    return {
        "id": file.id,
        "name": file.name,
        "title": file.title,
        "size": file.length,
        "alt_txt": file.alt_text,
        "mimetype": file.mimetype if ready else "",
        "url_private": f"{world.site}/files/{file.id}",
        "user": world.bot.id,
    }


def with_ids(world: World, blocks: list[Json]) -> list[Json]:
    """A copy in which every block has a `block_id` and every interactive element an `action_id`, made up if need be.

    Images that name an uploaded file get its address; a file that is not there or not looked at yet is refused.
    """
    copied: list[Json] = json.loads(json.dumps(blocks))
    for block in copied:
        block.setdefault("block_id", world.new_id("b"))
        for image in [block, block.get("accessory", {}), *_listed(block)]:
            if "slack_file" in image:
                _resolve_file(world, image["slack_file"])
        for element in interactive_elements(block):
            element.setdefault("action_id", world.new_id("a"))
    return copied


def _listed(block: Json) -> list[Json]:
    return block["elements"] if block["type"] == "context" else []


def _resolve_file(world: World, reference: Json) -> None:
    by_url = (file.id for file in world.files.values() if reference.get("url") == f"{world.site}/files/{file.id}")
    file = world.files.get(reference.get("id") or next(by_url, ""))
    if file is None or not world.is_ready(file):
        raise SlackError("invalid_blocks", messages=["[ERROR] invalid slack file"])
    reference["url"] = f"{world.site}/files/{file.id}"


def truncated(text: str) -> str:
    """At most 40,000 characters, as Slack keeps them."""
    kept = text.encode("utf-16-le", "surrogatepass")[: 2 * limits.MESSAGE_TEXT_TRUNCATED_AT]
    return kept.decode("utf-16-le", "ignore")


def as_typed(text: str) -> str:
    """What a person typed, as Slack hands it to an app: `&`, `<`, `>` escaped, chosen mentions kept."""
    parts = _MENTION.split(text)
    return "".join(
        part if _MENTION.fullmatch(part) else part.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        for part in parts
    )
