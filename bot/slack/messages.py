"""Our messages in Slack: posted with metadata that identifies them, so that a lost one is found again."""

from datetime import datetime, timedelta
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.card import Message
from bot.slack.channels import Channels
from store.messages import Place

log = structlog.get_logger(__name__)

EVENT_TYPE = "hitl_review"
_PAGE = 100
_PAGES = 20

# The machine's clock and Slack's need not agree to the second.
_SKEW = timedelta(seconds=60)

# Deleting: nothing to do, or nothing to be done.
_STAYS = frozenset({"message_not_found", "cant_delete_message", "compliance_exports_prevent_deletion"})


SLACK_TROUBLE = (SlackClientError, aiohttp.ClientError, OSError, TimeoutError)
"""Whatever a call of the Web API may raise: a refusal (SlackApiError), or no answer at all."""


def error_code(error: Exception) -> str:
    """Slack's own word for a refusal; `http_<status>` where the answer was not Slack's usual JSON; where none came, the
    kind of trouble."""
    if not isinstance(error, SlackApiError):
        return type(error).__name__
    # A proxy's error page arrives here too: as text, or as aiohttp's own response.
    data = getattr(error.response, "data", None)
    code = data.get("error") if isinstance(data, dict) else None
    return str(code) if code else f"http_{status_of(error)}"


def status_of(error: SlackApiError) -> int:
    response = error.response
    return int(response.status_code if hasattr(response, "status_code") else response.status)


class LostAnswerError(Exception):
    """Slack answered nothing that says whether the message was posted."""


class Messages:
    def __init__(self, client: AsyncWebClient, channels: Channels) -> None:
        self._client, self._channels = client, channels
        self._bot_id: str | None = None

    async def post(
        self, channel: str, message: Message, key: str, thread: Place | None, *, broadcast: bool = True
    ) -> Place:
        """Posts a message, in a thread where given. Raises SlackApiError or LostAnswerError.

        `key` tells it from all others of ours; `broadcast`: what is said in a thread is shown in the channel too.
        """
        in_thread: dict[str, Any] = {} if thread is None else {"thread_ts": thread.ts, "reply_broadcast": broadcast}
        answer = await self._client.chat_postMessage(
            channel=channel if thread is None else thread.channel,
            text=message.text,
            blocks=message.blocks,
            metadata=_metadata(key),
            mrkdwn=False,
            unfurl_links=False,
            unfurl_media=False,
            **in_thread,
        )
        if not answer.get("ts"):
            raise LostAnswerError
        self._channels.learn(channel, str(answer["channel"]))
        return Place(str(answer["channel"]), str(answer["ts"]))

    async def update(self, place: Place, message: Message, key: str) -> None:
        await self._client.chat_update(
            channel=place.channel,
            ts=place.ts,
            text=message.text,
            blocks=message.blocks,
            metadata=_metadata(key),
        )

    async def delete(self, place: Place) -> None:
        """Removes one too many. One that is gone already is fine, and so is one that the workspace has to keep."""
        try:
            await self._client.chat_delete(channel=place.channel, ts=place.ts)
            log.info("message.deleted", channel=place.channel, ts=place.ts)
        except SlackApiError as error:
            if error_code(error) not in _STAYS:
                raise

    async def find(self, channel: str, key: str, since: datetime, thread: Place | None) -> list[Place]:
        """Our messages of this key, oldest first, posted after `since`. [] too where no such channel can be read."""
        channel_id = thread.channel if thread is not None else await self._channels.id_of(channel)
        if channel_id is None:
            return []
        oldest = str((since - _SKEW).timestamp())
        found: list[Place] = []
        own = await self._own_bot_id()
        cursor = ""
        for _ in range(_PAGES):
            answer = await self._page(channel_id, oldest, thread, cursor)
            found += [
                Place(channel_id, str(message["ts"]))
                for message in answer["messages"]
                if message.get("bot_id") == own and _is(message, key)
            ]
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                break
        return sorted(found, key=lambda place: place.ts)

    async def _own_bot_id(self) -> str:
        """Whose messages are ours: other apps may write the same metadata."""
        if self._bot_id is None:
            self._bot_id = str((await self._client.auth_test())["bot_id"])
        return self._bot_id

    async def _page(self, channel_id: str, oldest: str, thread: Place | None, cursor: str) -> Any:
        if thread is None:
            return await self._client.conversations_history(
                channel=channel_id, oldest=oldest, limit=_PAGE, cursor=cursor, include_all_metadata=True
            )
        return await self._client.conversations_replies(
            channel=channel_id, ts=thread.ts, oldest=oldest, limit=_PAGE, cursor=cursor, include_all_metadata=True
        )


def _metadata(key: str) -> dict[str, Any]:
    return {"event_type": EVENT_TYPE, "event_payload": {"message": key}}


def _is(message: dict[str, Any], key: str) -> bool:
    metadata = message.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    return metadata.get("event_type") == EVENT_TYPE and payload.get("message") == key
