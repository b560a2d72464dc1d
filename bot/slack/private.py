"""Answers that only the asker sees."""

import aiohttp
import structlog
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.slack.interaction import Click, Shortcut
from bot.slack.messages import SLACK_TROUBLE

log = structlog.get_logger(__name__)


class PrivateAnswers:
    """An ephemeral message in the card's channel; where that fails, the click's own response_url.

    Never in a thread: a card in a thread is shown in the channel too, and who clicks there does not see the thread.
    """

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client

    async def tell(self, click: Click | Shortcut, mrkdwn: str) -> None:
        """Never raises: a person who cannot be told is a line in the log."""
        if click.place is not None:
            try:
                await self._client.chat_postEphemeral(
                    channel=click.place.channel, user=click.reviewer.user_id, text=mrkdwn
                )
            except SLACK_TROUBLE as error:
                log.info("slack.ephemeral.failed", error=type(error).__name__)
            else:
                return
        await self._respond(click, mrkdwn)

    async def _respond(self, click: Click | Shortcut, mrkdwn: str) -> None:
        if click.response_url is None:
            log.warning("slack.answer.undeliverable")
            return
        try:
            answer = await AsyncWebhookClient(click.response_url, retry_handlers=[]).send(
                text=mrkdwn, response_type="ephemeral", replace_original=False
            )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            log.warning("slack.answer.undeliverable", error=type(error).__name__)
            return
        if answer.status_code != 200:
            log.warning("slack.answer.undeliverable", status=answer.status_code)
