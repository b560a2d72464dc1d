"""Answers that only the asker sees."""

from typing import Protocol

import aiohttp
import structlog
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.reviewing.people import Reviewer
from bot.slack.messages import SLACK_TROUBLE
from store.messages import Place

log = structlog.get_logger(__name__)


class Asker(Protocol):
    """Whoever did something: where, if it was in a channel, and how else they can be answered."""

    @property
    def reviewer(self) -> Reviewer: ...
    @property
    def place(self) -> Place | None: ...
    @property
    def response_url(self) -> str | None: ...


class PrivateAnswers:
    """An ephemeral message in the channel; where that fails, the click's own response_url; from App Home and modals, a
    direct message.

    In a thread only for who wrote there: a card in a thread is shown in the channel too, and who clicks there does not
    see the thread.
    """

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client

    async def tell(self, asker: Asker, mrkdwn: str, *, thread: str | None = None) -> None:
        """Never raises: a person who cannot be told is a line in the log."""
        user = asker.reviewer.user_id
        try:
            if asker.place is not None:
                await self._client.chat_postEphemeral(
                    channel=asker.place.channel, user=user, text=mrkdwn, thread_ts=thread
                )
                return
            if asker.response_url is None:
                await self._client.chat_postMessage(channel=user, text=mrkdwn)
                return
        except SLACK_TROUBLE as error:
            log.info("slack.ephemeral.failed", error=type(error).__name__)
        await self._respond(asker.response_url, mrkdwn)

    async def _respond(self, response_url: str | None, mrkdwn: str) -> None:
        if response_url is None:
            log.warning("slack.answer.undeliverable")
            return
        try:
            answer = await AsyncWebhookClient(response_url, retry_handlers=[]).send(
                text=mrkdwn, response_type="ephemeral", replace_original=False
            )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            log.warning("slack.answer.undeliverable", error=type(error).__name__)
            return
        if answer.status_code != 200:
            log.warning("slack.answer.undeliverable", status=answer.status_code)
