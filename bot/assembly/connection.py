"""The connection to a Slack workspace, and what is asked of it directly."""

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import Clock
from bot.slack.channels import Channels
from bot.slack.messages import Messages
from bot.slack.people import SlackMembership
from bot.slack.uploads import Uploads

_TIMEOUT = 10
"""Seconds."""


class Connection:
    def __init__(self, token: str, api_url: str, clock: Clock) -> None:
        self.client = AsyncWebClient(
            token=token,
            base_url=api_url,
            timeout=_TIMEOUT,
            # A lost answer must be looked for, not posted again: nothing is retried behind our back.
            retry_handlers=[],
        )
        channels = Channels(self.client, clock)
        self.messages = Messages(self.client, channels)
        self.membership = SlackMembership(self.client, clock, channels)
        self.uploads = Uploads(self.client, clock)

    async def open(self) -> None:
        self.client.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT))

    async def close(self) -> None:
        if self.client.session is not None:
            await self.client.session.close()
