"""Answers that only the asker sees."""

from collections.abc import Sequence
from typing import Protocol

import structlog
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.reviewing.people import Reviewer
from bot.slack.blocks import Block
from bot.slack.card import Message
from bot.slack.messages import SLACK_TROUBLE, error_code
from store.messages import Place

log = structlog.get_logger(__name__)

# Rendered texts of so many blocks stay within what Slack takes in one message.
_BLOCKS_EACH = 3


class Asker(Protocol):
    """Whoever did something: where, if it was in a channel, and how else they can be answered."""

    @property
    def reviewer(self) -> Reviewer: ...
    @property
    def place(self) -> Place | None: ...
    @property
    def response_url(self) -> str | None: ...


class PrivateAnswers:
    """An ephemeral message in the channel; where that fails, the click's own response_url; from App Home and modals,
    and where nothing else is left, a direct message.

    In a thread only for who wrote there: a card in a thread is shown in the channel too, and who clicks there does not
    see the thread.
    """

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client

    async def tell(self, asker: Asker, mrkdwn: str, *, thread: str | None = None) -> None:
        """Never raises: a person who cannot be told is a line in the log."""
        if asker.place is not None and await self._whisper(asker.reviewer, asker.place, mrkdwn, thread):
            return
        if asker.response_url is not None and await self._respond(asker.response_url, mrkdwn):
            return
        await self.write_to(asker.reviewer, mrkdwn)

    async def show(self, asker: Asker, message: Message) -> None:
        """As `tell`, for a message with blocks, by the asker's own URL or as a direct message."""
        if asker.response_url is None or not await self._respond(asker.response_url, message.text, message.blocks):
            await self.write_to(asker.reviewer, message.text, message.blocks)

    async def write_to(self, reviewer: Reviewer, mrkdwn: str, blocks: Sequence[Block] = ()) -> None:
        """A direct message, or several for blocks that one does not hold. Never raises either."""
        parts = [blocks[start : start + _BLOCKS_EACH] for start in range(0, len(blocks), _BLOCKS_EACH)] or [()]
        try:
            for part in parts:
                await self._client.chat_postMessage(channel=reviewer.user_id, text=mrkdwn, blocks=part or None)
        except SLACK_TROUBLE as error:
            log.warning("slack.answer.undeliverable", error=error_code(error))

    async def _whisper(self, reviewer: Reviewer, place: Place, mrkdwn: str, thread: str | None) -> bool:
        try:
            await self._client.chat_postEphemeral(
                channel=place.channel, user=reviewer.user_id, text=mrkdwn, thread_ts=thread
            )
        except SLACK_TROUBLE as error:
            log.info("slack.ephemeral.failed", error=error_code(error))
            return False
        return True

    async def _respond(self, response_url: str, mrkdwn: str, blocks: Sequence[Block] | None = None) -> bool:
        try:
            answer = await AsyncWebhookClient(response_url, retry_handlers=[]).send(
                text=mrkdwn, blocks=blocks, response_type="ephemeral", replace_original=False
            )
        except SLACK_TROUBLE as error:
            log.info("slack.response_url.failed", error=type(error).__name__)
            return False
        if answer.status_code != 200:
            log.info("slack.response_url.failed", status=answer.status_code)
            return False
        return True
