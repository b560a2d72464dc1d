"""A long story in simulated time: the sandbox, a sender and the clock it shares with it."""

import asyncio

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.demo_world import REVIEW
from bot.sandbox.server import Sandbox
from tests.support.clock import START, ManualClock


@pytest.mark.parametrize("cards", [100, pytest.param(1000, marks=pytest.mark.long)])
async def test_cards_at_one_a_second(sandbox: Sandbox, clock: ManualClock, cards: int) -> None:
    async with asyncio.timeout(60):
        slack = AsyncWebClient(sandbox.bot_token, base_url=sandbox.api_url, retry_handlers=[])

        async def send() -> None:
            for number in range(cards):
                await slack.chat_postMessage(channel=REVIEW, text=f"card {number}")
                await clock.sleep(1)

        sender = asyncio.create_task(send())
        await clock.run_until(sender.done)
    assert len(sandbox.messages(REVIEW)) == cards
    assert {call.outcome for call in sandbox.calls} == {"ok"}
    assert (clock.now() - START).total_seconds() == cards
