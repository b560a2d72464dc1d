from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.server import Sandbox
from tests.bot.sandbox.receiver import Receiver
from tests.support.clock import ManualClock
from tests.support.slack_entries import ENTRIES

Json = dict[str, Any]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def sandbox(clock: ManualClock) -> AsyncIterator[Sandbox]:
    sandbox = Sandbox(clock, entries=ENTRIES)
    await sandbox.start()
    yield sandbox
    await sandbox.stop()


@pytest.fixture
def slack(sandbox: Sandbox) -> AsyncWebClient:
    return AsyncWebClient(sandbox.bot_token, base_url=sandbox.api_url, retry_handlers=[])


@pytest.fixture
async def app(clock: ManualClock, sandbox: Sandbox) -> AsyncIterator[Receiver]:
    """The app under the sandbox's fire: keeps what it gets and answers as the test says."""
    receiver = Receiver(clock)
    await receiver.start()
    sandbox.connect(receiver.url)
    yield receiver
    sandbox.connect(None)
    await receiver.stop()
